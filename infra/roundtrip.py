"""What a model does not know, it drops: compare what was given with what came back."""

from collections.abc import Iterator
from typing import Any


def lost(given: Any, back: Any, /, where: str = "") -> Iterator[str]:  # noqa: ANN401  # any YAML
    """Paths of what did not come back as it was given."""
    if isinstance(given, dict) and isinstance(back, dict):
        for name, value in given.items():
            if name in back:
                yield from lost(value, back[name], f"{where}.{name}")
            else:
                yield f"{where}.{name}"
    elif isinstance(given, list) and isinstance(back, list) and len(given) == len(back):
        for number, (value, other) in enumerate(zip(given, back, strict=True)):
            yield from lost(value, other, f"{where}[{number}]")
    elif str(given) != str(back):
        yield where
