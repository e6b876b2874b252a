"""Random changes to signed calls: each changes something that the signature covers."""

from collections.abc import Callable
from random import Random  # noqa: TID251  # seeded: a failing mutation is made again
from urllib.parse import quote

from keylease.ports.doors import Call
from tests.support.doors import with_body, with_headers

SIGNED = (
    "x-slack-signature",
    "x-slack-request-timestamp",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
)
KINDS = ("application/json", "application/x-www-form-urlencoded", "text/plain",
         "application/cloudevents+json", "application/cloudevents-batch+json")  # fmt: skip
PRINTABLE = [chr(code) for code in range(33, 127)]

Mutation = Callable[[Call, Random], Call]


def _header(call: Call, chance: Random) -> tuple[str, str]:
    present = [(k, v) for k, v in call.headers if k.lower() in SIGNED]
    return chance.choice(present)


def flip_a_bit(call: Call, chance: Random) -> Call:
    body = bytearray(call.body)
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return with_body(call, bytes(body))


def cut_the_body(call: Call, chance: Random) -> Call:
    return with_body(call, call.body[: chance.randrange(len(call.body))])


def add_to_the_body(call: Call, chance: Random) -> Call:
    at = chance.randrange(len(call.body) + 1)
    return with_body(
        call, call.body[:at] + chance.randbytes(1 + chance.randrange(8)) + call.body[at:]
    )


def swap_parts_of_the_body(call: Call, chance: Random) -> Call:
    at = 1 + chance.randrange(len(call.body) - 1)
    return with_body(call, call.body[at:] + call.body[:at])


def swap_fields(call: Call, chance: Random) -> Call:
    mark = b"&" if b"&" in call.body else b","
    parts = call.body.split(mark)
    chance.shuffle(parts)
    body = mark.join(parts)
    return with_body(call, body if body != call.body else body + b" ")


def add_a_field(call: Call, chance: Random) -> Call:
    name = quote(chance.choice(["text", "user_id", "team_id", "payload", "requester"]))
    return with_body(call, call.body + f"&{name}=x".encode())


def edit_a_header(call: Call, chance: Random) -> Call:
    name, value = _header(call, chance)
    at = chance.randrange(len(value))
    other = chance.choice([char for char in PRINTABLE if char != value[at]])
    return with_headers(call, (name.lower(), value[:at] + other + value[at + 1 :]))


def cut_a_header(call: Call, chance: Random) -> Call:
    name, value = _header(call, chance)
    return with_headers(call, (name.lower(), value[: chance.randrange(len(value))]))


def drop_a_header(call: Call, chance: Random) -> Call:
    return with_headers(call, (_header(call, chance)[0].lower(), None))


def repeat_a_header(call: Call, chance: Random) -> Call:
    return with_headers(call, extra=(_header(call, chance),))


def swap_two_headers(call: Call, chance: Random) -> Call:
    present = [(k.lower(), v) for k, v in call.headers if k.lower() in SIGNED]
    (a, first), (b, second) = chance.sample(present, 2)
    return with_headers(call, (a, second), (b, first))


def shift_the_stamp(call: Call, chance: Random) -> Call:
    name = next(k.lower() for k, _ in call.headers if k.lower().endswith("timestamp"))
    shift = chance.choice([-1, 1]) * (1 + chance.randrange(10**6))
    return with_headers(call, (name, str(int(call.all(name)[0]) + shift)))


def make_the_stamp_odd(call: Call, chance: Random) -> Call:
    name = next(k.lower() for k, _ in call.headers if k.lower().endswith("timestamp"))
    odd = ("abc", "1e9", "NaN", "-1", str(10**30), "0x6955b900", "1767225600.0", "1_767_225_600")
    return with_headers(call, (name, chance.choice(odd)))


def make_the_signature_odd(call: Call, chance: Random) -> Call:
    name = next(k.lower() for k, _ in call.headers if k.lower().endswith("signature"))
    value = call.all(name)[0]
    odd = (value.swapcase(), value[3:], "none", "sha1=00", "v1", "v0", f"v9{value[2:]}", "é" * 9)
    return with_headers(call, (name, chance.choice(odd)))


def call_it_something_else(call: Call, chance: Random) -> Call:
    own = call.all("content-type")[0]
    return with_headers(call, ("content-type", chance.choice([k for k in KINDS if k != own])))


MUTATIONS: tuple[Mutation, ...] = (
    flip_a_bit,
    cut_the_body,
    add_to_the_body,
    swap_parts_of_the_body,
    swap_fields,
    add_a_field,
    edit_a_header,
    cut_a_header,
    drop_a_header,
    repeat_a_header,
    swap_two_headers,
    shift_the_stamp,
    make_the_stamp_odd,
    make_the_signature_odd,
    call_it_something_else,
)
