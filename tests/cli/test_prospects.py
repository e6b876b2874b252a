"""What a script learns of its word at once: whether it counts, and why not."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from keylease.runtime.settings import read_settings
from keylease.runtime.wiring import Keylease, running
from tests.cli.running import Shell

T = TypeVar("T")
FUNCTIONS = frozenset({"decide", "review", "release"})


def asked(shell: Shell) -> str:
    said = shell.types(
        "request", "cache-reader", "--as", "ana", "--for", "5m", "--because", "INC-1", "--json"
    )
    return str(json.loads(said.out)["request_id"])


def at_work(shell: Shell, work: Callable[[Keylease], Awaitable[T]], /) -> T:
    async def once() -> T:
        settings = read_settings(shell.folder / "keylease.yaml")
        async with running(settings, functions=FUNCTIONS) as keylease:
            return await work(keylease)

    with asyncio.Runner() as runner:
        return runner.run(once())


async def deliver_all(keylease: Keylease) -> None:
    """What `keylease serve` would do, as far as the cloud and chat have no part in it."""
    for parcel in await keylease.store.parcels(before=keylease.clock.now(), limit=50):
        if parcel.outgoing.destination.removeprefix("function:") in FUNCTIONS:
            await keylease.process.deliver(parcel)


@pytest.fixture
def waiting(shell: Shell) -> str:
    """A request that waits for somebody to approve it."""
    id_ = asked(shell)
    at_work(shell, deliver_all)
    return id_


def test_ones_own_approval_is_refused_at_once(shell: Shell, waiting: str) -> None:
    said = shell.types("approve", waiting, "--as", "ana")
    as_json = shell.types("approve", waiting, "--as", "ana", "--json")

    assert (said.code, said.out) == (1, "")
    assert said.err == f"keylease: {waiting}: nobody reviews their own request\n"
    assert as_json.code == 1
    assert json.loads(as_json.out)["refused"] is True


def test_an_approval_that_counts_is_noted_and_may_be_repeated(shell: Shell, waiting: str) -> None:
    first = shell.types("approve", waiting, "--as", "bo")
    at_work(shell, deliver_all)
    again = shell.types("approve", waiting, "--as", "bo")

    assert (first.code, first.out) == (0, f"{waiting}: your word is noted.\n")
    assert (again.code, again.out) == (0, f"{waiting}: your word counts already\n")


def test_a_word_that_comes_too_late_exits_with_4(shell: Shell, waiting: str) -> None:
    shell.types("approve", waiting, "--as", "bo")
    at_work(shell, deliver_all)

    said = shell.types("deny", waiting, "--as", "bo")

    assert said.code == 4
    assert said.err == f"keylease: {waiting}: the request is already approved\n"


def test_a_word_before_the_policy_answered_says_to_try_again(shell: Shell) -> None:
    id_ = asked(shell)

    said = shell.types("approve", id_, "--as", "bo")

    assert said.code == 1
    assert "the policy has not answered it yet; try again in a moment" in said.err


def test_a_word_that_does_not_count_stands_in_the_audit_log(shell: Shell, waiting: str) -> None:
    shell.types("approve", waiting, "--as", "ana")
    at_work(shell, deliver_all)

    async def look(keylease: Keylease) -> list[tuple[str, str]]:
        entries = await keylease.store.audit(subject=waiting)
        return [(entry.action, entry.actor) for entry in entries]

    assert ("review.refused", "ana") in at_work(shell, look)


def test_only_holders_and_approvers_end_an_access(shell: Shell, waiting: str) -> None:
    stranger = shell.types("release", waiting, "--as", "tickets")
    holder = shell.types("release", waiting, "--as", "ana")

    assert stranger.code == 1
    assert "only its holder, or somebody who may approve it, can end it" in stranger.err
    assert (holder.code, holder.out) == (0, f"{waiting}: ending it is on its way.\n")


def test_ending_what_is_over_says_so_and_is_done(shell: Shell, waiting: str) -> None:
    shell.types("deny", waiting, "--as", "bo")
    at_work(shell, deliver_all)

    said = shell.types("release", waiting, "--as", "ana")

    assert (said.code, said.out) == (0, f"{waiting}: nothing is left to end; it is denied\n")


def test_a_link_to_what_is_not_active_is_refused_at_once(shell: Shell, waiting: str) -> None:
    before = shell.types("claim", waiting, "--as", "ana")
    shell.types("approve", waiting, "--as", "bo")
    at_work(shell, deliver_all)
    pending = shell.types("claim", waiting, "--as", "ana")

    assert (before.code, pending.code) == (1, 1)
    assert "the access is in review, not active; there is nothing to claim" in before.err
    assert "the access is pending, not active" in pending.err


def test_waiting_for_an_answer_shows_why_it_waits_for_people(shell: Shell) -> None:
    words = ("cache-reader", "--as", "ana", "--for", "5m", "--because", "INC-1", "--key", "k9")
    shell.types("request", *words)
    at_work(shell, deliver_all)

    said = shell.types("request", *words, "--wait", "1")

    assert said.code == 1
    assert said.out.endswith(
        "in review: rule cache-look permits it after 1 approval from cache-owners\n"
    )


def test_waiting_in_vain_asks_whether_anything_runs(shell: Shell) -> None:
    said = shell.types(
        "request", "cache-reader", "--as", "ana", "--for", "5m", "--because", "x", "--wait", "1"
    )

    assert said.code == 1
    assert "submitted: no answer yet; is `keylease serve` running?" in said.out
