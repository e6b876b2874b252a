"""A parcel as a message: the event as its body, the rest in headers, all of it signed.

Whoever may write to the bus could otherwise make up an approval. Handlers read the state anew from
the store, but who pressed a button is known from the event alone.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from pydantic import ValidationError

from keylease.domain.events import Event
from keylease.domain.secret import Secret
from keylease.errors import NotGenuine
from keylease.ports.store import Outgoing, Parcel

MSG_ID = "Nats-Msg-Id"
FUNCTION = "Keylease-Function"
PARCEL = "Keylease-Parcel"
SIGNATURE = "Keylease-Signature"
PROOF = (FUNCTION, PARCEL, SIGNATURE)
"""What a message needs beside its body to be believed."""
REASON = "Keylease-Reason"
ROLE = "function:"
PLAIN = " !\"#&'()*+,-./:;<=>?@[]^_`{|}~$"
"""Printable ASCII but the percent sign: what a header may hold as it is; it ends with its line."""


@dataclass(frozen=True, slots=True)
class Wire:
    """Writes with the first secret, believes all of them."""

    secrets: tuple[Secret, ...]
    _keyed: tuple[hmac.HMAC, ...] = field(init=False, repr=False, compare=False)
    """Ready to sign: to take in a key costs more than to sign a message."""

    def __post_init__(self) -> None:
        keyed = (hmac.new(one.reveal().encode(), digestmod="sha256") for one in self.secrets)
        object.__setattr__(self, "_keyed", tuple(keyed))

    def written(self, parcel: Parcel, /) -> tuple[bytes, dict[str, str]]:
        """Body and headers."""
        outgoing = parcel.outgoing
        function = function_of(parcel)
        body = outgoing.event.model_dump_json(exclude_none=True).encode()
        headers = {
            # The number makes it one parcel: the same event may be said, handled and said again.
            MSG_ID: quote(f"{outgoing.event.id}|{outgoing.destination}|{parcel.seq}", safe=PLAIN),
            FUNCTION: function,
            PARCEL: str(parcel.seq),
            SIGNATURE: _signature(self._keyed[0], function, str(parcel.seq), body),
        }
        return body, headers

    def read(self, body: bytes, headers: Mapping[str, str], /, *, attempts: int) -> Parcel:
        """The parcel.

        Raises:
            NotGenuine: we did not write it; the code says what is wrong with it.
        """
        function, seq = headers.get(FUNCTION, ""), headers.get(PARCEL, "")
        given = headers.get(SIGNATURE, "")
        genuine = (_signature(keyed, function, seq, body) for keyed in self._keyed)
        if not any(hmac.compare_digest(one.encode(), given.encode()) for one in genuine):
            raise NotGenuine("the message has no signature of ours")
        try:
            event = Event.model_validate_json(body)
        except ValidationError as e:
            raise NotGenuine("the message is signed and holds no event") from e
        outgoing = Outgoing(event=event, destination=f"{ROLE}{function}")
        return Parcel(seq=int(seq), outgoing=outgoing, attempts=attempts)


def function_of(parcel: Parcel, /) -> str:
    """Whom it is for."""
    return parcel.outgoing.destination.removeprefix(ROLE)


def _signature(keyed: hmac.HMAC, function: str, seq: str, body: bytes) -> str:
    signing = keyed.copy()
    signing.update(f"{function}\n{seq}\n".encode() + body)
    return signing.hexdigest()
