-- The ledger. Key columns stand on their own so that any SQLite tool can query them; the rest of a record is JSON.
-- Tables WITHOUT ROWID are ordered by their key alone: two ledgers with the same content have the same dump, whatever the
-- order in which tickers were finished.

CREATE TABLE runs (
    run           TEXT PRIMARY KEY,
    as_of         TEXT NOT NULL,
    trigger       TEXT NOT NULL,
    status        TEXT,             -- closed, partial, no session; NULL while the run is open
    configuration TEXT NOT NULL,    -- JSON
    tickers       TEXT,             -- JSON: every ticker's outcome
    seconds       TEXT,             -- JSON: how long each was worked on
    report        TEXT,             -- JSON: keys of its table and summary
    opened_at     TEXT NOT NULL,
    closed_at     TEXT
) WITHOUT ROWID;

CREATE TABLE stages (
    run          TEXT NOT NULL,
    ticker       TEXT NOT NULL,
    stage        TEXT NOT NULL,
    as_of        TEXT NOT NULL,
    result       TEXT NOT NULL,     -- JSON
    committed_at TEXT NOT NULL,
    PRIMARY KEY (run, ticker, stage)
) WITHOUT ROWID;

CREATE INDEX stages_by_session ON stages (ticker, stage, as_of, run);

CREATE TABLE receipts (
    ticker     TEXT NOT NULL,
    run        TEXT NOT NULL,
    as_of      TEXT NOT NULL,
    decision   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    version    TEXT NOT NULL,       -- in service by this verdict
    receipt    TEXT NOT NULL,       -- JSON
    decided_at TEXT NOT NULL,
    PRIMARY KEY (ticker, run)
) WITHOUT ROWID;

CREATE TABLE champions (
    ticker   TEXT PRIMARY KEY,
    version  TEXT NOT NULL,
    as_of    TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    champion TEXT NOT NULL,         -- JSON
    moved_at TEXT NOT NULL
) WITHOUT ROWID;

-- Tries of stages, for people: how long each took, and why it did not come to a result. Since schema 2.
CREATE TABLE attempts (
    run      TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    ticker   TEXT NOT NULL,
    stage    TEXT NOT NULL,
    seconds  REAL NOT NULL,
    setback  TEXT,                  -- NULL where it came to its result
    PRIMARY KEY (run, ended_at, ticker, stage)
) WITHOUT ROWID;
