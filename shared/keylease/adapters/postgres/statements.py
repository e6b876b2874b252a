"""The SQL: one text per question. Each index of the schema serves one of these.

Names are written out with their schema, so that no `search_path` decides whose table is read.
"""

COMMIT = """
    SELECT keylease.commit_1(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21
    )
"""

LOAD = "SELECT body FROM keylease.record WHERE kind = $1 AND id = $2"
BY_HANDLE = "SELECT body FROM keylease.record WHERE kind = $1 AND handle = $2"
OPEN_CHILDREN = """
    SELECT body FROM keylease.record
    WHERE kind = $1 AND parent = $2 AND is_open = 1
    ORDER BY seq DESC LIMIT $3
"""
# Two walks of the same index, each of them short, instead of sorting a whole family.
ALL_CHILDREN = """
    SELECT body FROM (
        (
            SELECT seq, body FROM keylease.record WHERE kind = $1 AND parent = $2 AND is_open = 1
            ORDER BY seq DESC LIMIT $3
        )
        UNION ALL
        (
            SELECT seq, body FROM keylease.record WHERE kind = $1 AND parent = $2 AND is_open = 0
            ORDER BY seq DESC LIMIT $3
        )
    ) AS family
    ORDER BY seq DESC LIMIT $3
"""
DUE = """
    SELECT body FROM keylease.record
    WHERE kind = $1 AND sweep_at <= $2
    ORDER BY sweep_at, seq LIMIT $3
"""

# The first of its lane, among those that `head` names. A subquery with one answer, and not a join:
# whatever the planner believes of the outbox, it asks an index. Joined by hash, one long lane took
# the square of its length.
_IS_FIRST = """
    seq = (
        SELECT seq FROM keylease.outbox AS lane
        WHERE parked_at IS NULL
            AND lane.destination = head.destination AND lane.subject = head.subject
        ORDER BY seq LIMIT 1
    )
"""
# The heads of lanes that are ours or nobody's. A claim is renewed in its second half only: most
# looks at the outbox write nothing. Whoever comes second to a head finds its row locked (and skips
# it) or claimed (`claimed` asks again, of the row as it is by then).
PARCELS = f"""
    WITH head AS (
        SELECT seq, body, destination, attempts,
            claimed_by = $3 AND claimed_until > now() + $4::interval / 2 AS is_ours
        FROM keylease.outbox AS head
        WHERE parked_at IS NULL AND not_before <= $1
            AND (claimed_by = $3 OR claimed_until <= now())
            AND {_IS_FIRST}
        ORDER BY seq LIMIT $2
    ), free AS (
        SELECT seq FROM keylease.outbox
        WHERE seq IN (SELECT seq FROM head WHERE NOT is_ours)
            AND parked_at IS NULL AND not_before <= $1
            AND (claimed_by = $3 OR claimed_until <= now())
        FOR NO KEY UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE keylease.outbox AS ours SET claimed_by = $3, claimed_until = now() + $4::interval
        FROM free WHERE ours.seq = free.seq
        RETURNING ours.seq
    )
    SELECT seq, body, destination, attempts FROM head
    WHERE is_ours OR seq IN (SELECT seq FROM claimed)
    ORDER BY seq
"""  # noqa: S608  # our own words
LANES = f"""
    SELECT count(*) FROM (
        SELECT 1 FROM keylease.outbox AS head
        WHERE parked_at IS NULL AND not_before <= $1 AND {_IS_FIRST}
        LIMIT $2
    ) AS heads
"""  # noqa: S608  # our own words
# A worker that fell silent, whose parcel another one has by now, changes nothing any more.
_NOT_ANOTHERS = "(claimed_by = $2 OR claimed_until <= now())"
DELIVERED = "DELETE FROM keylease.outbox WHERE seq = $1 AND parked_at IS NULL"
POSTPONE = f"""
    UPDATE keylease.outbox
    SET attempts = attempts + 1, not_before = $3, claimed_until = '-infinity'
    WHERE seq = $1 AND parked_at IS NULL AND {_NOT_ANOTHERS}
"""  # noqa: S608  # our own words
PARK = f"""
    UPDATE keylease.outbox SET parked_at = $3, reason = $4, claimed_until = '-infinity'
    WHERE seq = $1 AND parked_at IS NULL AND {_NOT_ANOTHERS}
"""  # noqa: S608  # our own words
UNPARK = """
    UPDATE keylease.outbox SET parked_at = NULL, reason = NULL, attempts = 0, not_before = 0
    WHERE seq = $1 AND parked_at IS NOT NULL
"""
PARKED = """
    SELECT seq, body, destination, attempts, reason, parked_at FROM keylease.outbox
    WHERE parked_at IS NOT NULL ORDER BY parked_at, seq LIMIT $1
"""

# Several workers prune at once: each takes what no other one has in hand.
PRUNE = """
    WITH forgotten AS (
        DELETE FROM keylease.inbox WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM keylease.inbox WHERE at < $1
            ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
        ))
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
"""

AUDIT_ALL = "SELECT body FROM keylease.audit ORDER BY seq LIMIT $1"
AUDIT_OF = "SELECT body FROM keylease.audit WHERE subject = $1 ORDER BY seq LIMIT $2"

WHOLE = """
    SELECT (SELECT origin FROM keylease.copied WHERE finished = 0), nextval('keylease.worker')
"""
LET_GO = """
    UPDATE keylease.outbox SET claimed_until = '-infinity'
    WHERE claimed_by = $1 AND claimed_until > now()
"""

DESCRIBE = """
    SELECT
        current_setting('server_version'),
        (SELECT max(number) FROM keylease.migration),
        current_database(),
        (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'keylease')
"""

# What it needs beyond what every start has used already; the rights are those of operations.md.
DANGERS = """
    SELECT
        current_setting('fsync') = 'off' AS forgets,
        current_setting('full_page_writes') = 'off' AS tears,
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
        ARRAY(
            SELECT right_ || ' on keylease.' || relation
            FROM (VALUES
                ('record', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                ('inbox', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                ('outbox', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                ('audit', ARRAY['SELECT', 'INSERT'])
            ) AS needs (relation, rights), unnest(rights) AS right_
            WHERE NOT has_table_privilege('keylease.' || relation, right_)
            UNION ALL
            SELECT 'USAGE on keylease.outbox_seq_seq'
            WHERE NOT has_sequence_privilege('keylease.outbox_seq_seq', 'USAGE')
        ) AS missing
"""

CHANNEL = "keylease_outbox"
NOTIFY = f"NOTIFY {CHANNEL}"
