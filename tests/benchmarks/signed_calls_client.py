"""The client's side of `signed_calls`: a process of its own, so that its CPU time is all theirs.

    python tests/benchmarks/signed_calls_client.py PORT TLS_PORT CALLS ROUNDS

It trusts the server's certificate by the variable SSL_CERT_FILE, which is read at import.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from alibabacloud_rocketmq20220801.client import Client
from alibabacloud_tea_openapi.models import Config

sys.path.insert(0, str(Path(__file__).parents[2]))

from keylease.adapters.alibaba.client import AlibabaClient  # after the path is set
from keylease.adapters.alibaba.credentials import (  # as above
    CachingCredentials,
    Key,
    StaticCredentials,
)
from keylease.adapters.alibaba.endpoints import Endpoints  # as above
from keylease.adapters.alibaba.rocketmq import RocketMq  # as above
from keylease.adapters.system.clock import SystemClock  # as above
from keylease.adapters.system.http import AiohttpHttp  # as above
from keylease.adapters.system.ids import SystemIds  # as above
from keylease.domain.secret import Secret  # as above
from keylease.runtime.logging import configure_logging  # as above
from tests.benchmarks.measure import Arm, interleaved  # as above

INSTANCE, TOPIC = "rmq-cn-demo0001", "orders"
One = Callable[[], Awaitable[str | None]]
"""One call; returns the topic's message type, so that all arms are seen to read the answer."""


def ours(http: AiohttpHttp, url: str, /) -> One:
    clock = SystemClock()
    client = AlibabaClient(
        http=http,
        credentials=CachingCredentials(
            source=StaticCredentials(Key(id="testid", secret=Secret("testsecret"))), clock=clock
        ),
        clock=clock,
        ids=SystemIds(clock),
        endpoints=Endpoints(given={"rocketmq": url}),
    )
    instance = RocketMq(client=client, region="cn-hangzhou", instance=INSTANCE)

    async def one() -> str | None:
        return (await instance.get_topic(TOPIC)).message_type

    return one


def bare(session: aiohttp.ClientSession, url: str, /) -> One:
    async def one() -> str | None:
        async with session.get(f"{url}/instances/{INSTANCE}/topics/{TOPIC}") as response:
            return str(json.loads(await response.read())["data"]["messageType"])

    return one


def official(url: str, /) -> One:
    protocol, _, endpoint = url.partition("://")
    client = Client(
        Config(
            access_key_id="testid",
            access_key_secret="testsecret",
            endpoint=endpoint,
            protocol=protocol,
        )
    )

    async def one() -> str | None:
        answer = await client.get_topic_async(INSTANCE, TOPIC)
        return str(answer.body.data.message_type)

    return one


def timed(one: One, /, *, calls: int) -> Arm:
    async def arm() -> float:
        begun = time.process_time()
        for _ in range(calls):
            await one()
        return (time.process_time() - begun) / calls

    return arm


async def main(*, port: str, tls_port: str, calls: int, rounds: int) -> None:
    plain, secure = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}"
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(AiohttpHttp())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        with Path("/dev/null").open("w") as nowhere:  # noqa: ASYNC230  # before anything is timed
            configure_logging(stream=nowhere)
            arms = {
                "ours": (ours(http, plain), calls),
                "bare": (bare(session, plain), calls),
                "sdk": (official(plain), calls // 4 or 1),
                "ours tls": (ours(http, secure), calls),
                "bare tls": (bare(session, secure), calls),
                "sdk tls": (official(secure), calls // 40 or 1),
            }
            answers = {name: await one() for name, (one, _) in arms.items()}
            found = await interleaved(
                {name: timed(one, calls=count) for name, (one, count) in arms.items()},
                rounds=rounds,
            )
    sys.stdout.write(json.dumps({"answers": answers, "samples": found.of}) + "\n")


if __name__ == "__main__":
    _, port, tls_port, calls, rounds = sys.argv
    asyncio.run(  # noqa: TID251  # a program owns its loop
        main(port=port, tls_port=tls_port, calls=int(calls), rounds=int(rounds))
    )
