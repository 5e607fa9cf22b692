//! What is done with verdicts: read, checked, rolled back, released, replayed.

mod support;

use std::{fmt::Write as _, fs};

use forecasting::{Arima, Calibration, Family, Period, PriceSeries, Row, SeasonalRandomWalk, Specification, Window};
use pipeline::{Digest, Key, ModelVersion, ObjectRef};
use serde_json::{Value, json};
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
    let record = bench.run("record MSFT --json").expect(0).json();
    assert_eq!(record["random_walk"]["horizons"].as_array().map(Vec::len), Some(5), "{record}");
    assert!(bench.run("record MSFT").expect(0).out.contains("sessions on record, year 1"));
    bench.run("record NOBODY").expect(1);
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
    let segment = |folder: &str| {
        bench.archive("closing-bell-data").into_keys().find(|key| key.starts_with(folder)).expect("a segment")
    };
    let keys = [
        segment("prices/MSFT/"),
        segment("records/MSFT/"),
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
        .query_row("SELECT receipt FROM receipts WHERE run = ?1", [run], |row| row.get_ref(0).map(support::plain))
        .expect("the receipt");
    let pinball = honest.find("\"pinball\":0.").expect("a loss") + "\"pinball\":0.".len() + 5;
    let digit = if honest.as_bytes()[pinball] == b'5' { "6" } else { "5" };
    let mut loss = honest.clone();
    loss.replace_range(pinball..=pinball, digit);
    let tampered = [
        (loss, "its judgement is not what is found again"),
        (honest.replacen("\"reason\":\"", "\"reason\":\"surely ", 1), "its reason is not what is found again"),
        (honest.replacen("\"decision\":\"", "\"decision\":\"promote\",\"_\":\"", 1), ""),
        (honest.replacen("\"sequence\":1", "\"sequence\":4", 1), "its champion is not what is found again"),
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

/// Three nights on which the ARIMA serves without being asked for evidence: each has a version of its own.
fn unasked() -> Bench {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "promotion = \"always\"\n");
    for day in ["2020-12-09", "2020-12-10", "2020-12-11"] {
        bench.run(&format!("{NIGHT} {day}")).expect(0);
    }
    bench
}

#[test]
fn a_rollback_is_a_verdict_and_pins() {
    let bench = unasked();
    let before = receipts(&bench);
    assert!(before.iter().all(|receipt| receipt["reason"].as_str().is_some_and(|r| r.contains("without being asked"))));
    let answer = bench.run("predict MSFT --json").expect(0).json();
    assert!(answer["notice"].as_str().is_some_and(|notice| notice.contains("serves without evidence")), "{answer}");
    let (now, first) = (version_of(&before[0]), version_of(&before[2]));
    assert_ne!(now, first);
    let told = bench.run(&format!("rollback MSFT {first}")).expect(0);
    assert!(told.out.contains(&format!("{first} is in service")), "{}", told.out);

    let after = receipts(&bench);
    assert_eq!(after.len(), 4);
    let (decision, by) = (after[0]["decision"].as_str(), after[0]["decided_by"].as_str());
    assert_eq!((decision, by, after[0]["before"].as_str()), (Some("rollback"), Some("person"), Some(now.as_str())));
    // It answers at once, for the newest session, with the former model brought up to it, and says that it is pinned.
    let answer = bench.run("predict MSFT --json").expect(0).json();
    assert_eq!((answer["version"].as_str(), answer["origin"].as_str()), (Some(first.as_str()), Some("2020-12-11")));
    assert!(answer["notice"].as_str().is_some_and(|notice| notice.contains("it is pinned until it is released")));
    let newest = bench.run("runs --json").expect(0).json()[0].clone();
    assert_eq!(
        (newest["status"].as_str(), newest["tickers"][0]["verdict"].as_str()),
        (Some("succeeded"), Some("rollback"))
    );
    bench.run("verify MSFT").expect(0);

    // What serves already, what never served, and what is none.
    let again = bench.run(&format!("rollback MSFT {first}")).expect(2);
    assert!(again.err.contains("is in service already"), "{}", again.err);
    assert!(bench.run("rollback MSFT 2020-12-11-00000000").expect(2).err.contains("has never been in service"));
    bench.run("rollback MSFT ../../x").expect(2);
    bench.run(&format!("rollback NOBODY {first}")).expect(1);
    assert_eq!(receipts(&bench), after, "what is refused leaves no trace");

    // Another night leaves it where it is; released, the night after judges it again.
    bench.write("closing-bell.toml", "promotion = \"always\"\nsignificance = 0.04\n");
    bench.run(&format!("{NIGHT} 2020-12-11")).expect(0);
    let pinned = receipts(&bench);
    assert_eq!((pinned.len(), version_of(&pinned[0])), (5, first.clone()));
    assert!(pinned[0]["reason"].as_str().is_some_and(|reason| reason.contains("pinned by a person")), "{}", pinned[0]);
    let told = bench.run("release MSFT").expect(0);
    assert!(told.out.contains("is released"), "{}", told.out);
    assert_eq!(receipts(&bench)[0]["decision"].as_str(), Some("release"));
    assert!(bench.run("release MSFT").expect(2).err.contains("no version of MSFT is pinned"));
    bench.write("closing-bell.toml", "promotion = \"always\"\nsignificance = 0.03\n");
    bench.run(&format!("{NIGHT} 2020-12-11")).expect(0);
    assert_eq!(version_of(&receipts(&bench)[0]), now);
    bench.run("verify MSFT").expect(0);
}

/// The fitted ARIMA is there though the random walk serves, and can be asked.
#[test]
fn every_training_leaves_a_model() {
    let bench = nights();
    let serving = version_of(&receipts(&bench)[0]);
    let models = bench.run("models MSFT --json").expect(0).json();
    let models = models.as_array().expect("a list");
    let other = models.iter().find(|model| model["version"] != serving.as_str()).expect("another version");
    let version = other["version"].as_str().expect("a version");
    let answer = bench.run(&format!("predict MSFT --version {version} --json")).expect(0).json();
    assert_eq!((answer["version"].as_str(), answer["model"].as_str()), (Some(version), other["model"].as_str()));
    assert!(answer["notice"].as_str().is_some_and(|notice| notice.contains("not in service")), "{answer}");
    bench.run("predict MSFT --version 2020-12-11-00000000").expect(1);
    bench.run("predict MSFT --version ../../x").expect(2);
    bench.run(&format!("verify MSFT {version}")).expect(0);
}

/// Training is the policy's to decide, unless someone asks for it; records and verdicts go on each night.
#[test]
fn training_on_request() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "policy = { max_age = 100 }\n");
    let night = |day: &str, more: &str| {
        bench.run(&format!("{NIGHT} {day} {more}")).expect(0);
        let models = bench.run("models MSFT --json").expect(0).json().as_array().map_or(0, Vec::len);
        (models, receipts(&bench)[0]["training"].as_str().unwrap_or_default().to_owned())
    };
    let (first, _) = night("2020-12-09", "");
    let (second, why) = night("2020-12-10", "");
    assert!(second == first && why.contains("the policy waits for 100"), "{second} {why}");
    let (third, why) = night("2020-12-11", "--train");
    assert!(third > second && why.contains("someone asked for it"), "{third} {why}");
    let told = receipts(&bench);
    let sessions: Vec<u64> = told.iter().filter_map(|receipt| receipt["judgement"]["sessions"].as_u64()).collect();
    assert_eq!(sessions.len(), 3);
    assert!(sessions[0] == sessions[1] + 1 && sessions[1] == sessions[2] + 1, "{sessions:?}");
    bench.run("verify MSFT").expect(0);
}

/// A series of twenty sessions is served, and says how little that is; one of nineteen is refused.
#[test]
fn a_young_series_is_served() {
    let bench = Bench::new();
    let mut day: Period = "2020-11-02".parse().expect("a session");
    for (ticker, sessions) in [("YOUNG", 20), ("NEWBORN", 19)] {
        let mut text = "date,adjClose\n".to_owned();
        day = "2020-11-02".parse().expect("a session");
        for t in 0..sessions {
            let _ = writeln!(text, "{day},{}", 50.0 + f64::from(t * 7 % 5) / 5.0);
            day = day.next();
        }
        bench.write(&format!("prices/{ticker}.csv"), &text);
    }
    let told = bench.run("run --market csv:prices --ticker YOUNG --ticker NEWBORN --json");
    assert!(told.out.contains("19 sessions since 2020-11-02 are too few: 20 are needed"), "{day}: {}", told.out);
    let answer = bench.run("predict YOUNG --json").expect(0).json();
    assert!(answer["notice"].as_str().is_some_and(|notice| notice.contains("It rests on 20 sessions")), "{answer}");
    bench.run("verify YOUNG").expect(0);
}

#[test]
fn who_answered_and_how_it_turned_out() {
    let bench = unasked();
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
    assert!(
        bench.run("answered MSFT 2020-12-08").expect(2).err.contains("nothing had answered for MSFT by 2020-12-08")
    );

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
    let adaptive = |line: &str| line.contains("adaptive") && line.contains("95 %");
    assert!(
        bench
            .run("results --format markdown")
            .expect(0)
            .out
            .lines()
            .any(|line| line.starts_with('|') && adaptive(line))
    );
    let csv = bench.run("scores MSFT --format csv").expect(0);
    assert!(csv.out.starts_with("Session,Ahead,Forecast,Actual") && csv.out.lines().count() == 4, "{}", csv.out);
    assert!(csv.err.contains("3 forecasts"), "what is no table is no part of it: {}", csv.err);
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
    bench.write("closing-bell.toml", "start = 2019-01-01\nretention = 60\npromotion = \"always\"\n");
    for day in ["2020-06-01", "2020-06-02", "2020-12-11"] {
        bench.run(&format!("{NIGHT} {day}")).expect(0);
    }
    let versions: Vec<String> = receipts(&bench).iter().map(version_of).collect();
    let stored = bench.run("models MSFT --json").expect(0).json();
    let stored: Vec<&str> = stored.as_array().expect("a list").iter().filter_map(|m| m["version"].as_str()).collect();
    assert!(stored.contains(&versions[0].as_str()), "{stored:?} {versions:?}");
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
    assert_eq!((told["nights"].as_u64(), told["changes"].as_array().map(Vec::len)), (Some(25), Some(10)));
    for account in told["policies"].as_array().expect("a list") {
        let policy = account["policy"].as_str().expect("a policy");
        let store = format!("--data closing-bell-demo/{policy}");
        let results = bench.run(&format!("results {store} --json")).expect(0).json();
        let loss = results["intervals"][1]["pinball"].as_f64().zip(account["loss"].as_f64());
        assert!(loss.is_some_and(|(a, b)| (a / b - 1.0).abs() < 1e-9), "{policy}: {loss:?}");
        let trainings = account["trainings"].as_u64().expect("a number");
        let trained = ["ECHO", "GRADUAL", "LEVEL", "SEASON", "STEADY", "VOLATILITY"].map(|ticker| {
            let receipts = bench.run(&format!("receipts {ticker} {store} --json")).expect(0).json();
            let untrained = |receipt: &&Value| {
                receipt["training"].as_str().is_some_and(|t| t.contains("waits for") || t.contains("holds what"))
            };
            let all = receipts.as_array().expect("a list");
            (all.len() - all.iter().filter(untrained).count()) as u64
        });
        assert_eq!(trainings, trained.iter().sum::<u64>(), "{policy}");
    }
    let trainings = |i: usize| told["policies"][i]["trainings"].as_u64();
    assert_eq!((trainings(0), trainings(2)), (Some(150), Some(6)), "always, and the first night alone");
    assert!(bench.run("demo drift --nights 8").expect(2).err.contains("is not empty"));
}

/// Made of a law that cannot change: what is stored forecasts as what was fitted, and goes on as it.
#[test]
fn every_family_is_stored_and_read_back() {
    let mut day: Period = "2019-01-02".parse().expect("a session");
    let rows = (0..310_u32).map(|t| {
        let price = 50.0 + (f64::from(t) * 0.7).sin() + f64::from(t * t % 13) / 10.0 + f64::from(t) / 50.0;
        let regressors = vec![Some(f64::from(t % 4))];
        let row = Row { adjusted_close: Some(price), regressors, ..Row::new(t as usize + 1, day.date()) };
        day = day.next();
        row
    });
    let ticker: forecasting::Ticker = "KO".parse().expect("a ticker");
    let rows: Vec<Row> = rows.collect();
    let first = |n: usize| {
        let series = PriceSeries::new(ticker.clone(), rows[..n].to_vec()).expect("a series");
        series.with_regressors(&["turn".to_owned()], rows[n..].to_vec(), 10)
    };
    let (series, shorter) = (first(300), first(290));
    let order = |p, q| arima::Arima::new(arima::Order { p, d: 1, q });
    let arima = Arima { model: order(1, 1) };
    let read = |json: serde_json::Value| serde_json::from_value::<Specification>(json).expect("a specification");
    let [walk, drift] = Specification::BASELINES;
    let all = [
        walk,
        drift,
        Arima::named(order(2, 1)),
        // As earlier releases wrote them, and as they are now.
        read(json!({"family": "ets", "trend": false})),
        read(json!({"family": "ets", "trend": true})),
        read(
            json!({"family": "ets", "error": "multiplicative", "trend": "damped", "season": "multiplicative", "period": 5}),
        ),
        read(json!({"family": "ets", "trend": "damped", "season": "additive", "period": 5})),
        read(json!({"family": "theta"})),
        read(json!({"family": "theta", "period": 5, "multiplicative": true, "dynamic": true})),
        Specification::SeasonalRandomWalk(SeasonalRandomWalk { season: 5 }),
        read(json!({"family": "mstl", "seasons": [5, 25], "rest": arima})),
        read(json!({"family": "combination", "arima": arima, "ets": {"trend": true}})),
        read(json!({"family": "combination", "arima": arima, "ets": null, "theta": null,
            "mstl": {"seasons": 5, "rest": arima}})),
        read(json!({"family": "regression", "columns": 1, "errors": order(1, 0)})),
    ];
    let families: std::collections::BTreeSet<Family> = all.iter().map(Specification::family).collect();
    // What a program fits, it alone reads: tests/programs.rs.
    let ours = Family::ALL.iter().copied().filter(|family| *family != Family::Program).collect();
    assert_eq!(families, ours, "a new family belongs here too");
    let sha256 = Digest::of(b"");
    let snapshot = ObjectRef { key: Key::snapshot(&ticker, shorter.last().day, &sha256), sha256 };
    for specification in all {
        let version = ModelVersion::train(&shorter, &snapshot, Window::All, specification).expect("trains");
        let read: ModelVersion = serde_json::from_slice(&version.to_json()).expect("reads");
        assert_eq!(read.to_json(), version.to_json(), "{specification}");
        let calibration = Calibration::first(&series, 10);
        for series in [&shorter, &series] {
            let (a, b) = (version.forecast(series, 10, &calibration), read.forecast(series, 10, &calibration));
            assert_eq!(a.expect("forecasts"), b.expect("forecasts"), "{specification}");
        }
        let central = read.forecast(&series, 10, &calibration).expect("forecasts");
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
    let judgement = receipts(&bench)[0]["judgement"].clone();
    let families: Vec<&str> =
        judgement["standings"].as_array().expect("a list").iter().filter_map(|s| s["contender"].as_str()).collect();
    for family in ["ets", "theta", "seasonal_random_walk", "combination"] {
        assert!(families.contains(&family), "{family}: {families:?}");
    }
    bench.run("verify MSFT").expect(0);
    bench.run("models MSFT").expect(0);
}

const NIGHTS: usize = 640;

/// Returns that follow each other, then alternate: what was promoted loses its evidence, and gives way.
#[test]
fn a_champion_that_loses_its_evidence_gives_way() {
    let bench = Bench::new();
    bench.write(
        "closing-bell.toml",
        "families = [{ family = \"arima\", order = [1, 1, 0] }]\npolicy = { max_age = 1000 }\n",
    );
    let mut seed = 11_u64;
    let mut uniform = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut day: Period = "2015-01-02".parse().expect("a session");
    let mut text = "date,adjClose\n".to_owned();
    let (mut log, mut r, mut days) = (4.0_f64, 0.0, Vec::new());
    for t in 0..NIGHTS {
        let shock = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let phi = if t < 460 { 0.5 } else { -0.5 };
        r = phi * r + 0.01 * shock;
        log += r;
        let _ = writeln!(text, "{day},{}", log.exp());
        days.push(day);
        day = day.next();
    }
    bench.write("prices/AR.csv", &text);
    bench.run(&format!("backfill --market csv:prices --from {} --to {}", days[450], days[NIGHTS - 1])).expect(0);
    let receipts = bench.run("receipts AR --json").expect(0).json();
    let receipts = receipts.as_array().expect("a list");
    let oldest = receipts.last().expect("a receipt");
    assert_eq!(
        (&oldest["decision"], &oldest["champion"]["specification"]["family"]),
        (&"promote".into(), &"arima".into())
    );
    let told: Vec<_> = receipts.iter().map(|r| (r["as_of"].clone(), r["reason"].clone())).collect();
    let gave_way = receipts.iter().find(|receipt| receipt["decision"] == "demote");
    let gave_way = gave_way.unwrap_or_else(|| panic!("no demotion among {told:#?}"));
    assert_eq!(
        (&gave_way["decided_by"], &gave_way["champion"]["specification"]["family"]),
        (&"rule".into(), &"random_walk".into())
    );
    assert!(gave_way["reason"].as_str().is_some_and(|reason| reason.contains("against it since its promotion")));
    bench.run("verify AR").expect(0);
}
