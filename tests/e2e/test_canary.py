"""The canary scan: after a whole run with faults, no secret stands anywhere but where it must."""

import base64
import io
import json
import logging
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote

import pytest
import structlog

from keylease.adapters.files.catalog import load_catalog
from keylease.cli.demo_stage import STANDING
from keylease.domain.access import Target
from keylease.domain.events import RotationDue
from keylease.domain.outcome import Outcome
from keylease.emulator import FaultKind, FaultPlan
from keylease.ports.accounts import Accounts
from keylease.runtime.logging import configure_logging
from tests.e2e.playing import ANA, BO, Play, eventually, playing

SAME_SITE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged, at the most talkative level."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure_logging(level="debug", stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def spellings(secret: str) -> tuple[str, ...]:
    """Forms in which a secret could stand somewhere."""
    raw = secret.encode()
    whole = base64.b64encode(raw).decode().rstrip("=")
    return (secret, quote(secret, safe=""), raw.hex(), whole, json.dumps(secret)[1:-1])


def found_in(place: bytes, secrets: dict[str, str], /) -> list[str]:
    """Names of the secrets that stand there."""
    return [
        name
        for name, secret in secrets.items()
        if any(one.encode() in place for one in spellings(secret))
    ]


async def shown(play: Play, link: str) -> tuple[str, str]:
    async with play.session.post(link, headers=SAME_SITE) as response:
        page = await response.text()
    username, password, *_ = re.findall(r'<code class="value">([^<]*)</code>', page)
    return unescape(username), unescape(password)


async def run_through(play: Play) -> dict[str, str]:
    """Leases on both products, a rotation, refusals, faults, an alarm; returns every secret."""
    faults = play.stage.emulator.faults
    faults.plan(
        FaultPlan(operation="CreateInstanceAccount", kind=FaultKind.LOST_RESPONSE),
        FaultPlan(operation="CreateAccount", kind=FaultKind.LOST_RESPONSE),
        FaultPlan(operation="ResetAccountPassword", kind=FaultKind.TRUNCATED_JSON),
    )
    mq = await play.asks("orders-consumer for 5m because canary")
    mq_link = await play.link_to(ANA, mq, "is active")
    _, mq_password = await shown(play, mq_link)
    await play.slack.types(ANA, f"release {mq}")
    cache = await play.asks("cache-reader for 5m because canary")
    await play.slack.presses(BO, await play.button_of(BO, "access_approve"))
    cache_link = await play.link_to(ANA, cache, "is active")
    username, cache_password = await shown(play, cache_link)
    async with play.session.post(cache_link, headers=SAME_SITE) as again:
        assert again.status == 410
    await _failing_calls(play, username=username)
    await play.slack.types(ANA, f"release {cache}")
    await play.told(ANA, cache, "ended")
    due = RotationDue(account_id=f"cache-demo/{STANDING}", asked_by="bo")
    await play.served.keylease.process.commits.commit(Outcome(events=(due,)))
    rotation_link = await play.link_to(BO, STANDING, "new password")
    _, rotated_password = await shown(play, rotation_link)
    await play.told(BO, STANDING, "was shown")  # the message no longer holds the link
    given = play.stage.variables.items()
    return {
        **{name: secret for name, secret in given if name.startswith("DEMO_")},
        "standing password": play.stage.standing_password.reveal(),
        "rocketmq password": mq_password,
        "redis password": cache_password,
        "rotated password": rotated_password,
        "rotation claim token": rotation_link.rpartition("/")[2],
        "rocketmq claim token": mq_link.rpartition("/")[2],
        "redis claim token": cache_link.rpartition("/")[2],
    }


async def _failing_calls(play: Play, *, username: str) -> None:
    """Exceptions on their way through the log: a crash while a secret is at hand."""
    accounts = await play.served.keylease.parts.get(Accounts)
    log = structlog.get_logger()
    secret = play.stage.standing_password
    (target,) = [one for one in _targets(play) if one.id == "cache-demo"]
    try:
        await accounts.set_password(target, username=username, password=secret)
    except Exception:  # whatever the planned fault makes of it
        log.exception("test.failed", password=secret, url=f"https://x/?Password={secret.reveal()}")


def _targets(play: Play) -> tuple[Target, ...]:
    return load_catalog(play.stage.folder / "catalog.yaml").targets()


async def test_no_secret_stands_anywhere_but_in_the_one_message(logs: io.StringIO) -> None:
    async with playing() as play:
        secrets = await run_through(play)
        await eventually(lambda: len(play.stage.receiver.events) > 10)
        audit = [one.model_dump_json() for one in await play.served.keylease.store.audit()]
        events = json.dumps(play.stage.receiver.events)
        calls = repr(play.stage.receiver.calls)
        messages = json.dumps([one.shown() for one in play.stage.slack.messages])
        journal = repr(play.stage.emulator.journal.entries)
        database = play.stage.folder / "keylease.db"
        pages = b"".join(path.read_bytes() for path in database.parent.glob("keylease.db*"))

    places = {
        "log": logs.getvalue(),
        "audit": "\n".join(audit),
        "events": events,
        "webhook calls": calls,
        "messages": messages,
        "journal of the cloud": journal,
    }
    leaks = {name: found_in(text.encode(), secrets) for name, text in places.items()}
    assert {name: leaked for name, leaked in leaks.items() if leaked} == {}
    assert found_in(pages, secrets) == []
    assert "test.failed" in logs.getvalue()
    assert len(audit) > 5


async def test_the_claim_token_stands_in_one_direct_message_until_it_is_used() -> None:
    async with playing() as play:
        request_id = await play.asks("orders-consumer for 5m because canary")
        link = await play.link_to(ANA, request_id, "is active")
        token = link.rpartition("/")[2]

        holding = [one for one in play.stage.slack.messages if token in json.dumps(one.blocks)]
        await shown(play, link)
        await eventually(
            lambda: not any(token in json.dumps(one.blocks) for one in play.stage.slack.messages)
        )

        assert [one.channel for one in holding] == [f"D{ANA[1:]}"]
        assert token not in holding[0].text


def test_the_scan_itself_finds_a_secret_in_every_spelling() -> None:
    secrets = {"it": 'sec"ret/1'}

    for spelling in spellings(secrets["it"]):
        assert found_in(f"<<{spelling}>>".encode(), secrets) == ["it"]
    assert found_in(b"nothing here", secrets) == []
