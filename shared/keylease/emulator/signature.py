"""Verification of ACS3-HMAC-SHA256, from the request's own SignedHeaders.

Written from the vendor's description alone and shared with nobody: the client under test signs in
other code, so that neither can hide the other's fault.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from keylease.emulator.refusal import GatewayRefusal
from keylease.emulator.wire import Wire, escaped
from keylease.emulator.world import AccessKey, OwnCode, OwnCodes

ALGORITHM = "ACS3-HMAC-SHA256"
ALLOWED_DRIFT = timedelta(minutes=15)
ALWAYS_SIGNED = frozenset(
    {
        "host",
        "x-acs-action",
        "x-acs-version",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-content-sha256",
    }
)
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[^,\s]+),"
    r"SignedHeaders=(?P<signed>[a-z0-9;!#$%&'*+.^_`|~-]+),"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True)
class Authorization:
    key_id: str
    signed: tuple[str, ...]
    signature: str


@dataclass(slots=True)
class Nonces:
    """Nonces of one emulator, kept as long as their dates could still be accepted."""

    _until: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def spend(self, *, key_id: str, nonce: str, now: datetime) -> None:
        while self._until and next(iter(self._until.values())) < now:
            del self._until[next(iter(self._until))]
        if (key_id, nonce) in self._until:
            raise GatewayRefusal(
                "SignatureNonceUsed", "Specified signature nonce was used already."
            )
        self._until[key_id, nonce] = now + 2 * ALLOWED_DRIFT


@dataclass(frozen=True, slots=True)
class Verifier:
    keys: Mapping[str, AccessKey]
    codes: Callable[[], OwnCodes]
    now: Callable[[], datetime]
    nonces: Nonces = field(default_factory=Nonces)

    def caller(self, wire: Wire) -> AccessKey:
        """Return the key that signed this request, or refuse as the gateway does."""
        authorization = parse_authorization(wire)
        _demand_signed_headers(wire, authorization=authorization)
        self._demand_fresh(wire.header("x-acs-date"))
        key = self._key(authorization.key_id)
        self._demand_token(wire, key=key)
        _demand_signature(wire, authorization=authorization, key=key)
        nonce = wire.header("x-acs-signature-nonce")
        self.nonces.spend(key_id=key.id, nonce=nonce, now=self.now())
        return key

    def _demand_fresh(self, text: str) -> None:
        signed_at = _parsed_date(text)
        if signed_at is None:
            raise GatewayRefusal(
                "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formed."
            )
        if abs(self.now() - signed_at) > ALLOWED_DRIFT:
            raise GatewayRefusal(
                "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."
            )

    def _key(self, key_id: str) -> AccessKey:
        key = self.keys.get(key_id)
        if key is None:
            raise GatewayRefusal(
                "InvalidAccessKeyId.NotFound", "Specified access key is not found.", status=404
            )
        if not key.active:
            raise GatewayRefusal("InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
        return key

    def _demand_token(self, wire: Wire, *, key: AccessKey) -> None:
        codes = self.codes()
        given = wire.header("x-acs-security-token")
        required = key.security_token.get_secret_value() if key.security_token else ""
        if required and not given:
            raise _token_refusal(codes.token_missing)
        if not hmac.compare_digest(_encoded(given), required.encode()):
            raise _token_refusal(codes.token_wrong)
        if key.expires_at and key.expires_at <= self.now():
            raise _token_refusal(codes.token_expired)


def parse_authorization(wire: Wire) -> Authorization:
    match = _AUTHORIZATION.fullmatch(wire.header("authorization"))
    if match is None:
        raise _incomplete("the Authorization header is missing or malformed")
    signed = tuple(match["signed"].split(";"))
    if len(set(signed)) != len(signed):
        raise _incomplete("SignedHeaders names a header twice")
    return Authorization(key_id=match["key"], signed=signed, signature=match["signature"])


def canonical_request(wire: Wire, *, signed: tuple[str, ...]) -> str:
    """Rebuild what the caller signed, with an encoding of our own."""
    names = sorted(signed)
    pairs = ((escaped(key), escaped(value)) for key, value in sorted(wire.query))
    return "\n".join(
        (
            wire.method,
            "/".join(map(escaped, wire.path)) or "/",
            "&".join(f"{key}={value}" for key, value in pairs),
            "".join(f"{name}:{wire.header(name)}\n" for name in names),
            ";".join(names),
            wire.header("x-acs-content-sha256"),
        )
    )


def signature(canonical: str, *, secret: str) -> str:
    digest = hashlib.sha256(_encoded(canonical)).hexdigest()
    return hmac.new(secret.encode(), f"{ALGORITHM}\n{digest}".encode(), "sha256").hexdigest()


def _demand_signed_headers(wire: Wire, *, authorization: Authorization) -> None:
    present = {name for name in wire.headers if name.startswith("x-acs-")}
    content_type = {"content-type"} if wire.body else set[str]()
    unsigned = (ALWAYS_SIGNED | present | content_type) - set(authorization.signed)
    if unsigned:
        raise _incomplete(f"SignedHeaders lacks {', '.join(sorted(unsigned))}")
    absent = set(authorization.signed) - wire.headers.keys()
    if absent:
        raise _incomplete("SignedHeaders names a header that the request does not have")


def _demand_signature(wire: Wire, *, authorization: Authorization, key: AccessKey) -> None:
    expected = signature(
        canonical_request(wire, signed=authorization.signed),
        secret=key.secret.get_secret_value(),
    )
    body_hash = hashlib.sha256(wire.body).hexdigest()
    is_genuine = hmac.compare_digest(authorization.signature, expected)
    is_whole = hmac.compare_digest(
        _encoded(wire.header("x-acs-content-sha256")), body_hash.encode()
    )
    if not (is_genuine and is_whole):
        raise GatewayRefusal(
            "SignatureDoesNotMatch", "Specified signature does not match our calculation."
        )


def _parsed_date(text: str) -> datetime | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _token_refusal(own: OwnCode) -> GatewayRefusal:
    return GatewayRefusal(own.code, "Specified security token is not valid.", status=own.status)


def _incomplete(why: str) -> GatewayRefusal:
    return GatewayRefusal(
        "IncompleteSignature",
        f"The request signature does not conform to Alibaba Cloud standards: {why}.",
    )


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
