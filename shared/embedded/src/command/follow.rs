//! `runs --follow`: what happens, as it happens, a line each.

use std::{collections::HashSet, process::ExitCode, sync::Arc, time::Duration};

use pipeline::{Attempt, Ledger, RunEntry, RunId};

use super::{Failure, output};

/// How often the ledger is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Among so many of the newest runs.
const RUNS: usize = 20;

/// Prints what happens from now on, until it is asked to stop.
pub(super) async fn follow(ledger: Arc<dyn Ledger>, json: bool) -> Result<ExitCode, Failure> {
    let stopped = super::stop::asked();
    tokio::pin!(stopped);
    let (mut closed, mut shown) = (HashSet::new(), HashSet::new());
    for entry in ledger.runs(RUNS).await? {
        if entry.closure.is_some() {
            closed.insert((entry.run.id, entry.closed_at));
        } else {
            output::print(&format!("{}: under way, or cut off, since {}", entry.run.id, entry.opened_at));
        }
    }
    loop {
        let mut runs = ledger.runs(RUNS).await?;
        runs.reverse();
        for entry in runs {
            // What failed is tried again in a run that was closed: it is followed until it is closed anew.
            let at = (entry.run.id.clone(), entry.closed_at.clone());
            if closed.contains(&at) && entry.closure.is_some() {
                continue;
            }
            let attempts = ledger.attempts(&entry.run.id).await?;
            for attempt in attempts {
                let key = (entry.run.id.clone(), attempt.ticker.clone(), attempt.stage, attempt.ended_at.clone());
                if shown.insert(key) {
                    tell(&entry.run.id, &attempt, json);
                }
            }
            if entry.closure.is_some() {
                ended(&entry, json);
                closed.insert(at);
            }
        }
        tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = &mut stopped => return Ok(ExitCode::SUCCESS) }
    }
}

fn tell(run: &RunId, attempt: &Attempt, json: bool) {
    if json {
        output::json(
            &serde_json::json!({ "run": run, "ticker": attempt.ticker, "stage": attempt.stage, "seconds": attempt.seconds,
            "ended_at": attempt.ended_at, "setback": attempt.setback }),
        );
        return;
    }
    let outcome = attempt.setback.as_deref().unwrap_or("done");
    let at = attempt.ended_at.get(11..19).unwrap_or_default();
    output::print(&format!(
        "{at} {run} {:<8} {:<8} {:>7.2} s  {outcome}",
        attempt.ticker.as_str(),
        attempt.stage,
        attempt.seconds
    ));
}

fn ended(entry: &RunEntry, json: bool) {
    let Some(closure) = &entry.closure else { return };
    if json {
        output::json(&serde_json::json!({ "run": entry.run.id, "closed_at": entry.closed_at, "status": closure.status,
            "done": closure.done, "failed": closure.failed, "skipped": closure.skipped }));
    } else {
        let not_done = closure.failed + closure.skipped;
        output::print(&format!("{}: {}, {} done, {not_done} not", entry.run.id, closure.status, closure.done));
    }
}
