"""Intend: what is committed before the calls of a plan, so that a crash finds its own traces."""

from datetime import timedelta

from keylease.converge.plan import GIVING
from keylease.converge.situation import Situation
from keylease.domain.account import Account, Intent
from keylease.domain.audit import AuditEntry
from keylease.domain.credential import Credential, Sealed, credential_id
from keylease.domain.lease import LeaseStatus
from keylease.domain.outcome import Outcome
from keylease.domain.steps import CreateAccount, Step


def new_credential(situation: Situation, sealed: Sealed, /) -> Credential:
    """The next version of the account's secret, sealed before the target learns it."""
    account, (lease, *_) = situation.account, situation.live
    return Credential(
        id=next_credential_id(account),
        account_id=account.id,
        target_id=account.target_id,
        username=account.username,
        number=account.credentials + 1,
        holder=account.owner,
        lease_id=lease.id,
        sealed=sealed,
        made_at=situation.now,
    )


def next_credential_id(account: Account, /) -> str:
    """What the secret is sealed for."""
    return credential_id(account_id=account.id, number=account.credentials + 1)


def intend(
    situation: Situation,
    steps: tuple[Step, ...],
    /,
    *,
    credential: Credential | None,
    turn: timedelta,
) -> Outcome:
    """The intent, the baseline of rows touched for the first time, and a lock that lasts."""
    account, now = situation.account, situation.now
    words = tuple(str(step) for step in steps)
    lock = account.lock.evolve(until=now + turn) if account.lock else None
    intent = Intent(
        steps=words,
        credential_id=credential.id if credential else account.credential_id,
        at=now,
        gives=any(isinstance(step, GIVING) for step in steps),
    )
    fresh = credential is not None and credential.version == 0
    account = account.evolve(
        lock=lock,
        intent=intent,
        made=account.made or any(isinstance(step, CreateAccount) for step in steps),
        credentials=account.credentials + int(fresh),
    )
    leases = tuple(
        lease.evolve(status=LeaseStatus.ACTIVATING)
        for lease in situation.live
        if lease.status is LeaseStatus.PENDING
    )
    started = {lease.id for lease in leases}
    changed = tuple(lease for lease in situation.changed if lease.id not in started)
    entry = AuditEntry(
        at=now,
        action="account.intended",
        subject=account.id,
        actor="keylease",
        detail={"steps": list(words), "leases": [lease.id for lease in situation.leases]},
    )
    records = (account, *leases, *changed)
    return Outcome(
        records=(*records, credential) if credential and fresh else records, audit=(entry,)
    )
