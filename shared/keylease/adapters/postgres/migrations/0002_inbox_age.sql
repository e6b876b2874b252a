-- So that the oldest inbox ids are found without a walk through all of them.
CREATE INDEX inbox_at ON keylease.inbox (at);
