-- From where this store was copied; it is not used before the copy is finished.
CREATE TABLE keylease.copied (
    origin text NOT NULL,
    finished smallint NOT NULL DEFAULT 0
);
