"""A message is believed only as it was signed."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from keylease.adapters.nats.wire import FUNCTION, MSG_ID, PARCEL, SIGNATURE, Wire
from keylease.domain.secret import Secret
from keylease.errors import NotGenuine
from tests.contract.transport import parcel

OLD, NEW = Secret("the old one"), Secret("the new one")
WIRE = Wire((NEW, OLD))


def test_a_parcel_comes_back_with_the_attempts_that_the_bus_counted() -> None:
    body, headers = WIRE.written(parcel(7))

    found = WIRE.read(body, headers, attempts=3)

    assert (found.seq, found.attempts, found.outgoing) == (7, 3, parcel(7).outgoing)


def test_an_event_that_is_said_again_in_another_parcel_is_another_message() -> None:
    assert WIRE.written(parcel(1))[1][MSG_ID] == "evt-1|function:decide|1"


def test_the_secret_may_be_replaced_while_messages_wait() -> None:
    body, headers = Wire((OLD,)).written(parcel(1))

    assert WIRE.read(body, headers, attempts=0) == parcel(1)


def test_a_secret_that_is_gone_proves_nothing() -> None:
    body, headers = Wire((OLD,)).written(parcel(1))

    with pytest.raises(NotGenuine):
        Wire((NEW,)).read(body, headers, attempts=0)


@pytest.mark.parametrize(
    "changed", [{FUNCTION: "converge"}, {PARCEL: "8"}, {SIGNATURE: ""}, {SIGNATURE: "é"}]
)
def test_a_changed_header_is_not_believed(changed: dict[str, str]) -> None:
    body, headers = WIRE.written(parcel(7))

    with pytest.raises(NotGenuine):
        WIRE.read(body, headers | changed, attempts=0)


def test_a_changed_body_is_not_believed() -> None:
    body, headers = WIRE.written(parcel(7))

    with pytest.raises(NotGenuine):
        WIRE.read(body.replace(b"req-1", b"req-2"), headers, attempts=0)


@given(body=st.binary(), headers=st.dictionaries(st.text(), st.text()))
def test_anything_at_all_is_refused_in_words(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        WIRE.read(body, headers, attempts=0)


@given(line=st.text(st.characters(codec="utf-8")))
def test_a_message_id_is_one_line_of_plain_text(line: str) -> None:
    one = parcel(1)
    event = one.outgoing.event.model_copy(update={"id": line})
    outgoing = type(one.outgoing)(event=event, destination=one.outgoing.destination)

    name = WIRE.written(type(one)(seq=1, outgoing=outgoing, attempts=0))[1][MSG_ID]

    assert name.isascii()
    assert name.isprintable()
