"""Accounts on a target: read them, change them by one step, and read them again."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from keylease.domain.access import Permission, Target
from keylease.domain.secret import Secret
from keylease.domain.steps import Observed, Step


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that clients connect to."""

    network: str
    """Such as `vpc` or `internet`."""
    host: str
    port: int


class Login(StrEnum):
    """What became of an attempt to log in."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    """No endpoint, no route, or a product that we have no client for."""


@dataclass(frozen=True, slots=True)
class Health:
    """What doctor says about a target."""

    problems: tuple[str, ...] = field(default=())


class Accounts(Protocol):
    """Every adapter passes tests/contract/accounts.py.

    All methods may raise ProviderBusy, ProviderTransient or ProviderDenied; writes also
    ProviderAmbiguous: observe before anything else.
    """

    async def observe(self, target: Target, /, *, username: str) -> Observed:
        """Read the account; never cached. No such account is `exists=False`, not an error."""
        ...

    async def apply(self, target: Target, /, *, step: Step, password: Secret | None = None) -> None:
        """Take one step. Already there and already gone are success, except for CreateAccount.

        `password` belongs to CreateAccount. A return promises nothing: observe is the proof.

        Raises:
            ProviderConflict: CreateAccount, and the name is taken.
            ProviderBusy: the object is being worked on; also the target is full or not running.
            ProviderRefused: it will never be accepted; `code` says why (a refused password has
                `PasswordRefused`).
        """
        ...

    async def set_password(self, target: Target, /, *, username: str, password: Secret) -> None:
        """Replace the password; setting the same one again is harmless.

        Raises:
            ProviderRefused: with code `PasswordRefused` for a password that breaks a rule.
            ProviderNotFound: no such account.
        """
        ...

    async def login(self, target: Target, /, *, username: str, password: Secret) -> Login:
        """Try the password for real where the endpoint is reachable; raises for no outcome."""
        ...

    async def usernames(self, target: Target, /) -> tuple[str, ...]:
        """All accounts of the target, built-in ones left out."""
        ...

    async def missing(
        self, target: Target, /, *, permissions: tuple[Permission, ...]
    ) -> tuple[str, ...]:
        """Resources among these that do not exist on the target, in words; empty when all do."""
        ...

    async def endpoints(self, target: Target, /) -> tuple[Endpoint, ...]:
        """Where clients connect."""
        ...

    async def health(self, target: Target, /) -> Health:
        """What would keep leases on this target from working, in words (for doctor)."""
        ...
