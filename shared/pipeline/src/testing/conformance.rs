//! The ports' contracts, executable: every adapter runs these suites. A suite panics where a contract is broken.

use forecasting::{
    Cadence, Contender, Detail, Judgement, Period, PriceSeries, Record, Row, Seat, Specification, Stamp, Ticker,
};
use jiff::civil::{Date, date};

use crate::{
    Appended, Archive, Attempt, Chain, Chained, Champion, Closure, Created, Digest, Error, Key, Ledger, MarketData,
    ObjectRef, Pointing, Receipt, Run, RunId, RunStatus, Settings, Stage, StageKey, StageRecord, Trigger,
};

fn ticker(text: &str) -> Ticker {
    text.parse().expect("a ticker")
}

fn day(text: &str) -> Stamp {
    text.parse().expect("a session")
}

/// An empty archive.
pub async fn archive(archive: &dyn Archive) {
    let run: RunId = "2020-12-11-00000000".parse().expect("an id");
    let key = Key::run(&run, "tickers.json");
    assert_eq!(archive.read(&key).await.expect("reads"), None, "absent is None");
    assert_eq!(archive.create(&key, b"one").await.expect("creates"), Created::New);
    assert_eq!(archive.read(&key).await.expect("reads").as_deref(), Some(b"one".as_slice()), "reads its writes");
    assert_eq!(archive.create(&key, b"one").await.expect("a retry is harmless"), Created::Existed);
    let other = archive.create(&key, b"two").await;
    assert!(matches!(other, Err(Error::Conflict { .. })), "other content is a conflict: {other:?}");
    assert_eq!(archive.read(&key).await.expect("reads").as_deref(), Some(b"one".as_slice()), "nothing is overwritten");

    // An empty object is an object.
    let empty = Key::run(&run, "empty");
    archive.create(&empty, b"").await.expect("creates");
    assert_eq!(archive.read(&empty).await.expect("reads"), Some(Vec::new()));

    // Listing is by prefix of the text, not by folder, and sorted.
    let neighbour = Key::run(&"2020-12-10-ffffffff".parse().expect("an id"), "tickers.json");
    archive.create(&neighbour, b"x").await.expect("creates");
    let listed = archive.list("runs/2020-12-1").await.expect("lists");
    assert_eq!(listed, [neighbour.as_str(), empty.as_str(), key.as_str()]);
    assert_eq!(archive.list("runs/2020-12-11-").await.expect("lists"), [empty.as_str(), key.as_str()]);
    assert!(archive.list("models/").await.expect("an empty folder is no error").is_empty());

    // What is removed is gone, its neighbours are not, and a retry is harmless.
    for _ in 0..2 {
        archive.remove(&empty).await.expect("removes");
        assert_eq!(archive.read(&empty).await.expect("reads"), None);
    }
    assert_eq!(archive.list("runs/2020-12-11-").await.expect("lists"), [key.as_str()]);
}

fn a_run(as_of: Stamp, name: &str) -> Run {
    let settings = Settings::parse("levels = [80]").expect("defaults");
    let run = Run::new(as_of, Trigger::Manual, &settings.assignment(crate::Market::Recorded, vec![ticker("NLS")]));
    Run { id: name.parse().expect("an id"), ..run }
}

fn a_record(run: &RunId, as_of: Stamp, stage: Stage, result: &str) -> StageRecord {
    StageRecord { key: StageKey { run: run.clone(), ticker: ticker("NLS"), stage }, as_of, result: result.to_owned() }
}

/// An empty ledger.
pub async fn ledger(ledger: &dyn Ledger) {
    runs(ledger).await;
    results(ledger).await;
    attempts(ledger).await;
    decisions(ledger).await;
}

async fn runs(ledger: &dyn Ledger) {
    let early = a_run(day("2020-12-10"), "2020-12-10-aaaaaaaa");
    let late = a_run(day("2020-12-11"), "2020-12-11-aaaaaaaa");
    assert_eq!(ledger.run(&early.id).await.expect("reads"), None);
    let opened = ledger.open_run(&late).await.expect("opens");
    assert_eq!((&opened.run, &opened.closure), (&late, &None));
    ledger.open_run(&early).await.expect("opens");

    // First wins.
    let again = Run { trigger: Trigger::Backfill, ..late.clone() };
    assert_eq!(ledger.open_run(&again).await.expect("finds it").run.trigger, Trigger::Manual);

    let closure = Closure { seconds: 1.25, ..Closure::of(RunStatus::Partial, &[]) };
    ledger.close_run(&late.id, &closure).await.expect("closes");
    let better = Closure { status: RunStatus::Succeeded, ..closure };
    ledger.close_run(&late.id, &better).await.expect("closes again");
    let found = ledger.run(&late.id).await.expect("reads").expect("it is there");
    assert_eq!(found.closure, Some(better.clone()), "closing again replaces the closure");
    assert!(found.closed_at.is_some());
    assert_eq!(ledger.open_run(&late).await.expect("finds it").closure, Some(better), "opening finds it closed");

    let ids = |entries: Vec<crate::RunEntry>| entries.into_iter().map(|e| e.run.id).collect::<Vec<_>>();
    assert_eq!(ids(ledger.runs(10).await.expect("lists")), [late.id.clone(), early.id], "newest first");
    assert_eq!(ids(ledger.runs(1).await.expect("lists")), [late.id]);
}

async fn attempts(ledger: &dyn Ledger) {
    let run: RunId = "2020-12-11-aaaaaaaa".parse().expect("an id");
    assert!(ledger.attempts(&run).await.expect("lists").is_empty());
    let before = ledger.revision().await.expect("known or not");
    let attempt = |name: &str, stage, second: u32, setback: Option<&str>| Attempt {
        ticker: ticker(name),
        stage,
        ended_at: format!("2020-12-11T22:00:{second:02}.000000Z"),
        seconds: 0.25,
        setback: setback.map(str::to_owned),
    };
    let late = attempt("NLS", Stage::Fetch, 5, None);
    let early = [attempt("KO", Stage::Fetch, 1, Some("no bar yet")), attempt("KO", Stage::Fetch, 3, None)];
    ledger.record(&run, std::slice::from_ref(&late)).await.expect("records");
    ledger.record(&run, &early).await.expect("records");
    ledger.record(&run, &[]).await.expect("nothing to record is no error");
    ledger.record(&"2020-12-11-bbbbbbbb".parse().expect("an id"), &early[..1]).await.expect("records");
    let [first, second] = early;
    assert_eq!(ledger.attempts(&run).await.expect("lists"), [first, second, late], "by when they ended");
    if before.is_some() {
        assert_ne!(ledger.revision().await.expect("known"), before, "something has been written");
    }
}

async fn results(ledger: &dyn Ledger) {
    let (monday, tuesday) = (day("2020-12-07"), day("2020-12-08"));
    let first: RunId = "2020-12-07-aaaaaaaa".parse().expect("an id");
    let second: RunId = "2020-12-08-bbbbbbbb".parse().expect("an id");
    let third: RunId = "2020-12-08-aaaaaaaa".parse().expect("an id");
    let record = a_record(&first, monday, Stage::Fetch, "{\"n\":1}");
    assert_eq!(ledger.committed(&record.key).await.expect("reads"), None);
    assert_eq!(ledger.commit(record.clone()).await.expect("commits"), record);

    // First wins, whatever a second delivery brings.
    let other = StageRecord { result: "{\"n\":2}".to_owned(), ..record.clone() };
    assert_eq!(ledger.commit(other).await.expect("answers"), record);
    assert_eq!(ledger.committed(&record.key).await.expect("reads"), Some(record.clone()));

    let later = a_record(&second, tuesday, Stage::Fetch, "{}");
    let last = a_record(&third, tuesday, Stage::Fetch, "{}");
    ledger.commit(later.clone()).await.expect("commits");
    ledger.commit(last.clone()).await.expect("commits");
    ledger.commit(a_record(&second, tuesday, Stage::Train, "{}")).await.expect("commits");
    let nls = ticker("NLS");
    let history = ledger.history(&nls, Stage::Fetch, tuesday, 10).await.expect("lists");
    assert_eq!(history, [last.clone(), later, record.clone()], "newest first, then the last committed");
    assert_eq!(ledger.history(&nls, Stage::Fetch, monday, 10).await.expect("lists"), [record], "up to a session");
    assert_eq!(ledger.history(&nls, Stage::Fetch, tuesday, 1).await.expect("lists"), [last], "no more than asked");
    // A day includes its hours.
    let hour = a_record(&third, "2020-12-08T13:00Z".parse().expect("a stamp"), Stage::Evaluate, "{}");
    ledger.commit(hour.clone()).await.expect("commits");
    assert_eq!(ledger.history(&nls, Stage::Evaluate, tuesday, 1).await.expect("lists"), [hour], "an hour of that day");
    assert!(ledger.history(&nls, Stage::Evaluate, monday, 1).await.expect("lists").is_empty());
    assert!(ledger.history(&ticker("NL"), Stage::Fetch, tuesday, 10).await.expect("lists").is_empty());
}

/// A receipt whose record was really built, from a made-up series.
fn a_receipt(run: &str, as_of: Stamp, sequence: u64) -> Receipt {
    let mut session: Period = "2020-01-02".parse().expect("a session");
    let rows: Vec<Row> = (0..150_u32)
        .map(|t| {
            let price = 100.0 + f64::from(t % 13) + f64::from(t % 7);
            let row = Row { adjusted_close: Some(price), ..Row::new(t as usize + 1, session) };
            session = session.next();
            row
        })
        .collect();
    let series = PriceSeries::new(ticker("NLS"), rows).expect("a series");
    let configuration = a_run(as_of, run).configuration;
    let (record, _) =
        Record::of_history(configuration.record_plan(&ticker("NLS"), Cadence::SESSION), &series, |_, _| None)
            .expect("a record");
    let (judgement, _) =
        Judgement::of(&record, &configuration.levels, configuration.significance, None, &[], Detail::Short);
    let walk = judgement.random_walk.clone().expect("outcomes have come");
    let sha256 = Digest::of(run.as_bytes());
    Receipt {
        format: 3,
        ticker: ticker("NLS"),
        run: run.parse().expect("an id"),
        as_of,
        decision: forecasting::Decision::Promote,
        reason: "promoted: a test".to_owned(),
        training: None,
        decided_by: "rule".to_owned(),
        before: None,
        champion: Champion {
            version: run.parse().expect("an id"),
            sha256: sha256.clone(),
            specification: Specification::BASELINES[0],
            as_of,
            sequence,
            record_skill: Some(0.0),
            record_coverage: walk.coverage.clone(),
            record_forecasts: walk.forecasts(),
            record_error: Some(walk.mae),
            seat: Some(Seat { contender: Contender::RANDOM_WALK, since: as_of, deposed: Vec::new() }),
            pinned: false,
            unproven: false,
        },
        judgement: Some(judgement),
        contest: None,
        archived_contest: None,
        snapshot: ObjectRef { key: Key::snapshot(&ticker("NLS"), series.last().day, &sha256), sha256: sha256.clone() },
        configuration: sha256,
    }
}

/// Appends one receipt by itself.
async fn decide(
    ledger: &dyn Ledger,
    receipt: &Receipt,
    expected: Option<&Champion>,
    pointing: Pointing,
) -> Result<Appended, Error> {
    ledger.append(&receipt.ticker, &[Chained::Receipt(Box::new(receipt.clone()), pointing)], expected).await
}

async fn decisions(ledger: &dyn Ledger) {
    let nls = ticker("NLS");
    let first = a_receipt("2020-12-09-aaaaaaaa", day("2020-12-09"), 1);
    let second = a_receipt("2020-12-10-aaaaaaaa", day("2020-12-10"), 2);
    let rival = a_receipt("2020-12-10-bbbbbbbb", day("2020-12-10"), 2);
    let past = a_receipt("2020-12-08-aaaaaaaa", day("2020-12-08"), 1);
    assert_eq!(ledger.champion(&nls).await.expect("reads"), None);
    assert!(ledger.receipts(&nls).await.expect("lists").is_empty());

    assert_eq!(decide(ledger, &first, None, Pointing::Move).await.expect("moves"), Appended::Wholly);
    let pointer = ledger.champion(&nls).await.expect("reads");
    assert_eq!(pointer.as_ref(), Some(&first.champion));
    // Delivered twice, also with a stale expectation: it stands.
    assert_eq!(decide(ledger, &first, None, Pointing::Move).await.expect("answers"), Appended::Stood);

    // Two runs race from the same expectation: one moves the pointer, the other leaves no trace.
    decide(ledger, &second, pointer.as_ref(), Pointing::Move).await.expect("moves");
    let night = |run: &RunId, as_of, receipt: &Receipt| {
        let result = |stage| Chained::Result(a_record(run, as_of, stage, "{}"));
        let receipt = Chained::Receipt(Box::new(receipt.clone()), Pointing::Move);
        [result(Stage::Evaluate), receipt, result(Stage::Forecast)]
    };
    let lost = ledger.append(&nls, &night(&rival.run, rival.as_of, &rival), pointer.as_ref()).await;
    assert!(matches!(lost, Err(Error::ChampionMoved { .. })), "{lost:?}");
    assert_eq!(ledger.champion(&nls).await.expect("reads"), Some(second.champion.clone()));
    assert!(ledger.results(&rival.run, &nls).await.expect("reads").is_empty());

    // All of a night or nothing: where one of its records stands already, none is added.
    let third = a_receipt("2020-12-11-aaaaaaaa", day("2020-12-11"), 3);
    let pointer = ledger.champion(&nls).await.expect("reads");
    let records = night(&third.run, third.as_of, &third);
    ledger.append(&nls, &records[..1], None).await.expect("appends");
    assert_eq!(ledger.append(&nls, &records, pointer.as_ref()).await.expect("answers"), Appended::Stood);
    assert_eq!(ledger.champion(&nls).await.expect("reads"), pointer);
    assert_eq!(ledger.results(&third.run, &nls).await.expect("reads").len(), 1);
    let records = &records[1..];
    for appended in [Appended::Wholly, Appended::Stood] {
        assert_eq!(ledger.append(&nls, records, pointer.as_ref()).await.expect("appends"), appended);
    }
    let stages: Vec<Stage> =
        ledger.results(&third.run, &nls).await.expect("reads").iter().map(|record| record.key.stage).collect();
    assert_eq!(stages, [Stage::Evaluate, Stage::Forecast], "in their order");
    assert_eq!(ledger.append(&nls, &[], None).await.expect("nothing to append is no error"), Appended::Wholly);

    // Of one session's verdicts the newest is the one that came last, whatever its run is called.
    let person = a_receipt("2020-12-11-00000000", day("2020-12-11"), 4);
    let pointer = ledger.champion(&nls).await.expect("reads");
    decide(ledger, &person, pointer.as_ref(), Pointing::Move).await.expect("moves");
    assert_eq!(ledger.receipts(&nls).await.expect("lists"), [&person, &third, &second, &first].map(Clone::clone));

    // A backfilled verdict is on record and moves nothing.
    let pointer = ledger.champion(&nls).await.expect("reads");
    decide(ledger, &past, pointer.as_ref(), Pointing::Leave).await.expect("appends");
    assert_eq!(ledger.champion(&nls).await.expect("reads"), pointer, "a verdict may leave the pointer alone");
    let receipts = ledger.receipts(&nls).await.expect("lists");
    assert_eq!(receipts, [person.clone(), third, second, first, past], "newest first");
    assert!(ledger.receipts(&ticker("KO")).await.expect("lists").is_empty());

    // Every result and every receipt of the ticker is in its place.
    let chain = ledger.chain(&nls).await.expect("lists");
    assert_eq!(chain.check(&nls).expect("whole"), Some(person.champion));
    let sequences: Vec<u64> = chain.records.iter().map(|(link, _)| link.sequence).collect();
    assert_eq!(sequences, (1..=chain.records.len() as u64).collect::<Vec<_>>());
    assert!(chain.records.len() >= 10, "six results and four receipts: {}", chain.records.len());
    assert_eq!(ledger.chain(&ticker("KO")).await.expect("lists"), Chain::default());

    // Forgotten, once or twice, it is as if it had never been, and may begin anew.
    for _ in 0..2 {
        ledger.forget(&nls).await.expect("forgets");
        assert_eq!(ledger.chain(&nls).await.expect("lists"), Chain::default());
        assert_eq!(ledger.champion(&nls).await.expect("reads"), None);
        assert!(ledger.receipts(&nls).await.expect("lists").is_empty());
        for stage in Stage::ALL {
            assert!(ledger.history(&nls, stage, day("2020-12-31"), 9).await.expect("lists").is_empty());
        }
    }
    let anew = a_receipt("2020-12-11-aaaaaaaa", day("2020-12-11"), 1);
    decide(ledger, &anew, None, Pointing::Move).await.expect("moves");
    assert_eq!(ledger.chain(&nls).await.expect("lists").check(&nls).expect("whole"), Some(anew.champion));
}

/// A market that knows `known` on every session of `from..=to`, and does not know `unknown`.
pub async fn market_data(market: &dyn MarketData, known: &Ticker, unknown: &Ticker, from: Date, to: Date) {
    let history = market.history(known, from, to.into()).await.expect("a history");
    assert!(!history.rows.is_empty());
    assert!(history.rows.iter().all(|row| row.date.is_within(from, to.into())), "never outside the range");
    assert!(history.rows.windows(2).all(|pair| pair[0].date < pair[1].date), "oldest first");
    let series = PriceSeries::new(known.clone(), history.rows.clone()).expect("usable");
    assert_eq!((series.bars()[0].day.date(), series.last().day.date()), (from, to));

    let one = market.history(known, to, to.into()).await.expect("one row");
    assert_eq!(one.rows.len(), 1, "both ends are inclusive");
    let before = history.rows[0].date.date().expect("a date");
    let weekend = date(before.year(), 1, 1);
    let none = market.history(known, weekend, weekend.into()).await.expect("an empty range is no error");
    assert!(none.rows.is_empty(), "New Year's Day has no row");
    let error = market.history(unknown, from, to.into()).await.expect_err("unknown");
    assert!(matches!(error, Error::UnknownTicker { .. }), "{error:?}");
    assert!(!error.is_transient());
}
