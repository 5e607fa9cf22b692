//! The order of a ticker's night, in one place for every machine that works through it.

use std::time::Instant;

use forecasting::Ticker;
use jiff::Timestamp;

use super::{Known, Place, StageResults, Tonight, evaluate, forecast, promote, train};
use crate::{Appended, Archive, Attempt, Error, Ledger, Programs, Promoted, Run, RunId, Stage, legible};

/// Takes a ticker whose prices are there from `evaluate` to `forecast`. What these stages come to is appended to the ledger at the end, in
/// one step: cut off before, it is all done again, and afterwards there is nothing to do, so this may be called as often as it
/// takes. How a call went is added to `attempts`.
///
/// # Errors
/// Those of the stage that came to no result; [`Error::ChampionMoved`] where another run moved the champion pointer meanwhile: trying
/// again then judges that champion.
pub async fn work(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    programs: &dyn Programs,
    run: &Run,
    ticker: &Ticker,
    attempts: &mut Attempts,
) -> Result<Promoted, Error> {
    let place = Place::new(run, ticker);
    let results = StageResults::read(ledger, &place).await?;
    if results.has(Stage::Forecast) {
        return results.required(Stage::Promote);
    }
    // On the heap: everything that a night comes to lives in it until it is appended.
    Box::pin(stages(archive, ledger, programs, &place, results, attempts)).await
}

async fn stages(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    programs: &dyn Programs,
    place: &Place<'_>,
    mut results: StageResults<'_>,
    attempts: &mut Attempts,
) -> Result<Promoted, Error> {
    let tonight = Tonight::read(archive, ledger, place, results.required(Stage::Fetch)?).await?;
    let evaluated = attempts.at(Stage::Evaluate, evaluate(archive, ledger, &tonight));
    let evaluated = results.or(Stage::Evaluate, evaluated).await?;
    let trained = attempts.at(Stage::Train, train(archive, programs, &tonight, &evaluated));
    let trained = Box::pin(results.or(Stage::Train, trained)).await?;
    let verdict = attempts.at(Stage::Promote, promote(ledger, &tonight, &results, &evaluated, &trained)).await?;
    let promoted = Promoted::by(&verdict.receipt);
    verdict.add_to(&mut results)?;
    let last = async {
        let known = Known { trained: Some(&trained), evaluated: Some(&evaluated) };
        let forecasted = forecast(archive, ledger, programs, &tonight, &promoted.champion, known).await?;
        results.add(Stage::Forecast, &forecasted)?;
        results.append(ledger, tonight.pointer.as_ref()).await
    };
    match attempts.at(Stage::Forecast, last).await? {
        Appended::Wholly => Ok(promoted),
        Appended::Stood => StageResults::read(ledger, place).await?.required(Stage::Promote),
    }
}

/// How the stages of one ticker went, for whoever asks what a night did.
#[derive(Debug)]
pub struct Attempts {
    ticker: Ticker,
    clock: fn() -> Timestamp,
    tried: Vec<Attempt>,
}

impl Attempts {
    /// None so far. The clock says when each ended, which decides nothing.
    pub fn new(ticker: Ticker, clock: fn() -> Timestamp) -> Attempts {
        Attempts { ticker, clock, tried: Vec::new() }
    }

    /// Waits for a stage, and notes how long it took and what kept it from a result.
    ///
    /// # Errors
    /// The stage's own.
    pub async fn at<T>(&mut self, stage: Stage, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let start = Instant::now();
        let outcome = work.await;
        self.tried.push(Attempt {
            ticker: self.ticker.clone(),
            stage,
            ended_at: (self.clock)().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
            seconds: start.elapsed().as_secs_f64(),
            setback: outcome.as_ref().err().map(|error| legible(&error.to_string())),
        });
        outcome
    }

    /// The last one came to no result.
    pub fn set_back(&mut self, why: &str) {
        if let Some(last) = self.tried.last_mut() {
            last.setback = Some(why.to_owned());
        }
    }

    /// All of them, in their order.
    pub fn tried(&self) -> &[Attempt] {
        &self.tried
    }

    /// Time spent on stages: waiting for a place or a bar is not counted.
    pub fn seconds(&self) -> f64 {
        self.tried.iter().map(|attempt| attempt.seconds).sum()
    }

    /// Puts them on record. A night does not fail for it.
    pub async fn record(&self, ledger: &dyn Ledger, run: &RunId) {
        if self.tried.is_empty() {
            return;
        }
        if let Err(error) = ledger.record(run, &self.tried).await {
            tracing::warn!(%error, ticker = %self.ticker, "how the stages went is not recorded");
        }
    }
}
