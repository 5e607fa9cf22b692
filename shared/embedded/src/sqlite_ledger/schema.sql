-- The ledger, schema 4. Key columns stand on their own so that any SQLite tool can query them; what is packed is JSON, compressed as
-- `pipeline::packed` says, or plain text where an earlier release wrote it. Tables whose rows are large have a rowid: in one WITHOUT ROWID a row over a
-- quarter of a page takes a page of its own.

CREATE TABLE runs (
    sequence      INTEGER PRIMARY KEY,  -- in the order in which they were opened
    run           TEXT NOT NULL UNIQUE,
    as_of         TEXT NOT NULL,
    trigger       TEXT NOT NULL,
    status        TEXT,                 -- succeeded, partial, failed, no session; NULL while the run is open
    configuration TEXT NOT NULL,        -- JSON: what it was asked to do, and for how many tickers
    closure       TEXT,                 -- JSON: counts, and where its report is
    opened_at     TEXT NOT NULL,
    closed_at     TEXT,
    digest        BLOB                  -- SHA-256 of all of them; NULL where an earlier release wrote it
);

-- Stages' results. With the receipts they are the ticker's chain: each record has its place, and the SHA-256 of itself and the one before.
CREATE TABLE stages (
    ticker   TEXT NOT NULL,
    stage    TEXT NOT NULL,
    as_of    TEXT NOT NULL,
    run      TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    digest   BLOB NOT NULL,
    result   BLOB NOT NULL              -- packed
);

CREATE UNIQUE INDEX stages_by_run ON stages (run, ticker, stage);
CREATE INDEX stages_by_session ON stages (ticker, stage, as_of, sequence);

CREATE TABLE receipts (
    ticker     TEXT NOT NULL,
    run        TEXT NOT NULL,
    as_of      TEXT NOT NULL,
    sequence   INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    moves      INTEGER NOT NULL,        -- whether the champion pointer moved with it
    receipt    BLOB NOT NULL,           -- packed
    decided_at TEXT NOT NULL
);

CREATE UNIQUE INDEX receipts_by_ticker ON receipts (ticker, run);

-- Where each ticker's chain ends.
CREATE TABLE chains (
    ticker   TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    digest   BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE champions (
    ticker   TEXT PRIMARY KEY,
    version  TEXT NOT NULL,
    as_of    TEXT NOT NULL,
    sequence INTEGER NOT NULL,          -- how many champions the ticker has had
    champion TEXT NOT NULL,             -- JSON
    moved_at TEXT NOT NULL
) WITHOUT ROWID;

-- Tries of stages, for people: how long each took, and why it did not come to a result.
CREATE TABLE attempts (
    run      TEXT NOT NULL,
    attempts BLOB NOT NULL              -- packed: a list
);

CREATE INDEX attempts_by_run ON attempts (run);
