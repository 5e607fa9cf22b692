use forecasting::{Cadence, PriceSeries, Scope, Ticker};
use jiff::Timestamp;

use super::{FEW, Place, StageResults};
use crate::{
    Archive, BarLog, BarStatus, Configuration, Created, Digest, Download, Error, Key, Ledger, MarketData, ObjectRef,
    Reading, Run, Snapshot, Stage,
    error::about,
    legible,
    records::{STALE_AFTER, ahead, price_table},
    settings::SESSIONS_START,
};

/// What fetch found.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetched {
    /// The snapshot that this run works on.
    Ready(Box<Snapshot>),
    /// The session's bar is not published yet: ask again later. Nothing was committed.
    NoBarYet,
}

/// Sessions asked for again to see whether the stored ones still stand.
const OVERLAP: usize = 10;
/// As many nights back as are looked through for a snapshot of the same market and start.
const LOOKED_THROUGH: usize = 10;

/// Bars from the market to an immutable price snapshot.
///
/// With a former snapshot it asks for the new rows and an overlap alone. Where the overlap differs, or a new row carries a
/// dividend or a split, every earlier adjusted close has changed: it downloads the whole history again. While the session's
/// bar is missing it answers [`Fetched::NoBarYet`], unless `settle` says to go on with what is known, or the market is
/// local and will not get newer.
///
/// # Errors
/// [`Error::Stale`] for a series that has ended; the market's errors; a history that cannot be used, kept under
/// `quarantine/` where it came from a file.
pub async fn fetch(
    market: &dyn MarketData,
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    run: &Run,
    ticker: &Ticker,
    settle: bool,
) -> Result<Fetched, Error> {
    let place = Place::new(run, ticker);
    let symbol = run.configuration.symbol(ticker);
    let results = StageResults::read(ledger, &place).await?;
    if let Some(snapshot) = results.of(Stage::Fetch)? {
        return Ok(Fetched::Ready(Box::new(snapshot)));
    }
    let before = former_snapshot(ledger, &place).await?;
    let former = match &before {
        Some(before) if !market.is_local() => former_prices(archive, &place, before).await?,
        _ => None,
    };
    if former.is_none() && !settle && !market.is_local() {
        // One day's row, before a whole history is downloaded only to be asked for again in a quarter of an hour.
        let tonight = market.history(symbol, run.as_of.date().unwrap_or(SESSIONS_START), run.as_of).await?;
        if tonight.rows.is_empty() {
            return Ok(Fetched::NoBarYet);
        }
    }
    let to_be_told = former.as_ref().filter(|former| run.tickers > FEW && !is_to_be_compared(&former.series));
    if let Some(former) = to_be_told {
        match newest(market, &place, former).await? {
            Newest::Tonight(gathered) => return ready(archive, ledger, results, *gathered, before).await,
            Newest::NotYet if !settle => return Ok(Fetched::NoBarYet),
            Newest::NotYet | Newest::Unknown => {}
        }
    }
    let gathered = match gather(market, &place, former).await {
        Err(error) if is_bad_data(&error) => {
            quarantine(market, archive, &place, &error).await?;
            return Err(error);
        }
        other => other?,
    };
    let last = gathered.series.last().day;
    let behind = last.periods_until(last.cadence().up_to(place.as_of, last));
    // A file does not get newer, and the series that one holds need not end together.
    let may_end = market.is_local() && last.cadence() != Cadence::SESSION;
    if behind >= STALE_AFTER && !may_end {
        return Err(Error::Stale { ticker: ticker.clone(), last, sessions: behind, as_of: place.as_of });
    }
    if behind > 0 && !settle && !market.is_local() {
        return Ok(Fetched::NoBarYet);
    }
    ready(archive, ledger, results, gathered, before).await
}

/// Stores what was gathered, and commits the snapshot of it.
async fn ready(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    mut results: StageResults<'_>,
    gathered: Gathered,
    before: Option<Snapshot>,
) -> Result<Fetched, Error> {
    let place = results.place;
    let Gathered { series, read_at, download, rows_without_price } = gathered;
    let Place { run, ticker, .. } = *place;
    let last = series.last().day;
    let sha256 = Digest::of(&price_table::write(&series));
    let key = Key::snapshot(ticker, last, &sha256);
    let bars = written(archive, place, &series, before.and_then(|before| before.bars)).await?;
    let preliminary = read_at.is_some_and(|now| last.is_preliminary_at(now));
    let result = Snapshot {
        snapshot: ObjectRef { key, sha256 },
        bars: Some(bars),
        last,
        bar: if preliminary { BarStatus::Preliminary } else { BarStatus::Final },
        start: run.configuration.start,
        market: run.configuration.market,
        kind: series.kind(),
        download,
        scope: Scope::of(&series, rows_without_price),
        regressors: series.regressors().to_vec(),
        ahead: ahead(&series),
    };
    Ok(Fetched::Ready(Box::new(results.commit(ledger, Stage::Fetch, result).await?)))
}

struct Gathered {
    series: PriceSeries,
    read_at: Option<Timestamp>,
    download: Download,
    rows_without_price: usize,
}

/// The newest snapshot before this run.
struct Former {
    series: PriceSeries,
    rows_without_price: usize,
}

/// The newest snapshot before this run that has the same market, start, kind and cadence, if there is one.
async fn former_snapshot(ledger: &dyn Ledger, place: &Place<'_>) -> Result<Option<Snapshot>, Error> {
    let Configuration { start, market, columns, .. } = &place.run.configuration;
    let Reading { kind, cadence, .. } = &place.run.configuration.reading(place.ticker);
    // Nearly always it is the very newest.
    for looked_through in [1, LOOKED_THROUGH] {
        for record in ledger.history(place.ticker, Stage::Fetch, place.as_of, looked_through).await? {
            let former: Snapshot = record.parse()?;
            let same = |cadence: Cadence| cadence.of_dates_like(former.last.stamp()) == former.last.cadence();
            let alike = (&former.start, &former.market, &former.kind) == (start, market, kind);
            if alike && former.regressors == columns.regressors && cadence.is_none_or(same) {
                return Ok(Some(former));
            }
        }
    }
    Ok(None)
}

/// Its prices; `None` where they cannot be used.
async fn former_prices(archive: &dyn Archive, place: &Place<'_>, former: &Snapshot) -> Result<Option<Former>, Error> {
    match former.series(archive, place.ticker).await {
        Ok(series) => Ok(Some(Former { series, rows_without_price: former.scope.rows_without_price })),
        Err(error) if error.is_unreachable() => Err(error),
        Err(error) => {
            tracing::warn!(ticker = %place.ticker, %error, "the former snapshot cannot be used: downloading everything");
            Ok(None)
        }
    }
}

/// Stores the bars that the log of the snapshot before does not have. One that cannot be read any more is begun anew.
async fn written(
    archive: &dyn Archive,
    place: &Place<'_>,
    series: &PriceSeries,
    before: Option<BarLog>,
) -> Result<BarLog, Error> {
    let Place { as_of, ticker, .. } = *place;
    match BarLog::write(archive, ticker, (series.cadence(), series.regressors()), series.kept(), as_of, before).await {
        Err(error @ (Error::Missing { .. } | Error::Damaged { .. })) => {
            tracing::warn!(%ticker, %error, "the former bars cannot be read: all of them are stored again");
            BarLog::write(archive, ticker, (series.cadence(), series.regressors()), series.kept(), as_of, None).await
        }
        written => written,
    }
}

async fn gather(market: &dyn MarketData, place: &Place<'_>, former: Option<Former>) -> Result<Gathered, Error> {
    let why = match former {
        None => "no former snapshot".to_owned(),
        Some(former) => match extend(market, place, &former).await? {
            Extension::Extended(gathered) => return Ok(gathered),
            Extension::Changed(why) => why,
        },
    };
    let Place { run, as_of, ticker } = place;
    let configuration = &run.configuration;
    let history = market.history(configuration.symbol(ticker), configuration.from(), *as_of).await?;
    let read_at = history.read_at;
    let series = configuration.series(ticker, history).map_err(|error| match error {
        forecasting::Error::NoPrices => {
            Error::NoPrices { ticker: (*ticker).clone(), from: configuration.start, to: *as_of }
        }
        other => about(ticker)(other),
    })?;
    let rows_without_price = series.missing().len();
    Ok(Gathered { series, read_at, download: Download::Full(why), rows_without_price })
}

/// Whether tonight the stored bars are compared with the market's, where it could do without: every tenth session, each series on
/// another one. So each bar is compared once, although the market tells tonight's rows of all series at once, and a correction is
/// found within ten sessions.
fn is_to_be_compared(former: &PriceSeries) -> bool {
    let turn = Digest::of(former.ticker().as_str().as_bytes()).as_str().bytes().map(usize::from).sum::<usize>();
    (former.bars().len() + turn).is_multiple_of(OVERLAP)
}

/// What the market tells of all series at once.
enum Newest {
    /// With tonight's bar.
    Tonight(Box<Gathered>),
    /// It is not published yet.
    NotYet,
    /// The market does not tell, or tells what changes the history.
    Unknown,
}

/// Takes tonight's bar from what the market tells of all series at once, where nothing else has changed since the session before.
async fn newest(market: &dyn MarketData, place: &Place<'_>, former: &Former) -> Result<Newest, Error> {
    let Place { run, as_of, ticker } = place;
    let symbol = run.configuration.symbol(ticker);
    let (Some(day), true) = (as_of.date(), former.series.last().day.next().stamp() == *as_of) else {
        return Ok(Newest::Unknown);
    };
    let Some((row, read_at)) = market.newest(symbol, day).await? else { return Ok(Newest::Unknown) };
    if row.date < *as_of {
        return Ok(Newest::NotYet);
    }
    let tonight = PriceSeries::of((*ticker).clone(), vec![row], former.series.form()).ok();
    let Some(bar) =
        tonight.as_ref().map(PriceSeries::last).filter(|bar| bar.day.stamp() == *as_of && !bar.adjusts_history())
    else {
        return Ok(Newest::Unknown);
    };
    Ok(Newest::Tonight(Box::new(Gathered {
        series: former.series.extended(std::slice::from_ref(bar)),
        read_at: Some(read_at),
        download: Download::Increment,
        rows_without_price: former.rows_without_price,
    })))
}

enum Extension {
    Extended(Gathered),
    Changed(String),
}

/// Asks for what is new and an overlap. Stored and new bars must agree to the last bit: both are based on their own last
/// session, so they can only where nothing in between has changed the adjustment.
async fn extend(market: &dyn MarketData, place: &Place<'_>, former: &Former) -> Result<Extension, Error> {
    let Place { run, as_of, ticker } = place;
    let bars = former.series.bars();
    let overlap = &bars[bars.len().saturating_sub(OVERLAP)..];
    let history = market.history(run.configuration.symbol(ticker), overlap[0].day.date(), *as_of).await?;
    let recent = match PriceSeries::of((*ticker).clone(), history.rows, former.series.form()) {
        Ok(recent) => recent,
        Err(forecasting::Error::NoPrices) => {
            return Ok(Extension::Changed("the stored sessions are gone from the market".to_owned()));
        }
        Err(error) => return Err(about(ticker)(error)),
    };
    let newer = recent.after(former.series.last().day);
    if let Some(bar) = newer.iter().find(|bar| bar.adjusts_history()) {
        return Ok(Extension::Changed(format!("a split or a dividend on {}", bar.day)));
    }
    let known = &recent.bars()[..recent.bars().len() - newer.len()];
    if let Some(changed) = overlap.iter().find(|bar| !known.iter().any(|other| other.agrees_with(bar))) {
        return Ok(Extension::Changed(format!("the bar of {} was revised", changed.day)));
    }
    if known.len() != overlap.len() {
        return Ok(Extension::Changed("the market has sessions that were missing before".to_owned()));
    }
    let last = former.series.last().day.stamp();
    let newly_missing = recent.missing().iter().filter(|date| **date > last).count();
    Ok(Extension::Extended(Gathered {
        series: former.series.extended(newer),
        read_at: history.read_at,
        download: Download::Increment,
        rows_without_price: former.rows_without_price + newly_missing,
    }))
}

/// Whether the rows themselves are at fault, rather than the range that was asked for.
fn is_bad_data(error: &Error) -> bool {
    matches!(error, Error::RefusedData { .. } | Error::Forecasting { .. })
}

/// A file that is refused anew each night, and is another one each time, is kept so often, with its reasons.
const MAX_QUARANTINED: usize = 100;

/// Keeps what was refused, and the reason beside it.
async fn quarantine(
    market: &dyn MarketData,
    archive: &dyn Archive,
    place: &Place<'_>,
    error: &Error,
) -> Result<(), Error> {
    let Place { run, ticker, .. } = place;
    if let Some((name, bytes)) = market.rejected(run.configuration.symbol(ticker)).await {
        let (digest, name) = (Digest::of(&bytes), legible(&name));
        let kept = archive.list(&Key::quarantined(ticker)).await?;
        let known = |listed: &String| listed.contains(digest.short());
        if kept.len() >= MAX_QUARANTINED && !kept.iter().any(known) {
            tracing::warn!(%ticker, "{} refused files are kept, and no more: look at quarantine/{ticker}/", kept.len());
            return Ok(());
        }
        if archive.create(&Key::quarantine(ticker, &digest, &name), &bytes).await? == Created::New {
            tracing::warn!(%ticker, "refused data is kept under quarantine/{ticker}/");
        }
        let reason = error.to_string();
        let name = format!("{name}-reason-{}.txt", Digest::of(reason.as_bytes()).short());
        archive.create(&Key::quarantine(ticker, &digest, &name), reason.as_bytes()).await?;
    }
    Ok(())
}
