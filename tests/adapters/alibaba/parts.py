"""What the client tests share: a clock that stands, ids that count, and a client over any Http."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from keylease.adapters.alibaba.client import AlibabaClient, Limits
from keylease.adapters.alibaba.credentials import CachingCredentials, Key, StaticCredentials
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.domain.secret import Secret
from keylease.ports.clock import Clock
from keylease.ports.http import Http

MQ = "https://rocketmq.cn-hangzhou.aliyuncs.com"
REDIS = "https://r-kvstore.aliyuncs.com"
KEY = Key(id="testid", secret=Secret("testsecret"))


@dataclass(slots=True)
class StandingClock:
    """Moves only when told."""

    at: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def pass_(self, **duration: float) -> None:
        self.at += timedelta(**duration)


@dataclass(slots=True)
class WallClock:
    """The real time, for a server that checks it."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # the emulator compares it with its own


@dataclass(slots=True)
class CountingIds:
    """n-0001, n-0002, ..."""

    prefix: str = ""
    share: float = 0.5
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def new(self, kind: str, /) -> str:
        return f"{kind}-{self.prefix}{next(self.numbers):04}"

    def nonce(self) -> str:
        return self.new("n")

    def jitter(self) -> float:
        return self.share


def client_over(
    http: Http,
    /,
    *,
    key: Key = KEY,
    endpoints: Endpoints | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
    ids: CountingIds | None = None,
) -> AlibabaClient:
    clock = clock or StandingClock()
    return AlibabaClient(
        http=http,
        credentials=CachingCredentials(StaticCredentials(key), clock=clock),
        clock=clock,
        ids=ids or CountingIds(),
        endpoints=endpoints,
        limits=limits,
    )


def quick(**changes: float) -> Limits:
    """Limits whose waits a test does not notice."""
    values: dict[str, float] = {"first_wait": 0.001, "longest_wait": 0.002, **changes}
    return Limits(**values)  # type: ignore[arg-type]  # attempts are whole
