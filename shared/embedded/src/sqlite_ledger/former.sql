-- What a ledger of schema 1 or 2 looks like to whoever reads the present one: views of its tables, in their place for this connection
-- alone. Then a clock gave the order of records.

CREATE TEMP VIEW runs AS SELECT run, as_of, trigger, status, configuration, opened_at, closed_at, opened_at AS sequence,
CASE WHEN status IS NOT NULL THEN json_object('status', status, 'tickers', json(tickers), 'seconds', json(seconds), 'report', json(report)) END
AS closure FROM main.runs;
CREATE TEMP VIEW stages AS SELECT run, ticker, stage, as_of, committed_at AS sequence, zeroblob(32) AS digest, result
FROM main.stages;
CREATE TEMP VIEW receipts AS SELECT ticker, run, as_of, decided_at AS sequence, zeroblob(32) AS digest, 1 AS moves, receipt
FROM main.receipts;
