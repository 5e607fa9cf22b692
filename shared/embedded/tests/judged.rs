//! Forecasts that someone else made.

mod support;

use std::fmt::Write;

use support::{Bench, Finished};

fn noise(t: usize) -> f64 {
    let hash = (t as u64 + 7).wrapping_mul(6_364_136_223_846_793_005).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    20.0 + (hash >> 40) as f64 / f64::from(1 << 20)
}

fn values(bench: &Bench, until: usize) {
    let mut text = "unique_id,ds,y\n".to_owned();
    (1..=until).for_each(|t| writeln!(text, "A,{t},{}", noise(t)).expect("a string takes every write"));
    bench.write("values.csv", &text);
}

/// What will be, or was, one period ahead from each of these origins, or something else.
fn knowing(origins: std::ops::RangeInclusive<usize>, off: f64) -> String {
    let mut text = "series,origin,date,mean,lower_80,upper_80\n".to_owned();
    for t in origins {
        let y = noise(t + 1) + off;
        writeln!(text, "a,{t},{},{y},{},{}", t + 1, y - 1.0, y + 1.0).expect("a string takes every write");
    }
    text
}

#[test]
fn what_was_here_before_earns_and_the_rest_claims() {
    let bench = Bench::new();
    values(&bench, 60);
    bench.write("closing-bell.toml", "kind = \"value\"\ncadence = \"index\"\nfamilies = [\"theta\"]\nhorizon = 2\n");
    bench.run("run --market csv:values.csv").expect(0);
    let judged = |name: &str| bench.run(&format!("judge {name}.csv --json")).expect(0).json()["series"][0].clone();
    let odds = |judged: &serde_json::Value, which: &str| {
        ["earned", "claimed"].map(|kind| judged[which][kind].as_f64().expect("odds"))
    };
    // Someone who knows what is to come, and says so before; and someone who says it afterwards.
    bench.write("seer.csv", &knowing(30..=89, 0.0));
    let first = judged("seer");
    assert_eq!(["forecasts", "earned", "open"].map(|key| first[key].as_u64()), [Some(30), Some(0), Some(30)]);
    let [earned, claimed] = odds(&first, "against_walk");
    assert!(earned == 1.0 && claimed > 10.0, "{first}");
    values(&bench, 90);
    bench.run("run --market csv:values.csv").expect(0);
    bench.write("late.csv", &knowing(60..=89, 0.0));
    let (seer, late) = (judged("seer"), judged("late"));
    assert_eq!(["forecasts", "earned", "open"].map(|key| seer[key].as_u64()), [Some(60), Some(30), Some(0)]);
    assert_eq!(["forecasts", "earned", "open"].map(|key| late[key].as_u64()), [Some(30), Some(0), Some(0)]);
    assert!(odds(&seer, "against_walk")[0] > 10.0 && odds(&seer, "against_champion")[0] > 10.0, "{seer}");
    assert_eq!(odds(&late, "against_walk")[0], 1.0);
    assert_eq!((seer["skill"].as_f64(), seer["coverage"][0][1].as_f64()), (Some(1.0), Some(1.0)));
    // What is said again, otherwise, was said before: the first word counts.
    bench.write("again.csv", &knowing(60..=89, 5.0));
    bench.run("judge again.csv --name seer --json").expect(0);
    assert_eq!(judged("seer"), seer);
    let table = bench.run("judge late.csv").expect(0).out;
    assert!(table.contains("the rest is only claimed"), "{table}");

    // Judged anew without a file, and to the same; what came of it is kept, until the series is forgotten.
    assert_eq!(bench.run("judge --name seer --json").expect(0).json()["series"][0], seer);
    let kept = |prefix: &str| bench.archive("closing-bell-data").keys().filter(|key| key.starts_with(prefix)).count();
    assert_eq!((kept("judged/A/seer/"), kept("judged/A/late/"), kept("judgements/late/")), (2, 1, 1));
    assert_eq!(
        bench.run("judge --name nobody").expect(2).err,
        "closing-bell: name: there are no forecasts of nobody\n"
    );

    bench.write("wrong.csv", "series,origin,date,mean\na,60,59,1\n");
    assert!(bench.run("judge wrong.csv").expect(2).err.contains("row 1: 0000000059 is not after its origin"));
    bench.write("stranger.csv", "series,origin,date,mean\nb,60,61,1\n");
    assert!(bench.run("judge stranger.csv").expect(1).err.contains("B is unknown"));
    assert!(bench.run("judge nothing.csv").expect(2).err.contains("nothing.csv cannot be read"));
    bench.run("forget A --yes").expect(0);
    assert_eq!(kept("judged/"), 0);
}

#[test]
fn questions_in_sql() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "");
    for day in ["2020-12-10", "2020-12-11"] {
        bench.run(&format!("run --market recorded --ticker KO --ticker NLS --as-of {day}")).expect(0);
    }
    let ask = |question: &str, format: &str| {
        let output = bench.command(&format!("sql --format {format}")).arg(question).output();
        Finished::of(output.expect("starts"))
    };
    let answer = ask("SELECT ticker, count(*) AS n, max(at) AS last FROM bars GROUP BY ticker ORDER BY ticker", "csv");
    let sample = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sample/KO.csv")).expect("the sample");
    let n = sample.lines().count() - 1;
    assert_eq!(answer.expect(0).out, format!("ticker,n,last\nKO,{n},2020-12-11\nNLS,{n},2020-12-11\n"));
    let scored = "SELECT f.ticker, f.date, s.error FROM forecasts f JOIN scores s USING (ticker, origin, date, horizon) WHERE level = 80";
    let scored = ask(scored, "json").expect(0).json();
    assert_eq!(scored.as_array().map(Vec::len), Some(2));
    assert_eq!(scored[0]["date"], "2020-12-11");
    let verdicts = ask(
        "SELECT decision, count(*) FROM verdicts JOIN runs USING (run) WHERE status = 'succeeded' GROUP BY 1",
        "csv",
    );
    assert_eq!(verdicts.expect(0).out, "decision,count(*)\nkeep,2\npromote,2\n");
    assert!(ask("SELECT * FROM prices", "table").expect(2).err.contains("no such table: prices"));
    assert!(ask("DELETE FROM bars", "table").expect(2).err.contains("readonly"));
    let file = bench.path("other.sqlite");
    assert!(ask(&format!("ATTACH '{}' AS other", file.display()), "table").expect(2).err.contains("too many attached"));
    assert!(!file.exists());
}
