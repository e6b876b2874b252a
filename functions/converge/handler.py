"""Converge: make one account hold what its live leases say, no more, no less.

Granting, release, revocation, expiry and repair are this one operation:

1. take the account's turn, so that nobody else works on it;
2. read the leases, then the target;
3. plan the difference; no difference is the proof, and only then it is said;
4. commit the intent, with a new password sealed in it;
5. verify each step on its own, and call;
6. go back to 2. After a crash anywhere, the next run does just that.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from functions.converge.look import Judged, Look
from keylease.approval.terms import Terms
from keylease.converge.fold import fold
from keylease.converge.intend import intend, new_credential, next_credential_id
from keylease.converge.plan import plan
from keylease.converge.settle import settle
from keylease.converge.situation import Situation
from keylease.converge.trouble import give_up, is_rising, retry, wait
from keylease.converge.verify import verify
from keylease.domain.account import Account
from keylease.domain.credential import Credential, CredentialStatus
from keylease.domain.events import (
    AccountCheckDue,
    Event,
    LeaseActivated,
    LeaseEndDue,
    LeaseEnded,
    LeaseFailed,
    LeaseStuck,
    RequestApproved,
)
from keylease.domain.lease import Lease
from keylease.domain.outcome import NOTHING, Outcome
from keylease.domain.steps import CreateAccount, Observed, Step
from keylease.errors import (
    Conflict,
    InvariantBroken,
    Misconfigured,
    ProviderAmbiguous,
    ProviderConflict,
    ProviderDenied,
    ProviderError,
    ProviderNotFound,
    ProviderRefused,
)
from keylease.function import Function
from keylease.ports.accounts import Accounts
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.ids import Ids
from keylease.ports.journal import Journal
from keylease.ports.secrets import Secrets
from keylease.ports.store import Store
from keylease.turn import CALLS, TURN, Turns

ROUNDS = 8
"""Looks at the target in one turn."""
RACES = 16
"""Tries to commit within one look, while others write to the same account's record."""
PASSWORDS = 5
"""Generated passwords that a target may refuse before we give up."""


@dataclass(frozen=True, slots=True)
class Converge:
    """Consumes whatever may have changed what an account shall hold."""

    store: Store
    journal: Journal
    clock: Clock
    ids: Ids
    secrets: Secrets
    accounts: Accounts
    catalog: Catalog
    terms: Terms

    @property
    def turns(self) -> Turns:
        return Turns(self.store, self.journal, self.clock, self.ids)

    @property
    def look(self) -> Look:
        return Look(self.store, self.turns, self.clock, self.accounts, self.catalog, self.terms)

    async def __call__(self, event: Event, /) -> Outcome:
        account = await self._take_turn(event)
        if account is None:
            return NOTHING
        judged = Judged()
        for _ in range(ROUNDS):
            try:
                known = await self.look.records(account.id, epoch=account.epoch)
                if await self._round(known, judged):
                    return NOTHING
            except (Conflict, ProviderAmbiguous, ProviderConflict, ProviderNotFound, TimeoutError):
                continue  # whatever came of it, the next look shows it
            except (InvariantBroken, Misconfigured) as e:
                if await self._again(account, str(e)):
                    raise
                return NOTHING  # a person was woken by the first one
            except ProviderError as e:
                await self._give_way(account, e)
                return NOTHING
        await self._again(account, f"the target does not come to rest after {ROUNDS} looks")
        return NOTHING

    async def _take_turn(self, event: Event) -> Account | None:
        """The account, locked for us; None when there is nothing to do for it.

        Hundreds of leases may wait for one turn: while it is another's, each looks at itself only.
        """
        account = await self.store.load(Account, str(event.data["account_id"]))
        if account is None:
            return None
        now = self.clock.now()
        leases = await self._own(event) if not account.is_free(now) else await self._all(account)
        if account.needs_look(now) or any(lease.needs_work(now) for lease in leases):
            return await self.turns.take(account)
        return None

    async def _own(self, event: Event) -> tuple[Lease, ...]:
        """The lease that the event is about, if it is about one."""
        id_ = event.data.get("lease_id")
        lease = await self.store.load(Lease, str(id_)) if id_ else None
        return (lease,) if lease else ()

    async def _all(self, account: Account) -> tuple[Lease, ...]:
        return await self.store.children(Lease, account.id)

    async def _round(self, known: Situation, judged: Judged) -> bool:
        """One look's worth of work; True when the turn is over."""
        observed = await self.accounts.observe(known.target, username=known.account.username)
        situation, steps, credential = await self._agreed(known, observed, judged)
        async with asyncio.timeout(CALLS.total_seconds()):
            for step in steps:
                verify(step, account=situation.account, live=situation.live)
                await self._call(situation, step, credential)
        return not steps

    async def _agreed(
        self, known: Situation, observed: Observed, judged: Judged
    ) -> tuple[Situation, tuple[Step, ...], Credential | None]:
        """What is to be called now, committed.

        Approvals and releases change the account meanwhile. In our turn nobody else writes to the
        target: what it showed stays true, and only the store is read again, which takes no time.
        """
        for _ in range(RACES):
            situation = await self.look.target(known, observed=observed, judged=judged)
            outcome, steps, credential = await self._next(situation)
            try:
                await self.journal.commit(outcome)
            except Conflict:
                known = await self.look.records(known.account.id, epoch=known.account.epoch)
                continue
            return situation, steps, credential
        msg = f"{known.account.id} is changed all the time"
        raise Conflict(msg)

    async def _next(
        self, situation: Situation
    ) -> tuple[Outcome, tuple[Step, ...], Credential | None]:
        """What to write, and what to call then; no calls: the turn is over."""
        if not situation.observed.settled and not situation.is_strangers:
            return wait(situation), (), None
        steps = plan(situation, fold(situation))
        if not steps:
            return settle(situation), (), None
        credential = await self._credential(situation, steps)
        return intend(situation, steps, credential=credential, turn=TURN), steps, credential

    async def _credential(self, situation: Situation, steps: tuple[Step, ...]) -> Credential | None:
        """The secret of an account to be made: that of an earlier try, or a new one, sealed."""
        if not any(isinstance(step, CreateAccount) for step in steps):
            return None
        pending = (c for c in situation.credentials if c.status is CredentialStatus.PENDING)
        earlier = next(pending, None)
        if earlier is not None:
            return earlier
        password = self.secrets.password(situation.target.product)
        context = next_credential_id(situation.account)
        return new_credential(situation, self.secrets.seal(password, context=context))

    async def _call(self, situation: Situation, step: Step, credential: Credential | None) -> None:
        target, is_first = situation.target, not situation.account.made
        if not isinstance(step, CreateAccount) or credential is None or credential.sealed is None:
            await self.accounts.apply(target, step=step)
            return
        password = self.secrets.open(credential.sealed, context=credential.id)
        try:
            await self.accounts.apply(target, step=step, password=password)
        except ProviderConflict:
            if is_first:  # the name was taken before we ever tried: never adopt it
                await self._disown(situation.account.id)
            raise

    async def _disown(self, account_id: str) -> None:
        account = await self.store.load(Account, account_id)
        if account is not None:
            await self.journal.commit(Outcome(records=(account.evolve(made=False, intent=None),)))

    async def _again(self, account: Account, problem: str, *, after: float | None = None) -> bool:
        """Plan another try; True when it was the first for its leases."""
        pause = timedelta(seconds=after) if after else None
        for _ in range(RACES):
            known = await self.look.leases(account.id, epoch=account.epoch)
            outcome = retry(known, problem, jitter=self.ids.jitter(), after=pause)
            with suppress(Conflict):  # an approval came first
                await self.journal.commit(outcome)
                return bool(known.leases) and not any(lease.attempts for lease in known.leases)
        msg = f"{account.id} is changed all the time"
        raise Conflict(msg)

    async def _give_way(self, account: Account, e: ProviderError) -> None:
        """The target said no, or not now."""
        known = await self.look.records(account.id, epoch=account.epoch)
        if e.code == "PasswordRefused" and known.account.credentials < PASSWORDS:
            spent = tuple(c.retired() for c in known.credentials)
            await self.journal.commit(Outcome(records=spent))
        elif isinstance(e, ProviderRefused | ProviderDenied) and is_rising(known):
            await self.journal.commit(give_up(known, str(e)))
            return
        await self._again(account, str(e), after=e.retry_after)


FUNCTION = Function(
    name="converge",
    handler=Converge,
    consumes=frozenset({RequestApproved, LeaseEndDue, AccountCheckDue}),
    emits=frozenset({LeaseActivated, LeaseEnded, LeaseFailed, LeaseStuck, LeaseEndDue}),
)
