//! What is done with verdicts: read, checked, rolled back, replayed.

mod support;

use std::{fmt::Write as _, fs};

use forecasting::{
    Arima, Combination, Ets, Family, Multipliers, PriceSeries, Row, SeasonalRandomWalk, Specification, Theta,
    TradingDay, Window,
};
use pipeline::{Digest, Key, ModelVersion, ObjectRef};
use serde_json::Value;
use support::Bench;

const NIGHT: &str = "run --market recorded --ticker MSFT --as-of";

/// Three nights of one ticker.
fn nights() -> Bench {
    let bench = Bench::new();
    for day in ["2020-12-09", "2020-12-10", "2020-12-11"] {
        bench.run(&format!("{NIGHT} {day}")).expect(0);
    }
    bench
}

fn receipts(bench: &Bench) -> Vec<Value> {
    bench.run("receipts MSFT --json").expect(0).json().as_array().expect("a list").clone()
}

fn version_of(receipt: &Value) -> String {
    receipt["champion"]["version"].as_str().expect("a version").to_owned()
}

#[test]
fn every_receipt_is_reached_again() {
    let bench = nights();
    let told = bench.run("verify MSFT").expect(0);
    assert_eq!(told.out.lines().filter(|line| line.contains(" stands: ")).count(), 3, "{}", told.out);
    let run = receipts(&bench)[0]["run"].as_str().expect("a run").to_owned();
    let one = bench.run(&format!("verify MSFT --receipt {run} --json")).expect(0).json();
    assert!(one[0]["scorecards"].as_u64() >= Some(3) && one[0]["objects"].as_array().map(Vec::len) >= Some(4), "{one}");
    bench.run("verify MSFT --receipt 2020-12-11-00000000").expect(1);
}

/// One byte of anything that a receipt rests on, and it is named.
#[test]
fn a_changed_byte_is_named() {
    let bench = nights();
    let newest = receipts(&bench).remove(0);
    let run = newest["run"].as_str().expect("a run");
    let verify = format!("verify MSFT --receipt {run}");
    let keys = [
        newest["snapshot"]["key"].as_str().expect("a key").to_owned(),
        newest["archived_contest"]["key"].as_str().expect("a key").to_owned(),
        format!("models/MSFT/{}.json", version_of(&newest)),
        format!("runs/{run}/configuration.json"),
    ];
    for key in keys {
        let path = bench.path("closing-bell-data").join(&key);
        let honest = fs::read(&path).expect("reads");
        let digit = honest.iter().rposition(u8::is_ascii_digit).expect("a digit");
        let mut changed = honest.clone();
        changed[digit] = if changed[digit] == b'5' { b'6' } else { b'5' };
        replace(&path, &changed);
        let told = bench.run(&verify).expect(1);
        assert!(told.err.contains(&format!("{key} is damaged")), "{key}: {}", told.err);
        replace(&path, &honest);
        bench.run(&verify).expect(0);
    }
    // The receipt itself: a loss, the reason, who was before.
    let connection = rusqlite::Connection::open(bench.path("closing-bell-data/ledger.sqlite")).expect("opens");
    let honest: String = connection
        .query_row("SELECT receipt FROM receipts WHERE run = ?1", [run], |row| row.get(0))
        .expect("the receipt");
    let pinball = honest.find("\"pinball\":0.").expect("a loss") + "\"pinball\":0.".len() + 5;
    let digit = if honest.as_bytes()[pinball] == b'5' { "6" } else { "5" };
    let mut loss = honest.clone();
    loss.replace_range(pinball..=pinball, digit);
    let tampered = [
        (loss, "its contest is not what is found again"),
        (honest.replacen("\"reason\":\"", "\"reason\":\"surely ", 1), "its reason is not what is found again"),
        (honest.replacen("\"decision\":\"", "\"decision\":\"promote\",\"_\":\"", 1), ""),
        (honest.replacen("\"sequence\":3", "\"sequence\":4", 1), "its champion is not what is found again"),
    ];
    for (text, expected) in tampered {
        assert_ne!(text, honest, "{expected}");
        connection.execute("UPDATE receipts SET receipt = ?1 WHERE run = ?2", [text.as_str(), run]).expect("updates");
        let told = bench.run(&verify).expect(1);
        let named = format!("the receipt of MSFT in run {run} is damaged: {expected}");
        assert!(told.err.contains(&named), "{expected}: {}", told.err);
    }
}

fn replace(path: &std::path::Path, bytes: &[u8]) {
    fs::remove_file(path).expect("removes");
    fs::write(path, bytes).expect("writes");
}

#[test]
fn a_rollback_is_a_verdict() {
    let bench = nights();
    let before = receipts(&bench);
    let (now, first) = (version_of(&before[0]), version_of(&before[2]));
    assert_ne!(now, first);
    let told = bench.run(&format!("rollback MSFT {first}")).expect(0);
    assert!(told.out.contains(&format!("{first} is in service")), "{}", told.out);

    let after = receipts(&bench);
    assert_eq!(after.len(), 4);
    let (decision, by) = (after[0]["decision"].as_str(), after[0]["decided_by"].as_str());
    assert_eq!((decision, by, after[0]["before"].as_str()), (Some("rollback"), Some("person"), Some(now.as_str())));
    // It answers at once, for the newest session, with the former model brought up to it.
    let answer = bench.run("predict MSFT --json").expect(0).json();
    assert_eq!((answer["version"].as_str(), answer["origin"].as_str()), (Some(first.as_str()), Some("2020-12-11")));
    let newest = bench.run("runs --json").expect(0).json()[0].clone();
    assert_eq!(
        (newest["status"].as_str(), newest["tickers"][0]["verdict"].as_str()),
        (Some("closed"), Some("rollback"))
    );
    bench.run("verify MSFT").expect(0);

    // What serves already, what never served, and what is none.
    let again = bench.run(&format!("rollback MSFT {first}")).expect(2);
    assert!(again.err.contains("is in service already"), "{}", again.err);
    assert!(bench.run("rollback MSFT 2020-12-11-00000000").expect(2).err.contains("has never been in service"));
    bench.run("rollback MSFT ../../x").expect(2);
    bench.run(&format!("rollback NOBODY {first}")).expect(1);
    assert_eq!(receipts(&bench), after, "what is refused leaves no trace");

    // And forth: another order, though of the same day.
    bench.run(&format!("rollback MSFT {now}")).expect(0);
    bench.run(&format!("rollback MSFT {first}")).expect(0);
    assert_eq!(receipts(&bench).len(), 6);
    bench.run("verify MSFT").expect(0);
}

#[test]
fn who_answered_and_how_it_turned_out() {
    let bench = nights();
    let versions: Vec<String> = receipts(&bench).iter().map(version_of).collect();
    let answered = |day: &str| {
        let told = bench.run(&format!("answered MSFT {day} --json")).expect(0).json();
        let list = told.as_array().expect("a list");
        list.iter()
            .map(|a| (a["when"].as_str().unwrap_or("").to_owned(), a["version"].as_str().unwrap_or("").to_owned()))
            .collect::<Vec<_>>()
    };
    let (day, evening) = ("during_the_day".to_owned(), "from_the_evening".to_owned());
    assert_eq!(answered("2020-12-09"), [(evening.clone(), versions[2].clone())]);
    assert_eq!(answered("2020-12-10"), [(day.clone(), versions[2].clone()), (evening, versions[1].clone())]);
    // A Sunday.
    assert_eq!(answered("2020-12-13"), [(day, versions[0].clone())]);
    bench.run("answered MSFT 2020-12-08").expect(1);

    // One session after the first night, two after the second.
    let scores = bench.run("scores MSFT --json").expect(0).json();
    let scores = scores.as_array().expect("a list");
    let places: Vec<(&str, u64)> =
        scores.iter().map(|s| (s["date"].as_str().unwrap_or(""), s["horizon"].as_u64().unwrap_or(0))).collect();
    assert_eq!(places, [("2020-12-11", 1), ("2020-12-11", 2), ("2020-12-10", 1)]);
    let run = bench.run("runs --json").expect(0).json()[0]["run"].as_str().expect("a run").to_owned();
    let archive = bench.archive("closing-bell-data");
    let table = String::from_utf8(archive[&format!("reports/{run}/scores.csv")].clone()).expect("text");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "ticker,origin,date,horizon,mean,actual,error,naive_error,inside_80,inside_95,version");
    assert_eq!(lines.len(), 3, "{table}");
    assert!(bench.run("scores MSFT").expect(0).out.contains("3 forecasts, skill over a random walk"));
    let results = bench.run("results --json").expect(0).json();
    assert_eq!((results["runs"].as_u64(), results["forecasts"].as_u64()), (Some(3), Some(3)));
    assert!(bench.run("results").expect(0).out.contains("| adaptive | 95 % |"));
}

#[test]
fn a_backfill_in_portions() {
    let bench = Bench::new();
    let range = "backfill --market recorded --ticker KO";
    let outlook = |arguments: &str| bench.run(&format!("{range} {arguments} --dry-run --json")).expect(0).json();
    let first = outlook("--from 2020-12-03 --to 2020-12-09");
    assert_eq!(
        (first["sessions"].as_u64(), first["runs"].as_u64(), &first["seconds"]),
        (Some(5), Some(5), &Value::Null)
    );
    assert!(!bench.path("closing-bell-data").exists(), "only said, nothing made");
    let needed = bench.run(&format!("{range} --dry-run")).expect(2);
    assert!(needed.err.contains("--from"), "{}", needed.err);

    let told = bench.run(&format!("{range} --from 2020-12-03 --to 2020-12-09 --limit 2 --json")).expect(0);
    assert!(told.err.contains("5 sessions, 0 done before, 2 runs now"), "{}", told.err);
    assert_eq!(told.json().as_array().map(Vec::len), Some(2));
    let then = outlook("--from 2020-12-03 --to 2020-12-09");
    assert_eq!((then["done"].as_u64(), then["runs"].as_u64(), then["seconds"].is_number()), (Some(2), Some(3), true));
    bench.run(&format!("{range} --from 2020-12-03 --to 2020-12-09")).expect(0);
    // Catching up: from the newest run to the market's last session.
    let rest = bench.run(&format!("{range} --json")).expect(0).json();
    let days: Vec<_> =
        rest.as_array().expect("runs").iter().map(|r| r["as_of"].as_str().unwrap_or("").to_owned()).collect();
    assert_eq!(days, ["2020-12-10", "2020-12-11"]);
    assert_eq!(bench.run(&format!("{range} --json")).expect(0).json(), Value::Array(Vec::new()), "nothing is left");
    bench.run(&format!("{range} --from 2020-12-03 --limit 0")).expect(2);
    bench.run("verify KO").expect(0);
}

/// Out of service for longer than the configuration keeps them, versions go; who serves, and who might serve again, stays.
#[test]
fn versions_are_kept_as_long_as_it_says() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "start = 2019-01-01\nretention = 60\n");
    for day in ["2020-06-01", "2020-06-02", "2020-12-11"] {
        bench.run(&format!("{NIGHT} {day}")).expect(0);
    }
    let versions: Vec<String> = receipts(&bench).iter().map(version_of).collect();
    let stored = bench.run("models MSFT --json").expect(0).json();
    let stored: Vec<&str> = stored.as_array().expect("a list").iter().filter_map(|m| m["version"].as_str()).collect();
    assert!(
        stored.contains(&versions[0].as_str()) && stored.contains(&versions[1].as_str()),
        "{stored:?} {versions:?}"
    );
    assert!(!stored.contains(&versions[2].as_str()), "{stored:?} {versions:?}");
    assert!(bench.run(&format!("verify MSFT {}", versions[2])).expect(1).err.contains("is missing from the archive"));
    assert!(bench.run(&format!("rollback MSFT {}", versions[2])).expect(1).err.contains("is missing from the archive"));
    bench.run("predict MSFT").expect(0);
}

/// The demonstration, short: its accounts agree with the three ledgers that it leaves behind.
#[test]
fn the_drift_demonstration() {
    let bench = Bench::new();
    let told = bench.run("demo drift --nights 8 --json").expect(0).json();
    assert_eq!((told["nights"].as_u64(), told["changes"].as_array().map(Vec::len)), (Some(25), Some(8)));
    for account in told["policies"].as_array().expect("a list") {
        let policy = account["policy"].as_str().expect("a policy");
        let store = format!("--data closing-bell-demo/{policy}");
        let results = bench.run(&format!("results {store} --json")).expect(0).json();
        let loss = results["intervals"][1]["pinball"].as_f64().zip(account["loss"].as_f64());
        assert!(loss.is_some_and(|(a, b)| (a / b - 1.0).abs() < 1e-9), "{policy}: {loss:?}");
        let trainings = account["trainings"].as_u64().expect("a number");
        let receipts = ["ECHO", "LEVEL", "SEASON", "STEADY", "VOLATILITY"].map(|ticker| {
            bench.run(&format!("receipts {ticker} {store} --json")).expect(0).json().as_array().map_or(0, Vec::len)
                as u64
        });
        assert_eq!(trainings, receipts.iter().sum::<u64>(), "{policy}");
    }
    let trainings = |i: usize| told["policies"][i]["trainings"].as_u64();
    assert_eq!((trainings(0), trainings(2)), (Some(125), Some(5)), "always, and the first night alone");
    assert!(bench.run("demo drift --nights 8").expect(2).err.contains("is not empty"));
}

/// Made of a law that cannot change: what is stored forecasts as what was fitted, and goes on as it.
#[test]
fn every_family_is_stored_and_read_back() {
    let mut day: TradingDay = "2019-01-02".parse().expect("a session");
    let rows = (0..300).map(|t| {
        let price = 50.0 + (f64::from(t) * 0.7).sin() + f64::from(t * t % 13) / 10.0 + f64::from(t) / 50.0;
        let row = Row { adjusted_close: Some(price), ..Row::new(t as usize + 1, day.date()) };
        day = day.next();
        row
    });
    let ticker: forecasting::Ticker = "KO".parse().expect("a ticker");
    let rows: Vec<Row> = rows.collect();
    let series = PriceSeries::new(ticker.clone(), rows.clone()).expect("a series");
    let shorter = PriceSeries::new(ticker.clone(), rows[..290].to_vec()).expect("a series");
    let order = |p, q| arima::Arima::new(arima::Order { p, d: 1, q });
    let (arima, ets) = (Arima { model: order(1, 1) }, Ets { trend: true });
    let [walk, drift] = Specification::BASELINES;
    let all = [
        walk,
        drift,
        Arima::named(order(2, 1)),
        Specification::Ets(Ets { trend: false }),
        Specification::Ets(ets),
        Specification::Theta(Theta {}),
        Specification::SeasonalRandomWalk(SeasonalRandomWalk { season: 5 }),
        Specification::Combination(Combination { arima, ets }),
    ];
    let families: std::collections::BTreeSet<Family> = all.iter().map(Specification::family).collect();
    assert_eq!(families, Family::ALL.iter().copied().collect(), "a new family belongs here too");
    let sha256 = Digest::of(b"");
    let snapshot = ObjectRef { key: Key::snapshot(&ticker, shorter.last().day, &sha256), sha256 };
    for specification in all {
        let version = ModelVersion::train(&shorter, &snapshot, Window::All, specification).expect("trains");
        let read: ModelVersion = serde_json::from_slice(&version.to_json()).expect("reads");
        assert_eq!(read.to_json(), version.to_json(), "{specification}");
        let multipliers = Multipliers::start(&[]);
        for series in [&shorter, &series] {
            let (a, b) = (version.forecast(series, 10, &multipliers), read.forecast(series, 10, &multipliers));
            assert_eq!(a.expect("forecasts"), b.expect("forecasts"), "{specification}");
        }
        let central = read.forecast(&series, 10, &multipliers).expect("forecasts");
        let central = central.by(forecasting::IntervalKind::Model).0.central();
        assert!(central.iter().all(|price| (40.0..80.0).contains(price)), "{specification}: {central:?}");
    }
}

#[test]
fn every_family_competes() {
    let bench = Bench::new();
    bench.write(
        "closing-bell.toml",
        "start = 2019-06-01\nseason = 5\nfamilies = [\"arima\", \"ets\", \"theta\", \"seasonal_random_walk\", \"combination\"]\n",
    );
    bench.run(&format!("{NIGHT} 2020-12-10")).expect(0);
    bench.run(&format!("{NIGHT} 2020-12-11")).expect(0);
    let contest = receipts(&bench)[0]["contest"].clone();
    let families: Vec<&str> = contest["challengers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| c["scorecard"]["specification"]["family"].as_str().expect("a family"))
        .collect();
    for family in ["ets", "theta", "seasonal_random_walk", "combination"] {
        assert!(families.contains(&family), "{family}: {families:?}");
    }
    bench.run("verify MSFT").expect(0);
    bench.run("models MSFT").expect(0);
}

const NIGHTS: usize = 372;

/// A walk, then returns that follow each other, then returns that alternate: what was promoted fails, and gives way.
#[test]
fn a_fresh_champion_that_fails_is_rolled_back_from() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "window = 125\n");
    let mut seed = 11_u64;
    let mut uniform = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut day: TradingDay = "2015-01-02".parse().expect("a session");
    let mut text = "date,adjClose\n".to_owned();
    let (mut log, mut r, mut days) = (4.0_f64, 0.0, Vec::new());
    for t in 0..NIGHTS {
        let shock = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let phi = match t {
            0..200 => 0.0,
            200..320 => 0.5,
            _ => -0.5,
        };
        r = phi * r + 0.01 * shock;
        log += r;
        let _ = writeln!(text, "{day},{}", log.exp());
        days.push(day);
        day = day.next();
    }
    bench.write("prices/AR.csv", &text);
    bench.run(&format!("backfill --market csv:prices --from {} --to {}", days[300], days[NIGHTS - 1])).expect(0);
    let receipts = bench.run("receipts AR --json").expect(0).json();
    let receipts = receipts.as_array().expect("a list");
    let told: Vec<_> =
        receipts.iter().map(|r| (r["as_of"].clone(), r["decision"].clone(), r["reason"].clone())).collect();
    let back = receipts.iter().find(|receipt| receipt["decision"] == "rollback");
    let back = back.unwrap_or_else(|| panic!("no rollback among {told:#?}"));
    assert_eq!(back["decided_by"], "rule");
    assert!(back["reason"].as_str().is_some_and(|reason| reason.contains("promoted on")), "{back}");
    bench.run("verify AR").expect(0);
}
