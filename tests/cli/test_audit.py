"""The audit log as a person asks for it: by request, lease, account or target, and by time."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue

from keylease.domain.account import Account, AccountKind
from keylease.domain.audit import AuditEntry
from keylease.domain.lease import Lease
from keylease.ports.store import Batch
from keylease.runtime.settings import read_settings
from keylease.runtime.wiring import running
from tests.cli.running import Shell
from tests.support import build

LATER = timedelta(minutes=1)
SAID: tuple[tuple[str, str, dict[str, JsonValue]], ...] = (
    ("req-lease-1", "request.submitted", {"source": "slack"}),
    ("rmq-demo/kl1", "account.intended", {"leases": ["lease-1"], "steps": ["create", "allow"]}),
    ("rmq-demo/kl1", "account.intended", {"leases": ["lease-2"]}),
    ("req-lease-1", "lease.active", {"lease": "lease-1", "problem": None}),
    ("req-other", "request.denied", {}),
)
"""A minute apart, from 2026-01-01 00:00 UTC on."""


async def keep(shell: Shell) -> None:
    """One lease on one account, and what was said of them."""
    entries = tuple(
        AuditEntry(at=build.NOW + n * LATER, action=action, subject=subject, actor="ana", detail=d)
        for n, (subject, action, d) in enumerate(SAID)
    )
    lease: Lease = build.lease()
    account: Account = build.account(lock=None)
    assert account.account_kind is AccountKind.DEDICATED
    records = (lease, account, build.request("req-lease-1", lease_id="lease-1"))
    async with running(read_settings(shell.folder / "keylease.yaml"), functions=()) as keylease:
        # Stored in another order than the time's, as two processes may.
        await keylease.store.commit(Batch(records=records, audit=entries[::-1]))


@pytest.fixture
def told(shell: Shell) -> Shell:
    with asyncio.Runner() as runner:
        runner.run(keep(shell))
    return shell


def minutes(shell: Shell, *words: str) -> list[int]:
    """At which minutes that happened which is shown."""
    said = shell.types("audit", *words, "--json")
    assert (said.code, said.err) == (0, "")
    return [datetime.fromisoformat(one["at"]).minute for one in json.loads(said.out)]


@pytest.mark.parametrize(
    ("about", "shown"),
    [
        ("req-lease-1", [0, 1, 3]),
        ("lease-1", [0, 1, 3]),
        ("rmq-demo/kl1", [0, 1, 2, 3]),
        ("rmq-demo", [0, 1, 2, 3]),
        ("req-other", [4]),
    ],
)
def test_each_shows_what_led_to_it_and_what_came_of_it_oldest_first(
    told: Shell, about: str, shown: list[int]
) -> None:
    assert minutes(told, about) == shown


def test_both_ends_of_a_time_belong_to_it(told: Shell) -> None:
    since = ("--since", "2026-01-01T00:01Z")

    assert minutes(told, "rmq-demo", *since) == [1, 2, 3]
    assert minutes(told, "rmq-demo", *since, "--until", "2026-01-01T00:02") == [1, 2]
    assert minutes(told, "rmq-demo", "--until", "2026-01-01T08:01+08:00") == [0, 1]


def test_a_time_may_be_said_as_how_long_ago(told: Shell) -> None:
    age = datetime.now(UTC) - build.NOW - timedelta(minutes=2)  # noqa: TID251  # what a person's clock shows

    assert minutes(told, "rmq-demo", "--since", f"{int(age.total_seconds()) + 30}s") == [2, 3]


def test_a_person_reads_one_line_per_entry(told: Shell) -> None:
    said = told.types("audit", "lease-1")

    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "2026-01-01 00:00:00Z  request.submitted  req-lease-1  ana  source=slack",
        (
            "2026-01-01 00:01:00Z  account.intended  rmq-demo/kl1  ana  leases=lease-1  "
            "steps=create; allow"
        ),
        "2026-01-01 00:03:00Z  lease.active  req-lease-1  ana  lease=lease-1",
    ]


def test_an_empty_time_says_so(told: Shell) -> None:
    said = told.types("audit", "lease-1", "--until", "2025-01-01")

    assert (said.code, said.out) == (0, "nothing in that time\n")


def test_what_the_log_does_not_know_exits_with_3(shell: Shell) -> None:
    said = shell.types("audit", "req-nothing")

    assert said.code == 3
    assert said.err == "keylease: the audit log says nothing about 'req-nothing'\n"


def test_a_wrong_time_says_how_to_write_it(shell: Shell) -> None:
    said = shell.types("audit", "req-1", "--since", "yesterday")

    assert said.code == 2
    assert said.err == (
        "keylease: --since: 'yesterday' is no time; write it like 2026-01-31T08:00Z, "
        "or 2h for two hours ago\n"
    )


async def enroll(shell: Shell) -> None:
    """As the first sweep does."""
    account = build.standing(target_id="cache-demo", username="svc_cache", lock=None)
    async with running(read_settings(shell.folder / "keylease.yaml"), functions=()) as keylease:
        await keylease.store.commit(Batch(records=(account,)))


def test_a_rotation_that_is_asked_for_here_says_that_it_was_here(shell: Shell) -> None:
    with asyncio.Runner() as runner:
        runner.run(enroll(shell))

    shell.types("rotate", "cache-demo/svc_cache", "--as", "bo")

    (entry,) = json.loads(shell.types("audit", "cache-demo/svc_cache", "--json").out)
    assert (entry["action"], entry["actor"]) == ("rotation.asked", "bo")
    assert entry["detail"]["source"] == "cli"
