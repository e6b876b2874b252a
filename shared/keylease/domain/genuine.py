"""What every signed message must obey: a plain time near now, and JSON that means one thing."""

import json
import re
from datetime import datetime

from pydantic import JsonValue
from pydantic_core import from_json

from keylease.errors import BadInput, NotGenuine

WINDOW = 300
"""Seconds that a signed message may be old, or ahead."""
_STAMP = re.compile(r"[0-9]{9,13}")


def check_time(stamp: str, /, *, now: datetime) -> None:
    """Refuse a signed timestamp outside of the window, on either side.

    Raises:
        NotGenuine: it is not plain digits, or too far from `now`.
    """
    if not _STAMP.fullmatch(stamp):
        raise NotGenuine("timestamp_malformed")
    if abs(now.timestamp() - int(stamp)) > WINDOW:
        raise NotGenuine("timestamp_stale")


def read_json(text: bytes | str, /, *, unique_keys: bool = False) -> JsonValue:
    """Strict JSON: UTF-8, no NaN, no lone surrogates, bounded depth, on request no repeated keys.

    Raises:
        BadInput: it is anything else.
    """
    try:
        document: JsonValue = from_json(text, allow_inf_nan=False)
        if unique_keys:  # a reader before or after us may take the other one (ASVS 15.3.7)
            json.loads(text, object_pairs_hook=_refuse_repeats)
    except (ValueError, RecursionError) as e:
        msg = "the body is not valid JSON"
        raise BadInput(msg, code="json_malformed") from e
    return document


def _refuse_repeats(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        msg = "a field is given twice"
        raise BadInput(msg, code="field_repeated")
