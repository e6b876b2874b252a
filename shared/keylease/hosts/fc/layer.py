"""Code and dependency layer belong together: both carry the digest of the lock that made them."""

import sys
from collections.abc import Iterable
from pathlib import Path

from keylease.errors import Misconfigured

MARK = "keylease_layer.txt"
"""The layer's file that holds the digest; `infra/package.py` writes it."""


def check_layer(wanted: str, /, *, paths: Iterable[str] | None = None) -> None:
    """Refuse to run on another release's dependencies.

    Raises:
        Misconfigured: the layer is missing, or of another lock.
    """
    places = (Path(path) / MARK for path in (sys.path if paths is None else paths))
    found = next((place.read_text().strip() for place in places if place.is_file()), "none")
    if found != wanted:
        msg = (
            f"this code needs the dependency layer {wanted}, and finds {found}; "
            "publish the layer of the same `make package`, and name it in the function"
        )
        raise Misconfigured(msg)
