//! Nights over ports in memory, of which any call may fail: whatever fails, and when, doing the night again completes it, and what
//! it leaves is what an undisturbed night leaves.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::atomic::{AtomicI64, Ordering},
};

use forecasting::{Period, Ticker};
use jiff::{Timestamp, civil::Date};
use pipeline::{
    Archive, Assignment, Attempts, Error, Evaluated, Fetched, Key, Ledger, Market, MarketData, ModelVersion,
    NoPrograms, Planned, RunStatus, Settings, Stage, StageKey, Trained, Trigger, fetch, forget, plan, predict,
    price_file::PriceFile,
    report,
    testing::{Faults, Intercepted, MemoryArchive, MemoryLedger},
    verify_forgotten, work,
};

const SESSIONS: usize = 200;

fn ticker() -> Ticker {
    "X".parse().expect("a ticker")
}

/// Prices whose returns follow each other, with a range that is sound.
fn prices() -> (PriceFile, Vec<Date>) {
    prices_of("X")
}

fn prices_of(symbol: &str) -> (PriceFile, Vec<Date>) {
    let mut day: Period = "2019-01-02".parse().expect("a session");
    let (mut seed, mut r, mut log) = (7_u64, 0.0, 4.0_f64);
    let mut text = "date,open,high,low,close,volume,adjClose\n".to_owned();
    let mut days = Vec::new();
    for _ in 0..SESSIONS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        r = 0.4 * r + 0.02 * ((seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5);
        log += r;
        let close = log.exp();
        let _ = writeln!(text, "{day},{close},{},{},{close},100,{close}", close * 1.01, close * 0.99);
        days.push(day.date());
        day = day.next();
    }
    (PriceFile::new(symbol.parse().expect("a ticker"), "prices.csv", text.into_bytes()), days)
}

fn assignment() -> Assignment {
    let settings = Settings::parse("start = 2019-01-01").expect("reads");
    let mut assignment = settings.assignment(Market::Csv, vec![ticker()]);
    // Versions that are a session old are removed, so that removing may fail as well.
    assignment.configuration.retention = Some(1);
    assignment
}

/// A clock that runs backwards, by an hour each time it is read: nothing may depend on it.
fn backwards() -> Timestamp {
    static HOURS: AtomicI64 = AtomicI64::new(400_000);
    Timestamp::from_second(HOURS.fetch_sub(1, Ordering::Relaxed) * 3_600).expect("a moment")
}

/// One pass over a night: it ends at the first thing that fails.
async fn pass(
    market: &dyn MarketData,
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    as_of: Date,
) -> Result<RunStatus, Error> {
    pass_of(&assignment(), market, archive, ledger, as_of).await
}

async fn pass_of(
    assignment: &Assignment,
    market: &dyn MarketData,
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    as_of: Date,
) -> Result<RunStatus, Error> {
    let run = match plan(archive, ledger, assignment, as_of.into(), Trigger::Manual).await? {
        Planned::Open(entry) => entry.run,
        Planned::Done(entry) | Planned::NoSession(entry) => return Ok(entry.closure.expect("it is closed").status),
    };
    let mut attempts = Attempts::new(ticker(), backwards);
    let fetched = attempts.at(Stage::Fetch, fetch(market, archive, ledger, &run, &ticker(), true)).await?;
    assert!(matches!(fetched, Fetched::Ready(_)), "its bar is there");
    work(archive, ledger, &NoPrograms, &run, &ticker(), &mut attempts).await?;
    attempts.record(ledger, &run.id).await;
    Ok(report(archive, ledger, &run, &BTreeMap::new()).await?.status)
}

/// Whoever serves can be read whole, and answers.
async fn the_champion_serves(archive: &MemoryArchive, ledger: &MemoryLedger, when: &str) {
    let Some(champion) = ledger.champion(&ticker()).await.expect("reads") else { return };
    let version = ModelVersion::read(archive, &ticker(), &champion.version, Some(&champion.sha256)).await;
    assert!(version.is_ok(), "{when}: {version:?}");
    let forecast = ledger.history(&ticker(), Stage::Forecast, champion.as_of, 1).await.expect("lists");
    if !forecast.is_empty() {
        predict(archive, ledger, &ticker(), pipeline::ForecastRequest::default())
            .await
            .unwrap_or_else(|e| panic!("{when}: {e}"));
    }
}

/// Fails each call of a night in turn, before its effect and after it. Answers with how many calls there are.
async fn every_call_may_fail(archive: &MemoryArchive, ledger: &MemoryLedger, as_of: Date) -> usize {
    let (market, _) = prices();
    let (clean, record) = (archive.fork(), ledger.fork());
    let undisturbed = Faults::default();
    let remote = Intercepted { inner: &market, by: &undisturbed };
    let counted = (Intercepted { inner: &clean, by: &undisturbed }, Intercepted { inner: &record, by: &undisturbed });
    assert_eq!(pass(&remote, &counted.0, &counted.1, as_of).await.expect("a night"), RunStatus::Succeeded);
    for call in 1..=undisturbed.calls() {
        for after_effect in [false, true] {
            let when = format!("call {call} of {as_of}, after its effect: {after_effect}");
            let (archive, ledger) = (archive.fork(), ledger.fork());
            let faults = Faults::at(call, after_effect);
            let ports = (Intercepted { inner: &archive, by: &faults }, Intercepted { inner: &ledger, by: &faults });
            let market = Intercepted { inner: &market, by: &faults };
            let first = pass(&market, &ports.0, &ports.1, as_of).await;
            the_champion_serves(&archive, &ledger, &when).await;
            if let Err(error) = &first {
                assert!(error.is_transient(), "{when}: {error}");
                let again = pass(&market, &ports.0, &ports.1, as_of).await;
                assert_eq!(again.unwrap_or_else(|error| panic!("{when}: {error}")), RunStatus::Succeeded);
            }
            assert_eq!(ledger.outcome(), record.outcome(), "{when}");
            assert_eq!(archive.objects(), clean.objects(), "{when}");
        }
    }
    undisturbed.calls()
}

#[tokio::test]
async fn any_call_of_the_first_and_of_a_later_night_may_fail() {
    let (archive, ledger) = (MemoryArchive::default(), MemoryLedger::default());
    let (market, days) = prices();
    let [.., before, yesterday, today] = days.as_slice() else { unreachable!("there are {SESSIONS} of them") };
    let first = every_call_may_fail(&archive, &ledger, *before).await;
    for day in [before, yesterday] {
        pass(&market, &archive, &ledger, *day).await.expect("a night");
    }
    let later = every_call_may_fail(&archive, &ledger, *today).await;
    assert!(first > 20 && later > 30, "{first} and {later} calls");
}

/// Done twice, a night does nothing the second time, not even where it is not known to be closed.
#[tokio::test]
async fn a_night_that_is_done_is_not_done_again() {
    let (archive, ledger) = (MemoryArchive::default(), MemoryLedger::default());
    let (market, days) = prices();
    let today = days[SESSIONS - 1];
    pass(&market, &archive, &ledger, today).await.expect("a night");
    let (outcome, objects) = (ledger.outcome(), archive.objects());
    let run = ledger.runs(1).await.expect("lists").remove(0).run;
    let attempts = ledger.attempts(&run.id).await.expect("lists");
    assert_eq!(attempts.len(), Stage::ALL.len());
    let mut again = Attempts::new(ticker(), backwards);
    work(&archive, &ledger, &NoPrograms, &run, &ticker(), &mut again).await.expect("done before");
    assert!(again.tried().is_empty());
    pass(&market, &archive, &ledger, today).await.expect("done before");
    assert_eq!((ledger.outcome(), archive.objects()), (outcome, objects));
}

/// A family that cannot be estimated makes no night a training of all: the policy goes on deciding when models are trained.
#[tokio::test]
async fn a_family_that_fails_trains_no_other() {
    let (archive, ledger) = (MemoryArchive::default(), MemoryLedger::default());
    let (market, days) = prices();
    let text = "start = 2019-01-01\npolicy = { max_age = 50 }\n\
                families = [\"arima\", { family = \"arima\", order = [0, 0, 0], seasonal = [0, 1, 0, 130] }]";
    let assignment = Settings::parse(text).expect("reads").assignment(Market::Csv, vec![ticker()]);
    let nights: Vec<Trained> = {
        let mut nights = Vec::new();
        for day in &days[124..127] {
            pass_of(&assignment, &market, &archive, &ledger, *day).await.expect("a night");
            let run = ledger.runs(1).await.expect("lists").remove(0).run.id;
            let key = StageKey { run, ticker: ticker(), stage: Stage::Train };
            nights.push(ledger.committed(&key).await.expect("reads").expect("trained").parse().expect("reads"));
        }
        nights
    };
    let arima = |night: &Trained| night.versions.iter().find(|v| !v.contender.is_baseline()).expect("ARIMA").clone();
    for night in &nights {
        assert_eq!(night.without_model.len(), 1, "{:?}", night.without_model);
        assert_eq!(night.trained, nights[0].trained, "on the first night alone");
        assert_eq!(arima(night), arima(&nights[0]));
    }
}

/// A series whose symbol has changed goes on under its own name, with its record and its standing forecasts.
#[tokio::test]
async fn a_renamed_ticker_keeps_its_record() {
    let (archive, ledger) = (MemoryArchive::default(), MemoryLedger::default());
    let (market, days) = prices();
    let [.., yesterday, today] = days.as_slice() else { unreachable!("there are {SESSIONS} of them") };
    pass(&market, &archive, &ledger, *yesterday).await.expect("a night");
    let renamed = prices_of("NEW").0;
    let refused = pass(&renamed, &archive, &ledger, *today).await;
    assert!(matches!(refused, Err(Error::UnknownTicker { .. })), "{refused:?}");
    let settings = Settings::parse("start = 2019-01-01\n[aliases]\nX = \"NEW\"\nOTHER = \"ELSE\"").expect("reads");
    let assignment = settings.assignment(Market::Csv, vec![ticker()]);
    assert_eq!(assignment.configuration.aliases.len(), 1, "those of others make no other run");
    pass_of(&assignment, &renamed, &archive, &ledger, *today).await.expect("a night");
    let run = ledger.runs(1).await.expect("lists").remove(0).run.id;
    let key = StageKey { run, ticker: ticker(), stage: Stage::Evaluate };
    let evaluated: Evaluated = ledger.committed(&key).await.expect("reads").expect("done").parse().expect("reads");
    assert_eq!(evaluated.scores.len(), 1, "yesterday's forecast of today");
    let chain = ledger.chain(&ticker()).await.expect("reads");
    assert_eq!(chain.records.len(), 2 * (Stage::ALL.len() + 1), "one chain: results and a receipt of two nights");
}

/// Whatever fails while a series is forgotten, forgetting it again leaves nothing but the tombstone and the reports of nights.
#[tokio::test]
async fn a_series_is_forgotten_whatever_fails() {
    let (archive, ledger) = (MemoryArchive::default(), MemoryLedger::default());
    let (market, days) = prices();
    for day in &days[SESSIONS - 2..] {
        pass(&market, &archive, &ledger, *day).await.expect("a night");
    }
    let records = ledger.chain(&ticker()).await.expect("reads").records.len();
    let undisturbed = Faults::default();
    let ports = (archive.fork(), ledger.fork());
    let counted =
        (Intercepted { inner: &ports.0, by: &undisturbed }, Intercepted { inner: &ports.1, by: &undisturbed });
    forget(&counted.0, &counted.1, &ticker()).await.expect("forgets");
    for call in 1..=undisturbed.calls() {
        for after_effect in [false, true] {
            let (archive, ledger) = (archive.fork(), ledger.fork());
            let faults = Faults::at(call, after_effect);
            let failing = (Intercepted { inner: &archive, by: &faults }, Intercepted { inner: &ledger, by: &faults });
            let first = forget(&failing.0, &failing.1, &ticker()).await;
            assert!(first.is_err_and(|error| error.is_transient()), "call {call}");
            let tombstone = forget(&archive, &ledger, &ticker()).await.expect("forgets");
            assert_eq!(tombstone.records, records);
            let verified = verify_forgotten(&archive, &ledger, &ticker()).await.expect("nothing is left");
            assert_eq!(verified, Some(tombstone));
            assert_eq!(archive.objects(), ports.0.objects(), "call {call}");
        }
    }
    let left = ports.0.objects();
    let kept = ["runs/", "reports/", "forgotten/X/"];
    assert!(left.keys().all(|key| kept.iter().any(|prefix| key.as_str().starts_with(prefix))), "{:?}", left.keys());
    let y: Ticker = "Y".parse().expect("a ticker");
    assert!(matches!(forget(&archive, &ledger, &y).await, Err(Error::NoForecast { .. })));
    // One of which there are but files that were refused.
    let refused = Key::quarantine(&y, &pipeline::Digest::of(b"%PDF"), "nonsense.csv");
    archive.create(&refused, b"%PDF").await.expect("creates");
    assert_eq!(forget(&archive, &ledger, &y).await.expect("forgets").records, 0);
    assert_eq!(archive.read(&refused).await.expect("reads"), None);
    assert!(verify_forgotten(&archive, &ledger, &y).await.expect("nothing is left").is_some());
    // It begins anew, with a record of its own.
    let last = days[SESSIONS - 1];
    let mut assignment = assignment();
    assignment.configuration.retention = None;
    pass_of(&assignment, &market, &ports.0, &ports.1, last).await.expect("a night");
    assert_eq!(verify_forgotten(&ports.0, &ports.1, &ticker()).await.expect("reads"), None);
}

/// A forecast of more sessions than are configured by now is scored to its end.
#[tokio::test]
async fn a_longer_horizon_of_before_is_scored_to_its_end() {
    const LONG: usize = 16;
    let (archive, ledger) = (MemoryArchive::default(), MemoryLedger::default());
    let (market, days) = prices();
    let days = &days[SESSIONS - LONG - 1..];
    let of = |horizon: usize| {
        let settings = Settings::parse(&format!("start = 2019-01-01\nhorizon = {horizon}")).expect("reads");
        settings.assignment(Market::Csv, vec![ticker()])
    };
    pass_of(&of(LONG), &market, &archive, &ledger, days[0]).await.expect("a night");
    for day in &days[1..] {
        pass_of(&of(2), &market, &archive, &ledger, *day).await.expect("a night");
    }
    let run = ledger.runs(1).await.expect("lists").remove(0).run.id;
    let key = StageKey { run, ticker: ticker(), stage: Stage::Evaluate };
    let evaluated: Evaluated = ledger.committed(&key).await.expect("reads").expect("done").parse().expect("reads");
    let mut horizons: Vec<usize> = evaluated.scores.iter().map(|scored| scored.score.horizon).collect();
    horizons.sort_unstable();
    assert_eq!(horizons, [1, 2, LONG]);
}
