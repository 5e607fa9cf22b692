//! `run`; and what `backfill` and `serve` share with it.

use std::{process::ExitCode, sync::Arc};

use forecasting::{Stamp, Ticker};
use indicatif::ProgressBar;
use jiff::Timestamp;
use messages::{Message, Messenger};
use pipeline::{
    Assignment, Market, Patience, Planned, RunEntry, RunId, RunStatus, Settings, Trigger, give_reason, plan,
};

use super::{
    Failure,
    arguments::{MarketName, NightArguments},
    market::{Chosen, check_past},
    output,
    settings::settings,
    stores::Stores,
};
use crate::{CachedMarket, Night, RecordedMarket};

/// A night prepared: everything but the day.
pub(super) struct Prepared {
    pub(super) chosen: Chosen,
    pub(super) assignment: Assignment,
    settings: Settings,
    pub(super) stores: Stores,
    messenger: Option<Messenger>,
}

impl Prepared {
    pub(super) async fn new(arguments: &NightArguments) -> Result<Prepared, Failure> {
        let asked = Box::pin(asked(arguments)).await?;
        Box::pin(Prepared::of(asked, arguments)).await
    }

    pub(super) async fn of(asked: Requested, arguments: &NightArguments) -> Result<Prepared, Failure> {
        let (chosen, assignment, settings) = asked;
        let messenger = messenger(&settings)?;
        let stores = Stores::write(&arguments.store.place).await?;
        let prepared = Prepared { chosen, assignment, settings, stores, messenger };
        prepared.check_sources().await?;
        Ok(prepared)
    }

    /// Whether a day is past what recorded prices know.
    pub(super) fn check_recorded(&self, option: &str, as_of: Stamp) -> Result<(), Failure> {
        let last = self.chosen.last_session;
        if self.chosen.name == Market::Recorded && as_of > last {
            return Err(Failure::Usage(format!("{option} {as_of}: the recorded prices end on {last}")));
        }
        Ok(())
    }

    /// Opens the run of a day, so that it is on record before it begins, and with it why someone asked for it.
    pub(super) async fn open(&self, as_of: Stamp, reason: &str) -> Result<(), pipeline::Error> {
        let manual = Trigger::Manual;
        let planned = plan(&*self.stores.archive, &*self.stores.ledger, &self.assignment, as_of, manual).await?;
        let (Planned::Open(entry) | Planned::Done(entry) | Planned::NoSession(entry)) = planned;
        give_reason(&*self.stores.archive, &entry.run.id, reason).await
    }

    pub(super) async fn night(
        &self,
        as_of: Stamp,
        trigger: Trigger,
        progress: &ProgressBar,
    ) -> Result<RunEntry, Failure> {
        let night = Night {
            market: self.chosen.market.clone(),
            archive: self.stores.archive.clone(),
            ledger: self.stores.ledger.clone(),
            programs: self.stores.programs(),
            patience: self.patience(as_of),
        };
        // Nobody wants messages about the nights of a replay.
        let messenger = self.messenger.as_ref().filter(|_| trigger != Trigger::Backfill);
        // Told beside the work: a chat that hangs holds up nothing.
        let telling = async {
            if let Some(messenger) = messenger.filter(|messenger| messenger.tells_starts())
                && let Ok(Planned::Open(entry)) =
                    plan(&*self.stores.archive, &*self.stores.ledger, &self.assignment, as_of, trigger).await
            {
                messenger.tell(&*self.stores.archive, &Message::started(&entry.run)).await;
            }
        };
        let working = night.run(&self.assignment, as_of, trigger, |ticker| {
            progress.set_message(ticker.to_string());
            progress.inc(1);
        });
        let ((), entry) = tokio::join!(telling, working);
        let entry = entry?;
        // A day without a session is no news.
        let news = entry.closure.as_ref().filter(|closure| closure.status != RunStatus::NoSession);
        if let (Some(messenger), Some(closure)) = (messenger, news) {
            match Message::closed(&*self.stores.archive, &entry.run, closure).await {
                Ok(message) => messenger.tell(&*self.stores.archive, &message).await,
                Err(error) => tracing::warn!(%error, "the night's message cannot be written"),
            }
        }
        Ok(entry)
    }

    /// Tells of a backfill, where that is wanted.
    pub(super) async fn tell_backfilled(&self, entries: &[RunEntry]) {
        let Some(messenger) = self.messenger.as_ref().filter(|messenger| messenger.tells_backfills()) else { return };
        match Message::backfilled(&*self.stores.archive, entries).await {
            Ok(Some(message)) => messenger.tell(&*self.stores.archive, &message).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the backfill's message cannot be written"),
        }
    }

    /// Whether nights that were missed are held before the one that is due.
    pub(super) fn catches_up(&self) -> bool {
        self.settings.schedule.catch_up
    }

    /// Histories up to then are downloaded once for all nights that follow.
    pub(super) fn download_once(&mut self, to: Stamp) {
        if !self.chosen.market.is_local() {
            let start = self.assignment.configuration.from();
            self.chosen.market = Arc::new(CachedMarket::new(self.chosen.market.clone(), start, to));
        }
    }

    /// A market that will not get newer has nothing to wait for, and a folder that cannot be read will not pass.
    fn patience(&self, as_of: Stamp) -> Patience {
        if self.chosen.market.is_local() {
            Patience::NONE
        } else {
            Patience::of(&self.settings, as_of, Timestamp::now())
        }
    }

    /// What is printed of a run.
    pub(super) async fn output<'a>(&self, entry: &'a RunEntry) -> Result<output::RunOutput<'a>, Failure> {
        Ok(output::RunOutput::of(entry, &*self.stores.archive, &*self.stores.ledger).await?)
    }

    /// A bar on standard error; nothing where that is no terminal.
    pub(super) fn progress(&self, nights: usize) -> ProgressBar {
        output::progress((nights * self.assignment.tickers.len()) as u64, PROGRESS)
    }

    /// Refuses series that are on record from another source: records of two would go on from each other.
    async fn check_sources(&self) -> Result<(), Failure> {
        let ours = self.chosen.name;
        for ticker in &self.assignment.tickers {
            let known = pipeline::newest_snapshot(&*self.stores.ledger, ticker).await?;
            if let Some(theirs) = known.map(|snapshot| snapshot.market).filter(|theirs| *theirs != ours) {
                let what = "one directory is for one source: name another with --data, or remove the series";
                return Err(Failure::Usage(format!(
                    "{ticker} is on record from the {theirs} market, and this is {ours}: {what} (closing-bell forget {ticker} --yes)"
                )));
            }
        }
        Ok(())
    }

    /// Refuses a series that was named and that nobody knows: a typo makes no run. What the market lists, is on the watchlist or on record is
    /// known; of others a market far away is asked.
    pub(super) async fn check_named(&self, named: &[Ticker], to: Stamp) -> Result<(), Failure> {
        let recorded: Vec<Ticker> = RecordedMarket.tickers().collect();
        let known = if self.chosen.name == Market::Recorded { &recorded } else { &self.chosen.tickers };
        for ticker in named.iter().filter(|ticker| !known.contains(ticker)) {
            if let Some(reason) = self.unknown(ticker, to).await? {
                let near =
                    known.iter().map(|known| (strsim::damerau_levenshtein(known.as_str(), ticker.as_str()), known));
                let near = near.filter(|(distance, _)| distance * 3 <= ticker.as_str().len().max(3)).min();
                let meant = near.map(|(_, known)| format!("; did you mean {known}?")).unwrap_or_default();
                return Err(Failure::Unknown(format!("{ticker} is unknown: {reason}{meant}")));
            }
        }
        Ok(())
    }

    /// Why a market does not know a series that it does not list.
    async fn unknown(&self, ticker: &Ticker, to: Stamp) -> Result<Option<String>, Failure> {
        let market = &self.chosen.market;
        let market_far_away =
            matches!(self.chosen.name, Market::Tiingo | Market::TiingoCrypto | Market::TiingoFx | Market::TiingoIex);
        if !market_far_away {
            return Ok(Some(format!("the {} market has no such series", self.chosen.name)));
        }
        if pipeline::newest_snapshot(&*self.stores.ledger, ticker).await?.is_some() {
            return Ok(None);
        }
        let far = to.date().and_then(|day| day.checked_sub(jiff::Span::new().days(LOOK_BACK)).ok());
        let from = far.unwrap_or_else(|| self.assignment.configuration.from());
        match market.history(ticker, from, to).await {
            Err(pipeline::Error::UnknownTicker { reason, .. }) => Ok(Some(reason)),
            // Whatever else is wrong is for the night to tell.
            _ => Ok(None),
        }
    }
}

/// How progress looks.
pub(super) const PROGRESS: &str = "{bar:32} {pos}/{len} {elapsed} {prefix} {msg}";
/// Days in which a series that is traded has a price.
const LOOK_BACK: i64 = 30;

/// Who tells of the nights, where a webhook is configured; `CLOSING_BELL_WEBHOOK` takes the place of the file's address.
pub(super) fn messenger(settings: &Settings) -> Result<Option<Messenger>, Failure> {
    let address = std::env::var(WEBHOOK_VARIABLE).ok();
    Messenger::of(&settings.webhook, address.as_deref()).map_err(Failure::Usage)
}

const WEBHOOK_VARIABLE: &str = "CLOSING_BELL_WEBHOOK";

/// The market, what a run on it is asked to do, and the file that says so.
pub(super) type Requested = (Chosen, Assignment, Settings);

/// What the arguments and the configuration file ask for. Nothing is made.
pub(super) async fn asked(arguments: &NightArguments) -> Result<Requested, Failure> {
    let place = &arguments.store.place;
    let settings = settings(arguments.config.as_deref(), &arguments.set, place).await?;
    // Recorded prices are for a first look on one's own machine.
    let market = arguments.market.clone().or(place.in_cloud().then_some(MarketName::Tiingo));
    let chosen = Chosen::new(market.as_ref(), &settings, place).await?;
    let tickers = if arguments.tickers.is_empty() { chosen.tickers.clone() } else { arguments.tickers.clone() };
    if tickers.is_empty() {
        let what = "no tickers: name them in closing-bell.toml's watchlist, or with --ticker";
        return Err(Failure::Usage(what.to_owned()));
    }
    let assignment = settings.assignment(chosen.name, tickers);
    Ok((chosen, assignment, settings))
}

/// One night.
pub(super) async fn run(as_of: Option<Stamp>, train: bool, arguments: &NightArguments) -> Result<ExitCode, Failure> {
    if let Some(as_of) = as_of {
        check_past("--as-of", as_of)?;
    }
    let mut prepared = Prepared::new(arguments).await?;
    prepared.assignment.configuration.train = train;
    let as_of = as_of.unwrap_or(prepared.chosen.last_session);
    prepared.check_recorded("--as-of", as_of)?;
    prepared.check_named(&arguments.tickers, as_of).await?;
    let before = prepared.stores.ledger.run(&RunId::new(as_of, &prepared.assignment.digest())).await?;
    let progress = prepared.progress(1);
    let entry = prepared.night(as_of, Trigger::Manual, &progress).await?;
    progress.finish_and_clear();
    let done = before.filter(|before| before.closure.as_ref().is_some_and(|closure| !closure.status.is_incomplete()));
    if let Some(at) = done.and_then(|before| before.closed_at) {
        let at = at.get(..16).unwrap_or(&at).replace('T', " ");
        output::remark(&format!("This run was done already, on {at} UTC: nothing was done again."));
    }
    let printed = prepared.output(&entry).await?;
    if arguments.store.json {
        output::json(&printed);
    } else {
        output::night(&entry, &printed, &*prepared.stores.ledger).await?;
    }
    Ok(exit_code(std::slice::from_ref(&entry)))
}

pub(super) fn exit_code(entries: &[RunEntry]) -> ExitCode {
    let failed = |entry: &RunEntry| entry.closure.as_ref().is_none_or(|closure| closure.status.is_incomplete());
    if entries.iter().any(failed) { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
