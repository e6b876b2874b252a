"""The SQL: one text per question, plain enough for a second database.

`?` stands for a parameter. Each index of the schema serves one of these.
"""

INBOX = "INSERT INTO inbox (source, key) VALUES (?, ?) ON CONFLICT DO NOTHING"
GUARD = "SELECT version FROM record WHERE kind = ? AND id = ?"
INSERT = """
    INSERT INTO record (kind, id, version, is_open, sweep_at, parent, handle, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (kind, id) DO NOTHING
"""
UPDATE = """
    UPDATE record
    SET version = ?, is_open = ?, sweep_at = ?, parent = ?, handle = ?, body = ?
    WHERE kind = ? AND id = ? AND version = ?
"""
POST = """
    INSERT INTO outbox (event_id, destination, subject, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (event_id, destination) DO NOTHING
"""
AUDIT = "INSERT INTO audit (subject, body) VALUES (?, ?)"

LOAD = "SELECT body FROM record WHERE kind = ? AND id = ?"
BY_HANDLE = "SELECT body FROM record WHERE kind = ? AND handle = ?"
OPEN_CHILDREN = """
    SELECT body FROM record
    WHERE kind = ? AND parent = ? AND is_open = 1
    ORDER BY seq DESC LIMIT ?
"""
# Two walks of the same index, each of them short, instead of sorting a whole family.
ALL_CHILDREN = """
    SELECT body FROM (
        SELECT * FROM (
            SELECT seq, body FROM record WHERE kind = ? AND parent = ? AND is_open = 1
            ORDER BY seq DESC LIMIT ?
        ) AS still_open
        UNION ALL
        SELECT * FROM (
            SELECT seq, body FROM record WHERE kind = ? AND parent = ? AND is_open = 0
            ORDER BY seq DESC LIMIT ?
        ) AS over
    ) AS family
    ORDER BY seq DESC LIMIT ?
"""
DUE = """
    SELECT body FROM record
    WHERE kind = ? AND sweep_at <= ?
    ORDER BY sweep_at, seq LIMIT ?
"""

_HEADS = """
    FROM outbox AS head
    WHERE parked_at IS NULL AND not_before <= ? AND NOT EXISTS (
        SELECT 1 FROM outbox AS earlier
        WHERE earlier.parked_at IS NULL AND earlier.destination = head.destination
            AND earlier.subject = head.subject AND earlier.seq < head.seq
    )
"""
PARCELS = f"SELECT seq, body, destination, attempts {_HEADS} ORDER BY seq LIMIT ?"  # our own words
LANES = f"SELECT count(*) FROM (SELECT 1 {_HEADS} LIMIT ?)"  # noqa: S608  # our own words
DELIVERED = "DELETE FROM outbox WHERE seq = ? AND parked_at IS NULL"
POSTPONE = """
    UPDATE outbox SET attempts = attempts + 1, not_before = ?
    WHERE seq = ? AND parked_at IS NULL
"""
PARK = "UPDATE outbox SET parked_at = ?, reason = ? WHERE seq = ? AND parked_at IS NULL"
UNPARK = """
    UPDATE outbox SET parked_at = NULL, reason = NULL, attempts = 0, not_before = 0
    WHERE seq = ? AND parked_at IS NOT NULL
"""
PARKED = """
    SELECT seq, body, destination, attempts, reason, parked_at FROM outbox
    WHERE parked_at IS NOT NULL ORDER BY parked_at, seq LIMIT ?
"""

PRUNE = """
    DELETE FROM inbox WHERE (source, key) IN (
        SELECT source, key FROM inbox WHERE at < ? ORDER BY at LIMIT ?
    )
"""

AUDIT_ALL = "SELECT body FROM audit ORDER BY seq LIMIT ?"
AUDIT_OF = "SELECT body FROM audit WHERE subject = ? ORDER BY seq LIMIT ?"
