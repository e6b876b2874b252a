"""Claim: reveal a credential once.

Whoever commits `claimed_at` first sees it; everybody else hears when that was. The seal is opened
before the commit, in memory only, so that a seal that does not open burns nothing.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from keylease.converge.settle import about_lease
from keylease.domain.access import Target
from keylease.domain.account import Account, AccountKind
from keylease.domain.audit import AuditEntry
from keylease.domain.credential import Credential, CredentialStatus
from keylease.domain.events import ClaimRepeated, CredentialClaimed, EventData, LeaseClaimed
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.outcome import Outcome
from keylease.domain.secret import Secret
from keylease.errors import Conflict, InvariantBroken, KeyleaseError
from keylease.function import Function
from keylease.ports.accounts import Accounts, Endpoint
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.handover import Gone, Offer, Shown, Spent, Why
from keylease.ports.journal import Journal
from keylease.ports.secrets import Secrets
from keylease.ports.store import Store

RACES = 100
"""Lost compare-and-sets: more than anybody's clicks, so that every loser learns who won."""
PATIENCE = timedelta(seconds=3)
"""How long a person waits for the addresses to connect to."""


@dataclass(frozen=True, slots=True)
class Found:
    """A credential and what it belongs to."""

    credential: Credential
    lease: Lease | None
    account: Account

    @property
    def request_id(self) -> str | None:
        return self.lease.request_id if self.lease else None

    @property
    def about(self) -> str:
        return self.request_id or self.credential.account_id

    def why_not(self, now: datetime, /) -> Why | None:
        """Why it cannot be claimed; None when it can."""
        credential, claim = self.credential, self.credential.claim
        is_alive = self.lease is None or (
            self.lease.status is LeaseStatus.ACTIVE and self.lease.deserves_access(now)
        )
        if credential.status is not CredentialStatus.CURRENT or not is_alive:
            return Why.OVER
        if claim is None or credential.sealed is None or now >= claim.claim_by:
            return Why.LATE
        return None


@dataclass(frozen=True, slots=True)
class ClaimCredential:
    """Answers the claim page: `look` for its GET, the call for its POST."""

    store: Store
    journal: Journal
    clock: Clock
    secrets: Secrets
    accounts: Accounts
    catalog: Catalog

    async def look(self, token: Secret, /) -> Offer | Spent | Gone:
        found = await self._find(token)
        if found is None:
            return Gone(Why.UNKNOWN)
        return self._spent(found) or self._gone(found) or self._offer(found)

    async def __call__(self, token: Secret, /) -> Shown | Spent | Gone:
        for _ in range(RACES):
            found = await self._find(token)
            if found is None:
                return Gone(Why.UNKNOWN)
            spent = self._spent(found)
            if spent:
                await self.journal.commit(self._repeated(found, first_at=spent.first_at))
                return spent
            gone = self._gone(found)
            if gone:
                return gone
            shown = await self._opened(found)
            try:
                await self.journal.commit(self._claimed(found))
            except Conflict:
                continue
            return shown
        msg = "too many claims at once"
        raise Conflict(msg)

    async def _find(self, token: Secret) -> Found | None:
        credential = await self.store.by_handle(Credential, self.secrets.digest(token))
        if credential is None:
            return None
        account = await self.store.load(Account, credential.account_id)
        if account is None:
            msg = f"{credential.id} belongs to no account"
            raise InvariantBroken(msg)
        lease_id = credential.lease_id
        lease = await self.store.load(Lease, lease_id) if lease_id else None
        return Found(credential, lease, account)

    def _spent(self, found: Found) -> Spent | None:
        first_at = found.credential.claimed_at
        if first_at is None:
            return None
        credential = found.credential
        return Spent(credential.target_id, credential.holder, first_at, found.request_id)

    def _gone(self, found: Found) -> Gone | None:
        why = found.why_not(self.clock.now())
        return Gone(why, found.about) if why else None

    def _offer(self, found: Found) -> Offer:
        claim = found.credential.claim
        return Offer(found.credential.target_id, claim.claim_by if claim else self.clock.now())

    async def _opened(self, found: Found) -> Shown:
        """What the winner will see, complete: after the commit nothing may come in between."""
        credential = found.credential
        target = self.catalog.target(credential.target_id)
        if target is None or credential.sealed is None:
            msg = f"target {credential.target_id} is gone from the catalog; put it back"
            raise InvariantBroken(msg)
        return Shown(
            product=target.product,
            target=target.id,
            instance_id=target.instance_id,
            username=credential.username,
            password=self.secrets.open(credential.sealed, context=credential.id),
            endpoints=await self._endpoints(target),
            ends_at=found.lease.not_after if found.lease else None,
            request_id=found.request_id,
        )

    def _claimed(self, found: Found) -> Outcome:
        """The commit that only one caller wins; the lease must still be as it was read."""
        credential, lease, now = found.credential, found.lease, self.clock.now()
        # A standing account's secret stays sealed: the next rotation keeps it as previous.
        is_dedicated = found.account.account_kind is AccountKind.DEDICATED
        kept = None if is_dedicated else credential.sealed
        event: EventData
        if lease:
            event = LeaseClaimed(**about_lease(lease), credential_id=credential.id)
        else:
            event = CredentialClaimed(
                account_id=credential.account_id,
                credential_id=credential.id,
                holder=credential.holder,
            )
        return Outcome(
            records=(credential.evolve(claimed_at=now, sealed=kept),),
            guards=(lease,) if lease else (),
            events=(event,),
            audit=(self._entry("credential.claimed", found, actor=credential.holder),),
        )

    def _repeated(self, found: Found, *, first_at: datetime) -> Outcome:
        credential = found.credential
        event = ClaimRepeated(
            credential_id=credential.id,
            account_id=credential.account_id,
            holder=credential.holder,
            first_at=first_at,
            occasion=f"{credential.id}@{self.clock.now():%Y-%m-%dT%H:%M}",
        )
        entry = self._entry("claim.repeated", found, actor="keylease")
        return Outcome(events=(event,), audit=(entry,))

    async def _endpoints(self, target: Target) -> tuple[Endpoint, ...]:
        """Where clients connect; a cloud that does not answer must not keep the secret back."""
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                return await self.accounts.endpoints(target)
        except (KeyleaseError, TimeoutError):
            return ()

    def _entry(self, action: str, found: Found, *, actor: str) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            action=action,
            subject=found.about,
            actor=actor,
            detail={"credential": found.credential.id, "account": found.credential.account_id},
        )


FUNCTION = Function(
    name="claim",
    handler=ClaimCredential,
    emits=frozenset({LeaseClaimed, CredentialClaimed, ClaimRepeated}),
)
