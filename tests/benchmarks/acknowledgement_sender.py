"""Slack as far as it sends: a process of its own, so that nothing but the server delays an answer.

    python tests/benchmarks/acknowledgement_sender.py URL GAP WARM_UP COUNT

It signs with the variable SLACK_SIGNING_SECRET, and prints how late each of the COUNT commands left
and when it was answered, both in seconds after it was to leave. WARM_UP commands go before them.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[2]))

from keylease.adapters.slack.signature import sign  # after the path is set
from keylease.cli.demo_people import APP, FORM, TEAM  # as above
from keylease.domain.secret import Secret  # as above

TEXT = "request payments-producer for 5m because INC-1"


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of the commands, in seconds."""

    late: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends commands at fixed times, whether or not earlier ones were answered."""

    session: aiohttp.ClientSession
    url: str
    secret: Secret
    gap: float

    async def offered(self, numbers: Iterable[int], /) -> Seen:
        seen = Seen()
        begun = asyncio.get_running_loop().time() + self.gap
        async with asyncio.TaskGroup() as group:
            for place, number in enumerate(numbers):
                group.create_task(self._send(number, at=begun + place * self.gap, seen=seen))
        return seen

    async def _send(self, number: int, /, *, at: float, seen: Seen) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(at - loop.time())
        seen.late.append(loop.time() - at)
        body, headers = self._command(number)
        async with self.session.post(self.url, data=body, headers=headers) as response:
            await response.read()
            assert response.status == 200
            seen.answered.append(loop.time() - at)

    def _command(self, number: int) -> tuple[bytes, dict[str, str]]:
        form = {
            "team_id": TEAM,
            "user_id": "U0ANA0001",
            "command": "/access",
            "text": TEXT,
            "api_app_id": APP,
            "trigger_id": f"trigger-{number}",
        }
        body, stamp = urlencode(form).encode(), str(int(time.time()))  # noqa: TID251  # Slack's own clock
        return body, {
            "content-type": FORM,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": sign(self.secret, stamp=stamp, body=body),
        }


async def main(url: str, /, *, gap: float, warm_up: int, count: int) -> None:
    secret = Secret(os.environ["SLACK_SIGNING_SECRET"])  # noqa: TID251  # a program's own
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        sender = Sender(session=session, url=url, secret=secret, gap=gap)
        await sender.offered(range(warm_up))
        gc.freeze()  # a collection of all that was loaded would count as latency
        seen = await sender.offered(range(warm_up, warm_up + count))
    sys.stdout.write(json.dumps({"late": seen.late, "answered": seen.answered}) + "\n")


if __name__ == "__main__":
    _, url, gap, warm_up, count = sys.argv
    asyncio.run(  # noqa: TID251  # a program owns its loop
        main(url, gap=float(gap), warm_up=int(warm_up), count=int(count))
    )
