"""What cannot be shown is not burned: missing records, a target that is gone, endless races."""

import pytest

from keylease.adapters.memory.directory import MemoryCatalog
from keylease.domain.outcome import Outcome
from keylease.errors import Conflict, InvariantBroken
from keylease.runtime.process import Commits
from tests.support import build
from tests.support.handover import Handover


async def test_a_target_that_left_the_catalog_burns_nothing() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()
    scene.catalog = MemoryCatalog()

    with pytest.raises(InvariantBroken, match="put it back"):
        await scene.claim(token)

    assert (await scene.credential()).claimed_at is None


async def test_a_credential_without_an_account_is_not_shown() -> None:
    scene = Handover()
    await scene.put(build.credential())
    token = await scene.token()

    with pytest.raises(InvariantBroken, match="belongs to no account"):
        await scene.claim(token)


class AlwaysBeaten(Commits):
    """A journal in a store that is busy with others."""

    async def commit(self, outcome: Outcome, /, **_: object) -> None:
        raise Conflict(str(outcome.records))


async def test_a_claim_that_never_wins_shows_nothing() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()
    claim = scene.claim
    journal = AlwaysBeaten(
        **{name: getattr(scene.journal, name) for name in ("store", "clock", "ids", "router")}
    )
    object.__setattr__(claim, "journal", journal)

    with pytest.raises(Conflict):
        await claim(token)

    assert (await scene.credential()).sealed is not None
