"""A process that started with one function, widened to all: it can deliver whatever waits.

Nothing is loaded before it is needed: a function that only answers a call stays small.
"""

from dataclasses import replace

from keylease.runtime.bundle import load_function
from keylease.runtime.process import Bound, Process
from keylease.runtime.wiring import FUNCTIONS, Keylease


async def whole(keylease: Keylease, /) -> Process:
    """The same process with every function and sink.

    Raises:
        Misconfigured: something that is needed cannot be had; says what to do.
    """
    process, parts = keylease.process, keylease.parts
    functions = dict(process.functions)
    for name in sorted(FUNCTIONS - functions.keys()):
        function = load_function(name)
        functions[name] = Bound(function=function, handler=await parts.filled(function.handler))
    sinks = process.sinks
    if keylease.settings.sinks and not sinks:
        from keylease.runtime.outward import sinks as opened  # noqa: PLC0415  # as wiring.py

        sinks = await opened(keylease.settings, parts=parts)
    return replace(process, functions=functions, sinks=sinks)
