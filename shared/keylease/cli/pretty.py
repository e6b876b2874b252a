"""Log lines for a person at a terminal: time, level, event, and the rest as name=value."""

import sys
from collections.abc import MutableMapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from keylease.runtime.logging import FIRST

_STYLES = {"debug": "dim", "info": "green", "warning": "yellow", "error": "bold red"}


def render_line(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    """Render one line, as the last processor."""
    at, level, name = (str(event.pop(key, "")) for key in FIRST)
    exception = event.pop("exception", None)
    rest = " ".join(f"{key}={value}" for key, value in event.items() if value not in (None, ""))
    style = _STYLES.get(level, "default")
    line = f"[dim]{at[11:19]}[/] [{style}]{level:<7}[/] [bold]{escape(name)}[/] {escape(rest)}"
    return _painted(line) + (f"\n{exception}" if exception else "")


def _painted(line: str) -> str:
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    with console.capture() as capture:
        console.print(line, end="")
    return capture.get()
