"""I1 to I14 as far as a finished run of real processes shows them, from cloud and database file."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

from keylease.emulator.world import MqRule
from tests.crash.kill_play import Play
from tests.crash.kill_worker import database

TOLD = ("approved", "activated", "ended", "failed")


def holds(play: Play, *requests: str, rows: tuple[MqRule, ...] = ()) -> None:
    """After everything ended and the workers stopped; `rows` stood there before keylease."""
    with closing(sqlite3.connect(database(play.stage))) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT destination, reason FROM outbox").fetchall() == []
        records = _records(db)
    _nothing_is_left(play, rows=rows)
    _one_effect_per_key(play, records, requests=requests)
    _revealed_once(play, records)
    _said_once_and_in_order(play, records["lease"])
    _nothing_in_clear(play)


def _records(db: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    kinds = ("lease", "account", "credential", "request")
    ask = "SELECT body FROM record WHERE kind = ?"
    return {kind: [json.loads(body) for (body,) in db.execute(ask, (kind,))] for kind in kinds}


def _nothing_is_left(play: Play, *, rows: tuple[MqRule, ...]) -> None:
    """I1, I2, I3, I11: the cloud holds what stood before, nothing else."""
    (instance,) = play.stage.emulator.world.rocketmq.all()
    assert play.left() == set()
    left = _by_key(instance.rules)
    assert left == _by_key(rows), left


def _by_key(rules: tuple[MqRule, ...]) -> dict[tuple[str, str, str], object]:
    return {r.key: (r.decision, set(r.actions), set(r.ip_whitelists)) for r in rules}


def _one_effect_per_key(
    play: Play, records: dict[str, list[dict[str, Any]]], *, requests: tuple[str, ...]
) -> None:
    """I9: one lease per request, no account made twice, all turns given back."""
    assert sorted(one["id"] for one in records["request"]) == sorted(requests)
    assert sorted(one["request_id"] for one in records["lease"]) == sorted(requests)
    assert {one["status"] for one in records["lease"]} == {"ended"}
    assert not [one["id"] for one in records["account"] if one["lock"] or one["intent"]]
    made = Counter(
        entry.username
        for entry in play.stage.emulator.journal.entries
        if entry.operation in ("CreateInstanceAccount", "CreateAccount") and entry.code == "OK"
    )
    assert set(made.values()) <= {1}, made


def _revealed_once(play: Play, records: dict[str, list[dict[str, Any]]]) -> None:
    """I7: no secret was shown twice; one that nobody saw was claimed by an answer that died."""
    assert set(Counter(play.shown).values()) <= {1}
    claimed = [one for one in records["credential"] if one["claimed_at"]]
    assert len(play.shown) <= len(claimed) <= len(play.shown) + play.deaths
    assert not [one["id"] for one in records["credential"] if one["sealed"]]


def _said_once_and_in_order(play: Play, leases: list[dict[str, Any]]) -> None:
    """What happened was said by one event each; the receiver knows a second delivery by its id."""
    for lease in leases:
        words = (one.rpartition(".")[2] for one in play.stage.receiver.about(lease["request_id"]))
        happened = (
            ["approved", "activated", "ended"] if lease["activated_at"] else ["approved", "ended"]
        )
        assert [word for word in words if word in TOLD] == happened
    assert play.stage.receiver.refused == 0


def _nothing_in_clear(play: Play) -> None:
    """I8: no password and no claim token in any byte of the database, nor in the log."""
    path = database(play.stage)
    kept = b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
    kept += "".join(worker.log for worker in play.workers).encode()
    secrets = {*play.secrets, *play.tokens, *play.shown}
    assert play.tokens or not play.shown
    assert not [secret for secret in secrets if secret.encode() in kept]
