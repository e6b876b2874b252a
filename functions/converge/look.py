"""Reading what converge decides on: the records first, then the target itself."""

from dataclasses import dataclass, field, replace

from keylease.approval.terms import Terms
from keylease.converge.fold import ask_ends, baselined, obstacles
from keylease.converge.situation import Known, Situation
from keylease.domain.access import Permission
from keylease.domain.credential import Credential
from keylease.domain.lease import EndReason, Lease, LeaseStatus
from keylease.domain.slots import Slots
from keylease.domain.steps import Observed
from keylease.errors import InvariantBroken
from keylease.ports.accounts import Accounts
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.store import Store
from keylease.turn import Turns


@dataclass(frozen=True, slots=True)
class Look:
    """Reads, never writes."""

    store: Store
    turns: Turns
    clock: Clock
    accounts: Accounts
    catalog: Catalog
    terms: Terms

    async def leases(self, account_id: str, /, *, epoch: int) -> Known:
        """The account, in our turn, with its leases as of now.

        Raises:
            Conflict: the turn is somebody else's by now.
        """
        account = await self.turns.held(account_id, epoch=epoch)
        leases, now = await self.store.children(Lease, account_id), self.clock.now()
        return Known(account=account, loaded=leases, leases=ask_ends(leases, now=now), now=now)

    async def records(self, account_id: str, /, *, epoch: int) -> Situation:
        """The same, with all that the store knows.

        Raises:
            Conflict: the turn is somebody else's by now.
            InvariantBroken: the target left the catalog while leases are open.
        """
        known = await self.leases(account_id, epoch=epoch)
        target = self.catalog.target(known.account.target_id)
        if target is None:
            msg = f"target {known.account.target_id} is gone from the catalog; put it back"
            raise InvariantBroken(msg)
        return Situation(
            account=known.account,
            target=target,
            loaded=known.loaded,
            leases=known.leases,
            now=known.now,
            credentials=await self.store.children(Credential, account_id),
            slots=await self.store.load(Slots, target.id) if target.account_limit else None,
        )

    async def target(
        self, known: Situation, /, *, observed: Observed, judged: "Judged"
    ) -> Situation:
        """The same, with what the target shows, less the leases that it cannot serve."""
        await self._judge(known, judged)
        seen = _without(replace(known, observed=observed), judged.problems)
        seen = replace(seen, account=baselined(seen))
        return _without(seen, obstacles(seen))

    async def _judge(self, known: Situation, judged: "Judged") -> None:
        """Find out why pending leases may not be granted, or cannot be."""
        target, missing = known.target, judged.missing
        pending = (one for one in known.live if one.status is LeaseStatus.PENDING)
        for lease in (one for one in pending if one.id not in judged.problems):
            forbidden, wanted = await self.terms.broken(lease), lease.permissions
            if wanted not in missing:
                missing[wanted] = await self.accounts.missing(target, permissions=wanted)
            absent = (
                f"{target.id} has no {', no '.join(missing[wanted])}" if missing[wanted] else ""
            )
            judged.problems[lease.id] = forbidden or absent


@dataclass(frozen=True, slots=True)
class Judged:
    """What one turn has found out: hundreds of leases may wait, and the turn is short."""

    problems: dict[str, str] = field(default_factory=dict)
    """By lease, in words; empty when it may be granted."""
    missing: dict[tuple[Permission, ...], tuple[str, ...]] = field(default_factory=dict)
    """What of such permissions the target does not have."""


def _without(situation: Situation, problems: dict[str, str]) -> Situation:
    """The same, with these leases asked to end as failed."""
    leases = tuple(
        lease.end(EndReason.FAILED, now=situation.now, problem=problem)
        if (problem := problems.get(lease.id))
        else lease
        for lease in situation.leases
    )
    return replace(situation, leases=leases)
