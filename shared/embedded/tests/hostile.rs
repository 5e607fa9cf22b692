//! Files, names and folders that do harm.

mod support;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use support::{Bench, Finished, skipped};

const DATA: &str = "closing-bell-data";

/// A small archive of millions of short rows, under a limit of memory.
#[test]
fn one_bad_file_stops_nobody() {
    let bench = Bench::new();
    bench.prices("prices", &["KO"], "2020-12-11");
    let mut packed =
        GzEncoder::new(fs::File::create(bench.path("prices/BOMB.csv.gz")).expect("a file"), Compression::best());
    packed.write_all(b"date,value\n").expect("writes");
    let rows = "2020-12-10,1\n".repeat(100_000);
    for _ in 0..48 {
        packed.write_all(rows.as_bytes()).expect("writes");
    }
    packed.finish().expect("writes");
    let mut limited = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_closing-bell");
    limited.args(["-c", &format!("ulimit -v 1600000; exec {program} run --market csv:prices --json")]);
    let run = Finished::of(limited.current_dir(bench.folder.path()).output().expect("starts")).expect(1).json();
    let status = |name: &str| {
        let tickers = run["tickers"].as_array().expect("tickers");
        tickers.iter().find(|ticker| ticker["ticker"] == name).expect("it is there").clone()
    };
    assert_eq!(status("KO")["status"], "done");
    assert!(status("BOMB")["reason"].as_str().is_some_and(|why| why.contains("more than 2000000 rows")), "{run}");
}

/// Names and texts that would read as something else in a log or a report.
#[test]
fn nothing_is_forged() {
    let bench = Bench::new();
    bench.prices("prices", &["KO"], "2020-12-11");
    bench.write("prices/A\n WARN all is well\u{1b}[2J.csv", "date,value\n2020-12-10,1\n");
    bench.write("prices/B\u{202e}gpj.csv", "date,value\n2020-12-10,1\n");
    bench.write("prices/XOM.csv", "date,value\n2020-12-10,1\u{202e}\u{7}9\n2020-12-11,2\n");
    let run = bench.run("run --market csv:prices").expect(1);
    let hidden = |text: &str| text.contains(['\u{202e}', '\u{7}', '\u{1b}']);
    assert!(!hidden(&run.err) && !hidden(&run.out), "{run:?}");
    assert!(run.err.lines().all(|line| !line.trim_start().starts_with("WARN all is well")), "{run:?}");
    assert!(run.err.contains("WARN all is well"), "the name is told, on its line: {run:?}");
    let reports: Vec<String> = bench
        .archive(DATA)
        .into_iter()
        .filter(|(key, _)| key.starts_with("reports/") && !key.contains(".zst"))
        .map(|(_, bytes)| String::from_utf8(bytes).expect("text"))
        .collect();
    assert!(reports.len() >= 4 && !reports.iter().any(|report| hidden(report)));
}

#[test]
fn what_is_refused_is_its_owners_alone_and_bounded() {
    let bench = Bench::new();
    bench.write("prices/BAD.csv", "date,value\n2020-12-10,dear\n2020-12-11,2\n");
    bench.run("run --market csv:prices --as-of 2020-12-11").expect(1);
    let folder = bench.path(&format!("{DATA}/quarantine/BAD"));
    let kept: Vec<fs::DirEntry> = fs::read_dir(&folder).expect("lists").map(|entry| entry.expect("an entry")).collect();
    assert_eq!(kept.len(), 2);
    for entry in kept {
        assert_eq!(entry.metadata().expect("there").permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
    for n in 0..100 {
        fs::write(folder.join(format!("{n:08}-BAD.csv")), "refused before").expect("writes");
    }
    bench.write("prices/BAD.csv", "date,value\n2020-12-10,dear\n2020-12-11,3\n");
    let run = bench.run("run --market csv:prices --as-of 2020-12-11 --set horizon=3").expect(1);
    assert!(run.err.contains("and no more") && run.out.contains("'dear' is no number"), "{run:?}");
    assert_eq!(fs::read_dir(&folder).expect("lists").count(), 102);
}

#[test]
fn a_link_in_the_locks_place_is_not_followed() {
    let bench = Bench::new();
    bench.write("precious", "do not empty me");
    bench.write(&format!("{DATA}/note"), "");
    symlink(bench.path("precious"), bench.path(&format!("{DATA}/lock"))).expect("a link");
    let run = bench.run("run --market recorded --ticker KO").expect(3);
    assert!(run.err.contains("cannot be written"), "{run:?}");
    assert_eq!(fs::read_to_string(bench.path("precious")).expect("reads"), "do not empty me");
}

/// A folder of the archive may be on another disk.
#[test]
fn two_file_systems() {
    let bench = Bench::new();
    let device = |path: &std::path::Path| fs::metadata(path).map(|data| data.dev()).ok();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return skipped("there is no /dev/shm") };
    if device(other.path()) == device(bench.folder.path()) {
        return skipped("/dev/shm is no other file system");
    }
    bench.write(&format!("{DATA}/note"), "");
    for folder in ["models", "prices"] {
        fs::create_dir(other.path().join(folder)).expect("a folder");
        symlink(other.path().join(folder), bench.path(&format!("{DATA}/{folder}"))).expect("a link");
    }
    bench.run("run --market recorded --ticker KO").expect(0);
    bench.run("verify KO").expect(0);
    assert!(bench.run("verify --all").expect(0).out.contains("All is as it was written"));
    // What was cut off there is cleared away.
    let left = other.path().join("models/.closing-bell-unfinished/unfinished-abc");
    fs::write(&left, "half a model").expect("writes");
    bench.run("run --market recorded --ticker KO --as-of 2020-12-10").expect(0);
    assert!(!left.exists());
}

#[test]
fn splits_and_dividends_that_are_none() {
    let bench = Bench::new();
    for (name, column, value) in
        [("A", "splitFactor", "0"), ("B", "splitFactor", "-1"), ("C", "divCash", "-2"), ("D", "splitFactor", "1e9")]
    {
        let rows = (1..=28).fold(format!("date,close,adjClose,{column}\n"), |text, day| {
            let usual = if column == "divCash" { "0" } else { "1" };
            format!("{text}2020-02-{day:02},10,10,{}\n", if day == 15 { value } else { usual })
        });
        bench.write(&format!("prices/{name}.csv"), &rows);
        let run = bench.run(&format!("run --market csv:prices --ticker {name} --set calendar=always"));
        assert!(run.code == Some(1) && run.out.contains(&format!("{column} is ")), "{run:?}");
    }
}

/// After a kill its log may lie beside a ledger. Who may not write there cannot read it, and says so: it does not answer without what the log has.
#[test]
fn nobody_reads_past_a_log_that_was_left() {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        return skipped("it takes root to become another user");
    }
    let bench = Bench::new();
    bench.run("run --market recorded --ticker KO --as-of 2020-12-10").expect(0);
    // A connection that stays open keeps what is written in the log.
    let ledger = bench.path(&format!("{DATA}/ledger.sqlite"));
    let open = rusqlite::Connection::open(&ledger).expect("opens");
    open.execute_batch("BEGIN; SELECT count(*) FROM runs; COMMIT").expect("reads");
    bench.run("run --market recorded --ticker KO").expect(0);
    let left = bench.path("left");
    fs::create_dir(&left).expect("a folder");
    for suffix in ["", "-wal"] {
        fs::copy(format!("{}{suffix}", ledger.display()), left.join(format!("ledger.sqlite{suffix}"))).expect("copies");
    }
    assert!(fs::metadata(left.join("ledger.sqlite-wal")).is_ok_and(|log| log.len() > 0));
    for path in [bench.folder.path(), &left] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("changes");
    }
    let mut other = Command::new("setpriv");
    other.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        env!("CARGO_BIN_EXE_closing-bell"),
        "runs",
        "--data",
    ]);
    let told = Finished::of(other.arg(&left).current_dir(&left).output().expect("starts"));
    assert!(told.code == Some(3) && told.out.is_empty(), "{told:?}");
    drop(open);
}
