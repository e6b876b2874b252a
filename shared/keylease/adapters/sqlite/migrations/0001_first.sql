-- Instants are whole microseconds since 1970, UTC. Numbers in `seq` only grow.

CREATE TABLE record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    sweep_at INTEGER,
    parent TEXT,
    handle TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_id ON record (kind, id);
CREATE UNIQUE INDEX record_handle ON record (kind, handle) WHERE handle IS NOT NULL;
-- Most records are history: only those that sweep must see again stand in this index.
CREATE INDEX record_due ON record (kind, sweep_at, seq) WHERE sweep_at IS NOT NULL;
CREATE INDEX record_children ON record (kind, parent, is_open, seq) WHERE parent IS NOT NULL;

CREATE TABLE inbox (
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER) * 1000000),
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    destination TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    parked_at INTEGER,
    reason TEXT
) STRICT;
CREATE UNIQUE INDEX outbox_event ON outbox (event_id, destination);
CREATE INDEX outbox_lane ON outbox (destination, subject, seq) WHERE parked_at IS NULL;
CREATE INDEX outbox_parked ON outbox (parked_at, seq) WHERE parked_at IS NOT NULL;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit (subject, seq);
