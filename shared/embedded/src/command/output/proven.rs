//! What was verified, recovered, forgotten or decided, as it is printed.

use forecasting::Ticker;
use pipeline::{Audit, Promoted, Recovered, Tombstone, Verified, VerifiedReceipt};

use super::{counted, error, json, print};

pub(in crate::command) fn forgotten(tombstone: &Tombstone, as_json: bool) {
    if as_json {
        json(tombstone);
    } else {
        let Tombstone { ticker, records, .. } = tombstone;
        print(&format!("{ticker} was forgotten, with {records} results and verdicts: nothing of it is left."));
    }
}

pub(in crate::command) fn verified_receipt(verified: &VerifiedReceipt) {
    let VerifiedReceipt { ticker, run, decision, version, scorecards, objects } = verified;
    print(&format!(
        "{ticker} {run} stands: {} {version}, {scorecards} scorecards and {} objects found again as they are recorded",
        decision.as_str(),
        objects.len()
    ));
}

pub(in crate::command) fn rolled_back(ticker: &Ticker, promoted: &Promoted) {
    print(&format!("{ticker}: {} is in service. {}.", promoted.champion.version, promoted.reason));
}

pub(in crate::command) fn verified(verified: &Verified) {
    let Verified { ticker, version, model, sha256, snapshot } = verified;
    print(&format!("{ticker} {version} stands: {model}, trained again from {snapshot}, SHA-256 {}", sha256.as_str()));
}

/// What was looked at, what nobody knows of, and what is not as it was.
pub(in crate::command) fn audit(audit: &Audit) {
    let Audit { runs, tickers, records, rows, objects, signed, unaccounted, findings } = audit;
    print(&format!(
        "{}, {tickers} series, {records} results and verdicts, {rows} rows, {objects} archived objects were looked at.",
        counted(*runs, "run")
    ));
    match signed {
        0 => {}
        1 => print("1 of the runs is signed."),
        n => print(&format!("{n} of the runs are signed.")),
    }
    if !unaccounted.is_empty() {
        print(&format!("{} objects belong to nothing on record, {} among them.", unaccounted.len(), unaccounted[0]));
    }
    for finding in findings {
        error(finding);
    }
    match findings.len() {
        0 => print("All is as it was written."),
        1 => print("One thing is not as it was."),
        n => print(&format!("{n} things are not as they were.")),
    }
}

/// What is on record again, and what is not.
pub(in crate::command) fn recovered(recovered: &Recovered) {
    let Recovered { runs, tickers, records, unproven, without_transcript, streamed } = recovered;
    print(&format!("{}, {tickers} series, {records} results and verdicts are on record again.", counted(*runs, "run")));
    for what in unproven {
        error(what);
    }
    if !without_transcript.is_empty() {
        let first = &without_transcript[0];
        print(&format!(
            "{} runs are not: they were not closed, or are of days without a session ({first} ...).",
            without_transcript.len()
        ));
    }
    if *streamed {
        print("Rows that arrived since the last run are not in the archive: send them again.");
    }
    print("When runs were held, and how long their stages took, is not in the archive.");
}
