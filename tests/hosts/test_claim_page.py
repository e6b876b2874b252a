"""GET burns nothing, POST shows once, strangers learn nothing, and no log holds the link."""

import base64
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import structlog
from aiohttp import ClientResponse, ClientSession
from structlog.testing import capture_logs

from keylease.adapters.memory.secrets import MemorySecrets
from tests.support.claim_site import claim_site
from tests.support.handover import PASSWORD, Handover

OURS = {"Sec-Fetch-Site": "same-origin"}


@asynccontextmanager
async def visiting(scene: Handover) -> AsyncIterator[ClientSession]:
    async with claim_site(scene) as site, ClientSession(site) as client:
        yield client


async def offered() -> tuple[Handover, str]:
    scene = Handover()
    await scene.lease()
    return scene, (await scene.token()).reveal()


async def page(response: ClientResponse) -> tuple[int, str]:
    async with response:
        return response.status, await response.text()


async def test_get_and_head_burn_nothing_however_often_a_preview_bot_comes() -> None:
    scene, token = await offered()
    async with visiting(scene) as client:
        for _ in range(5):
            status, text = await page(await client.get(f"/claim/{token}"))
            head, empty = await page(await client.head(f"/claim/{token}"))

    assert (status, head, empty) == (200, 200, "")
    assert PASSWORD not in text
    assert 'method="post"' in text
    assert (await scene.credential()).claimed_at is None
    assert await scene.said() == []


async def test_a_post_shows_it_and_the_next_one_says_when_that_was() -> None:
    scene, token = await offered()
    async with visiting(scene) as client:
        first = await page(await client.post(f"/claim/{token}", headers=OURS))
        second = await page(await client.post(f"/claim/{token}", headers=OURS))

    assert first[0] == 200
    assert PASSWORD in first[1]
    assert second[0] == 410
    assert "was shown on <b>2026-01-01 00:00 UTC</b>" in second[1]
    assert PASSWORD not in second[1]


async def test_pages_are_guarded_by_strict_headers() -> None:
    scene, token = await offered()
    async with visiting(scene) as client, client.get(f"/claim/{token}") as response:
        headers, text = response.headers, await response.text()

    found = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert found is not None
    style = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["Cache-Control"] == "no-store, max-age=0"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Set-Cookie" not in headers


async def test_the_page_with_the_password_has_the_same_guard_as_every_other() -> None:
    scene, token = await offered()
    guards = []
    async with visiting(scene) as client:
        for path, method in [(token, "GET"), (token, "POST"), (token, "POST"), ("x", "GET")]:
            async with client.request(method, f"/claim/{path}", headers=OURS) as response:
                skipped = {"Content-Length", "Date"}
                guards.append({k: v for k, v in response.headers.items() if k not in skipped})

    assert guards[0] == guards[1] == guards[2] == guards[3]


@pytest.mark.parametrize("path", ["guess", "x" * 128, "x" * 5000, "a/b", "", "%00", "%E2%82%AC"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_link_that_leads_nowhere_gets_the_same_page(path: str, method: str) -> None:
    scene, _ = await offered()
    old = (await scene.token()).reveal()
    await scene.token()
    async with visiting(scene) as client:
        replaced = await page(await client.get(f"/claim/{old}"))
        unknown = await page(await client.request(method, f"/claim/{path}", headers=OURS))

    assert unknown == replaced
    assert unknown[0] == 404


async def test_a_late_link_says_how_to_get_a_new_one() -> None:
    scene, token = await offered()
    scene.clock.advance(timedelta(minutes=15))
    async with visiting(scene) as client:
        status, text = await page(await client.post(f"/claim/{token}", headers=OURS))

    assert status == 410
    assert "/access claim req-lease-1" in text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "garbage"},
    ],
)
async def test_another_site_cannot_press_the_button(headers: dict[str, str]) -> None:
    scene, token = await offered()
    async with visiting(scene) as client:
        status, text = await page(await client.post(f"/claim/{token}", headers=headers))

    assert status == 403
    assert PASSWORD not in text
    assert (await scene.credential()).claimed_at is None


@pytest.mark.parametrize("origin", ["null", "own", None])
async def test_an_older_browser_is_known_by_its_origin(origin: str | None) -> None:
    scene, token = await offered()
    async with claim_site(scene) as site, ClientSession(site) as client:
        headers = {"Origin": site if origin == "own" else origin} if origin else {}
        status, _ = await page(await client.post(f"/claim/{token}", headers=headers))

    assert status == 200


async def test_a_seal_that_does_not_open_shows_nothing_and_burns_nothing() -> None:
    scene, token = await offered()
    scene.secrets = MemorySecrets(key_ids=("other",))
    async with visiting(scene) as client:
        status, text = await page(await client.post(f"/claim/{token}", headers=OURS))

    assert status == 503
    assert "nothing is lost" in text
    assert (await scene.credential()).claimed_at is None


async def test_neither_the_link_nor_the_password_is_in_any_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    structlog.reset_defaults()
    caplog.set_level(logging.DEBUG)
    scene, token = await offered()
    with capture_logs() as logs:
        async with visiting(scene) as client:
            await page(await client.get(f"/claim/{token}"))
            await page(await client.post(f"/claim/{token}", headers={"Origin": "https://evil"}))
            await page(await client.post(f"/claim/{token}", headers=OURS))
            await page(await client.post(f"/claim/{token}", headers=OURS))

    lines = f"{logs}{caplog.text}"
    assert [entry["event"] for entry in logs] == [
        "claim.elsewhere",
        "claim.answered",
        "claim.answered",
    ]
    assert token not in lines
    assert PASSWORD not in lines


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_do_nothing(method: str) -> None:
    scene, token = await offered()
    async with visiting(scene) as client:
        status, _ = await page(await client.request(method, f"/claim/{token}", headers=OURS))

    assert status == 405
    assert (await scene.credential()).claimed_at is None
