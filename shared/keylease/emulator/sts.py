"""STS 2015-04-01: temporary credentials, signed for AssumeRole, anonymous with an OIDC token."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from keylease.emulator.call import Call, Operation
from keylease.emulator.envelope import Payload
from keylease.emulator.refusal import Refusal
from keylease.emulator.world import ACCOUNT_ID, SessionKey

VERSION = "2015-04-01"
ANONYMOUS = frozenset({"AssumeRoleWithOIDC"})
SHORTEST, LONGEST = 900, 43200
_ROLE = re.compile(r"acs:ram::(?P<account>\d{1,20}):role/(?P<name>[\w.-]{1,64})", re.ASCII)
_PROVIDER = re.compile(r"acs:ram::\d{1,20}:oidc-provider/[\w.-]{1,128}", re.ASCII)
_SESSION = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
TOKEN_LENGTHS = range(4, 20001)


def assume_role(call: Call) -> Payload:
    return _session(call)


def assume_role_with_oidc(call: Call) -> Payload:
    if not _PROVIDER.fullmatch(call.required("OIDCProviderArn")):
        raise _invalid("OIDCProviderArn")
    if len(call.required("OIDCToken")) not in TOKEN_LENGTHS:
        raise _invalid("OIDCToken")
    return _session(call)


def get_caller_identity(call: Call) -> Payload:
    is_role = ":assumed-role/" in call.caller.arn
    return {
        "AccountId": call.caller.account_id,
        "Arn": call.caller.arn,
        "IdentityType": "AssumedRoleUser" if is_role else "RAMUser",
        "PrincipalId": call.caller.id,
        "UserId": "" if is_role else call.caller.id,
        "RoleId": call.caller.id if is_role else "",
    }


_RUNS: Mapping[str, Callable[[Call], Payload]] = {
    "AssumeRole": assume_role,
    "AssumeRoleWithOIDC": assume_role_with_oidc,
    "GetCallerIdentity": get_caller_identity,
}
OPERATIONS = {name: Operation(name=name, run=run) for name, run in _RUNS.items()}


def utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def credentials(key: SessionKey) -> dict[str, str]:
    """The four fields that every dynamic source of credentials answers."""
    return {
        "AccessKeyId": key.id,
        "AccessKeySecret": key.secret.get_secret_value(),
        "SecurityToken": key.security_token.get_secret_value(),
        "Expiration": utc_text(key.expires_at),
    }


def _session(call: Call) -> Payload:
    role = _role(call)
    session = call.required("RoleSessionName")
    if not _SESSION.fullmatch(session):
        raise _invalid("RoleSessionName")
    seconds = call.number("DurationSeconds", default=3600, lowest=SHORTEST, highest=LONGEST)
    arn = f"acs:ram::{role['account']}:assumed-role/{role['name']}/{session}"
    key = call.live.mint(arn=arn, expires_at=call.now + timedelta(seconds=seconds))
    return {
        "Credentials": {**credentials(key)},
        "AssumedRoleUser": {"Arn": arn, "AssumedRoleId": f"{ACCOUNT_ID}:{session}"},
    }


def _role(call: Call) -> re.Match[str]:
    arn = call.required("RoleArn")
    match = _ROLE.fullmatch(arn)
    if match is None:
        raise _invalid("RoleArn")
    if call.live.roles is not None and arn not in call.live.roles:
        raise call.refusal(call.live.settings.codes.no_role, "The specified role does not exist.")
    return match


def _invalid(parameter: str) -> Refusal:
    return Refusal(f"InvalidParameter.{parameter}", f"The parameter {parameter} is wrongly formed.")
