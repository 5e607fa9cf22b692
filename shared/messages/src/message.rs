use forecasting::{Decision, Stamp, Ticker};
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
}

/// What is told, whatever the chat.
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
    /// Tickers by outcome.
    pub done: usize,
    /// See `done`.
    pub failed: usize,
    /// See `done`.
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

    /// A session has passed without a run; `newest` is the last one that there was.
    pub fn no_run(as_of: Stamp, newest: Option<&RunEntry>) -> Message {
        let last = match newest {
            Some(entry) => format!("the last one was as of {}", entry.run.as_of),
            None => "there has never been one".to_owned(),
        };
        Message::about(Event::NoRun, as_of, format!("No run happened for the session of {as_of}: {last}"))
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

    /// What it is about: met again, the same incident has the same name, and is not told again. A run that fails again in the
    /// same way is the same incident; completed, or failing otherwise, it is another.
    pub fn incident(&self) -> String {
        let about = self.run.as_ref().map_or_else(|| self.as_of.to_string(), ToString::to_string);
        match self.event {
            Event::Started => format!("{about}-started"),
            Event::NoRun => format!("{about}-no-run"),
            Event::Closed => {
                let what = serde_json::to_vec(&(self.status, &self.changed, &self.troubles));
                let digest = Digest::of(&what.expect("a message is plain data"));
                format!("{about}-closed-{}", digest.short())
            }
        }
    }
}

async fn picture(archive: &dyn Archive, closure: &Closure) -> Result<Option<String>, Error> {
    let Some(key) = closure.file("night") else { return Ok(None) };
    Ok(archive.read(key).await?.and_then(|bytes| String::from_utf8(bytes).ok()))
}
