//! A model's file alone is enough to forecast from, wherever it lies.

mod support;

use std::{fs, io::Write, process::Stdio};

use serde_json::Value;
use support::{Bench, Finished};

/// A model that was fitted a week before the newest prices: its file and those prices forecast what the data directory does.
#[test]
fn a_models_file_forecasts_alone() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "start = 2019-01-01\nintervals = \"model\"\npolicy = { max_age = 60 }\n");
    bench.run("backfill --market recorded --ticker FSLY --from 2020-12-04 --to 2020-12-11").expect(0);
    let models = bench.run("models FSLY --json").expect(0).json();
    let model = models.as_array().expect("a list").iter().find(|model| model["model"] != "random walk");
    let version = model.expect("an ARIMA model")["version"].as_str().expect("an id").to_owned();
    assert!(version.starts_with("2020-12-04"), "{version}");
    let known = bench.run(&format!("predict FSLY --version {version} --json")).expect(0).json();

    let moved = bench.path("elsewhere.json");
    fs::copy(bench.path(&format!("closing-bell-data/models/FSLY/{version}.json")), &moved).expect("copies");
    fs::rename(bench.path("closing-bell-data"), bench.path("gone")).expect("moves");
    bench.prices("prices", &["FSLY"], "2020-12-11");
    let alone = bench.run("predict --model elsewhere.json --values prices/FSLY.csv --json").expect(0).json();
    assert_eq!((&alone["version"], &alone["origin"]), (&known["version"], &Value::from("2020-12-11")));
    let close = |a: &Value, b: &Value| (a.as_f64().expect("a") / b.as_f64().expect("b") - 1.0).abs() < 1e-12;
    for (a, b) in alone["horizons"].as_array().expect("a").iter().zip(known["horizons"].as_array().expect("b")) {
        assert!(a["date"] == b["date"] && close(&a["mean"], &b["mean"]), "{a} {b}");
        let (a, b) = (&a["intervals"][1], &b["intervals"][1]);
        assert!(close(&a["lower"], &b["lower"]) && close(&a["upper"], &b["upper"]), "{a} {b}");
    }

    // Without newer prices it stands where it was fitted; and it may come by a pipe.
    let mut piped = bench.command("predict --model - --horizon 2 --level 90 --json");
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("piped").write_all(&fs::read(&moved).expect("reads")).expect("writes");
    let before = Finished::of(child.wait_with_output().expect("ends")).expect(0).json();
    assert_eq!((&before["origin"], &before["horizons"][1]["date"]), (&"2020-12-04".into(), &"2020-12-08".into()));
    assert_eq!(before["horizons"][0]["intervals"].as_array().map(Vec::len), Some(1));

    let refused = |arguments: &str, code: i32, what: &str| {
        let finished = bench.run(arguments).expect(code);
        assert!(finished.err.contains(what), "{arguments}: {}", finished.err);
    };
    refused("predict --model prices/FSLY.csv", 2, "no model's file");
    refused("predict --model nowhere.json", 2, "nowhere.json cannot be read");
    refused("predict --model elsewhere.json --horizon 61", 2, "horizon");
    refused("predict --model elsewhere.json FSLY", 2, "cannot be used with");
    refused("predict", 2, "<TICKER>");
    bench.prices("old", &["FSLY"], "2020-11-30");
    refused("predict --model elsewhere.json --values old/FSLY.csv", 1, "FSLY");
    bench.write("new.csv", "date,adjClose\n2020-12-10,100\n2020-12-11,101\n");
    refused("predict --model elsewhere.json --values new.csv", 1, "2020-12-04");
}
