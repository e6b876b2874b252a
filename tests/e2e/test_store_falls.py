"""The main job on a PostgreSQL that falls: keylease goes on as soon as it is back."""

import asyncio

from structlog.testing import capture_logs

from keylease.turn import TURN
from tests.e2e.playing import ANA, PATIENCE, playing
from tests.e2e.test_main_job import approved_by_bo
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import postgres_server


async def test_a_database_that_is_killed_needs_no_new_start_of_keylease() -> None:
    with postgres_server() as mortal, capture_logs():  # tracebacks are slow to paint
        async with empty_database(mortal) as url, playing(store=url) as play:
            request_id = await approved_by_bo(play, "cache-reader for 3s because INC-1")
            await play.told(ANA, request_id, "is active")

            mortal.kill()
            await asyncio.sleep(3)  # meanwhile its time is over
            mortal.start()

            # Should it fall in the middle of the account's turn, that has to run out first.
            await play.told(ANA, request_id, "ended", within=TURN.total_seconds() + PATIENCE)
            assert play.accounts() == set()
            after = await approved_by_bo(play, "cache-reader for 3s because INC-2")
            await play.told(ANA, after, "is active")
