//! Runs the command as its users do, and looks at what it leaves behind.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// A test that cannot be made here says so, and fails where all of them must be.
#[track_caller]
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "skipped: {why}");
    eprintln!("skipped: {why}");
}

/// A folder for one test, with the command to run in it.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let bench = Bench { folder: tempfile::tempdir().expect("a folder") };
        // Two years are enough to see every stage, and quick.
        bench.write("closing-bell.toml", "start = 2019-01-01\n");
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        fs::write(path, text).expect("writes");
    }

    /// The command, ready to start; arguments are separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_closing-bell"));
        command.current_dir(self.folder.path()).args(arguments.split_whitespace());
        command.env_remove("TIINGO_API_KEY").env_remove("TIINGO_BASE_URL").env_remove("CLOSING_BELL_LOG");
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Finished {
        Finished::of(self.command(arguments).output().expect("starts"))
    }

    /// The sample's rows up to a date, as a folder of files.
    pub(crate) fn prices(&self, folder: &str, tickers: &[&str], up_to: &str) {
        for ticker in tickers {
            let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sample/{ticker}.csv"));
            let text = fs::read_to_string(sample).expect("the sample");
            let kept: String = text
                .lines()
                .filter(|line| line.starts_with("date") || &line[..10] <= up_to)
                .map(|l| format!("{l}\n"))
                .collect();
            self.write(&format!("{folder}/{ticker}.csv"), &kept);
        }
    }

    /// Every archived object by key.
    pub(crate) fn archive(&self, data: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path(data);
        let mut objects = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let key = path.strip_prefix(&root).expect("inside").to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if !key.starts_with("ledger.sqlite") && key != "lock" {
                    objects.insert(key, fs::read(&path).expect("reads"));
                }
            }
        }
        objects
    }

    /// The ledger's rows, but for timestamps and timings.
    pub(crate) fn ledger(&self, data: &str) -> Vec<String> {
        let path = self.path(data).join("ledger.sqlite");
        let connection = rusqlite::Connection::open(path).expect("opens");
        let queries = [
            "SELECT run, as_of, trigger, status, configuration, json_remove(closure, '$.seconds') FROM runs ORDER BY run",
            "SELECT run, ticker, stage, as_of, sequence, result FROM stages ORDER BY run, ticker, stage",
            "SELECT ticker, run, as_of, sequence, moves, receipt FROM receipts ORDER BY ticker, run",
            "SELECT ticker, version, as_of, sequence, champion FROM champions ORDER BY ticker",
            "SELECT ticker, sequence, hex(digest) FROM chains ORDER BY ticker",
        ];
        let mut rows = Vec::new();
        for query in queries {
            let mut statement = connection.prepare(query).expect("prepares");
            let found = statement
                .query_map([], |row| {
                    let fields: rusqlite::Result<Vec<String>> =
                        (0..row.as_ref().column_count()).map(|column| Ok(plain(row.get_ref(column)?))).collect();
                    Ok(fields?.join("|"))
                })
                .expect("queries");
            rows.extend(found.map(|row| row.expect("a row")));
        }
        rows
    }
}

/// A value of the ledger as text.
pub(crate) fn plain(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(packed) => pipeline::packed::unpack(packed).expect("packed"),
    }
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Finished {
    pub(crate) fn of(output: Output) -> Finished {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Finished {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}
