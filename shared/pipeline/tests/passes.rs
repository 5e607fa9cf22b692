//! What a run does next, as its ledger stands.

use std::{collections::BTreeSet, time::Duration};

use forecasting::Ticker;
use jiff::civil::date;
use pipeline::{
    Assignment, Ledger, Next, Pass, Patience, Run, Settings, Stage, StageKey, StageRecord, Trigger,
    testing::MemoryLedger,
};

/// A run, what is committed of it, and who failed for good.
struct Night {
    ledger: MemoryLedger,
    run: Run,
    tickers: Vec<Ticker>,
    failed: BTreeSet<Ticker>,
}

const PATIENCE: Patience =
    Patience { asks: 2, pause: Duration::from_mins(15), retries: 2, delay: Duration::from_mins(5) };

impl Night {
    fn of(tickers: usize) -> Night {
        let names = (0..tickers).map(|n| format!("T{n:03}").parse().expect("a ticker")).collect();
        let assignment: Assignment = Settings::parse("").expect("defaults").assignment(pipeline::Market::Tiingo, names);
        let run = Run::new(date(2020, 12, 11), Trigger::Schedule, &assignment);
        Night { ledger: MemoryLedger::default(), run, tickers: assignment.tickers, failed: BTreeSet::new() }
    }

    async fn commit(&self, stage: Stage, tickers: &[Ticker]) {
        for ticker in tickers {
            let key = StageKey { run: self.run.id.clone(), ticker: ticker.clone(), stage };
            let as_of = "2020-12-11".parse().expect("a session");
            self.ledger.commit(StageRecord { key, as_of, result: "{}".to_owned() }).await.expect("commits");
        }
    }

    async fn first(&self, patience: Patience) -> Pass {
        Pass::first(&self.ledger, &self.run, &self.tickers, patience).await.expect("reads")
    }

    async fn after(&self, pass: &Pass) -> Pass {
        // As the state machine hands it on, without its list.
        let pass: Pass = serde_json::from_str(&serde_json::to_string(pass).expect("writes")).expect("reads");
        assert!(pass.tickers.is_empty());
        pass.after(&self.ledger, &self.run, &self.tickers, |ticker| self.failed.contains(ticker)).await.expect("reads")
    }
}

fn told(pass: &Pass) -> (Next, usize, u64, bool, bool) {
    (pass.next, pass.tickers.len(), pass.wait.as_secs(), pass.settle, pass.last)
}

#[tokio::test]
async fn a_night_on_which_all_goes_well() {
    let night = Night::of(3);
    let fetch = night.first(PATIENCE).await;
    assert_eq!(told(&fetch), (Next::Fetch, 3, 0, false, false));
    night.commit(Stage::Fetch, &night.tickers).await;
    let work = night.after(&fetch).await;
    assert_eq!(told(&work), (Next::Work, 3, 0, true, false));
    night.commit(Stage::Forecast, &night.tickers).await;
    assert_eq!(night.after(&work).await.next, Next::Report);
    assert_eq!(night.first(PATIENCE).await.next, Next::Report, "started again, it has nothing to do");
}

#[tokio::test]
async fn late_bars_are_waited_for_then_what_is_known_will_do() {
    let night = Night::of(3);
    let first = night.first(PATIENCE).await;
    night.commit(Stage::Fetch, &night.tickers[..1]).await;
    let mut pass = night.after(&first).await;
    let mut passes = Vec::new();
    while pass.next == Next::Fetch {
        passes.push(told(&pass));
        pass = night.after(&pass).await;
    }
    let expected = [
        (Next::Fetch, 2, 900, false, false),
        (Next::Fetch, 2, 900, true, false),
        (Next::Fetch, 2, 300, true, false),
        (Next::Fetch, 2, 300, true, true),
    ];
    assert_eq!(passes, expected);
    // What has its prices is worked on, and has retries of its own.
    let works = [(Next::Work, 1, 0, true, false), (Next::Work, 1, 300, true, false), (Next::Work, 1, 300, true, true)];
    for expected in works {
        assert_eq!(told(&pass), expected);
        pass = night.after(&pass).await;
    }
    assert_eq!(pass.next, Next::Report);
}

#[tokio::test]
async fn what_failed_for_good_is_not_waited_for() {
    let mut night = Night::of(2);
    let fetch = night.first(PATIENCE).await;
    night.failed.insert(night.tickers[0].clone());
    night.commit(Stage::Fetch, &night.tickers[1..]).await;
    let work = night.after(&fetch).await;
    assert_eq!((work.next, work.tickers.as_slice()), (Next::Work, &night.tickers[1..]));
    night.failed.insert(night.tickers[1].clone());
    assert_eq!(night.after(&work).await.next, Next::Report);
}

#[tokio::test]
async fn a_long_list_is_begun_with_one_each_time_another() {
    let mut night = Night::of(50);
    let first = night.first(PATIENCE).await;
    let second = night.after(&first).await;
    assert_eq!([told(&first), told(&second)], [(Next::Fetch, 1, 0, false, false), (Next::Fetch, 1, 900, false, false)]);
    assert_ne!(first.tickers, second.tickers);
    // It never comes: all are asked for what is known.
    assert_eq!(told(&night.after(&second).await), (Next::Fetch, 50, 900, true, false));
    // It is there: so are the others, at once.
    night.commit(Stage::Fetch, &second.tickers).await;
    let all = night.after(&second).await;
    assert_eq!(told(&all), (Next::Fetch, 49, 0, false, false));
    night.commit(Stage::Fetch, &night.tickers[..20]).await;
    let later = night.after(&all).await;
    assert!(later.tickers.len() > 20 && later.wait == PATIENCE.pause, "who is late then is asked for by name");
    // One that failed for good says nothing of the others.
    let fresh = Night::of(50);
    night = Night { failed: first.tickers.iter().cloned().collect(), ..fresh };
    assert_eq!(told(&night.after(&first).await), (Next::Fetch, 49, 0, false, false));
    // Older prices are there or never will be.
    assert_eq!(told(&night.first(Patience { asks: 0, ..PATIENCE }).await), (Next::Fetch, 50, 0, true, false));
}
