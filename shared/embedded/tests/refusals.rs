//! Wrong input, wrong files, wrong surroundings: one clear line, the right exit status, never a backtrace.

mod support;

use std::{fs, os::unix::fs::PermissionsExt};

use support::Bench;

#[test]
fn a_configuration_is_checked_without_a_run() {
    let bench = Bench::new();
    assert!(bench.run("check").expect(0).out.contains("closing-bell.toml can be used"));
    bench.write("other.toml", "horizon = 5\nhorizn = 3\n");
    assert!(bench.run("check --config other.toml").expect(2).err.contains("other.toml: line 2: unknown key `horizn`"));
    assert!(bench.run("check --config missing.toml").expect(2).err.contains("missing.toml cannot be read"));
    assert!(!bench.path("closing-bell-data").exists(), "nothing was run");
}

#[test]
fn wrong_usage_and_configuration() {
    let bench = Bench::new();
    bench.write("broken.toml", "horizon = 5\nhorizn = 3\n");
    bench.write("empty/readme.txt", "no prices");
    bench.write("twice/nls.csv", "date,value\n");
    bench.write("twice/NLS.csv", "date,value\n");
    bench.write("file", "a file, not a folder");
    let check = |arguments: &str, code: i32, expected: &str| {
        let ended = bench.run(arguments).expect(code);
        assert!(ended.err.contains(expected), "{arguments}: {ended:#?}");
        assert!(ended.out.is_empty(), "{arguments}: {ended:#?}");
        if ended.err.starts_with("closing-bell: ") {
            assert_eq!(ended.err.lines().count(), 1, "{arguments}: {ended:#?}");
        }
    };
    check("", 2, "Usage");
    check("dance", 2, "unrecognized subcommand");
    check("run --as-of soon", 2, "soon");
    check("run --as-of 2999-01-04 --market recorded", 2, "has not closed yet");
    check("run --ticker ../../etc/passwd", 2, "is not a ticker");
    check("run --market tiingo", 2, "needs a token in TIINGO_API_KEY");
    check("run --market yahoo", 2, "a market is tiingo, tiingo-crypto");
    check("run --market csv:nowhere", 2, "nowhere cannot be read");
    check("run --market csv:empty", 2, "holds no price file");
    check("run --market csv:twice", 2, "are the same ticker");
    check("run --market recorded --config broken.toml", 2, "broken.toml: line 2: unknown key `horizn`");
    check("run --market recorded --config nowhere.toml", 2, "nowhere.toml cannot be read");
    check("run --market recorded --data file", 3, "file cannot be written");
    check(
        "backfill --from 2020-12-11 --to 2020-12-01 --market recorded",
        2,
        "--from 2020-12-11 is after --to 2020-12-01",
    );
    check("backfill --from 2020-12-05 --to 2020-12-06 --market recorded", 2, "there is no session");
    check("predict NLS", 1, "there is no ledger");
    check("predict NLS --level 120", 2, "120 is not a percentage");
}

/// Success means that the result was written too.
#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written() {
    let bench = Bench::new();
    bench.run("run --market recorded --ticker KO").expect(0);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
    let output = bench.command("predict KO --json").stdout(full).output().expect("starts");
    let ended = support::Finished::of(output).expect(1);
    assert!(ended.err.contains("cannot be written to standard output"), "{}", ended.err);
}

#[test]
fn a_damaged_store_is_named() {
    let bench = Bench::new();
    bench.run("run --market recorded --ticker KO").expect(0);
    let version = bench.run("predict KO --json").expect(0).json()["version"].as_str().expect("a version").to_owned();
    let check = |arguments: &str, code: i32, expected: &str| {
        let ended = bench.run(arguments).expect(code);
        assert!(ended.err.contains(expected) || ended.out.contains(expected), "{arguments}: {ended:#?}");
    };
    check("predict KO --horizon 0", 2, "horizon: 0 is not within 1 and 60");
    check("predict NOSUCH", 1, "NOSUCH is unknown");
    check("models NOSUCH", 1, "NOSUCH is unknown");
    check("receipts NOSUCH", 1, "NOSUCH is unknown");
    check("verify KO ../../x", 2, "an id is a date, a time or an index, a hyphen and eight hexadecimal digits");
    check("verify KO 2020-12-11-00000000", 1, "is missing from the archive");

    let model = bench.path(&format!("closing-bell-data/models/KO/{version}.json"));
    let good = fs::read_to_string(&model).expect("the model");
    // One digit of sigma2.
    let place = good.find("\"sigma2\":").expect("sigma2") + "\"sigma2\":0.000".len();
    let mut bad = good.clone().into_bytes();
    bad[place] = if bad[place] == b'9' { b'8' } else { bad[place] + 1 };
    fs::write(&model, bad).expect("writes");
    check("predict KO", 1, "do not match their checksum");
    check(&format!("verify KO {version}"), 1, "training again from its snapshot gives other bytes");
    fs::write(&model, &good[..100]).expect("writes");
    check(&format!("verify KO {version}"), 1, "is damaged");
    fs::write(&model, good).expect("writes");
    check(&format!("verify KO {version}"), 0, "stands");

    let segments = bench.path("closing-bell-data/prices/KO");
    let segment = fs::read_dir(&segments).expect("a folder").next().expect("a segment").expect("a file").path();
    let mut prices = fs::read(&segment).expect("prices");
    let middle = prices.len() / 2;
    prices[middle] ^= 1;
    fs::write(&segment, prices).expect("writes");
    check(&format!("verify KO {version}"), 1, "do not match their checksum");
    check("predict KO", 1, "do not match their checksum");

    fs::write(bench.path("closing-bell-data/ledger.sqlite"), "not a database, but long enough to look like one")
        .expect("writes");
    let _ = fs::remove_file(bench.path("closing-bell-data/ledger.sqlite-wal"));
    check("predict KO", 1, "ledger.sqlite is damaged");
    check("run --market recorded --ticker KO", 1, "ledger.sqlite is damaged");
}

#[test]
fn a_champion_that_cannot_be_read_is_replaced_by_the_next_night() {
    let bench = Bench::new();
    bench.run("run --market recorded --ticker KO --as-of 2020-12-10").expect(0);
    let models = bench.path("closing-bell-data/models/KO");
    for model in fs::read_dir(models).expect("a folder") {
        fs::write(model.expect("a file").path(), "rubbish").expect("writes");
    }
    bench.run("run --market recorded --ticker KO --as-of 2020-12-11").expect(0);
    bench.run("predict KO").expect(0);
}

#[test]
fn one_bad_ticker_stops_no_other() {
    let bench = Bench::new();
    bench.prices("prices", &["KO", "NLS"], "2020-12-11");
    bench.write("prices/SHORT.csv", "date,adjClose\n2020-12-10,1\n2020-12-11,2\n");
    bench.write("prices/HTML.csv", "<html>404</html>\n");
    bench.write("prices/ZERO.csv", "date,adjClose\n2020-12-10,1\n2020-12-11,0\n");
    bench.write("prices/OLD.csv", "date,adjClose\n2019-12-10,1\n2019-12-11,2\n");
    bench.write("prices/bad name.csv", "date,adjClose\n2020-12-11,2\n");
    let ended = bench.run("run --market csv:prices --json").expect(1);
    assert!(ended.err.contains("bad name.csv is ignored"), "{ended:#?}");
    let run = ended.json();
    assert_eq!(run["status"], "partial");
    let reason = |ticker: &str| {
        let found = run["tickers"].as_array().expect("tickers").iter().find(|t| t["ticker"] == ticker).expect(ticker);
        format!("{} {}", found["status"].as_str().expect("a status"), found["reason"].as_str().expect("a reason"))
    };
    assert!(reason("KO").starts_with("done") && reason("NLS").starts_with("done"));
    assert!(
        reason("SHORT").starts_with("failed SHORT: 2 sessions since 2020-12-10 are too few"),
        "{}",
        reason("SHORT")
    );
    assert!(reason("HTML").contains("its first line is '<html>404</html>'"), "{}", reason("HTML"));
    assert!(reason("ZERO").contains("row 2 (2020-12-11): adjClose is 0"), "{}", reason("ZERO"));
    assert!(reason("OLD").contains("no bar since 2019-12-11"), "{}", reason("OLD"));

    // What was refused is kept, with the reason beside it.
    let archive = bench.archive("closing-bell-data");
    let kept: Vec<&String> = archive.keys().filter(|key| key.starts_with("quarantine/")).collect();
    assert_eq!(kept.len(), 4, "{kept:?}");

    // Mended, the same run completes what is missing and redoes nothing.
    let before =
        bench.ledger("closing-bell-data").into_iter().filter(|row| row.contains("|KO|") || row.contains("|NLS|"));
    let before: Vec<String> = before.collect();
    fs::remove_file(bench.path("prices/HTML.csv")).expect("removes");
    bench.prices("source", &["JPM"], "2020-12-11");
    fs::copy(bench.path("source/JPM.csv"), bench.path("prices/HTML.csv")).expect("copies");
    let again = bench.run("run --market csv:prices --json").expect(1).json();
    let done = again["tickers"].as_array().expect("tickers").iter().filter(|t| t["status"] == "done").count();
    assert_eq!(done, 3);
    let after =
        bench.ledger("closing-bell-data").into_iter().filter(|row| row.contains("|KO|") || row.contains("|NLS|"));
    assert_eq!(before, after.collect::<Vec<_>>());
}

#[test]
fn a_second_process_is_refused() {
    let bench = Bench::new();
    let _held = embedded::Lock::take(&bench.path("closing-bell-data")).expect("takes");
    let ended = bench.run("run --market recorded --ticker KO").expect(3);
    assert_eq!(ended.err, "closing-bell: another closing-bell is working on closing-bell-data: wait for it to end\n");
}

#[test]
fn an_unwritable_directory() {
    let bench = Bench::new();
    let folder = bench.path("readonly");
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("permissions");
    if fs::write(folder.join("probe"), "").is_ok() {
        eprintln!("this user may write anywhere (root): skipped");
        return;
    }
    let ended = bench.run("run --market recorded --ticker KO --data readonly").expect(3);
    assert!(ended.err.contains("readonly cannot be written"), "{ended:#?}");
}

/// A new user's first steps, each wrong one answered with what to do.
#[test]
fn first_steps() {
    let bench = Bench::new();
    std::fs::remove_file(bench.path("closing-bell.toml")).expect("removes");
    let check = bench.run("check").expect(2);
    assert!(
        check.err.contains("there is no closing-bell.toml") && check.err.contains("closing-bell init"),
        "{}",
        check.err
    );
    let status = bench.run("status").expect(0).out;
    assert!(status.contains("nothing has been run there") && status.contains("closing-bell run"), "{status}");
    bench.run("init --ticker KO --ticker BRK-A").expect(0);
    assert!(bench.run("check").expect(0).out.contains("2 tickers"));
    assert!(bench.run("init").expect(2).err.contains("exists already"));

    let typo = bench.run("run --market recorded --ticker GOGL").expect(2);
    assert!(typo.err.contains("did you mean GOOGL?"), "{}", typo.err);
    assert_eq!(bench.run("runs --json").expect(0).json(), serde_json::json!([]), "a typo makes no run");
    bench.run("run --market recorded --ticker KO --quiet").expect(0);
    let again = bench.run("run --market recorded --ticker KO").expect(0);
    assert!(again.err.contains("done already") && again.err.contains("nothing was done again"), "{}", again.err);
    let status = bench.run("status --json").expect(0).json();
    assert_eq!((&status["as_of"], &status["tickers"]), (&"2020-12-11".into(), &1.into()), "{status}");

    // One directory is for one source, and the recorded prices have an end.
    bench.write(
        "prices/KO.csv",
        &std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sample/KO.csv")).expect("the sample"),
    );
    let mixed = bench.run("import prices").expect(2);
    assert!(mixed.err.contains("KO is on record from the recorded market, and this is csv"), "{}", mixed.err);
    let late = bench.run("run --market recorded --as-of 2020-12-14").expect(2);
    assert!(late.err.contains("the recorded prices end on 2020-12-11"), "{}", late.err);
    let share = bench.run("predict KO --level 0.8").expect(2);
    assert!(share.err.contains("such as 80"), "{}", share.err);
    bench.write("commas/A.csv", "date;close\n2020-12-10;1,023.38\n2020-12-11;1,016.60\n");
    let commas = bench.run("import commas --data other --dry-run").expect(2);
    assert!(commas.err.contains("write 1023.38"), "{}", commas.err);

    // Found in a folder above, with the data beside it.
    std::fs::create_dir(bench.path("below")).expect("a folder");
    let mut below = bench.command("status");
    below.current_dir(bench.path("below"));
    let below = support::Finished::of(below.output().expect("starts")).expect(0);
    assert!(below.out.contains("1 ticker"), "{}", below.out);
    for (words, said) in [
        ("runs --store s3://bucket", "--ledger"),
        ("runs --store s3://bucket --ledger table --data here", "name one"),
        ("runs --format yaml", "table"),
        ("-v -q runs", "cannot be used with"),
    ] {
        let refused = bench.run(words).expect(2);
        assert!(refused.err.contains(said), "{words}: {}", refused.err);
    }
    let csv = bench.run("runs --format csv").expect(0).out;
    assert!(csv.starts_with("As of,Run,Trigger") && csv.lines().count() == 2, "{csv}");
    assert!(bench.run("completions zsh").expect(0).out.contains("#compdef closing-bell"));
    bench.run("man pages").expect(0);
    assert!(bench.path("pages/closing-bell-run.1").is_file());
}
