"""The CloudEvents entrance: producers known by token or signature, each bound to its sources.

A signature covers the body only. In binary mode the attributes are headers, so a signed binary call
could be given another type or id on its way; it is refused, and a bearer token is asked for.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic_core import to_json

from keylease.adapters.cloudevents.codec import Incoming, is_binary, read_events
from keylease.domain.filing import read_form
from keylease.domain.intake import Arrived, Reply
from keylease.domain.people import ExternalId
from keylease.domain.secret import Secret
from keylease.domain.trust import Machine, Trust
from keylease.errors import BadInput, Misconfigured, NotGenuine
from keylease.ports.doors import Call
from keylease.ports.http import HttpResponse

_JSON = "application/json"
_STATUS = {"unsupported_media_type": 415, "too_large": 413, "not_allowed": 403}
_TYPES = "io.keylease.access."
_VERSION = ".v1"
SHORTEST_TOKEN = 16
_LONGEST_TOKEN = 512


class Proof(Protocol):
    """Whatever proves a signed call; wiring chooses it."""

    def verify(self, call: Call, /, *, now: datetime) -> str:
        """Return the id of the signed message, or raise NotGenuine."""
        ...


@dataclass(frozen=True, slots=True)
class Producer:
    """One sender: how it proves itself, and the only sources that it may speak as."""

    tenant: str
    sources: frozenset[str]
    tokens: tuple[Secret, ...] = field(default=(), repr=False)
    """Bearer tokens: the current one, then the previous one while it is being replaced."""
    proof: Proof | None = None
    trust: Trust = field(default_factory=Trust)

    def __post_init__(self) -> None:
        if any(len(token.reveal()) < SHORTEST_TOKEN for token in self.tokens):
            msg = "a token is too short; make one of 32 random bytes"
            raise Misconfigured(msg)


@dataclass(frozen=True, slots=True)
class CloudEventsDoor:
    """All producers of one deployment, and the origins that may deliver."""

    producers: tuple[Producer, ...]
    origins: frozenset[str] = frozenset()
    """Who passes the webhook handshake."""
    rate: int = 600
    """Deliveries a minute that a handshake allows."""

    def open(self, call: Call, /, *, now: datetime) -> tuple[Arrived, ...] | HttpResponse:
        if call.method == "OPTIONS":
            return self._shake_hands(call)
        producer = self._producer(call, now=now)
        events = read_events(call)
        for event in events:
            if event.source not in producer.sources:
                raise NotGenuine("source_not_bound")
        return tuple(arrived(event, producer=producer) for event in events if _is_ours(event))

    def answer(self, call: Call, /, *, replies: tuple[Reply, ...]) -> HttpResponse:  # noqa: ARG002  # the port's; every call is answered alike
        content = [
            {"text": reply.text, "request_id": reply.request_id, "refused": reply.refused}
            for reply in replies
        ]
        return _json(202, {"replies": content})

    def refuse(self, call: Call, /, *, problem: BadInput) -> HttpResponse:  # noqa: ARG002  # as above
        content = {"error": problem.code, "field": problem.field, "problem": str(problem)}
        return _json(_STATUS.get(problem.code, 400), content)

    def _producer(self, call: Call, *, now: datetime) -> Producer:
        if call.all("authorization"):
            return self._by_token(call)
        for producer in self.producers:
            if producer.proof and _is_proved(producer.proof, call, now=now):
                if is_binary(call):
                    msg = "a signature does not cover ce- headers; send structured or batch mode"
                    raise BadInput(msg, field="content-type", code="attributes_unsigned")
                return producer
        raise NotGenuine("unproved")

    def _by_token(self, call: Call) -> Producer:
        given = call.sole("authorization", longest=_LONGEST_TOKEN)
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotGenuine("scheme_unknown")
        found = None
        for producer in self.producers:  # all of them, so that time tells nothing
            for own in producer.tokens:
                if hmac.compare_digest(_hash(own.reveal()), _hash(token)):
                    found = producer
        if found is None:
            raise NotGenuine("token_unknown")
        return found

    def _shake_hands(self, call: Call) -> HttpResponse:
        """Allow a known origin to deliver.

        The callback that a sender may name is never called: anybody could aim us with it.
        """
        named = call.all("webhook-request-origin")
        if len(named) != 1 or named[0] not in self.origins:
            return HttpResponse(status=405, headers={"allow": "POST"})
        headers = {
            "allow": "POST",
            "webhook-allowed-origin": named[0],
            "webhook-allowed-rate": str(self.rate),
        }
        return HttpResponse(status=200, headers=headers)


def _is_proved(proof: Proof, call: Call, *, now: datetime) -> bool:
    try:
        proof.verify(call, now=now)
    except NotGenuine:
        return False
    return True


def _is_ours(event: Incoming) -> bool:
    """Whether it is one of our types; a bus may send others, which are acknowledged, not read."""
    return event.type.startswith(_TYPES)


def arrived(event: Incoming, /, *, producer: Producer) -> Arrived:
    """What a proved producer says.

    Raises:
        BadInput: it is not understood.
    """
    name = event.type.removeprefix(_TYPES)
    if not name.endswith(_VERSION):
        msg = "this version is not read; use .v1"
        raise BadInput(msg, field="type", code="type_unknown")
    form = read_form(f"access.{name.removesuffix(_VERSION)}", event.content)
    identity = ExternalId(platform="cloudevents", tenant=producer.tenant, subject=event.source)
    machine = Machine(identity=identity, trust=producer.trust)
    return machine.says(form, key=event.key, traceparent=event.traceparent)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _json(status: int, content: object) -> HttpResponse:
    return HttpResponse(status=status, headers={"content-type": _JSON}, body=to_json(content))
