//! Rows that arrive one by one: from other programs, and from Kafka.

mod support;

use std::{
    fmt::Write as _,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{Bench, Finished};

/// Has a command read rows.
fn feed(mut command: Command, rows: &str) -> Finished {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("a pipe").write_all(rows.as_bytes()).expect("writes");
    Finished::of(child.wait_with_output().expect("ends"))
}

fn ingest(bench: &Bench, rows: &str) -> Finished {
    feed(bench.command("ingest --stdin --json"), rows)
}

fn wave(t: usize) -> f64 {
    let hash = (t as u64 + 3).wrapping_mul(6_364_136_223_846_793_005).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    50.0 + 8.0 * (t as f64 / 6.0).sin() + (hash >> 40) as f64 / f64::from(1 << 22)
}

fn rows(series: &str, periods: std::ops::RangeInclusive<usize>) -> String {
    periods.fold(String::new(), |mut text, t| {
        writeln!(text, "{series},{t},{}", wave(t)).expect("a string takes every write");
        text
    })
}

fn counts(finished: Finished, code: i32) -> Value {
    finished.expect(code).json()
}

fn only(kinds: &[(&str, u64)]) -> Value {
    let mut all = serde_json::Map::new();
    for kind in ["advanced", "waiting", "ahead", "late", "revised", "repeated", "outdated", "refused"] {
        let n = kinds.iter().find(|(name, _)| *name == kind).map_or(0, |(_, n)| *n);
        all.insert(kind.to_owned(), n.into());
    }
    Value::Object(all)
}

fn settings(bench: &Bench) {
    bench.write(
        "closing-bell.toml",
        "kind = \"value\"\ncadence = \"index\"\nfamilies = [\"arima\"]\npromotion = \"always\"\nhorizon = 3\n",
    );
}

#[test]
fn a_model_is_taken_further_row_by_row() {
    let bench = Bench::new();
    settings(&bench);
    assert_eq!(counts(ingest(&bench, &(rows("A", 1..=80) + &rows("B", 1..=60))), 0), only(&[("waiting", 140)]));
    bench.run("run --market stream").expect(0);
    let forecast = |ticker: &str| bench.run(&format!("predict {ticker} --json")).expect(0).json();
    let before = forecast("A");
    assert_eq!((&before["origin"], before.get("streamed")), (&"80".into(), None));

    // Further periods, one by one: no run, and the model in service knows them.
    for t in 81..=95 {
        assert_eq!(counts(ingest(&bench, &rows("A", t..=t)), 0), only(&[("advanced", 1)]));
    }
    let after = forecast("A");
    assert_eq!(
        (&after["origin"], &after["streamed"], &after["version"]),
        (&"95".into(), &15.into(), &before["version"])
    );
    assert_eq!(after["horizons"][0]["date"], "96");

    // As the same model, filtered over the whole series.
    let version = before["version"].as_str().expect("an id");
    let mut values = "ds,y\n".to_owned();
    (80..=95).for_each(|t| writeln!(values, "{t},{}", wave(t)).expect("a string takes every write"));
    bench.write("values.csv", &values);
    let alone =
        format!("predict --model closing-bell-data/models/A/{version}.json --values values.csv --horizon 3 --json");
    let alone = bench.run(&alone).expect(0).json();
    for h in 0..3 {
        let mean = |answer: &Value| answer["horizons"][h]["mean"].as_f64().expect("a mean");
        assert!((mean(&alone) - mean(&after)).abs() < 1e-10 * mean(&after).abs(), "{h}: {alone} {after}");
    }

    // One that is missing holds the others up, until it comes; then the model takes in what had waited.
    assert_eq!(counts(ingest(&bench, &rows("A", 97..=98)), 0), only(&[("ahead", 2)]));
    assert_eq!(forecast("A")["origin"], "95");
    assert_eq!(counts(ingest(&bench, &rows("A", 96..=96)), 0), only(&[("advanced", 1)]));
    assert_eq!(forecast("A")["origin"], "98");
    let verified = bench.run("verify A").expect(0);
    assert!(verified.out.contains("98 rows that arrived are as they were"), "{verified:?}");

    // The next run works on all of them, and what it serves goes on from there.
    bench.run("run --market stream").expect(0);
    assert_eq!(forecast("A").get("streamed"), None);
    assert_eq!(counts(ingest(&bench, &rows("A", 99..=99)), 0), only(&[("advanced", 1)]));
    assert_eq!((&forecast("A")["origin"], &forecast("A")["streamed"]), (&"99".into(), &1.into()));
    bench.run("verify A").expect(0);

    // A row that is changed afterwards is told.
    let ledger = rusqlite::Connection::open(bench.path("closing-bell-data/ledger.sqlite")).expect("opens");
    ledger.execute("UPDATE arrivals SET value = value + 1 WHERE sequence = 99", []).expect("writes");
    assert!(bench.run("verify A").expect(1).err.contains("the stream of A"));
    bench.run("forget A --yes").expect(0);
    let left: i64 = ledger.query_row("SELECT count(*) FROM arrivals", [], |row| row.get(0)).expect("counts");
    assert_eq!(left, 60, "of B");
}

/// However many rows wait for one that is missing, and whatever is among them.
#[test]
fn a_long_gap() {
    let bench = Bench::new();
    settings(&bench);
    ingest(&bench, &rows("A", 1..=80)).expect(0);
    bench.run("run --market stream").expect(0);
    assert_eq!(counts(ingest(&bench, &rows("A", 82..=1600)), 0), only(&[("ahead", 1519)]));
    let revised = rows("A", 90..=90).replace(&wave(90).to_string(), "51.5");
    assert_eq!(
        counts(ingest(&bench, &(rows("A", 1601..=1700) + &revised)), 0),
        only(&[("ahead", 100), ("revised", 1)])
    );
    // The one that is missing, in a batch with others around it.
    let closing = rows("A", 1702..=1702) + &rows("A", 81..=81) + &rows("A", 1701..=1701) + &rows("A", 1703..=1703);
    assert_eq!(counts(ingest(&bench, &closing), 0), only(&[("ahead", 1), ("advanced", 3)]));
    let forecast = bench.run("predict A --json").expect(0).json();
    assert_eq!((&forecast["origin"], &forecast["streamed"]), (&"1703".into(), &1623.into()));
    bench.run("verify A").expect(0);
    // A value beyond all bounds is set aside, and the next run goes on.
    let huge = ingest(&bench, "A,1704,1.7e308\nA,1705,-1e101\n").expect(1);
    assert!(huge.err.contains("at most 1e100"), "{huge:?}");
    bench.run("run --market stream").expect(0);
    assert_eq!(bench.run("predict A --json").expect(0).json()["origin"], "1703");
}

/// A series that no run has seen can be forgotten; one whose model is gone keeps its rows, and holds no other up.
#[test]
fn what_is_broken_is_a_series_own_matter() {
    let bench = Bench::new();
    settings(&bench);
    ingest(&bench, &(rows("A", 1..=80) + &rows("B", 1..=80) + "MISTYPED,1,1\n")).expect(0);
    bench.run("forget MISTYPED --yes").expect(0);
    bench.run("run --market stream").expect(0);
    let models = bench.path("closing-bell-data/models/A");
    let aside = bench.path("aside");
    std::fs::rename(&models, &aside).expect("moves");
    let both = ingest(&bench, &(rows("A", 81..=81) + &rows("B", 81..=81)));
    assert_eq!(counts(both, 0), only(&[("waiting", 1), ("advanced", 1)]));
    std::fs::rename(&aside, &models).expect("moves");
    let ledger = rusqlite::Connection::open(bench.path("closing-bell-data/ledger.sqlite")).expect("opens");
    ledger.execute("UPDATE streams SET head = '{}' WHERE ticker = 'A'", []).expect("writes");
    let both = ingest(&bench, &(rows("A", 82..=82) + &rows("B", 82..=82)));
    assert_eq!(counts(both, 1), only(&[("advanced", 1), ("refused", 1)]));
    bench.run("forget A --yes").expect(0);
    assert_eq!(counts(ingest(&bench, &rows("A", 1..=3)), 0), only(&[("waiting", 3)]));
}

#[test]
fn corrections_and_what_is_no_row() {
    let bench = Bench::new();
    settings(&bench);
    ingest(&bench, &rows("A", 1..=70)).expect(0);
    bench.run("run --market stream").expect(0);
    let told = |rows: &str, code: i32, kinds: &[(&str, u64)]| {
        assert_eq!(counts(ingest(&bench, rows), code), only(kinds), "{rows}");
    };
    told("A,70,10,1\n", 0, &[("revised", 1)]);
    told("A,70,11,2\nA,70,11,2\nA,70,10,1\n", 0, &[("revised", 1), ("repeated", 1), ("outdated", 1)]);
    told("A,70,10,3\n", 0, &[("revised", 1)]);
    told("A,69,1\nA,69,2\nA,69,1\n", 1, &[("revised", 2), ("refused", 1)]);
    told(
        "A,0,1\nA,x,1\n{\"series\":\"A\"}\nA,71,NaN\n\u{1b}[2J\nA,71,12\n",
        1,
        &[("late", 1), ("refused", 4), ("advanced", 1)],
    );
    // What the model has taken in stays so until a run; then the last word counts.
    bench.run("run --market stream").expect(0);
    let table = bench.run("export A").expect(0).out;
    let value = |stamp: &str| {
        let line = table.lines().find(|line| line.starts_with(&format!("{stamp},"))).expect(stamp);
        line.split(',').nth(6).and_then(|text| text.parse::<f64>().ok()).expect("a value")
    };
    assert_eq!(["0", "69", "70", "71"].map(value), [1.0, 2.0, 10.0, 12.0]);
    let quarantine: Vec<String> = bench
        .archive("closing-bell-data")
        .into_iter()
        .filter(|(key, _)| key.starts_with("quarantine/"))
        .map(|(key, bytes)| format!("{key} {}", String::from_utf8(bytes).expect("text")))
        .collect();
    let all = quarantine.join("");
    for said in [
        "quarantine/A/",
        "nothing tells whether it is newer",
        "quarantine/UNKNOWN-SERIES/",
        "'x' is no date",
        "no period",
        "has no value",
        "\\u001b[2J",
    ] {
        assert!(all.contains(said), "{said}: {all}");
    }
}

#[test]
fn sessions_hours_and_prices() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "families = [\"arima\"]\n[series.LOAD]\nkind = \"value\"\ncadence = \"1hour\"\n");
    let sample = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sample/KO.csv")).expect("the sample");
    let mut text = String::new();
    for line in sample.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        writeln!(text, "{{\"ticker\": \"KO\", \"date\": \"{}\", \"adjClose\": {}}}", fields[0], fields[2])
            .expect("a string");
    }
    ingest(&bench, &text).expect(0);
    bench.run("run --market stream").expect(0);
    let forecast = || bench.run("predict KO --json").expect(0).json();
    assert_eq!(forecast()["origin"], "2020-12-11");
    let told = |rows: &str, said: &str| {
        let refused = ingest(&bench, rows).expect(1);
        assert!(refused.err.contains(said), "{refused:?}");
    };
    told("KO,2020-12-12,50\n", "weekend");
    told("KO,2020-12-14,-50\n", "a price is positive");
    told("KO,2099-12-14,50\n", "yet to come");
    assert_eq!(counts(ingest(&bench, "KO,2020-12-14,50\n"), 0), only(&[("advanced", 1)]));
    assert_eq!(forecast()["origin"], "2020-12-14");

    // Hours, of a series that no run has seen: it knows from the configuration what they are.
    told("LOAD,2026-01-01,50\n", "a date has no time");
    assert_eq!(counts(ingest(&bench, "LOAD,2026-01-01T00:00Z,-50\n"), 0), only(&[("waiting", 1)]));
}

/// A run that knows less than the rows that have come takes no answer back.
#[test]
fn a_run_takes_no_answer_back() {
    let bench = Bench::new();
    settings(&bench);
    ingest(&bench, &rows("A", 1..=70)).expect(0);
    bench.run("run --market stream").expect(0);
    ingest(&bench, &rows("A", 71..=75)).expect(0);
    let origin = || bench.run("predict A --json").expect(0).json()["origin"].clone();
    assert_eq!(origin(), "75");
    bench.run("run --market stream --as-of 72").expect(0);
    let answer = bench.run("predict A --json").expect(0).json();
    assert_eq!((&answer["origin"], &answer["streamed"]), (&"75".into(), &3.into()), "no row has come since that run");
    ingest(&bench, &rows("A", 76..=76)).expect(0);
    assert_eq!(origin(), "76");
    bench.run("verify A").expect(0);
}

/// Weeks, months and bars go on as the run's do, which a later command knows, too.
#[test]
fn weekdays_ends_of_months_and_minutes() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "kind = \"value\"\nfamilies = [\"arima\"]\npromotion = \"always\"\n");
    let dates = |first: &str, step: fn(i64) -> jiff::Span| -> Vec<String> {
        let first: jiff::civil::DateTime = first.parse().expect("a time");
        (0..=60).map(|n| first.checked_add(step(n)).expect("a time").to_string()).collect()
    };
    let all = [
        ("WEEK", dates("2020-11-10T00:00", |n| jiff::Span::new().weeks(n)), "2022-01-12"),
        ("MONTH", dates("2015-01-31T00:00", |n| jiff::Span::new().months(n)), "2020-02-28"),
        ("BAR", dates("2020-11-10T00:05", |n| jiff::Span::new().minutes(15 * n)), "2020-11-10T15:15Z"),
    ];
    let text = |series: &str, stamp: &str, t: usize| {
        let stamp =
            if series == "BAR" { format!("{}Z", stamp.trim_end_matches(":00")) } else { stamp[..10].to_owned() };
        format!("{series},{stamp},{}\n", wave(t))
    };
    let first: String = all
        .iter()
        .flat_map(|(series, stamps, _)| stamps[..60].iter().enumerate().map(|(t, stamp)| text(series, stamp, t)))
        .collect();
    ingest(&bench, &first).expect(0);
    bench.run("run --market stream").expect(0);
    for (series, stamps, other) in &all {
        let refused = ingest(&bench, &format!("{series},{other},50\n"));
        assert_eq!(counts(refused, 1), only(&[("refused", 1)]), "{series}");
        assert_eq!(counts(ingest(&bench, &text(series, &stamps[60], 60)), 0), only(&[("advanced", 1)]), "{series}");
    }
}

/// The demonstration says what it says of itself: the stream's forecasts are those of nights on the same rows.
#[test]
fn the_demonstration() {
    let bench = Bench::new();
    let shown = bench.run("demo stream --sessions 6 --seed 2 --json").expect(0).json();
    let of = |kind: &str| shown["counts"][kind].as_u64().expect("a number");
    assert!(of("waiting") == 2500 && of("advanced") >= 50 && of("refused") == 1, "{shown}");
    assert_eq!(shown["after_the_next_run"], 0.0, "{shown}");
    let never = &shown["compared"][0];
    assert!(never["forecasts"].as_u64() > Some(30) && never["difference"].as_f64() < Some(1e-10), "{shown}");
    assert!(bench.run("demo stream --sessions 6").expect(2).err.contains("is not empty"));
}
