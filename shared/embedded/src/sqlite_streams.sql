-- What arrived row by row; docs/streams.md has the rules.

CREATE TABLE IF NOT EXISTS streams (
    id      INTEGER PRIMARY KEY,
    ticker  TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,           -- how often its head was written
    head    TEXT NOT NULL               -- JSON: what its rows have come to
);

CREATE TABLE IF NOT EXISTS sources (
    id     INTEGER PRIMARY KEY,
    source TEXT NOT NULL UNIQUE         -- a topic, a queue, a command
);

CREATE TABLE IF NOT EXISTS arrivals (
    stream    INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,         -- among the rows of its series, from 1
    at        INTEGER NOT NULL,         -- its period: seconds since 1970, or an index
    form      INTEGER NOT NULL,         -- 0 a day, 1 a moment, 2 an index
    value     REAL NOT NULL,
    known     INTEGER NOT NULL,         -- when it became known: milliseconds since 1970
    revision  INTEGER,                  -- the producer's
    source    INTEGER,
    partition INTEGER,
    position  TEXT,
    how       INTEGER NOT NULL,         -- 0 advanced, 1 waiting, 2 ahead, 3 late, 4 revised, 5 confirmed
    forecast  REAL,                     -- what the model in service had forecast of it, where it took it in
    PRIMARY KEY (stream, sequence)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS arrivals_by_period ON arrivals (stream, at);

CREATE TABLE IF NOT EXISTS positions (
    source    TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next      INTEGER NOT NULL,         -- the next position to read
    PRIMARY KEY (source, partition)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS arrival_counts (
    source TEXT PRIMARY KEY,
    counts TEXT NOT NULL,               -- JSON: how many rows came to what
    lag    INTEGER,                     -- rows that the source still had at the last step
    at     INTEGER                      -- when that was: milliseconds since 1970
) WITHOUT ROWID;
