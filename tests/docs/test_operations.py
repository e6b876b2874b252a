"""The numbers and the queries of the operations page are those of the code."""

import re
import shlex
import sqlite3

import pytest

from functions.sweep.handler import INBOX_KEPT, REPEAT, SELDOM
from keylease.converge.rotation import ALARM_AFTER
from keylease.converge.trouble import LONGEST_WAIT
from keylease.domain.account import STRAY_WRITE_WINDOW
from keylease.domain.duration import format_duration
from keylease.domain.lease import STUCK_AFTER
from keylease.runtime.process import MOST_ATTEMPTS
from keylease.runtime.settings import Settings
from keylease.turn import TURN
from tests.docs.pages import DOCS, blocks_of, rows
from tests.support.tree import LIBRARY

PAGE = DOCS / "operations.md"
MIGRATIONS = LIBRARY / "adapters" / "sqlite" / "migrations"


def test_the_table_of_times_is_that_of_the_code() -> None:
    said = {row[0]: row[1] for row in rows(PAGE.read_text())}
    minutes = {"2m": "2 minutes", "5m": "5 minutes", "45s": "45 s", "5s": "5 s"}
    words = {
        "a turn on an account": minutes[format_duration(TURN)],
        "an end that keeps failing is said": minutes[format_duration(STUCK_AFTER)],
        "between two tries": minutes[format_duration(LONGEST_WAIT)],
        "the timer looks": minutes[format_duration(Settings().sweep_every)],
        "a parcel is parked": f"{MOST_ATTEMPTS} tries",
    }

    assert {name: text for name, text in words.items() if text not in said[name]} == {}
    assert (format_duration(REPEAT), format_duration(SELDOM)) == ("1m", "1h")
    assert said["a message that is sent again is known"] == f"{INBOX_KEPT.days} days"
    assert said["a due record is said again"] == "every minute, after an hour every hour"


def test_the_later_look_and_the_late_alarm_are_those_of_the_code() -> None:
    assert format_duration(STRAY_WRITE_WINDOW) == "16m"
    assert "once more after **16 minutes**" in PAGE.read_text()
    assert ALARM_AFTER == 10
    assert "after\n  ten tries that failed" in (DOCS / "events.md").read_text()


def queries() -> list[str]:
    lines = [
        line
        for block in blocks_of(PAGE)
        for line in block.text.splitlines()
        if line.startswith("sqlite3 ")
    ]
    return [word for line in lines for word in shlex.split(line) if word.startswith("SELECT")]


@pytest.mark.parametrize("query", queries())
def test_a_query_fits_the_database(query: str) -> None:
    database = sqlite3.connect(":memory:")
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        database.executescript(migration.read_text())

    found = database.execute(query).fetchall()
    database.close()

    assert found == []
    assert re.search(r" FROM audit ", query)
