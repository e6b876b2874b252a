"""What stands on the server: streams, consumers and subjects, and what must be true of each."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

ACK_WAIT = timedelta(seconds=30)
"""After this long a silent worker's message is given to another one."""
KNOWN = timedelta(minutes=10)
"""How long the server knows a message that is sent again."""
DEAD_KEPT = timedelta(days=28)
"""The inbox knows for 30 days what took effect; one that is replayed later could have it twice."""
BELLS_KEPT = timedelta(days=40)
"""Longer than any alarm waits."""
MOST_PENDING = 10_000
"""Messages of one function that workers have in hand, all together."""
_UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and wanted configurations; subjects start with the stream's name in small letters."""

    stream: str = "KEYLEASE"
    replicas: int = 1

    @property
    def dead(self) -> str:
        return f"{self.stream}_DEAD"

    @property
    def timer(self) -> str:
        return f"{self.stream}_TIMER"

    @property
    def root(self) -> str:
        return self.stream.lower()

    @property
    def rings(self) -> str:
        """Where an alarm arrives when its time has come."""
        return f"{self.root}.timer.due"

    def work_subject(self, function: str, about: str, /) -> str:
        """Of one parcel: its lane can be read off it."""
        return f"{self.root}.do.{function}.{token(about)}"

    def is_work(self, subject: str, /) -> bool:
        """Whether a message there is on its way to a worker."""
        return subject.startswith(f"{self.root}.do.")

    def dead_subject(self, function: str, name: str, /) -> str:
        """Of one buried message: the same one again replaces it."""
        return f"{self.root}.dead.{token(function)}.{token(name)}"

    def alarm_subject(self, second: int, /) -> str:
        """Of one alarm: all of a second are one."""
        return f"{self.root}.timer.at.{second}"

    def streams(self) -> tuple[StreamConfig, ...]:
        """As they must be; what stands in none of these fields is the operator's."""
        return (
            self._stream(
                self.stream,
                subjects=[f"{self.root}.do.>"],
                # A message that was answered is gone; one that waits is never pushed out.
                retention=RetentionPolicy.WORK_QUEUE,
                discard=DiscardPolicy.NEW,
                max_age=0,
                duplicate_window=KNOWN.total_seconds(),
            ),
            self._stream(
                self.dead,
                subjects=[f"{self.root}.dead.>"],
                retention=RetentionPolicy.LIMITS,
                max_age=DEAD_KEPT.total_seconds(),
                max_msgs_per_subject=1,
            ),
            self._stream(
                self.timer,
                subjects=[f"{self.root}.timer.>"],
                retention=RetentionPolicy.LIMITS,
                max_age=BELLS_KEPT.total_seconds(),
                max_msgs_per_subject=1,
                allow_msg_schedules=True,
            ),
        )

    def _stream(self, name: str, /, **fields: Any) -> StreamConfig:  # noqa: ANN401  # its own words
        """Kept in files, in as many copies as wanted."""
        return StreamConfig(
            name=name, storage=StorageType.FILE, num_replicas=self.replicas, **fields
        )

    def consumer(self, function: str, /) -> ConsumerConfig:
        """The line in which all workers of a function stand; it has the function's name."""
        return ConsumerConfig(
            durable_name=function,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT.total_seconds(),
            # The server would stop and say nothing: a worker buries what it was given too often.
            max_deliver=_UNLIMITED,
            max_ack_pending=MOST_PENDING,
            filter_subject=f"{self.root}.do.{function}.>",
        )

    def bell(self) -> ConsumerConfig:
        """One ring wakes one worker."""
        return ConsumerConfig(
            durable_name="sweep",
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.NONE,
            filter_subject=self.rings,
        )


STREAM_FIELDS = (
    *("subjects", "retention", "discard", "storage", "num_replicas", "max_age"),
    *("max_msgs_per_subject", "mirror", "sources", "sealed", "no_ack", "deny_delete"),
    *("subject_transform", "republish"),
)
WORK_FIELDS = ("duplicate_window",)
TIMER_FIELDS = ("allow_msg_schedules",)
CONSUMER_FIELDS = (
    *("filter_subject", "filter_subjects", "deliver_policy", "ack_policy", "ack_wait"),
    *("max_deliver", "max_ack_pending", "backoff", "deliver_subject", "headers_only"),
)


def stream_differences(wanted: StreamConfig, live: StreamConfig, /) -> tuple[str, ...]:
    """Field by field, in words."""
    extra = tuple(name for name in (*WORK_FIELDS, *TIMER_FIELDS) if getattr(wanted, name))
    return _differences(wanted, live, fields=(*STREAM_FIELDS, *extra))


def consumer_differences(wanted: ConsumerConfig, live: ConsumerConfig, /) -> tuple[str, ...]:
    """Field by field, in words."""
    skipped = {name for name in CONSUMER_FIELDS if getattr(wanted, name) is None}
    always = ("backoff", "deliver_subject", "headers_only", "filter_subjects")
    fields = tuple(name for name in CONSUMER_FIELDS if name in always or name not in skipped)
    return _differences(wanted, live, fields=fields)


def _differences(wanted: object, live: object, *, fields: tuple[str, ...]) -> tuple[str, ...]:
    pairs = ((name, getattr(live, name), getattr(wanted, name)) for name in fields)
    return tuple(
        f"{name} is {_shown(found)}, must be {_shown(must)}"
        for name, found, must in pairs
        if (found or None) != (must or None)
    )


def _shown(value: Any) -> str:  # noqa: ANN401  # whatever a configuration field holds
    return str(getattr(value, "value", value))


def token(text: str, /) -> str:
    """Any text as one part of a subject."""
    return quote(text, safe="").replace(".", "%2E") or "%"
