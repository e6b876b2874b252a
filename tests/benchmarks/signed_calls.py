"""CPU of one signed call against bare aiohttp and the official async SDK."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measure import Samples
from tests.benchmarks.programs import HERE, started, told, variables
from tests.benchmarks.report import Report, at_most

METHOD = """\
GetTopic, one call after the other, against a server in another process that answers a fixed \
JSON on a raw protocol. CPU is `time.process_time` of the client's process. Ours signs, sends, \
reads the answer into its model and writes its log line (to /dev/null); bare aiohttp sends an \
unsigned GET over one session and loads the JSON; the SDK runs with its defaults. All verify the \
server's certificate. The fixed file of trusted certificates is this one certificate \
(`SSL_CERT_FILE`), which spares the SDK the system's bundle; it still loads its own at every \
call."""


@dataclass(frozen=True, slots=True)
class Size:
    calls: int = 400
    rounds: int = 9


SMOKE = Size(calls=2, rounds=1)


async def sampled(size: Size, /) -> tuple[dict[str, str], Samples]:
    """What each arm read, and what it cost."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with started(str(HERE / "fast_server.py"), folder) as (port, tls_port):
            found = await told(
                str(HERE / "signed_calls_client.py"),
                port,
                tls_port,
                str(size.calls),
                str(size.rounds),
                env=variables(SSL_CERT_FILE=str(Path(folder) / "cert.pem")),
            )
    return found["answers"], Samples(found["samples"])


async def measure(size: Size = Size(), /) -> Report:  # frozen
    answers, samples = await sampled(size)
    assert set(answers.values()) == {"NORMAL"}
    goals = (
        ("ours", "bare", 1.6, "against bare aiohttp"),
        ("ours", "sdk", 1 / 3, "against the SDK without TLS"),
        ("ours tls", "sdk tls", 1 / 50, "against the SDK with TLS"),
    )
    rows = [
        at_most(samples, arm=arm, to=to, limit=limit, what=what, unit="µs", scale=1e6)
        for arm, to, limit, what in goals
    ]
    return Report("signed_calls", "CPU per signed call", METHOD, tuple(rows))
