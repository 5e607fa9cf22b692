//! Nights on recorded prices: results, repetition, replay, interruption.

mod support;

use std::{thread, time::Duration};

use support::Bench;

const TICKERS: &str = "--market recorded --ticker NLS --ticker FSLY --ticker KO";

#[test]
fn one_night_and_what_can_be_asked_afterwards() {
    let bench = Bench::new();
    let night = bench.run(&format!("run {TICKERS} --json")).expect(0).json();
    assert_eq!((night["as_of"].as_str(), night["status"].as_str()), (Some("2020-12-11"), Some("succeeded")));
    let tickers = night["tickers"].as_array().expect("tickers");
    assert_eq!(tickers.len(), 3);
    for ticker in tickers {
        assert_eq!(ticker["status"], "done");
        assert_eq!(ticker["verdict"], "promote", "nothing was in service before");
        assert!(ticker["reason"].as_str().is_some_and(|reason| reason.contains(" to 1 is asked")));
        assert!(ticker["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
        assert!(ticker["version"].as_str().is_some_and(|version| version.starts_with("2020-12-11-")));
    }

    let answer = bench.run("predict nls --horizon 3 --level 50 --json").expect(0).json();
    assert_eq!((answer["ticker"].as_str(), answer["origin"].as_str()), (Some("NLS"), Some("2020-12-11")));
    assert_eq!(answer["bar"], "final");
    let steps = answer["horizons"].as_array().expect("horizons");
    assert_eq!(steps.len(), 3);
    assert_eq!((steps[0]["horizon"].as_u64(), steps[0]["date"].as_str()), (Some(1), Some("2020-12-14")));
    let interval = &steps[0]["intervals"][0];
    assert_eq!(interval["level"].as_u64(), Some(50));
    let (lower, mean, upper) = (interval["lower"].as_f64(), steps[0]["mean"].as_f64(), interval["upper"].as_f64());
    assert!(lower < mean && mean < upper && lower > Some(10.0), "{interval}");
    assert!(answer["skill"]["n"].as_u64().is_some_and(|n| n > 0) && answer["coverage"][0]["n"].as_u64() > Some(0));
    assert!(answer["notice"].as_str().is_some_and(|notice| notice.contains("no investment advice")));

    // The forecast table is what the contract says, and what predict answers by default.
    let archive = bench.archive("closing-bell-data");
    let (_, table) = archive.iter().find(|(key, _)| key.starts_with("forecasts/2020-12-11/NLS-")).expect("a table");
    let table = String::from_utf8(table.clone()).expect("text");
    let mut lines = table.lines();
    let header = "ticker,origin,date,horizon,mean,lower_80,upper_80,lower_95,upper_95,version";
    assert_eq!(lines.next(), Some(header));
    let default = bench.run("predict NLS --json").expect(0).json();
    let first: Vec<&str> = lines.next().expect("a line").split(',').collect();
    assert_eq!(first[4], default["horizons"][0]["mean"].to_string());
    assert_eq!(first[9], default["version"].as_str().expect("a version"));
    assert_eq!(lines.count(), 4);

    let runs = bench.run("runs --json").expect(0).json();
    assert_eq!((runs[0]["status"].as_str(), runs[0]["trigger"].as_str()), (Some("succeeded"), Some("manual")));
    let models = bench.run("models NLS --json").expect(0).json();
    assert!(models.as_array().is_some_and(|models| models.iter().filter(|m| m["in_service"] == true).count() == 1));
    let receipts = bench.run("receipts NLS --json").expect(0).json();
    assert_eq!(receipts[0]["champion"]["version"], default["version"]);
    for shown in ["runs", "models NLS", "receipts NLS", "predict NLS"] {
        assert!(!bench.run(shown).expect(0).out.is_empty(), "{shown}");
    }
}

#[test]
fn the_same_run_again_changes_nothing() {
    let bench = Bench::new();
    let first = bench.run(&format!("run {TICKERS} --json")).expect(0);
    let (archive, ledger) = (bench.archive("closing-bell-data"), bench.ledger("closing-bell-data"));
    // In another order it is the same run.
    let again = bench.run("run --market recorded --ticker KO --ticker FSLY --ticker NLS --json").expect(0);
    assert_eq!(first.out, again.out);
    assert_eq!(archive, bench.archive("closing-bell-data"));
    assert_eq!(ledger, bench.ledger("closing-bell-data"));
}

#[test]
fn a_replayed_night_knows_only_what_was_known_then() {
    let bench = Bench::new();
    bench.prices("then", &["NLS", "KO"], "2020-12-04");
    bench.prices("now", &["NLS", "KO"], "2020-12-11");
    bench.run("backfill --from 2020-11-30 --to 2020-12-04 --market csv:then --data then-data").expect(0);
    let runs = bench.run("backfill --from 2020-11-30 --to 2020-12-09 --market csv:now --data now-data --json");
    let runs = runs.expect(0).json();
    let days: Vec<_> = runs.as_array().expect("runs").iter().map(|run| run["as_of"].as_str().expect("a day")).collect();
    assert_eq!(
        days,
        [
            "2020-11-30",
            "2020-12-01",
            "2020-12-02",
            "2020-12-03",
            "2020-12-04",
            "2020-12-07",
            "2020-12-08",
            "2020-12-09"
        ]
    );

    let (then, now) = (bench.archive("then-data"), bench.archive("now-data"));
    assert!(then.keys().filter(|key| key.starts_with("forecasts/")).count() == 10);
    for (key, bytes) in &then {
        assert_eq!(now.get(key), Some(bytes), "{key} differs once later bars are in the data");
    }
    // Every version stands up to being trained again, from either.
    for key in now.keys().filter(|key| key.starts_with("models/")) {
        let mut parts = key.trim_start_matches("models/").trim_end_matches(".json").split('/');
        let (ticker, version) = (parts.next().expect("a ticker"), parts.next().expect("a version"));
        bench.run(&format!("verify {ticker} {version} --data now-data")).expect(0);
    }
    // Live scores have come in: eight nights score 1 + 2 + 3 + 4 + 5 + 5 + 5 of their predecessors' forecasts.
    let answer = bench.run("predict NLS --data now-data --json").expect(0).json();
    assert_eq!((answer["skill"]["n"].as_u64(), answer["skill"]["source"].as_str()), (Some(25), Some("live")));
}

#[test]
fn a_backfill_of_the_past_leaves_the_present_champion() {
    let bench = Bench::new();
    bench.run("run --market recorded --ticker KO").expect(0);
    let present = bench.run("predict KO --json").expect(0).out;
    bench.run("backfill --from 2020-12-01 --to 2020-12-03 --market recorded --ticker KO").expect(0);
    assert_eq!(bench.run("predict KO --json").expect(0).out, present);
    let receipts = bench.run("receipts KO --json").expect(0).json();
    let days: Vec<_> = receipts.as_array().expect("receipts").iter().map(|r| r["as_of"].as_str()).collect();
    assert_eq!(days, [Some("2020-12-11"), Some("2020-12-03"), Some("2020-12-02"), Some("2020-12-01")]);
    assert_eq!(
        receipts[2]["before"], receipts[3]["champion"]["version"],
        "each replayed verdict follows the one before"
    );
}

/// The champion may be older than the last night it served: a replay in between must not take over from it.
#[test]
fn a_backfill_leaves_an_old_champion_that_still_serves() {
    let bench = Bench::new();
    bench.write("patient.toml", "start = 2019-01-01\npolicy = { max_age = 30 }\n");
    let ko = "--market recorded --ticker KO";
    bench.run(&format!("backfill --from 2020-11-30 --to 2020-12-04 {ko} --config patient.toml")).expect(0);
    let present = bench.run("predict KO --json").expect(0).json();
    assert!(present["version"].as_str().is_some_and(|version| version.starts_with("2020-11-30-")), "{present}");
    bench.run(&format!("backfill --from 2020-12-02 --to 2020-12-02 {ko}")).expect(0);
    let in_service = bench.run("models KO --json").expect(0).json();
    let champion = in_service.as_array().expect("models").iter().find(|model| model["in_service"] == true);
    assert_eq!(champion.map(|model| &model["version"]), Some(&present["version"]));
    assert_eq!(bench.run("predict KO --json").expect(0).json()["version"], present["version"]);
}

#[test]
fn a_bad_row_of_another_day_and_a_mistyped_date_do_not_matter() {
    let bench = Bench::new();
    bench.prices("prices", &["KO", "NLS", "JPM"], "2020-12-11");
    let jpm = std::fs::read_to_string(bench.path("prices/JPM.csv")).expect("prices");
    bench.write("prices/JPM.csv", &format!("{jpm}2021-12-10,oops,oops\n"));
    let ko = std::fs::read_to_string(bench.path("prices/KO.csv")).expect("prices");
    bench.write("prices/KO.csv", &format!("\u{feff}{}2021-12-10,54.1,54.1\r\n", ko.replace('\n', "\r\n")));
    let run = bench.run("run --market csv:prices --json").expect(0).json();
    assert_eq!((run["as_of"].as_str(), run["status"].as_str()), (Some("2020-12-11"), Some("succeeded")));
}

#[test]
fn a_bad_row_stops_the_nights_from_its_day_on() {
    let bench = Bench::new();
    bench.prices("prices", &["KO"], "2020-12-11");
    let ko = std::fs::read_to_string(bench.path("prices/KO.csv")).expect("prices");
    let bad = ko.lines().map(|line| if line.starts_with("2020-12-09") { "2020-12-09,oops,oops" } else { line });
    bench.write("prices/KO.csv", &bad.map(|line| format!("{line}\n")).collect::<String>());
    let runs = bench.run("backfill --from 2020-12-07 --to 2020-12-10 --market csv:prices --json").expect(1).json();
    let statuses: Vec<_> = runs.as_array().expect("runs").iter().map(|run| run["status"].as_str()).collect();
    assert_eq!(statuses, [Some("succeeded"), Some("succeeded"), Some("failed"), Some("failed")]);
}

#[test]
fn a_holiday_is_no_session() {
    let bench = Bench::new();
    let run = bench.run(&format!("run {TICKERS} --as-of 2020-11-26 --json")).expect(0).json();
    assert_eq!((run["status"].as_str(), run["tickers"].as_array().map(Vec::len)), (Some("no session"), Some(0)));
    assert!(bench.run(&format!("run {TICKERS} --as-of 2020-11-26")).expect(0).out.contains("no session"));
}

/// kill -9 at ever later moments, until a night gets through: it must end like one that nothing disturbed.
#[test]
fn killed_at_any_moment_it_completes_what_is_missing() {
    let bench = Bench::new();
    bench.prices("prices", &["NLS", "FSLY", "KO"], "2020-12-11");
    let command = "backfill --from 2020-12-09 --to 2020-12-11 --market csv:prices";
    bench.run(&format!("{command} --data calm")).expect(0);

    let (mut kills, mut pause) = (0, Duration::from_millis(2));
    loop {
        let mut child = bench
            .command(&format!("{command} --data stormy"))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("starts");
        thread::sleep(pause);
        if let Some(status) = child.try_wait().expect("waits") {
            assert!(status.success());
            break;
        }
        child.kill().expect("kills");
        child.wait().expect("ends");
        kills += 1;
        pause = pause * 5 / 4 + Duration::from_millis(1);
        assert!(kills < 100, "it never gets through");
    }
    assert!(kills >= 5, "only {kills} kills: nothing was interrupted");
    assert_eq!(bench.archive("calm"), bench.archive("stormy"));
    assert_eq!(bench.ledger("calm"), bench.ledger("stormy"));
}
