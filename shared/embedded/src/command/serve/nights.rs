//! Nights that `serve` starts, one at a time: on the schedule, and when someone asks.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::http::StatusCode;
use forecasting::{Stamp, Ticker, TradingDay};
use indicatif::ProgressBar;
use jiff::Timestamp;
use messages::Message;
use pipeline::{Archive, Assignment, Digest, Ledger, Market, Promoted, RunId, Trigger, VerifiedReceipt, VersionId};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
};
use web::{Decides, Problem, RunRequest, Started, Starts};

use crate::command::{
    Failure,
    arguments::{MarketName, NightArguments},
    backfill::missed,
    market::Chosen,
    output,
    run::{Prepared, messenger},
    settings::read_settings,
    stores::Stores,
};

pub(super) struct Nights {
    arguments: NightArguments,
    token: Digest,
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
    market: Market,
    /// Where nights compute.
    work: Handle,
    one_at_a_time: Arc<Mutex<()>>,
}

/// How often a scheduled night looks whether another command has left the data directory, and for how long.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
const LOOKS: usize = 120;

impl Nights {
    /// Looks whether a night could be started at all.
    pub(super) async fn new(
        arguments: NightArguments,
        token: &str,
        archive: Arc<dyn Archive>,
        ledger: Arc<dyn Ledger>,
        work: Handle,
    ) -> Result<Nights, Failure> {
        let settings = read_settings(arguments.config.as_deref(), &arguments.set)?;
        let market = match &arguments.market {
            // Rows may be yet to arrive.
            Some(MarketName::Stream) => Market::Stream,
            None if settings.works_on_streams() => Market::Stream,
            other => Chosen::new(other.as_ref(), &settings, &arguments.store.place).await?.name,
        };
        messenger(&settings)?;
        let token = Digest::of(token.as_bytes());
        Ok(Nights { arguments, token, archive, ledger, market, work, one_at_a_time: Arc::default() })
    }

    /// Whether its market gets newer by itself: recorded prices never do.
    pub(super) fn get_newer(&self) -> bool {
        self.market != Market::Recorded
    }

    /// Whether a night is under way.
    pub(super) fn under_way(&self) -> bool {
        self.one_at_a_time.try_lock().is_err()
    }

    /// Runs the night that is due at a moment. Whatever fails is reported, and the next night comes.
    pub(super) async fn on_schedule(&self, due: Timestamp) {
        let _alone = self.one_at_a_time.clone().lock_owned().await;
        let mut looks = 0;
        let mut prepared = loop {
            match Prepared::new(&self.arguments).await {
                Ok(prepared) => break prepared,
                Err(Failure::Busy(_)) if looks < LOOKS => {
                    looks += 1;
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(failure) => {
                    output::remark(&format!("The night that was due at {due} cannot begin: {}", failure.text()));
                    if let Err(failure) = self.tell_missed(due).await {
                        output::remark(&format!("No message is sent about it: {}", failure.text()));
                    }
                    return;
                }
            }
        };
        // A folder of prices ends where its files end, and bars of other cadences when they do.
        let by_clock = prepared.chosen.name == Market::Tiingo;
        let due = by_clock.then(|| TradingDay::due_at(due)).transpose();
        let as_of = match due {
            Ok(day) => day.map_or(prepared.chosen.last_session, Stamp::from),
            Err(error) => return output::remark(&format!("No night is due: {error}")),
        };
        if prepared.catches_up() {
            match missed(&prepared, as_of).await {
                Ok(missed) if missed.is_empty() => {}
                Ok(missed) => {
                    let market = prepared.chosen.market.clone();
                    prepared.download_once(as_of);
                    for earlier in missed {
                        night(earlier, &prepared, Trigger::Backfill).await;
                    }
                    prepared.chosen.market = market;
                }
                Err(failure) => output::remark(&format!("What was missed is not made up for: {}", failure.text())),
            }
        }
        night(as_of, &prepared, Trigger::Schedule).await;
    }

    /// Holds the night that was due before the service began, and those before it; where there has never been one, nothing was missed.
    pub(super) async fn catch_up(&self, due: Timestamp) {
        if !self.ledger.runs(1).await.is_ok_and(|runs| runs.is_empty()) {
            self.on_schedule(due).await;
        }
    }

    /// Tells that the session which a night was due for has passed without one. Where there has never been a night, there is
    /// nothing to miss; and a folder of prices may end anywhere.
    pub(super) async fn tell_missed(&self, due: Timestamp) -> Result<(), Failure> {
        if self.market != Market::Tiingo {
            return Ok(());
        }
        let settings = read_settings(self.arguments.config.as_deref(), &self.arguments.set)?;
        let session = TradingDay::last_closed(due).map_err(|error| Failure::Failed(error.to_string()))?;
        let newest = self.ledger.runs(1).await?;
        let Some(entry) = newest.first().filter(|entry| entry.run.as_of < session.into()) else { return Ok(()) };
        let message = Message::no_run(session.into(), Some(entry));
        output::remark(&format!("{}. `closing-bell backfill` catches up.", message.headline));
        if let Some(messenger) = messenger(&settings)? {
            // A message is one object, which is created whole or not at all: it needs no lock.
            messenger.tell(&*self.archive, &message).await;
        }
        Ok(())
    }

    /// The stores to change, and nobody else who changes them meanwhile.
    async fn alone(&self) -> Result<(OwnedMutexGuard<()>, Stores), Problem> {
        let busy = || Problem::new(StatusCode::CONFLICT, "a night is under way: wait for its end");
        let alone = self.one_at_a_time.clone().try_lock_owned().map_err(|_| busy())?;
        let stores = Stores::change(&self.arguments.store.place).await.map_err(problem)?;
        Ok((alone, stores))
    }

    /// What a request asks for: the stores, and the day.
    async fn request(&self, request: &RunRequest) -> Result<(Prepared, Stamp), Problem> {
        let mut arguments = self.arguments.clone();
        if !request.tickers.is_empty() {
            arguments.tickers.clone_from(&request.tickers);
        }
        let entry = match &request.run {
            None => None,
            Some(run) => Some(self.to_complete(run).await?),
        };
        if let Some((_, again)) = &entry {
            arguments.tickers.clone_from(&again.tickers);
        }
        let mut prepared = Prepared::new(&arguments).await.map_err(problem)?;

        let as_of = match (entry, request.as_of) {
            (Some((as_of, again)), _) => {
                prepared.assignment = again;
                as_of
            }
            (None, Some(day)) if TradingDay::has_closed(day, Timestamp::now()) => day.into(),
            (None, Some(day)) => {
                return Err(Problem::new(
                    StatusCode::CONFLICT,
                    format!("as_of: the session of {day} has not closed yet"),
                ));
            }
            (None, None) => prepared.chosen.last_session,
        };
        if request.run.is_none() {
            prepared.check_named(&request.tickers, as_of).await.map_err(problem)?;
        }
        prepared.assignment.configuration.train |= request.train;
        Ok((prepared, as_of))
    }

    /// The day of a run whose tickers can be worked on again here, and what it was asked to do.
    async fn to_complete(&self, run: &RunId) -> Result<(Stamp, Assignment), Problem> {
        let none = || Problem::new(StatusCode::NOT_FOUND, format!("there is no run {run}"));
        let entry = self.ledger.run(run).await?.ok_or_else(none)?;
        let market = entry.run.configuration.market;
        let configuration = &entry.run.configuration;
        if configuration.rollback.is_some() || configuration.release.is_some() {
            return Err(Problem::field("run", "what a person decided is completed by asking for the same again"));
        }
        if market != self.market {
            return Err(Problem::field(
                "run",
                format_args!("it worked on the {market} market, this is {}", self.market),
            ));
        }
        let tickers = entry.run.tickers(&*self.archive).await?;
        Ok((entry.run.as_of, Assignment { tickers, configuration: entry.run.configuration }))
    }
}

/// A request that is right in itself, but not in the present state.
fn nothing_to_decide(error: pipeline::Error) -> Problem {
    match error {
        pipeline::Error::Request { .. } => Problem::new(StatusCode::CONFLICT, error.to_string()),
        other => other.into(),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it maps errors")]
fn problem(failure: Failure) -> Problem {
    let status = match &failure {
        Failure::Unknown(_) => {
            let detail = format!("tickers: {}", failure.text());
            return Problem { field: Some("tickers".to_owned()), ..Problem::new(StatusCode::NOT_FOUND, detail) };
        }
        Failure::Busy(_) => StatusCode::CONFLICT,
        Failure::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Problem::new(status, failure.text())
}

#[async_trait]
impl Starts for Nights {
    fn admits(&self, token: Option<&str>) -> bool {
        // Digests are compared: how long it takes tells nothing of the token.
        token.is_some_and(|token| Digest::of(token.as_bytes()) == self.token)
    }

    async fn start(&self, request: RunRequest) -> Result<Started, Problem> {
        let busy = || Problem::new(StatusCode::CONFLICT, "another night is under way: wait for its end");
        let alone: OwnedMutexGuard<()> = self.one_at_a_time.clone().try_lock_owned().map_err(|_| busy())?;
        let (prepared, as_of) = self.request(&request).await?;
        let id = RunId::new(as_of, &prepared.assignment.digest());
        // On record before the answer, so that whoever is sent on to it finds it.
        prepared.open(as_of, request.reason.trim()).await?;
        output::remark(&format!("Run {id} is requested."));
        self.work.spawn(async move {
            night(as_of, &prepared, Trigger::Manual).await;
            // The data directory is free before the next night may ask for it.
            drop(prepared);
            drop(alone);
        });
        Ok(Started { request: id.to_string(), run: Some(id) })
    }
}

#[async_trait]
impl Decides for Nights {
    fn admits(&self, token: Option<&str>) -> bool {
        Starts::admits(self, token)
    }

    async fn rollback(&self, ticker: &Ticker, version: &VersionId, reason: &str) -> Result<Promoted, Problem> {
        let (_alone, stores) = self.alone().await?;
        let (archive, ledger, programs) = (&*stores.archive, &*stores.ledger, stores.programs());
        pipeline::rollback(archive, ledger, &*programs, ticker, version, reason).await.map_err(nothing_to_decide)
    }

    async fn release(&self, ticker: &Ticker, reason: &str) -> Result<Promoted, Problem> {
        let (_alone, stores) = self.alone().await?;
        let (archive, ledger, programs) = (&*stores.archive, &*stores.ledger, stores.programs());
        pipeline::release(archive, ledger, &*programs, ticker, reason).await.map_err(nothing_to_decide)
    }

    async fn verify(&self, ticker: &Ticker) -> Result<VerifiedReceipt, Problem> {
        let receipts = self.ledger.receipts(ticker).await?;
        let newest = receipts.first().ok_or_else(|| pipeline::Error::NoForecast { ticker: ticker.clone() })?;
        let run = newest.run.clone();
        let (archive, ledger, ticker) = (self.archive.clone(), self.ledger.clone(), ticker.clone());
        // It computes: no answer waits behind it.
        let reached = self
            .work
            .spawn(async move { pipeline::verify_receipt(&*archive, &*ledger, &receipts, &ticker, &run).await });
        let reached = reached.await.map_err(|error| Problem::internal(&error))?;
        // What is not as it was is no failure of the service.
        reached.map_err(|error| {
            if error.is_unreachable() { error.into() } else { Problem::new(StatusCode::CONFLICT, error.to_string()) }
        })
    }
}

/// Runs a night. Whatever fails is reported on standard error.
async fn night(as_of: Stamp, prepared: &Prepared, trigger: Trigger) {
    match prepared.night(as_of, trigger, &ProgressBar::hidden()).await {
        Ok(entry) => {
            let status = entry.closure.map_or_else(|| "open".to_owned(), |closure| closure.status.to_string());
            output::remark(&format!("Run {} is {status}.", entry.run.id));
        }
        Err(failure) => output::remark(&format!("The night of {as_of} failed: {}", failure.text())),
    }
}
