"""The stream of messages that need a person: put in with a reason, looked at, sent on again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from nats.aio.msg import Msg
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from keylease.adapters.nats.connection import Jet
from keylease.adapters.nats.errors import translated
from keylease.adapters.nats.wire import MSG_ID, PLAIN, PROOF, REASON, Wire
from keylease.errors import BadInput, NotGenuine
from keylease.ports.transport import Dead

SUBJECT = "Keylease-Subject"
"""Where it was sent to, so that it may be sent there again."""
_EVERYTHING = ">"


async def bury(jet: Jet, msg: Msg, /, *, function: str, name: str, reason: str) -> None:
    """Keep a message with its proof; what has the same name takes its place.

    Headers that are none of ours are left: somebody else's may be such as cannot be sent again.
    """
    given = msg.headers or {}
    kept = {one: quote(given[one], safe=PLAIN) for one in PROOF if given.get(one)}
    headers = {**kept, SUBJECT: quote(msg.subject, safe=PLAIN), REASON: quote(reason, safe=PLAIN)}
    layout = jet.layout
    with translated():
        await jet.js.publish(
            layout.dead_subject(function, name), msg.data, headers=headers, stream=layout.dead
        )


@dataclass(frozen=True, slots=True)
class NatsDeadLetters:
    """Keeps `ports.transport.DeadLetters`."""

    jet: Jet
    wire: Wire

    async def listed(self, *, limit: int) -> tuple[Dead, ...]:
        found = list[Dead]()
        number = 1
        while len(found) < limit:
            raw = await self._next(number)
            if raw is None:
                break
            found.append(self._dead(raw))
            number = int(raw.seq or 0) + 1
        return tuple(found)

    async def found(self, number: int, /) -> Dead | None:
        raw = await self._next(number)
        return self._dead(raw) if raw is not None and raw.seq == number else None

    async def replay(self, dead: Dead, /) -> None:
        raw = await self._next(dead.number)
        if raw is None or raw.seq != dead.number:
            return
        headers = {k: v for k, v in (raw.headers or {}).items() if not _is_servers(k)}
        subject = unquote(headers.pop(SUBJECT, ""))
        if not self.jet.layout.is_work(subject):
            msg = f"dead letter {dead.number} was put there by somebody else, on no way of ours"
            raise BadInput(msg, field="number")
        headers.pop(REASON, None)
        # A name of its own: the server still knows the old one, and would drop it.
        headers[MSG_ID] = f"{raw.subject}|again-{dead.number}"
        with translated():
            await self.jet.js.publish(
                subject, raw.data or b"", headers=headers, stream=self.jet.layout.stream
            )
            await self.jet.js.delete_msg(self.jet.layout.dead, dead.number)

    async def _next(self, number: int) -> RawStreamMsg | None:
        """The first from that number on."""
        with translated():
            try:
                return await self.jet.js.get_msg(
                    self.jet.layout.dead, number, subject=_EVERYTHING, next=True
                )
            except NotFoundError:
                return None

    def _dead(self, raw: RawStreamMsg) -> Dead:
        headers, body = raw.headers or {}, raw.data or b""
        try:
            parcel = self.wire.read(body, headers, attempts=0)
        except NotGenuine:
            parcel = None
        return Dead(
            number=int(raw.seq or 0),
            at=raw.time or datetime.fromtimestamp(0, UTC),
            function=str(raw.subject).split(".")[2],
            reason=unquote(headers.get(REASON, "")),
            body=body,
            parcel=parcel,
        )


def _is_servers(name: str) -> bool:
    """Whether the server reads it: such a header was meant for one publication."""
    return name.startswith("Nats-")
