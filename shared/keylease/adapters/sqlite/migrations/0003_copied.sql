-- From where this store was copied; it is not used before the copy is finished.
CREATE TABLE copied (
    origin TEXT NOT NULL,
    finished INTEGER NOT NULL DEFAULT 0
) STRICT;
