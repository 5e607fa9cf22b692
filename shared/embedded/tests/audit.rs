//! Every byte that is kept is accounted for: a ledger that is lost is made anew, and what is flipped, cut or removed is told.

mod support;

use std::{fmt::Write as _, fs, io::Write as _, path::Path, process::Stdio, sync::Arc};

use embedded::{DirectoryArchive, SqliteLedger, SqliteStreams};
use pipeline::{Audit, Error, ForecastRequest, Ledger, stream::Streams};
use serde_json::json;
use support::Bench;

const DATA: &str = "closing-bell-data";

/// Two nights, a person's decision, and a series that was forgotten.
fn nights(bench: &Bench) {
    bench.prices("prices", &["KO", "NLS", "XOM"], "2020-12-11");
    bench.run("backfill --market csv:prices --from 2020-12-10 --to 2020-12-11").expect(0);
    let receipts = bench.run("receipts KO --json").expect(0).json();
    assert!(receipts.as_array().is_some_and(|list| list.len() == 2), "{receipts}");
    bench.run("forget XOM --yes").expect(0);
    bench
        .run("run --market csv:prices --as-of 2020-12-11 --ticker KO --set promotion=always --set families=[\"arima\"]")
        .expect(0);
    let first = receipts[1]["champion"]["version"].as_str().expect("a version");
    let now = bench.run("predict KO --json").expect(0).json();
    if now["version"] != first {
        bench.run(&format!("rollback KO {first}")).expect(0);
    }
}

fn remove_ledger(bench: &Bench) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(bench.path(&format!("{DATA}/ledger.sqlite{suffix}")));
    }
}

#[test]
fn a_lost_ledger_is_noticed_and_made_anew() {
    let bench = Bench::new();
    nights(&bench);
    assert!(bench.run("verify --all").expect(0).out.contains("All is as it was written"));
    assert!(bench.run("recover").expect(1).err.contains("nothing to recover"));
    let (archive, ledger) = (bench.archive(DATA), bench.ledger(DATA));
    let foreign = fs::read(bench.path(&format!("{DATA}/ledger.sqlite"))).expect("reads");
    let answers = |bench: &Bench| {
        ["predict KO --json", "receipts KO --json", "models NLS --json", "scores NLS --json"]
            .map(|asked| bench.run(asked).expect(0).out)
    };
    let before = answers(&bench);

    // Lost, emptied, or another's: nobody goes on as if nothing had been.
    let night = "run --market csv:prices --as-of 2020-12-11";
    let refused = |bench: &Bench| {
        for command in [night, "predict KO", "runs", "verify --all", "verify KO", "forget KO --yes"] {
            let told = bench.run(command);
            assert!(told.code == Some(1) && told.err.contains("closing-bell recover"), "{command}: {told:?}");
        }
    };
    remove_ledger(&bench);
    refused(&bench);
    remove_ledger(&bench);
    let other = Bench::new();
    other.prices("prices", &["KO"], "2020-12-11");
    other.run("run --market csv:prices --as-of 2020-12-09").expect(0);
    fs::copy(other.path(&format!("{DATA}/ledger.sqlite")), bench.path(&format!("{DATA}/ledger.sqlite")))
        .expect("copies");
    refused(&bench);
    assert_eq!(bench.archive(DATA), archive);

    // All that it had is on record again, but for when runs were held and how long they took.
    let told = bench.run("recover").expect(0);
    assert!(told.out.contains("are on record again") && told.err.contains("set-aside"), "{told:?}");
    fs::remove_file(bench.path(&format!("{DATA}/ledger.sqlite.set-aside-1"))).expect("the other one is there");
    assert_eq!(bench.ledger(DATA), ledger);
    assert_eq!(answers(&bench), before);
    assert!(bench.run("verify --all").expect(0).out.contains("All is as it was written"));
    bench.run("verify KO").expect(0);
    // Runs are listed as they were held: the newest is the last one.
    bench.run(night).expect(0);
    assert_eq!(bench.archive(DATA), archive);

    // What the archive does not prove any more is told.
    remove_ledger(&bench);
    let transcript = archive.keys().find(|key| key.contains("2020-12-10") && key.ends_with("transcript.zst"));
    fs::remove_file(bench.path(&format!("{DATA}/{}", transcript.expect("a transcript")))).expect("removes");
    let told = bench.run("recover").expect(1);
    assert!(told.err.contains("KO: record 1 is in no transcript"), "{told:?}");
    drop(foreign);
}

/// A run that ended twice has two reports, and both are accounted for.
#[test]
fn a_night_that_was_completed_later() {
    let bench = Bench::new();
    bench.prices("prices", &["KO"], "2020-12-11");
    bench.write("prices/NLS.csv", "date,value\n2020-12-10,dear\n");
    let night = "run --market csv:prices --as-of 2020-12-11";
    bench.run(night).expect(1);
    bench.prices("prices", &["NLS"], "2020-12-11");
    bench.run(night).expect(0);
    let audit = bench.run("verify --all --json").expect(0).json();
    assert_eq!((&audit["findings"], &audit["unaccounted"]), (&json!([]), &json!([])), "{audit}");
    // The earlier end's transcript tells of what belongs to it.
    let (key, bytes) =
        bench.archive(DATA).into_iter().find(|(key, _)| key.ends_with("/summary.json")).expect("a summary");
    fs::write(bench.path(&format!("{DATA}/{key}")), &bytes[1..]).expect("writes");
    assert!(bench.run("verify --all").expect(1).err.contains(&key));
    fs::write(bench.path(&format!("{DATA}/{key}")), &bytes).expect("writes");

    // The ledger is made anew from the later one.
    let ledger = bench.ledger(DATA);
    remove_ledger(&bench);
    bench.run("recover").expect(0);
    assert_eq!(bench.ledger(DATA), ledger);
}

/// Rows that arrived after a night.
fn streamed(bench: &Bench) {
    bench.write(
        "closing-bell.toml",
        "kind = \"value\"\ncadence = \"index\"\nfamilies = [\"arima\"]\npromotion = \"always\"\nhorizon = 3\nmarket = \"stream\"\n",
    );
    let rows = |from: u32, to: u32| {
        (from..=to).fold(String::new(), |mut text, t| {
            let hash = u64::from(t + 3).wrapping_mul(6_364_136_223_846_793_005).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let value = 50.0 + 8.0 * (f64::from(t) / 6.0).sin() + (hash >> 40) as f64 / f64::from(1 << 22);
            writeln!(text, "web,{t},{value}").expect("a string takes every write");
            text
        })
    };
    let feed = |rows: &str| {
        let mut command = bench.command("ingest --stdin");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("starts");
        child.stdin.take().expect("a pipe").write_all(rows.as_bytes()).expect("writes");
        assert!(child.wait().expect("ends").success());
    };
    feed(&rows(1, 90));
    bench.run("run --market stream").expect(0);
    feed(&rows(91, 95));
}

/// What people are told from a data directory.
async fn answers(data: &Path) -> Result<Vec<String>, Error> {
    let archive = DirectoryArchive::read_only(data);
    let ledger = SqliteLedger::open_existing(&data.join("ledger.sqlite"))?;
    let mut told = Vec::new();
    for entry in ledger.runs(usize::MAX).await? {
        told.push(format!("{entry:?}"));
        told.push(format!("{:?}", ledger.attempts(&entry.run.id).await?));
    }
    for name in ["KO", "NLS", "web"] {
        let ticker = name.parse().expect("a ticker");
        told.push(format!("{:?} {:?}", ledger.champion(&ticker).await?, ledger.receipts(&ticker).await?));
        told.push(format!("{:?}", ledger.chain(&ticker).await?.records));
        let asked = ForecastRequest { horizon: Some(3), levels: &[], version: None };
        match pipeline::predict(&archive, &ledger, &ticker, asked).await {
            Ok(answer) => told.push(serde_json::to_string(&answer).expect("plain data")),
            Err(Error::NoForecast { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(told)
}

async fn audit(data: &Path) -> Result<Audit, Error> {
    let archive = DirectoryArchive::read_only(data);
    let path = data.join("ledger.sqlite");
    let ledger = SqliteLedger::open_existing(&path)?;
    let streams = SqliteStreams::open_existing(&path)?.map(Arc::new);
    pipeline::audit(&archive, &ledger, streams.as_deref().map(|streams| streams as &dyn Streams), &[]).await
}

/// A place in a file that looks like chance, and is the same each time.
fn place(n: usize, length: usize) -> usize {
    let hash = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (hash >> 20) as usize % length
}

/// Flips a bit somewhere, cuts, or removes: each archived object in turn.
#[tokio::test]
async fn whatever_happens_to_an_object_is_told() {
    let bench = Bench::new();
    nights(&bench);
    let data = bench.path(DATA);
    assert_eq!(audit(&data).await.expect("reads").findings, [""; 0]);
    let mut told = 0;
    for (n, (key, bytes)) in bench.archive(DATA).into_iter().enumerate() {
        let path = data.join(&key);
        let mut flipped = bytes.clone();
        let at = place(n, bytes.len());
        flipped[at] ^= 1 << (n % 8);
        for damaged in [Some(flipped), Some(bytes[..at].to_vec()), None] {
            match &damaged {
                Some(damaged) => fs::write(&path, damaged).expect("writes"),
                None => fs::remove_file(&path).expect("removes"),
            }
            let audit = audit(&data).await.expect("reads");
            // That a series was forgotten is told by its tombstone alone.
            let last = key.starts_with("forgotten/") && damaged.is_none();
            let named = audit.findings.iter().any(|finding| finding.contains(&key)) || last;
            assert!(named, "{key}, {:?} bytes: {:?}", damaged.map(|bytes| bytes.len()), audit.findings);
            told += 1;
        }
        fs::write(&path, &bytes).expect("writes");
    }
    assert!(told > 100, "{told}");
}

/// Flips bits of the ledger's file: it is told, or no answer is another.
#[tokio::test]
async fn whatever_happens_to_the_ledger_is_told_or_changes_nothing() {
    let bench = Bench::new();
    nights(&bench);
    streamed(&bench);
    let data = bench.path(DATA);
    assert_eq!(audit(&data).await.expect("reads").findings, [""; 0]);
    let path = data.join("ledger.sqlite");
    let (bytes, before) = (fs::read(&path).expect("reads"), answers(&data).await.expect("answers"));
    let flips: usize = std::env::var("AUDIT_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let (mut told, mut harmless, mut unnoticed) = (0, 0, Vec::new());
    for n in 0..flips {
        let mut flipped = bytes.clone();
        let at = place(n, bytes.len());
        flipped[at] ^= 1 << (n % 8);
        fs::write(&path, &flipped).expect("writes");
        let quiet = audit(&data).await.is_ok_and(|audit| audit.findings.is_empty());
        if quiet {
            let now = answers(&data).await;
            if !now.as_ref().is_ok_and(|now| *now == before) {
                let near = String::from_utf8_lossy(&bytes[at.saturating_sub(40)..(at + 40).min(bytes.len())]);
                let differ = now.map(|now| now.into_iter().zip(&before).find(|(now, before)| now != *before));
                unnoticed.push(format!("bit {} of byte {at}, near {near:?}: {differ:.300?}", n % 8));
            }
            harmless += 1;
        } else {
            told += 1;
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
    println!("{flips} flips: {told} told, {harmless} changed no answer");
    // Most of a young file is room for more.
    assert!(told > flips / 5, "{told} of {flips}");
    for cut in [bytes.len() / 2, bytes.len() - 4096, 100, 0] {
        fs::write(&path, &bytes[..cut]).expect("writes");
        assert!(
            audit(&data).await.is_ok_and(|audit| !audit.findings.is_empty()) || audit(&data).await.is_err(),
            "cut to {cut}"
        );
    }
}

/// Whoever edits a ledger by hand can make its chain fit; the transcripts of its runs tell it.
#[tokio::test]
async fn what_is_cut_off_skilfully_is_told() {
    let bench = Bench::new();
    nights(&bench);
    let data = bench.path(DATA);
    let edits = [
        ("the newest records of a series", "
            DELETE FROM stages WHERE ticker = 'NLS' AND sequence > 6;
            DELETE FROM receipts WHERE ticker = 'NLS' AND sequence > 6;
            UPDATE chains SET (sequence, digest) = (SELECT sequence, digest FROM stages WHERE ticker = 'NLS' ORDER BY sequence DESC LIMIT 1)
            WHERE ticker = 'NLS'"),
        ("all of a series", "
            DELETE FROM stages WHERE ticker = 'NLS'; DELETE FROM receipts WHERE ticker = 'NLS';
            DELETE FROM chains WHERE ticker = 'NLS'; DELETE FROM champions WHERE ticker = 'NLS'"),
        ("a run", "DELETE FROM attempts WHERE run LIKE '2020-12-10%'; DELETE FROM runs WHERE run LIKE '2020-12-10%'"),
        ("how a run ended", "UPDATE runs SET closure = json_set(closure, '$.failed', 7), digest = NULL WHERE run LIKE '2020-12-10%'"),
        ("who serves", "UPDATE champions SET champion = json_set(champion, '$.sequence', 9), sequence = 9 WHERE ticker = 'NLS'"),
    ];
    let path = data.join("ledger.sqlite");
    let whole = fs::read(&path).expect("reads");
    for (what, edit) in edits {
        let connection = rusqlite::Connection::open(&path).expect("opens");
        connection.execute_batch(edit).unwrap_or_else(|error| panic!("{what}: {error}"));
        drop(connection);
        let audit = audit(&data).await.expect("reads");
        assert!(!audit.findings.is_empty(), "{what}");
        println!("{what}: {}", audit.findings.join("; "));
        fs::write(&path, &whole).expect("writes");
    }
}

/// Two pairs of keys, as openssl writes them: the first two of RFC 8032, section 7.1.
const KEYS: [[&str; 2]; 2] = [
    [
        "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    ],
    [
        "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7",
        "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
    ],
];

/// Whoever rewrites archive and ledger together cannot sign what came of it.
#[test]
fn history_is_its_signers() {
    let bench = Bench::new();
    bench.prices("prices", &["KO", "NLS"], "2020-12-11");
    for (n, [private, public]) in KEYS.iter().enumerate() {
        for (kind, text) in [("PRIVATE", private), ("PUBLIC", public)] {
            let pem = format!("-----BEGIN {kind} KEY-----\n{text}\n-----END {kind} KEY-----\n");
            bench.write(&format!("{kind}-{n}.pem"), &pem);
        }
    }
    let night = |day: u32, key: &str| {
        let mut command = bench.command(&format!("run --market csv:prices --as-of 2020-12-{day:02}"));
        command.env("CLOSING_BELL_SIGNING_KEY", key).output().expect("runs")
    };
    let verified = |key: usize| bench.run(&format!("verify --all --public-key PUBLIC-{key}.pem"));
    assert!(night(9, "").status.success());
    // Before anyone signs, nobody's signature is there.
    assert!(verified(0).expect(1).err.contains("the ledger of KO is damaged: no signature by the given key"));
    assert!(night(10, "PRIVATE-0.pem").status.success());
    // A signed run stands for what came before it, and only with its owner's key.
    assert!(verified(0).expect(0).out.contains("1 of the runs is signed"));
    assert!(verified(1).expect(1).err.contains("the ledger of NLS is damaged"));
    bench.run("verify --all --public-key PUBLIC-1.pem --public-key PUBLIC-0.pem").expect(0);
    // What was added without the key is told, and so is what another key signed.
    assert!(night(11, &fs::read_to_string(bench.path("PRIVATE-1.pem")).expect("reads")).status.success());
    let told = verified(0).expect(1);
    assert!(told.err.contains("covers its records after"), "{told:?}");
    bench.run("verify --all").expect(0);

    // Nor does it help to take the run's end off the record, by which its transcript is found.
    let ledger = rusqlite::Connection::open(bench.path(&format!("{DATA}/ledger.sqlite"))).expect("opens");
    let open =
        "UPDATE runs SET closure = NULL, status = NULL, closed_at = NULL, digest = NULL WHERE as_of = '2020-12-11'";
    assert_eq!(ledger.execute(open, []).expect("changes"), 1);
    drop(ledger);
    assert!(verified(0).expect(1).err.contains("covers its records after"));

    // A signature that is none is told without any key.
    let (key, bytes) = bench.archive(DATA).into_iter().find(|(key, _)| key.contains("/signature-")).expect("one");
    fs::write(bench.path(&format!("{DATA}/{key}")), &bytes[1..]).expect("writes");
    assert!(bench.run("verify --all").expect(1).err.contains(&key));
    // And nobody runs with a key that is none.
    let refused = night(11, "PUBLIC-0.pem");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && told.contains("CLOSING_BELL_SIGNING_KEY"), "{told}");
    assert!(night(11, "nowhere.pem").status.code() == Some(2));
}
