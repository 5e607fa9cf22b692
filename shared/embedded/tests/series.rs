//! Series that are no prices of sessions, from file to forecast.

mod support;

use std::fmt::Write;

use support::Bench;

fn long(bench: &Bench, name: &str, rows: impl Iterator<Item = (String, String, f64)>) {
    let mut text = "unique_id,ds,y\n".to_owned();
    for (series, at, value) in rows {
        writeln!(text, "{series},{at},{value}").expect("a string takes every write");
    }
    bench.write(name, &text);
}

fn wave(t: usize, season: f64) -> f64 {
    10.0 * (t as f64 / season * std::f64::consts::TAU).sin() + (t * t % 7) as f64 + t as f64 / 20.0
}

/// The contract of tables without dates: series end each on its own, and each has its own origin.
#[test]
fn a_table_without_dates() {
    let bench = Bench::new();
    let rows = [("A", 40), ("b 1", 55)]
        .into_iter()
        .flat_map(|(name, n)| (1..=n).map(move |t| (name.to_owned(), t.to_string(), wave(t, 4.0) - 5.0)));
    long(&bench, "table.csv", rows);
    let settings = "--set cadence=index --set kind=value --set season=4 --set horizon=3";
    let run = bench.run(&format!("run --market csv:table.csv {settings} --json")).expect(0).json();
    assert_eq!((run["status"].as_str(), run["as_of"].as_str()), (Some("succeeded"), Some("0000000055")));
    for (ticker, origin, first) in [("A", "40", "41"), ("B_1", "55", "56")] {
        let forecast = bench.run(&format!("predict {ticker} --json")).expect(0).json();
        assert_eq!(forecast["origin"], origin);
        assert_eq!(forecast["horizons"][0]["date"], first);
        assert_eq!(forecast["horizons"].as_array().map(Vec::len), Some(3));
        let (mean, truth) =
            (forecast["horizons"][0]["mean"].as_f64().expect("a mean"), wave(first.parse().expect("n"), 4.0) - 5.0);
        assert!((mean - truth).abs() < 5.0, "{ticker}: {mean} for {truth}");
    }
    let reports = bench.path("closing-bell-data/reports");
    let report = std::fs::read_dir(reports).expect("reports").next().expect("one").expect("reads").path();
    let table = std::fs::read_to_string(report.join("forecasts.csv")).expect("a table");
    assert!(table.lines().nth(1).is_some_and(|line| line.starts_with("A,40,41,1,")), "{table}");
    // Started again it has nothing to do, and every verdict is reached again.
    bench.run(&format!("run --market csv:table.csv {settings}")).expect(0);
    bench.run("verify B_1").expect(0);
    bench.run("verify A").expect(0);
}

/// A night more: the record goes on, the forecasts of the night before are scored.
#[test]
fn months_from_1990_and_one_more() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "");
    let month = |t: usize| {
        let months = jiff::Span::new().months(i64::try_from(t).expect("small"));
        jiff::civil::date(1990, 1, 1).saturating_add(months).last_of_month().to_string()
    };
    long(&bench, "sales.csv", (0..121).map(|t| ("sales".to_owned(), month(t), wave(t, 12.0))));
    let settings = "--market csv:sales.csv --set kind=value --set horizon=2";
    bench.run(&format!("run {settings} --as-of 1999-12-31")).expect(0);
    let forecast = bench.run("predict SALES --json").expect(0).json();
    assert_eq!(
        (forecast["origin"].as_str(), forecast["horizons"][1]["date"].as_str()),
        (Some("1999-12-31"), Some("2000-02-29"))
    );
    bench.run(&format!("run {settings}")).expect(0);
    let forecast = bench.run("predict SALES --json").expect(0).json();
    assert_eq!(forecast["origin"], "2000-01-31");
    let scores = bench.run("scores SALES --json").expect(0).json();
    assert_eq!(scores.as_array().or_else(|| scores["scores"].as_array()).map(Vec::len), Some(1), "{scores}");
    bench.run("verify SALES").expect(0);
}

/// Weeks are not silently sessions: found in the rows, and refused where they are declared to be.
#[test]
fn weeks() {
    let bench = Bench::new();
    let first = jiff::civil::date(2020, 9, 1);
    let mut text = "date,value\n".to_owned();
    for t in 0..130_i64 {
        let day = first.saturating_add(jiff::Span::new().days(7 * t));
        writeln!(text, "{day},{}", 60.0 + wave(usize::try_from(t).expect("small"), 5.0))
            .expect("a string takes every write");
    }
    bench.write("weekly/DEMAND.csv", &text);
    let understood = bench.run("import weekly --dry-run --json").expect(0).json();
    assert_eq!((understood[0]["cadence"].as_str(), understood[0]["periods"].as_u64()), (Some("1week"), Some(130)));
    bench.run("run --market csv:weekly").expect(0);
    let forecast = bench.run("predict DEMAND --json").expect(0).json();
    assert_eq!(
        (forecast["origin"].as_str(), forecast["horizons"][0]["date"].as_str()),
        (Some("2023-02-21"), Some("2023-02-28"))
    );
    // A day that is not the weeks' is named, and stops no other series.
    bench.write("odd/DEMAND.csv", &text);
    bench.write("odd/SHIFTED.csv", &text.replacen("2020-11-10,", "2020-11-12,", 1));
    let odd = bench.run("run --market csv:odd --set cadence=1week --data odd-data").expect(1);
    assert!(odd.out.contains("2020-11-12") && odd.out.contains("its periods are dated on a Tuesday"), "{odd:?}");
    bench.run("predict DEMAND --data odd-data").expect(0);
    let refused = bench.run("run --market csv:weekly --set cadence=session --data other").expect(1);
    assert!(refused.out.contains("cadence = \"session\" has 4 periods between two of them"), "{refused:?}");
    let wrong = bench.run("run --market csv:weekly --set cadence=fortnight").expect(2);
    assert!(wrong.err.contains("a cadence is \"session\""), "{wrong:?}");
}

/// What cannot be forecast is refused with its reason, and stops no other.
#[test]
fn one_bad_series_stops_no_other() {
    let bench = Bench::new();
    let index = |values: &[&str]| -> String {
        let lines = values.iter().enumerate().map(|(t, value)| format!("{},{value}\n", t + 1));
        "ds,y\n".to_owned() + &lines.collect::<String>()
    };
    bench.write("s/GOOD.csv", &index(&["3", "-1", "4", "1", "-5", "9", "2", "-6", "5", "3", "5"]));
    bench.write("s/THREE.csv", &index(&["3", "1", "4"]));
    bench.write("s/FLAT.csv", &index(&["2"; 30]));
    bench.write("s/GAPS.csv", &index(&["1", "", "2", "NaN", "1", "2", "1", "null", "2", "1", "2", "1"]));
    bench.write("s/TWO.csv", &index(&["3", "1"]));
    bench.write("s/WORD.csv", &index(&["3", "many", "1"]));
    let run =
        bench.run("run --market csv:s --set cadence=index --set kind=value --set horizon=2 --json").expect(1).json();
    let status = |ticker: &str| {
        let all = run["tickers"].as_array().expect("tickers");
        let found = all.iter().find(|entry| entry["ticker"] == ticker).expect("it is listed");
        (
            found["status"].as_str().unwrap_or_default().to_owned(),
            found["reason"].as_str().unwrap_or_default().to_owned(),
        )
    };
    for ticker in ["GOOD", "THREE", "FLAT", "GAPS"] {
        assert_eq!(status(ticker).0, "done", "{ticker}: {}", status(ticker).1);
    }
    assert!(status("TWO").1.contains("3 are needed"), "{}", status("TWO").1);
    assert!(status("WORD").1.contains("'many' is no number"), "{}", status("WORD").1);
    let flat = bench.run("predict FLAT --json").expect(0).json();
    assert_eq!(flat["horizons"][1]["mean"], 2.0);
}

/// As pyarrow writes a table with nanoseconds and snappy, pandas' defaults.
#[test]
fn a_parquet_table() {
    let bench = Bench::new();
    std::fs::write(bench.path("hours.parquet"), include_bytes!("stored/hours.parquet")).expect("writes");
    let understood =
        bench.run("import hours.parquet --dry-run --json --set kind=value --set start=2020-01-01").expect(0).json();
    assert_eq!(understood.as_array().map(Vec::len), Some(2));
    let a = &understood[0];
    assert_eq!(
        (a["ticker"].as_str(), a["cadence"].as_str(), a["season"].as_str()),
        (Some("A"), Some("1hour"), Some("24 and 168"))
    );
    assert_eq!((a["periods"].as_u64(), a["last"].as_str()), (Some(60), Some("2024-01-03T11:00:00Z")));
}

/// One file, read as this and as that on one day: each is a model of its own, and what it is not is refused with the dates that prove it.
#[test]
fn one_file_read_in_several_ways() {
    let bench = Bench::new();
    let days = jiff::civil::date(2024, 1, 1)
        .series(jiff::Span::new().days(1))
        .filter(|day| !matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday));
    let rows = days.take(60).enumerate().map(|(t, day)| ("stock".to_owned(), day.to_string(), 50.0 + wave(t, 5.0)));
    long(&bench, "stock.csv", rows);
    let run = |settings: &str| bench.run(&format!("run --market csv:stock.csv --set families=[\"ets\"] {settings}"));
    for settings in ["", "--set kind=value", "--set cadence=1day --set calendar=24x5", "--set calendar=always", ""] {
        run(settings).expect(0);
        bench.run("verify STOCK").expect(0);
    }
    let refused = run("--set cadence=1week").expect(1).out;
    assert!(refused.contains("has one period for several of them"), "{refused}");
    assert!(refused.contains("2024-02-07, 2024-02-08, 2024-02-09"), "{refused}");
    let refused = run("--set calendar=XLON").expect(1).out;
    assert!(refused.contains("2024-01-01 is no period of the cadence 1day@XLON: no session: holiday"), "{refused}");
}

/// A table whose promotions are known a week ahead: sales of A follow them, those of B do not. What has not come has no value.
fn promotions(bench: &Bench, name: &str, known_ahead: usize) {
    let mut text = "unique_id,ds,y,promo,temperature\n".to_owned();
    let mut state = 3_u64;
    for (series, lift) in [("A", 40.0), ("B", 0.0)] {
        for t in 0..200 + known_ahead {
            let day =
                jiff::civil::date(2024, 1, 1).saturating_add(jiff::Span::new().days(i64::try_from(t).expect("small")));
            let promo = u8::from((t * t + 3 * t) % 11 == 4);
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 40) as f64 / f64::from(1 << 24);
            let season = 10.0 * (t as f64 / 7.0 * std::f64::consts::TAU).sin();
            let y = season + 8.0 * noise + lift * f64::from(promo);
            let y = if t < 200 { y.to_string() } else { String::new() };
            writeln!(text, "{series},{day},{y},{promo},{}", t % 5).expect("a string takes every write");
        }
    }
    bench.write(name, &text);
}

#[test]
fn what_is_known_beforehand_is_regressed_on_where_it_wins() {
    let bench = Bench::new();
    bench.write(
        "closing-bell.toml",
        "kind = \"value\"\nhorizon = 4\nfamilies = [\"arima\"]\n[columns]\nregressors = [\"promo\", \"temperature\"]\n",
    );
    promotions(&bench, "sales.csv", 6);
    // A night of the past, which knows the week after it all the same, and the nights up to the last.
    bench.run("run --market csv:sales.csv --as-of 2024-07-14").expect(0);
    bench.run("backfill --market csv:sales.csv --from 2024-07-15 --to 2024-07-18").expect(0);
    let forecast = |ticker: &str| bench.run(&format!("predict {ticker} --json")).expect(0).json();
    let a = forecast("A");
    assert!(a["model"].as_str().is_some_and(|model| model.starts_with("regression on 2 columns")), "{a}");
    assert!(forecast("B")["model"].as_str().is_some_and(|model| model.starts_with("ARIMA")));
    for (h, t) in (200..204).enumerate() {
        let promo = (t * t + 3 * t) % 11 == 4;
        let mean = a["horizons"][h]["mean"].as_f64().expect("a mean");
        assert_eq!(mean > 35.0, promo, "{a}");
    }
    let models = bench.run("models A --json").expect(0).json();
    let serving = models.as_array().and_then(|all| all.iter().find(|m| m["in_service"] == true)).expect("a champion");
    assert_eq!(serving["coefficients"][0][0], "promo");
    assert!((serving["coefficients"][0][1].as_f64().expect("a weight") - 40.0).abs() < 2.0, "{serving}");
    bench.run("verify A").expect(0);
    let exported = bench.run("export A").expect(0).out;
    assert!(exported.starts_with("date,open,high,low,close,volume,adjClose,divCash,splitFactor,promo,temperature\n"));
    assert!(exported.ends_with("\n2024-07-22,,,,,,,,,0,3\n"), "{exported}");

    // All of it as a table that another directory is made from: the same forecasts.
    bench.run("run --market csv:sales.csv --data from-sales.csv").expect(0);
    let fresh = bench.run("predict A --json --data from-sales.csv").expect(0).json();
    for out in ["all.parquet", "all.csv"] {
        bench.run(&format!("export --out {out}")).expect(0);
        bench.run(&format!("run --market csv:{out} --data from-{out}")).expect(0);
        assert_eq!(bench.run(&format!("predict A --json --data from-{out}")).expect(0).json(), fresh);
    }
    let table = bench.run("export --forecasts").expect(0).out;
    assert!(table.starts_with(
        "ticker,origin,date,horizon,mean,lower_80,upper_80,lower_95,upper_95,version\nA,2024-07-18,2024-07-19,1,"
    ));
    assert_eq!(table.lines().count(), 1 + 2 * 4);
    let refused = bench.run("export --out all.txt").expect(2).err;
    assert!(refused.contains("all.txt ends neither on .csv nor on .parquet"), "{refused}");

    // Further than they are known nothing is forecast, and who cannot forecast does not come into service.
    let refused = bench.run("predict A --horizon 5").expect(1);
    assert!(refused.err.contains("given for 4 of the next 5 periods"), "{}", refused.err);
    promotions(&bench, "short.csv", 2);
    bench.run("run --market csv:short.csv --data blind").expect(0);
    let blind = bench.run("predict A --data blind --json").expect(0).json();
    assert!(blind["model"].as_str().is_some_and(|model| model.starts_with("ARIMA")), "{blind}");
    bench.run("verify A --data blind").expect(0);
}

#[test]
fn regressors_that_cannot_be_used() {
    let bench = Bench::new();
    promotions(&bench, "sales.csv", 6);
    let run = |set: &str| bench.run(&format!("run --market csv:sales.csv --set kind=value {set}"));
    let check = |set: &str, code: i32, said: &str| {
        let ended = run(set).expect(code);
        assert!(format!("{}{}", ended.out, ended.err).contains(said), "{set}: {} {}", ended.out, ended.err);
    };
    check("--set columns.regressors=[\"prize\"]", 2, "columns.regressors is 'prize', but its first line is");
    check("--set columns.regressors=[\"promo\",\"promo\"]", 2, "name 'promo' twice");
    check("--set columns.regressors=[\"y\"]", 2, "name 'y', which is what a long table calls something else");
    check("--set columns.value=promo --set columns.regressors=[\"promo\"]", 2, "which is what is to be forecast");
    check("--set families=[\"regression\"]", 2, "columns.regressors names nothing to regress on");
    let text = std::fs::read_to_string(bench.path("sales.csv")).expect("reads");
    let line = text.lines().find(|line| line.starts_with("A,2024-03-05")).expect("a row");
    bench.write("sales.csv", &text.replace(line, &format!("{},", line.rsplit_once(',').expect("fields").0)));
    check(
        "--set columns.regressors=[\"temperature\"]",
        1,
        "row 65 (2024-03-05): a column of columns.regressors is empty",
    );
}

/// Closes as they were traded, beside the same with an adjusted close.
#[test]
fn closes_alone_are_said() {
    let bench = Bench::new();
    let sample = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sample/KO.csv")).expect("the sample");
    let rows = || sample.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    std::fs::create_dir(bench.path("files")).expect("a folder");
    let closes: String = rows().map(|row| format!("{},{}\n", row[0], row[1])).collect();
    bench.write("files/CLOSES.csv", &format!("Date,Close\n{closes}"));
    let both: String = rows().map(|row| format!("{},{},{}\n", row[0], row[1], row[2])).collect();
    bench.write("files/BOTH.csv", &format!("Date,Close,Adj Close\n{both}"));
    bench.run("run --market csv:files").expect(0);
    let notice = |ticker: &str| bench.run(&format!("predict {ticker}")).expect(0).out;
    assert!(notice("CLOSES").contains("Its prices are closes as they were traded"));
    assert!(!notice("BOTH").contains("closes as they were traded"));
    assert!(bench.run("import files --dry-run").expect(0).out.contains("CLOSES: closes as they were traded"));
}

/// A folder of what has little in common: each as it is declared, beside those that are read as they say.
#[test]
fn series_that_are_declared_one_by_one() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("files")).expect("a folder");
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/sample/KO.csv");
    std::fs::copy(sample, bench.path("files/KO.csv")).expect("copies");
    let day = |t: usize| {
        jiff::civil::date(2018, 1, 1).saturating_add(jiff::Span::new().days(i64::try_from(t).expect("small")))
    };
    let weeks: String = (0..150).map(|t| format!("{},{}\n", day(7 * t), wave(t, 13.0) - 8.0)).collect();
    bench.write("files/SALES.csv", &format!("date,value\n{weeks}"));
    bench.write("closing-bell.toml", "[series.SALES]\ncadence = \"1week\"\nkind = \"value\"\nseason = 13\n");
    let understood = bench.run("import files --dry-run --json").expect(0).json();
    let told =
        |i: usize| ["ticker", "kind", "cadence", "season"].map(|key| understood[i][key].as_str().unwrap_or_default());
    assert_eq!(told(0), ["KO", "price", "session", "none"]);
    assert_eq!(told(1), ["SALES", "value", "1week", "13"]);
    bench.run("run --market csv:files").expect(0);
    assert_eq!(bench.run("predict KO --json").expect(0).json()["origin"], "2020-12-11");
    let sales = bench.run("predict SALES --json").expect(0).json();
    assert_eq!(
        (sales["origin"].as_str(), sales["horizons"][0]["date"].as_str()),
        (Some("2020-11-09"), Some("2020-11-16"))
    );
    bench.run("verify KO").expect(0);
    bench.run("verify SALES").expect(0);
    let wrong = bench.run("run --market csv:files --set series.KO.cadence=1week").expect(1);
    assert!(wrong.out.contains("KO: ") && wrong.out.contains("cadence = \"1week\""), "{}", wrong.out);
}

/// Counts whose swings grow with their level: by their logarithm, an interval never reaches below zero and is wider above.
#[test]
fn values_by_a_power() {
    let bench = Bench::new();
    let mut state = 11_u64;
    let rows = (1..=160).map(|t| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 40) as f64 / f64::from(1 << 24) - 0.5;
        ("visits".to_owned(), t.to_string(), (3.0 + noise).exp())
    });
    long(&bench, "visits.csv", rows);
    let run = |set: &str| format!("run --market csv:visits.csv --set cadence=index --set kind=value {set}");
    bench.run(&run("--set box_cox=0")).expect(0);
    let step = bench.run("predict VISITS --json --level 99").expect(0).json()["horizons"][0].clone();
    let [mean, lower, upper] = [&step["mean"], &step["intervals"][0]["lower"], &step["intervals"][0]["upper"]]
        .map(|v| v.as_f64().expect("a number"));
    assert!(0.0 < lower && mean / lower > 1.5 && ((upper / mean) / (mean / lower) - 1.0).abs() < 1e-6, "{step}");
    bench.run("verify VISITS").expect(0);
    let stored = bench.run("export VISITS").expect(0).out;
    bench.run(&run("--set box_cox=0.5 --data roots")).expect(0);
    assert_eq!(bench.run("export VISITS --data roots").expect(0).out, stored, "the values are what they are");
    let refused = bench.run(&run("--set box_cox=3 --data none")).expect(2).err;
    assert!(refused.contains("box_cox: '3': a power is between 0 and 2"), "{refused}");
    bench.write("visits.csv", "unique_id,ds,y\nvisits,1,4\nvisits,2,0\nvisits,3,1\n");
    let refused = bench.run(&run("--set box_cox=0 --data none")).expect(1).out;
    assert!(
        refused.contains("row 2 (0000000002): its value is 0, but box_cox = 0, the logarithm, takes positive values"),
        "{refused}"
    );
}

/// Days that a list names, such as those on which a shop is open: the list grows, and everything on record still counts by it.
#[test]
fn days_of_a_list() {
    let bench = Bench::new();
    bench.write(
        "closing-bell.toml",
        "calendar = \"dates:days/shop_open.txt\"\nkind = \"value\"\nhorizon = 2\nfamilies = [\"theta\"]\n",
    );
    let first = jiff::civil::date(2024, 1, 2);
    // Every third day, and each fourth time four days later.
    let days: Vec<String> =
        (0..60_i64).map(|n| first.saturating_add(jiff::Span::new().days(3 * n + n / 4)).to_string()).collect();
    let list = |until: usize| bench.write("days/shop_open.txt", &format!("# open\n{}\n", days[..until].join("\n")));
    let sales = |until: usize| {
        long(&bench, "sales.csv", (0..until).map(|t| ("shop".to_owned(), days[t].clone(), wave(t, 5.0))));
    };
    let forecast = || bench.run("predict SHOP --json").expect(0).json();
    list(45);
    sales(40);
    bench.run("run --market csv:sales.csv").expect(0);
    let answer = forecast();
    assert_eq!(
        (&answer["origin"], &answer["horizons"][0]["date"], &answer["horizons"][1]["date"]),
        (&days[39].as_str().into(), &days[40].as_str().into(), &days[41].as_str().into())
    );
    let short = bench.run("predict SHOP --horizon 6").expect(2);
    assert!(short.err.contains("fewer than 6 periods after"), "{short:?}");
    // One day more is one period more, although the list has grown; a command that knows no file of it finds it beside the ledger.
    list(60);
    sales(44);
    bench.run("run --market csv:sales.csv").expect(0);
    assert_eq!(forecast()["origin"], days[43].as_str());
    std::fs::remove_file(bench.path("days/shop_open.txt")).expect("removes");
    bench.write("closing-bell.toml", "");
    bench.run("verify SHOP").expect(0);
    let scored = bench.run("scores SHOP").expect(0).out;
    assert!(scored.contains(&days[41]), "{scored}");
    assert_eq!(
        bench.archive("closing-bell-data").keys().filter(|key| key.starts_with("calendars/shop-open/")).count(),
        2
    );

    let settings = "--set calendar=dates:days.txt --set kind=value";
    let refused = |text: &str, said: &str| {
        bench.write("days.txt", text);
        let run = bench
            .run(&format!("run --market csv:sales.csv {settings} --data other"))
            .expect(if said.contains("among") { 1 } else { 2 });
        assert!(format!("{}{}", run.out, run.err).contains(said), "{run:?}");
    };
    refused("2024-01-02\nsoon\n", "calendar = \"dates:days.txt\": line 2: 'soon' is no date");
    let lacking: Vec<&str> = days.iter().map(String::as_str).filter(|day| *day != days[5]).collect();
    refused(
        &lacking.join("\n"),
        &format!("{} is no period of the cadence 1day@dates:days: no session: it is not among", days[5]),
    );
    let none = bench.run("run --market csv:sales.csv --set calendar=dates:none.txt").expect(2);
    assert!(none.err.contains("dates:none.txt\": it cannot be read"), "{none:?}");
    // Another list by the same name is not what is on record.
    bench.write("elsewhere/shop-open.txt", "2024-01-02\n2024-01-04\n2030-01-01\n");
    let other =
        bench.run("run --market csv:sales.csv --set calendar=dates:elsewhere/shop-open.txt --set kind=value").expect(1);
    assert!(
        other.err.contains("2024-01-04 was not followed by 2024-01-05") && other.err.contains("may only grow"),
        "{other:?}"
    );
}
