"""Reading what converge decides on: the records first, then the target itself."""

from dataclasses import dataclass, replace

from keylease.approval.terms import Terms
from keylease.converge.fold import ask_ends, baselined, obstacles
from keylease.converge.situation import Known, Situation
from keylease.domain.access import Permission
from keylease.domain.credential import Credential
from keylease.domain.lease import EndReason, Lease, LeaseStatus
from keylease.domain.slots import Slots
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

    async def target(self, known: Situation, /) -> Situation:
        """The same, with what the target shows, less the leases that it cannot serve."""
        observed = await self.accounts.observe(known.target, username=known.account.username)
        broken = await self._broken(known)
        seen = _without(replace(known, observed=observed), broken)
        seen = replace(seen, account=baselined(seen))
        return _without(seen, obstacles(seen))

    async def _broken(self, known: Situation) -> dict[str, str]:
        """Why pending leases may not be granted, or cannot be; empty words when they can.

        Hundreds may wait for one account, and the turn is short: each set of permissions is asked
        about once.
        """
        target, missing = known.target, dict[tuple[Permission, ...], tuple[str, ...]]()
        problems = dict[str, str]()
        for lease in (one for one in known.live if one.status is LeaseStatus.PENDING):
            problems[lease.id] = await self.terms.broken(lease)
            if lease.permissions not in missing:
                missing[lease.permissions] = await self.accounts.missing(
                    target, permissions=lease.permissions
                )
            if absent := missing[lease.permissions]:
                problems[lease.id] = (
                    problems[lease.id] or f"{target.id} has no {', no '.join(absent)}"
                )
        return problems


def _without(situation: Situation, problems: dict[str, str]) -> Situation:
    """The same, with these leases asked to end as failed."""
    leases = tuple(
        lease.end(EndReason.FAILED, now=situation.now, problem=problem)
        if (problem := problems.get(lease.id))
        else lease
        for lease in situation.leases
    )
    return replace(situation, leases=leases)
