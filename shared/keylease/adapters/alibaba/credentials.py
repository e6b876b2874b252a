"""What signs our calls: a key, where it comes from, and how it is kept fresh."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from keylease.domain.secret import Secret
from keylease.errors import Misconfigured, ProviderDenied, ProviderError
from keylease.ports.clock import Clock

PROVIDER = "alibaba credentials"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
REFRESH_EARLY = timedelta(minutes=15)
REFRESH_SHARE = 0.2
"""Of its lifetime: short tokens are not fetched on every call."""


@dataclass(frozen=True, slots=True)
class Key:
    """An access key, with a token and an end when it is a temporary one."""

    id: str
    secret: Secret
    token: Secret | None = None
    expires_at: datetime | None = None


class Credentials(Protocol):
    """A source of keys."""

    async def key(self) -> Key | None:
        """A key, or None when this source is not configured here.

        Raises:
            ProviderTransient | ProviderBusy: configured, and not answering now.
            ProviderDenied | ProviderRefused: configured, and it will not work.
        """
        ...


@dataclass(frozen=True, slots=True)
class StaticCredentials:
    """One key, given at start."""

    given: Key

    async def key(self) -> Key | None:
        return self.given


@dataclass(frozen=True, slots=True)
class EnvironmentCredentials:
    """`ALIBABA_CLOUD_ACCESS_KEY_ID`, `_SECRET` and optionally `_SECURITY_TOKEN`."""

    environment: Mapping[str, str] = field(repr=False)

    async def key(self) -> Key | None:
        return key_of(
            id_=self.environment.get("ALIBABA_CLOUD_ACCESS_KEY_ID", ""),
            secret=self.environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""),
            token=self.environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
        )


@dataclass(slots=True)
class FunctionComputeCredentials:
    """The function role's key: of the latest invocation, else of the environment.

    The environment's dates from the instance's start and may have expired.
    """

    environment: Mapping[str, str] = field(repr=False)
    _latest: Key | None = None

    def invoked_with(self, headers: Mapping[str, str], /) -> None:
        """Take the key from an invocation's headers (names in lower case), when it brings one."""
        self._latest = (
            key_of(
                id_=headers.get("x-fc-access-key-id", ""),
                secret=headers.get("x-fc-access-key-secret", ""),
                token=headers.get("x-fc-security-token", ""),
            )
            or self._latest
        )

    async def key(self) -> Key | None:
        if self._latest is None and "FC_FUNCTION_NAME" not in self.environment:
            return None
        return self._latest or await EnvironmentCredentials(self.environment).key()


@dataclass(frozen=True, slots=True)
class ChainedCredentials:
    """The first source that is configured. One that is configured and fails is not skipped."""

    sources: tuple[Credentials, ...]

    async def key(self) -> Key | None:
        for source in self.sources:
            if (key := await source.key()) is not None:
                return key
        return None


@dataclass(slots=True)
class CachingCredentials:
    """Keeps a temporary key while it is fresh; one refresh in flight.

    A still valid key outlives a failed refresh. A key without an end is not kept: its source is
    asked each time, which costs nothing and follows the Function Compute role.
    """

    source: Credentials
    clock: Clock
    _held: Key | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _stale_at: datetime = _LONG_AGO

    async def key(self) -> Key:
        """The key to sign with.

        Raises:
            Misconfigured: no source is configured.
        """
        if isinstance(self.source, StaticCredentials):
            return self.source.given
        if (fresh := self._fresh()) is not None:
            return fresh
        async with self._turn:
            return self._fresh() or await self._refreshed()

    def _fresh(self) -> Key | None:
        return self._held if self.clock.now() < self._stale_at else None

    async def _refreshed(self) -> Key:
        try:
            key = await self.source.key()
        except ProviderError:
            if (valid := self._still_valid()) is None:
                raise
            return valid
        if key is None:
            msg = "no Alibaba Cloud credentials: set ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET"
            raise Misconfigured(msg)
        if key.expires_at is not None:
            self._held, self._stale_at = key, self._stale_time(key.expires_at)
        return key

    def _still_valid(self) -> Key | None:
        held = self._held
        if held is None or held.expires_at is None or held.expires_at <= self.clock.now():
            return None
        return held

    def _stale_time(self, expires_at: datetime) -> datetime:
        lifetime = expires_at - self.clock.now()
        return expires_at - min(REFRESH_EARLY, lifetime * REFRESH_SHARE)


def key_of(*, id_: str, secret: str, token: str = "", expires: str = "") -> Key | None:  # absent
    """A key from text fields; None unless both id and secret are there."""
    if not id_ or not secret:
        return None
    return Key(
        id=id_,
        secret=Secret(secret.strip()),
        token=Secret(token.strip()) if token else None,
        expires_at=instant(expires) if expires else None,
    )


def instant(text: str, /) -> datetime:
    """An `Expiration`; one that cannot be read is an answer that cannot be used."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        failure = ProviderDenied(PROVIDER, "UnreadableExpiration")
    raise failure
