"""`python -m keylease.hosts.fc FUNCTION [events|http]`: the program of a custom runtime."""

import asyncio
import sys

from keylease.errors import Misconfigured
from keylease.hosts.fc.custom import Serves, serve
from keylease.runtime.bundle import function_names
from keylease.runtime.logging import configure_logging


def main(arguments: list[str], /) -> int:
    """Serve until SIGTERM; 78 (as of sysexits) when it cannot."""
    name, *rest = arguments or [""]
    kind = rest[0] if rest else Serves.EVENTS
    if name not in function_names() or kind not in set(Serves) or len(rest) > 1:
        names = "|".join(sorted(function_names()))
        sys.stderr.write(f"usage: python -m keylease.hosts.fc {names} [events|http]\n")
        return 64
    configure_logging()
    try:
        asyncio.run(serve(name, serves=Serves(kind)))
    except Misconfigured as e:
        sys.stderr.write(f"{e}\n")
        return 78
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
