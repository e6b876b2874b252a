"""What R-kvstore accepts as a name, a password, a privilege and a description."""

import re

from keylease.emulator.call import Call
from keylease.emulator.refusal import Refusal

PRIVILEGES = ("RoleReadOnly", "RoleReadWrite")
SPECIALS = "!@#$%^&*()_+-="
_PASSWORD = re.compile(rf"[A-Za-z0-9{re.escape(SPECIALS)}]{{8,32}}")
_CLASSES = ("[A-Z]", "[a-z]", "[0-9]", f"[{re.escape(SPECIALS)}]")
_DESCRIPTION = re.compile(r"[A-Za-z\u4e00-\u9fff][A-Za-z0-9_\-\u4e00-\u9fff]{1,255}")
CLASSES_NEEDED = 3


def valid_new_name(call: Call) -> str:
    name = valid_name(call)
    if name in call.live.settings.redis_reserved_names:
        raise Refusal("InvalidAccountName.Forbid", "Specified AccountName is a keyword.")
    return name


def valid_name(call: Call) -> str:
    name = call.required("AccountName")
    if not call.live.settings.redis_name_pattern.fullmatch(name):
        raise Refusal("InvalidAccountName.Format", "Specified AccountName is not valid.")
    return name


def existing_name(call: Call) -> str:
    """Built-in accounts may be named too, and an instance ID is no valid new name."""
    name = call.required("AccountName")
    return name if name == call.parameters.get("InstanceId") else valid_name(call)


def valid_password(call: Call, parameter: str = "AccountPassword") -> str:
    password = call.required(parameter)
    classes = sum(bool(re.search(kind, password)) for kind in _CLASSES)
    if not _PASSWORD.fullmatch(password) or classes < CLASSES_NEEDED:
        raise Refusal("InvalidAccountPassword.Format", "Specified AccountPassword is not valid.")
    return password


def valid_privilege(privilege: str, *, code: str) -> str:
    """CreateAccount and GrantAccountPrivilege name the same fault differently."""
    if privilege not in PRIVILEGES:
        raise Refusal(code, "Specified account privilege is not valid.")
    return privilege


def valid_description(description: str) -> str:
    if not _DESCRIPTION.fullmatch(description):
        raise Refusal(
            "InvalidAccountDescription.Format", "Specified AccountDescription is not valid."
        )
    return description
