
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
