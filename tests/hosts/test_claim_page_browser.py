"""The claim page in a real browser: a phone, no scripts, light and dark."""

from pathlib import Path

import pytest

from keylease.adapters.memory.accounts import MemoryCloud
from keylease.domain.access import Target
from keylease.ports.accounts import Endpoint
from tests.support import build
from tests.support.browser import Tab, browsing
from tests.support.claim_site import claim_site
from tests.support.handover import PASSWORD, Handover

ENDPOINTS = (
    Endpoint("internet", "rmq-cn-demo0001.cn-hangzhou.rmq.example.com", 8080),
    Endpoint("vpc", "rmq-cn-demo0001-vpc.cn-hangzhou.rmq.example.com", 8080),
)


async def offered(target: Target = build.ROCKETMQ) -> tuple[Handover, str]:
    scene = Handover()
    hosts = {target.instance_id: ENDPOINTS}
    scene.accounts = MemoryCloud(scene.clock, hosts=hosts)
    await scene.lease()
    return scene, (await scene.token()).reveal()


async def overflow(tab: Tab) -> int:
    """Pixels that stick out to the right."""
    return int(
        await tab.read("document.documentElement.scrollWidth-document.documentElement.clientWidth")
    )


async def test_a_person_claims_on_a_phone_without_scripts(chromium: str, tmp_path: Path) -> None:
    scene, token = await offered()
    async with claim_site(scene) as site, browsing(chromium, profile=tmp_path) as tab:
        await tab.open(f"{site}/claim/{token}")
        first = await tab.text()
        assert (await scene.credential()).claimed_at is None

        await tab.click("button")
        second = await tab.text()

    assert "It is shown once." in first
    assert PASSWORD not in first
    assert PASSWORD in second
    assert "accessKey=kl1" in second
    assert "endpoints=rmq-cn-demo0001-vpc.cn-hangzhou.rmq.example.com:8080" in second
    assert tab.complaints == []
    assert {url.removeprefix(site) for url in tab.requests} == {f"/claim/{token}"}


async def test_a_second_visit_says_when_the_first_was(chromium: str, tmp_path: Path) -> None:
    scene, token = await offered()
    async with claim_site(scene) as site, browsing(chromium, profile=tmp_path) as tab:
        await tab.open(f"{site}/claim/{token}")
        await tab.click("button")
        await tab.open(f"{site}/claim/{token}")
        text = await tab.text()

    assert "was shown on 2026-01-01 00:00 UTC" in text
    assert "/access release req-lease-1" in text
    assert PASSWORD not in text


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_nothing_sticks_out_at_any_width(chromium: str, tmp_path: Path, width: int) -> None:
    scene, token = await offered()
    async with (
        claim_site(scene) as site,
        browsing(chromium, profile=tmp_path, width=width) as tab,
    ):
        await tab.open(f"{site}/claim/{token}")
        assert await overflow(tab) == 0
        height = await tab.read("document.querySelector('button').getBoundingClientRect().height")

        await tab.click("button")
        assert await overflow(tab) == 0
        await tab.open(f"{site}/claim/{token}")
        assert await overflow(tab) == 0

    assert height >= 48


async def test_in_the_dark_the_page_is_dark(chromium: str, tmp_path: Path) -> None:
    scene, token = await offered()
    async with (
        claim_site(scene) as site,
        browsing(chromium, profile=tmp_path, is_dark=True) as tab,
    ):
        await tab.open(f"{site}/claim/{token}")
        ground = await tab.read("getComputedStyle(document.body).backgroundColor")

    assert ground == "rgb(13, 17, 23)"
    assert tab.complaints == []
