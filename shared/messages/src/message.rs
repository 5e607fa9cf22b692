use forecasting::{Cadence, Decision, Period, Stamp, Ticker};
use pipeline::{
    Archive, Closure, Digest, Error, Overview, Run, RunEntry, RunId, RunStatus, TickerStatus, plain_reason,
};
use serde::Serialize;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A run has begun.
    Started,
    /// A run has ended.
    Closed,
    /// A session's run did not happen.
    NoRun,
    /// Past sessions' runs were made up for.
    Backfilled,
}

/// A message, whatever the chat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// What happened.
    pub event: Event,
    /// The session that it is about.
    pub as_of: Stamp,
    /// The run; `None` where there is none.
    pub run: Option<RunId>,
    /// How it ended; `None` before that.
    pub status: Option<RunStatus>,
    /// One line that says it all.
    pub headline: String,
    /// Tickers that are done; of a backfill, nights that are.
    pub done: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that were not worked on.
    pub skipped: usize,
    /// Tickers whose champion changed, and why.
    pub changed: Vec<Changed>,
    /// Tickers that are not done, and why.
    pub troubles: Vec<Failed>,
    /// The night's picture, an SVG; it travels as PNG.
    #[serde(skip)]
    pub picture: Option<String>,
}

/// A ticker whose champion changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// Which series.
    pub ticker: String,
    /// `promote` or `rollback`.
    pub verdict: Decision,
    /// What is in service now, in words.
    pub model: String,
    /// The verdict's reason.
    pub reason: String,
}

/// A ticker that is not done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failed {
    /// Which series.
    pub ticker: String,
    /// Why.
    pub reason: String,
}

impl Message {
    fn about(event: Event, as_of: Stamp, headline: String) -> Message {
        let (changed, troubles) = (Vec::new(), Vec::new());
        let (run, status, picture) = (None, None, None);
        Message { event, as_of, run, status, headline, done: 0, failed: 0, skipped: 0, changed, troubles, picture }
    }

    /// A run has begun.
    pub fn started(run: &Run) -> Message {
        let tickers = run.tickers;
        let headline = format!("Night of {}: begun for {tickers} tickers", run.as_of);
        Message { run: Some(run.id.clone()), ..Message::about(Event::Started, run.as_of, headline) }
    }

    /// Sessions have passed without a run, up to this one; `newest` is the last one that there was. Each is named.
    pub fn no_run(as_of: Stamp, newest: Option<&RunEntry>) -> Message {
        let last = match newest {
            Some(entry) => format!("the last one was as of {}", entry.run.as_of),
            None => "there has never been one".to_owned(),
        };
        let missed = newest.map(|entry| missed(entry.run.as_of, as_of)).unwrap_or_default();
        let which = match missed.as_slice() {
            [] | [_] => format!("the session of {as_of}"),
            many => {
                let named: Vec<String> = many.iter().take(NAMED).map(ToString::to_string).collect();
                let more = many.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{} sessions ({}{more})", many.len(), named.join(", "))
            }
        };
        Message::about(Event::NoRun, as_of, format!("No run happened for {which}: {last}"))
    }

    /// Past sessions' runs have ended: all of a backfill in one message, or none of a backfill that did nothing.
    ///
    /// # Errors
    /// Those of the archive, where a report cannot be read.
    pub async fn backfilled(archive: &dyn Archive, entries: &[RunEntry]) -> Result<Option<Message>, Error> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(None) };
        let (mut changed, mut troubles, mut done) = (Vec::new(), Vec::new(), 0);
        for RunEntry { run, closure, .. } in entries {
            let Some(closure) = closure else { continue };
            done += usize::from(!closure.status.is_incomplete());
            let night = Message::closed(archive, run, closure).await?;
            let dated = |reason: String| format!("{}: {reason}", run.as_of);
            changed.extend(night.changed.into_iter().map(|c| Changed { reason: dated(c.reason), ..c }));
            troubles.extend(night.troubles.into_iter().map(|f| Failed { reason: dated(f.reason), ..f }));
        }
        let (n, failed) = (entries.len(), entries.len() - done);
        let outcome =
            if failed == 0 { format!("all {n} nights done") } else { format!("{failed} of {n} nights NOT DONE") };
        let headline = format!("Backfill of {} to {}: {outcome}", first.run.as_of, last.run.as_of);
        Ok(Some(Message {
            done,
            failed,
            changed,
            troubles,
            ..Message::about(Event::Backfilled, last.run.as_of, headline)
        }))
    }

    /// A night that failed in part, to try words on.
    pub(crate) fn example() -> Message {
        let as_of: Stamp = "2020-12-11".parse().expect("a day");
        Message {
            run: "2020-12-11-0e133b81".parse().ok(),
            status: Some(RunStatus::Partial),
            done: 9,
            failed: 1,
            troubles: vec![Failed { ticker: "KO".to_owned(), reason: "the market does not know it".to_owned() }],
            ..Message::about(Event::Closed, as_of, "Night of 2020-12-11: PARTIAL, 9 of 10 tickers done".to_owned())
        }
    }

    /// A run has ended, and this is its report.
    ///
    /// # Errors
    /// Those of the archive, where the report cannot be read.
    pub async fn closed(archive: &dyn Archive, run: &Run, closure: &Closure) -> Result<Message, Error> {
        let Closure { done, failed, skipped, .. } = *closure;
        let overview = Overview::read(archive, closure).await?;
        let model = |ticker: &Ticker| {
            let row = overview.as_ref()?.tickers.iter().find(|row| row.ticker == *ticker)?;
            row.standing.as_ref().map(|standing| standing.model.clone())
        };
        let mut changed = Vec::new();
        let mut troubles = Vec::new();
        for summary in closure.outcomes(archive).await? {
            let (ticker, reason) = (summary.ticker.to_string(), summary.reason.clone());
            match summary.verdict {
                _ if summary.status != TickerStatus::Done => {
                    let reason = plain_reason(&summary.ticker, &summary.reason).to_owned();
                    troubles.push(Failed { ticker, reason });
                }
                Some(verdict @ (Decision::Promote | Decision::Rollback)) => {
                    let model = model(&summary.ticker).unwrap_or_default();
                    changed.push(Changed { ticker, verdict, model, reason });
                }
                _ => {}
            }
        }
        let all = closure.tickers();
        let headline = match closure.status {
            RunStatus::NoSession => format!("Night of {}: no session, the exchange was closed", run.as_of),
            RunStatus::Succeeded => format!("Night of {}: all {all} tickers done", run.as_of),
            RunStatus::Failed => format!("Night of {}: FAILED, none of {all} tickers done", run.as_of),
            RunStatus::Partial => format!("Night of {}: PARTIAL, {done} of {all} tickers done", run.as_of),
        };
        Ok(Message {
            run: Some(run.id.clone()),
            status: Some(closure.status),
            done,
            failed,
            skipped,
            changed,
            troubles,
            picture: picture(archive, closure).await?,
            ..Message::about(Event::Closed, run.as_of, headline)
        })
    }

    /// What it is about: met again, the same incident has the same name, and is not sent again. A run that fails again in the
    /// same way is the same incident; completed, or failing otherwise, it is another.
    pub fn incident(&self) -> String {
        let about = self.run.as_ref().map_or_else(|| self.as_of.to_string(), ToString::to_string);
        match self.event {
            Event::Started => format!("{about}-started"),
            Event::NoRun => format!("{about}-no-run"),
            Event::Backfilled => {
                let what = serde_json::to_vec(&(&self.headline, &self.changed, &self.troubles));
                format!("{about}-backfilled-{}", Digest::of(&what.expect("a message is plain data")).short())
            }
            Event::Closed => {
                let what = serde_json::to_vec(&(self.status, &self.changed, &self.troubles));
                let digest = Digest::of(&what.expect("a message is plain data"));
                format!("{about}-closed-{}", digest.short())
            }
        }
    }
}

/// Sessions that are named.
const NAMED: usize = 10;
/// Sessions that are counted: a year.
const MAX_COUNTED: usize = 260;

/// The sessions after one, up to another.
fn missed(after: Stamp, to: Stamp) -> Vec<Stamp> {
    let Ok(known) = Cadence::SESSION.period(after) else { return Vec::new() };
    let later = std::iter::successors(Some(known.next()), |period| Some(period.next()));
    later.map(Period::stamp).take_while(|stamp| *stamp <= to).take(MAX_COUNTED).collect()
}

async fn picture(archive: &dyn Archive, closure: &Closure) -> Result<Option<String>, Error> {
    let Some(key) = closure.file("night") else { return Ok(None) };
    Ok(archive.read(key).await?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missed_session_is_named() {
        let stamp = |text: &str| text.parse::<Stamp>().expect("a day");
        // Thanksgiving and a weekend lie between.
        assert_eq!(
            missed(stamp("2020-11-24"), stamp("2020-12-01")),
            ["2020-11-25", "2020-11-27", "2020-11-30", "2020-12-01"].map(stamp)
        );
        assert_eq!(missed(stamp("2020-12-01"), stamp("2020-12-01")), []);
        assert_eq!(missed(stamp("2000-01-03"), stamp("2020-12-01")).len(), MAX_COUNTED);
    }
}
