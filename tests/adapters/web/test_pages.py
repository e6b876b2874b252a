"""Whatever stands in a name or a password, the page shows it and runs none of it."""

import html
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keylease.adapters.web.pages import WebPages
from keylease.domain.access import Product
from keylease.domain.secret import Secret
from keylease.ports.accounts import Endpoint
from keylease.ports.handover import Gone, Offer, Page, Shown, Spent, Why

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>\"&{{ 7*7 }}"
SHOWN = Shown(
    product=Product.REDIS,
    target="cache-demo",
    instance_id="r-demo0001",
    username="kl1",
    password=Secret("Canary-1"),
    endpoints=(Endpoint("vpc", "r-demo0001.redis.example.com", 6379),),
    ends_at=NOW,
    request_id="req-1",
)


@pytest.mark.parametrize(
    "page",
    [
        WebPages().offer(Offer(HOSTILE, NOW)),
        WebPages().spent(Spent(HOSTILE, HOSTILE, NOW, HOSTILE)),
        WebPages().gone(Gone(Why.LATE, HOSTILE)),
        WebPages().gone(Gone(Why.OVER, HOSTILE)),
        WebPages().shown(replace(SHOWN, username=HOSTILE, password=Secret(HOSTILE))),
        WebPages().shown(replace(SHOWN, target=HOSTILE, endpoints=(Endpoint("vpc", HOSTILE, 1),))),
    ],
)
def test_markup_in_a_value_is_shown_and_not_obeyed(page: Page) -> None:
    text = page.body.decode()

    assert "<script" not in text
    assert "49" not in text.split("</style>")[1]
    assert html.escape(HOSTILE, quote=False).split("'")[0] in text


def test_a_page_loads_nothing_and_runs_nothing() -> None:
    for page in (WebPages().offer(Offer("t", NOW)), WebPages().shown(SHOWN)):
        text = page.body.decode()

        assert "<script" not in text
        assert "http://" not in text
        assert "https://" not in text
        assert "style=" not in text


def test_without_addresses_the_page_says_where_to_look() -> None:
    text = WebPages().shown(replace(SHOWN, endpoints=())).body.decode()

    assert "r-demo0001" in text
    assert "redis-cli -h HOST -p PORT" in text


def test_the_end_is_written_in_the_configured_time_zone() -> None:
    text = WebPages(time_zone="Asia/Shanghai").shown(SHOWN).body.decode()

    assert "2026-01-01 08:00 CST" in text


def test_a_rotated_password_has_no_end_and_nothing_to_release() -> None:
    text = WebPages().shown(replace(SHOWN, ends_at=None, request_id=None)).body.decode()

    assert "Works until" not in text
    assert "/access release" not in text


def test_a_pages_repr_does_not_show_what_is_on_it() -> None:
    page = WebPages().shown(SHOWN)

    assert "Canary-1" in page.body.decode()
    assert "Canary-1" not in f"{page!r}{SHOWN!r}"


@pytest.mark.parametrize(("why", "status"), [(Why.UNKNOWN, 404), (Why.LATE, 410), (Why.OVER, 410)])
def test_a_link_that_leads_nowhere_has_a_fitting_status(why: Why, status: int) -> None:
    assert WebPages().gone(Gone(why, "req-1")).status == status
