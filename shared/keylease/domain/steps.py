"""What a target shows of one account, and the steps that change it: the words of converge."""

from dataclasses import dataclass

from keylease.domain.access import Permission


@dataclass(frozen=True, slots=True)
class Observed:
    """One account as the target shows it now, in keylease's words.

    RocketMQ: one permission per ACL row. Redis: one on (cache, `*`), `{read}` for RoleReadOnly and
    `{read, write}` for RoleReadWrite. An address whitelist that lets everybody in
    (`0.0.0.0/0`, empty, absent) is the empty set.
    """

    exists: bool
    settled: bool = True
    """False while the target still works on it (Redis: not `Available`)."""
    enabled: bool = True
    permissions: tuple[Permission, ...] = ()
    denies: tuple[Permission, ...] = ()
    """Rows with decision Deny: never ours, never changed."""


@dataclass(frozen=True, slots=True)
class CreateAccount:
    """Make the account. Redis: with `permission`, which it cannot do without."""

    username: str
    permission: Permission | None = None

    def __str__(self) -> str:
        return f"create account {self.username}"


@dataclass(frozen=True, slots=True)
class PutRow:
    """Make the row hold exactly this; `exists` says whether to create or to replace it."""

    username: str
    permission: Permission
    exists: bool

    def __str__(self) -> str:
        return f"put {self.permission}"


@dataclass(frozen=True, slots=True)
class DropRow:
    """Remove the row of this key (RocketMQ)."""

    username: str
    permission: Permission

    def __str__(self) -> str:
        return f"drop {self.permission.resource} {self.permission.name}"


@dataclass(frozen=True, slots=True)
class Enable:
    """Let the account log in (RocketMQ)."""

    username: str

    def __str__(self) -> str:
        return f"enable account {self.username}"


@dataclass(frozen=True, slots=True)
class Disable:
    """Keep the account from logging in (RocketMQ; Redis has no such thing)."""

    username: str

    def __str__(self) -> str:
        return f"disable account {self.username}"


@dataclass(frozen=True, slots=True)
class DropAccount:
    """Remove the account."""

    username: str

    def __str__(self) -> str:
        return f"drop account {self.username}"


Step = CreateAccount | PutRow | DropRow | Enable | Disable | DropAccount
