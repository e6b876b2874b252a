"""What people do while keylease dies, and what must hold when everything has come to rest."""

import asyncio
import functools
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import asyncpg

from keylease.cli.demo_inbox import direct, text_with
from keylease.cli.demo_stage import Stage, staged
from keylease.runtime.copying import copied
from keylease.runtime.settings import Settings
from keylease.runtime.store_address import SQLITE
from keylease.runtime.stores import open_copy, open_origin
from tests.crash.kill_worker import Armed, Worker, database
from tests.e2e.playing import ANA, OfficialSlack

T = TypeVar("T")

PATIENCE = 60.0
SAME_SITE = {"sec-fetch-site": "same-origin"}
_LINK = re.compile(r"<https?://[^/|>]+(/claim/([^|>]+))\|")
_VALUE = re.compile(r'<code class="value">([^<]*)</code>')
_SHOWN, _SPENT = 200, 410


@dataclass(slots=True)
class Play:
    """One run: the stage, keylease on it, and what came of it."""

    stage: Stage
    workers: list[Worker]
    session: aiohttp.ClientSession
    shown: list[str] = field(default_factory=list)
    """Passwords, each as often as a page has shown it."""
    tokens: set[str] = field(default_factory=set)
    """Claim tokens that stood in messages."""
    secrets: set[str] = field(default_factory=set)
    """Passwords of accounts that the cloud had when somebody claimed."""
    store: str | None = None
    """Where the workers keep everything, when not in the stage's file."""

    @property
    def deaths(self) -> int:
        return sum(worker.deaths for worker in self.workers)

    async def says(self, user: str, text: str, /, *, trigger: str, by: int = 0) -> str:
        """A signed slash command; the same message again when it gave no answer."""

        async def say(url: str) -> str:
            secret = self.stage.variables["DEMO_SLACK_SIGNING_SECRET"]
            slack = OfficialSlack(url=url, secret=secret, session=self.session)
            answer = await slack.types(user, text, trigger=trigger)
            return str(answer["text"])

        return await self.persist(say, by=by)

    async def asks(self, text: str, /, *, trigger: str, by: int = 0) -> str:
        """The id of Ana's new request."""
        answer = await self.says(ANA, f"request {text}", trigger=trigger, by=by)
        return answer.split(" ", 1)[0]

    async def claims(self, request_id: str, /) -> None:
        """Open every link, at every worker at once, until one was shown, is spent, or is late.

        A lease's time runs while its process is dead: on a slow machine it may be over first.
        """
        async with asyncio.timeout(PATIENCE):
            while not text_with(self.stage.slack, ANA, request_id, "ended"):
                self.secrets |= self.passwords()
                alive = [n for n, one in enumerate(self.workers) if one.ready.is_set()]
                answers = [
                    self.persist(functools.partial(self._open, link=link), by=n)
                    for link in self.links(request_id)
                    for n in alive
                ]
                if {_SHOWN, _SPENT} & set(await asyncio.gather(*answers)):
                    return
                await asyncio.sleep(0.1)  # a link, or a newer one, is under way

    async def _open(self, url: str, /, *, link: str) -> int:
        async with self.session.post(f"{url}{link}", headers=SAME_SITE) as response:
            page = await response.text()
        if response.status == _SHOWN:
            _, password, *_ = _VALUE.findall(page)
            self.shown.append(unescape(password))
        return response.status

    def links(self, request_id: str, /) -> list[str]:
        """The paths of the links for this request that stand in Ana's Slack."""
        paths = []
        for message in direct(self.stage.slack, ANA):
            found = _LINK.search(json.dumps(message.blocks))
            if found and request_id in message.text:
                self.tokens.add(found[2])
                paths.append(found[1])
        return paths

    async def told(self, user: str, *words: str) -> str:
        return await eventually(lambda: text_with(self.stage.slack, user, *words))

    async def persist(self, act: Callable[[str], Awaitable[T]], /, *, by: int = 0) -> T:
        """Do it again until somebody answers; the one that was chosen first, while it is there."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for worker in (*self.workers[by:], *self.workers[:by]):
                    if worker.ready.is_set():
                        try:
                            return await act(worker.url)
                        except (aiohttp.ClientError, ConnectionError):
                            continue  # it is dead
                await asyncio.sleep(0.05)

    def passwords(self) -> set[str]:
        """Of accounts that keylease has made, as the cloud knows them now."""
        world = self.stage.emulator.world
        mq = {a.username: a.password for one in world.rocketmq.all() for a in one.accounts}
        cache = {a.name: a.password for one in world.redis.all() for a in one.accounts}
        known = (mq | cache).items()
        return {secret.get_secret_value() for name, secret in known if name.startswith("kl")}

    def left(self) -> set[str]:
        """Accounts of ours that the cloud has."""
        world = self.stage.emulator.world
        names = {a.username for one in world.rocketmq.all() for a in one.accounts}
        names |= {a.name for one in world.redis.all() for a in one.accounts}
        return {name for name in names if name.startswith("kl")}

    def ask(self, question: str, /) -> list[Any]:
        """Rows of the database, read in passing, so that a death finds no other reader."""
        with closing(sqlite3.connect(f"file:{database(self.stage)}?mode=ro", uri=True)) as db:
            return db.execute(question).fetchall()

    async def rests(self) -> None:
        """Until nothing is to be delivered and no lease is open; then all that live stop."""
        waits = (
            "SELECT 1 FROM outbox WHERE parked_at IS NULL UNION ALL "
            "SELECT 1 FROM record WHERE kind = 'lease' AND is_open"
        )
        if self.store is None:
            await eventually(lambda: not self.ask(waits))
        else:
            await emptied(self.store)
        async with asyncio.timeout(PATIENCE):
            for worker in self.workers:
                await worker.stop()
        if self.store is not None:
            await fetched(self.store, into=database(self.stage))


async def eventually(found: Callable[[], T | None], /) -> T:
    """The first thing found."""
    async with asyncio.timeout(PATIENCE):
        while True:
            thing = found()
            if thing:
                return thing
            await asyncio.sleep(0.1)


async def emptied(store: str, /) -> None:
    """Until a store in PostgreSQL has nothing to deliver and no open lease."""
    connection = await asyncpg.connect(store)
    waits = (
        "SELECT (SELECT count(*) FROM keylease.outbox WHERE parked_at IS NULL) + "
        "(SELECT count(*) FROM keylease.record WHERE kind = 'lease' AND is_open = 1)"
    )
    try:
        end = asyncio.get_running_loop().time() + PATIENCE
        while waiting := await connection.fetchval(waits):
            assert asyncio.get_running_loop().time() < end, f"{waiting} still wait"
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def fetched(store: str, /, *, into: Path) -> None:
    """Copy it into a file, as `keylease store copy` does: what must hold is looked up there."""
    settings, file = Settings(), f"{SQLITE}{into}"
    async with (
        open_origin(store, settings, variables={}) as origin,
        open_copy(file, settings, variables={}) as copy,
    ):
        await copied(origin, copy, name=store, report=_unheard)


def _unheard(what: str, /, *, done: int, of: int) -> None:
    """Nobody watches this copy."""


@asynccontextmanager
async def playing(
    *,
    count: int = 1,
    armed: Armed | None = None,
    prepare: Callable[[Stage], None] | None = None,
    store: str | None = None,
) -> AsyncIterator[Play]:
    """A stage with keylease on it."""
    async with staged() as made, aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        elsewhere = {"KEYLEASE_STORE": store} if store else {}
        stage = replace(made, variables={**made.variables, **elsewhere})
        if prepare:
            prepare(stage)
        workers = [Worker(stage, name=f"worker-{n}", armed=armed) for n in range(count)]
        for worker in workers:
            group.create_task(worker.live())
        yield Play(stage=stage, workers=workers, session=session, store=store)
