"""Rotate: give a standing account a new secret, in four steps that may each run again.

create  a new password, sealed under the rotation before the target hears of it;
set     the target takes it;
test    the target is read back, and logged in to where it can be reached;
finish  the new version is current, the old one is kept sealed until the next rotation.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from keylease.converge.rotation import (
    Rotating,
    advanced,
    begin,
    created,
    finish,
    given_up,
    postponed,
    refused,
    waiting,
)
from keylease.domain.access import Target
from keylease.domain.account import Account, AccountKind
from keylease.domain.credential import Credential
from keylease.domain.events import CredentialRotated, Event, RotationDue, RotationFailed
from keylease.domain.outcome import NOTHING, Outcome
from keylease.domain.rotation import Rotation, RotationStep
from keylease.domain.secret import Secret
from keylease.errors import (
    InvariantBroken,
    Misconfigured,
    ProviderAmbiguous,
    ProviderDenied,
    ProviderError,
    ProviderNotFound,
    ProviderRefused,
)
from keylease.function import Function
from keylease.ports.accounts import Accounts, Login
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.ids import Ids
from keylease.ports.journal import Journal
from keylease.ports.secrets import Secrets
from keylease.ports.store import Store
from keylease.turn import CALLS, TURN, Turns

STEPS = 24
"""Steps in one turn: four, and room for refused passwords."""


@dataclass(frozen=True, slots=True)
class Rotate:
    """Consumes what the schedule, or a person, asks for; also drives a rotation on."""

    store: Store
    journal: Journal
    clock: Clock
    ids: Ids
    secrets: Secrets
    accounts: Accounts
    catalog: Catalog

    @property
    def turns(self) -> Turns:
        return Turns(self.store, self.journal, self.clock, self.ids)

    async def __call__(self, event: Event, /) -> Outcome:
        due = event.read(RotationDue)
        account = await self.store.load(Account, due.account_id)
        if account is None or not self._is_due(account, due):
            return NOTHING
        epoch = (await self.turns.take(account)).epoch
        for _ in range(STEPS):
            account = await self.turns.held(account.id, epoch=epoch)
            outcome = await self._try(account)
            await self.journal.commit(outcome)
            if any(isinstance(r, Account) and r.lock is None for r in outcome.records):
                break
        return NOTHING

    def _is_due(self, account: Account, due: RotationDue) -> bool:
        if account.account_kind is not AccountKind.STANDING:
            return False
        if account.rotation_id is not None or due.asked_by != "schedule":
            return True
        return account.rotate_at is not None and account.rotate_at <= self.clock.now()

    async def _try(self, account: Account) -> Outcome:
        """One step, and what becomes of it when the target does not play along."""
        if account.rotation_id is None:
            return begin(account, self.ids.new("rotation"), now=self.clock.now())
        case = await self._case(account, account.rotation_id)
        if self.catalog.target(account.target_id) is None:
            return given_up(case, f"target {account.target_id} is gone from the catalog")
        try:
            async with asyncio.timeout(CALLS.total_seconds()):
                return await self._step(case)
        except (Misconfigured, ProviderAmbiguous, TimeoutError) as e:
            # Misconfigured: the key that sealed it is missing; it may be put back.
            problem = str(e) if isinstance(e, Misconfigured) else "the outcome is unknown"
            return postponed(case, problem, jitter=self.ids.jitter())
        except (ProviderRefused, ProviderDenied, ProviderNotFound) as e:
            return refused(case, str(e)) if e.code == "PasswordRefused" else given_up(case, str(e))
        except ProviderError as e:
            after = timedelta(seconds=e.retry_after) if e.retry_after else None
            return postponed(case, str(e), jitter=self.ids.jitter(), after=after)

    async def _case(self, account: Account, rotation_id: str) -> Rotating:
        rotation = await self.store.load(Rotation, rotation_id)
        if rotation is None:
            msg = f"{account.id} names a rotation that is not in the store: {rotation_id}"
            raise InvariantBroken(msg)
        credentials = await self.store.children(Credential, account.id)
        return Rotating(account, rotation, credentials, self.clock.now(), TURN)

    async def _step(self, case: Rotating) -> Outcome:
        target = self._target(case.account)
        match case.rotation.step:
            case RotationStep.CREATE:
                password = self.secrets.password(target.product)
                return created(case, self.secrets.seal(password, context=case.next_credential_id))
            case RotationStep.SET:
                return await self._set(case, target)
            case RotationStep.TEST:
                return await self._test(case, target)
            case _:
                return finish(case)

    async def _set(self, case: Rotating, target: Target) -> Outcome:
        username, password = case.account.username, self._opened(case)
        if case.rotation.attempts:  # the last try may have worked: ask before saying it again
            login = await self.accounts.login(target, username=username, password=password)
            if login is Login.ACCEPTED:
                return advanced(case, RotationStep.TEST)
        await self.accounts.set_password(target, username=username, password=password)
        return advanced(case, RotationStep.TEST)

    async def _test(self, case: Rotating, target: Target) -> Outcome:
        username = case.account.username
        observed = await self.accounts.observe(target, username=username)
        if not observed.exists:
            raise ProviderNotFound(str(target.product), "AccountMissing")
        if not observed.settled:
            return waiting(case)
        login = await self.accounts.login(target, username=username, password=self._opened(case))
        if login is Login.REFUSED:
            again = case.back_to(RotationStep.SET)
            return postponed(again, "the new secret does not log in", jitter=self.ids.jitter())
        return advanced(case, RotationStep.FINISH)

    def _opened(self, case: Rotating) -> Secret:
        credential = case.credential
        if credential.sealed is None:
            msg = f"{credential.id} was scrubbed before it was set"
            raise InvariantBroken(msg)
        return self.secrets.open(credential.sealed, context=credential.id)

    def _target(self, account: Account) -> Target:
        target = self.catalog.target(account.target_id)
        if target is None:
            msg = f"target {account.target_id} is gone from the catalog; put it back"
            raise InvariantBroken(msg)
        return target


FUNCTION = Function(
    name="rotate",
    handler=Rotate,
    consumes=frozenset({RotationDue}),
    emits=frozenset({CredentialRotated, RotationFailed}),
)
