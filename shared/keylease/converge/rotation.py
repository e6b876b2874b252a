"""What each step of a rotation writes; pure, so that every step may run again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.credential import Credential, CredentialStatus, Sealed, credential_id
from keylease.domain.events import CredentialRotated, EventData, RotationFailed
from keylease.domain.outcome import Outcome
from keylease.domain.record import Record
from keylease.domain.rotation import Rotation, RotationStep
from keylease.errors import InvariantBroken

REFUSALS = 5
"""Generated passwords that a target may refuse before the rotation is given up."""
ALARM_AFTER = 10
"""Tries after which the owner is told; the rotation goes on."""
LONGEST_WAIT = timedelta(minutes=5)
LONGEST_SETTLING = timedelta(seconds=15)
SHORTEST_WAIT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Rotating:
    """One account in our turn, with the rotation under way."""

    account: Account
    rotation: Rotation
    credentials: tuple[Credential, ...]
    """Those of the account that are not retired."""
    now: datetime
    turn: timedelta

    @property
    def credential(self) -> Credential:
        """The new version."""
        for credential in self.credentials:
            if credential.id == self.rotation.credential_id:
                return credential
        msg = f"rotation {self.rotation.id} has lost its credential"
        raise InvariantBroken(msg)

    def back_to(self, step: RotationStep, /) -> "Rotating":
        """The same, with an earlier step to do again."""
        return replace(self, rotation=self.rotation.evolve(step=step))

    @property
    def next_credential_id(self) -> str:
        """What the new password is sealed for."""
        return credential_id(account_id=self.account.id, number=self.account.credentials + 1)


def begin(account: Account, rotation_id: str, /, *, now: datetime) -> Outcome:
    """A new rotation, known to its account."""
    rotation = Rotation(id=rotation_id, account_id=account.id, started_at=now)
    return Outcome(records=(account.evolve(rotation_id=rotation_id), rotation))


def created(case: Rotating, sealed: Sealed, /) -> Outcome:
    """The new password is sealed, and no target has heard of it."""
    account = case.account.evolve(credentials=case.account.credentials + 1)
    credential = Credential(
        id=case.next_credential_id,
        account_id=account.id,
        target_id=account.target_id,
        username=account.username,
        number=account.credentials,
        holder=account.owner,
        rotation_id=case.rotation.id,
        sealed=sealed,
        made_at=case.now,
    )
    rotation = case.rotation.evolve(step=RotationStep.SET, credential_id=credential.id)
    return Outcome(records=(_renewed(account, case), rotation, credential))


def advanced(case: Rotating, step: RotationStep, /) -> Outcome:
    """The next step's turn."""
    rotation = case.rotation.evolve(step=step, attempts=0, retry_at=None, problem=None)
    return Outcome(records=(_renewed(case.account, case), rotation))


def finish(case: Rotating, /) -> Outcome:
    """The new version is current, the old one previous, all before it retired."""
    records: list[Record] = []
    for credential in case.credentials:
        if credential.id == case.rotation.credential_id:
            records.append(credential.evolve(status=CredentialStatus.CURRENT))
        elif credential.status is CredentialStatus.CURRENT:
            records.append(credential.evolve(status=CredentialStatus.PREVIOUS))
        else:
            records.append(credential.retired())
    done = case.rotation.evolve(step=RotationStep.DONE, ended_at=case.now, problem=None)
    account = _rested(case).evolve(credential_id=done.credential_id)
    event = CredentialRotated(
        account_id=account.id,
        credential_id=case.credential.id,
        owner=account.owner,
        number=case.credential.number,
    )
    entry = _entry("credential.rotated", case)
    return Outcome(records=(account, done, *records), events=(event,), audit=(entry,))


def refused(case: Rotating, problem: str, /) -> Outcome:
    """The target does not take this password: make another one, a few times."""
    if case.rotation.refusals + 1 >= REFUSALS:
        return given_up(case, problem)
    rotation = case.rotation.evolve(
        step=RotationStep.CREATE, credential_id=None, refusals=case.rotation.refusals + 1
    )
    return Outcome(records=(_renewed(case.account, case), rotation, case.credential.retired()))


def given_up(case: Rotating, problem: str, /) -> Outcome:
    """Until the schedule's next turn. A secret that the target may have taken stays sealed."""
    rotation = case.rotation.evolve(
        step=RotationStep.FAILED, ended_at=case.now, retry_at=None, problem=problem
    )
    event = _failed(case, problem)
    entry = _entry("rotation.failed", case, problem=problem)
    return Outcome(records=(_rested(case), rotation), events=(event,), audit=(entry,))


def waiting(case: Rotating, /) -> Outcome:
    """The target is still working on the account."""
    pause = min(LONGEST_SETTLING, SHORTEST_WAIT * 2 ** min(case.rotation.attempts, 8))
    return _again(case, "the target is still working on the account", pause)


def postponed(
    case: Rotating, problem: str, /, *, jitter: float, after: timedelta | None = None
) -> Outcome:
    """The same step again later: exponential with full jitter."""
    pause = min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** min(case.rotation.attempts, 12)) * jitter
    return _again(case, problem, max(SHORTEST_WAIT, pause, after or SHORTEST_WAIT))


def _again(case: Rotating, problem: str, pause: timedelta) -> Outcome:
    attempts = case.rotation.attempts + 1
    rotation = case.rotation.evolve(attempts=attempts, retry_at=case.now + pause, problem=problem)
    late: tuple[EventData, ...] = (_failed(case, problem),) if attempts == ALARM_AFTER else ()
    account = case.account.evolve(lock=None)
    return Outcome(records=(account, rotation), events=late)


def _renewed(account: Account, case: Rotating) -> Account:
    lock = account.lock.evolve(until=case.now + case.turn) if account.lock else None
    return account.evolve(lock=lock)


def _rested(case: Rotating) -> Account:
    """The account without rotation and lock, and its next turn planned."""
    account = case.account
    schedule = account.rotation
    rotate_at = schedule.next_after(case.now, key=account.id) if schedule else None
    return account.evolve(lock=None, rotation_id=None, rotate_at=rotate_at)


def _failed(case: Rotating, problem: str) -> RotationFailed:
    return RotationFailed(account_id=case.account.id, owner=case.account.owner, problem=problem)


def _entry(action: str, case: Rotating, *, problem: str = "") -> AuditEntry:
    return AuditEntry(
        at=case.now,
        action=action,
        subject=case.account.id,
        actor="keylease",
        detail={
            "rotation": case.rotation.id,
            "credential": case.rotation.credential_id,
            "problem": problem,
        },
    )
