//! Rows from a broker that listens on a real port, while it and the command are killed.
//! `STREAM_ROWS=100000 STREAM_FAULTS=50 cargo test --release -p embedded --test kafka` asks for more than a build does.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use krafka::{Kafka, Record, producer::Producer, testing::FakeBroker};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use support::{Bench, Finished};

const TOPIC: &str = "rows";
const SERIES: usize = 20;
const FIRST: usize = 60;

fn asked(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

async fn producer(broker: &FakeBroker) -> Producer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kafka = Kafka::builder(broker.bootstrap_servers()).connect().await.expect("connects");
    kafka.producer().build().await.expect("a producer")
}

async fn send(producer: &Producer, rows: &[(String, String)]) {
    for (series, row) in rows {
        let _sent = producer.enqueue(Record::new(TOPIC, row.clone()).key(series.clone())).await.expect("is taken");
    }
    producer.flush().await.expect("is written");
}

fn ingest(bench: &Bench, broker: &FakeBroker, data: &str, more: &str) -> std::process::Command {
    bench.command(&format!("ingest --kafka {} --topic {TOPIC} --data {data} --json {more}", broker.bootstrap_servers()))
}

/// What is kept, but for how often it was written.
fn kept(bench: &Bench, data: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(bench.path(data).join("ledger.sqlite")).expect("opens");
    let mut all = Vec::new();
    for query in [
        "SELECT t.ticker, a.sequence, a.at, a.form, a.value, a.known, a.revision, s.source, a.partition, a.position, a.how, a.forecast
         FROM arrivals a JOIN streams t ON t.id = a.stream LEFT JOIN sources s ON s.id = a.source ORDER BY t.ticker, a.sequence",
        "SELECT ticker, json_remove(head, '$.version') FROM streams ORDER BY ticker",
        "SELECT source, partition, next FROM positions ORDER BY source, partition",
        "SELECT source, counts FROM arrival_counts ORDER BY source",
    ] {
        let mut statement = connection.prepare(query).expect("prepares");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let fields: rusqlite::Result<Vec<String>> = (0..columns).map(|place| Ok(support::plain(row.get_ref(place)?))).collect();
            Ok(fields?.join("|"))
        });
        all.extend(rows.expect("queries").map(|row| row.expect("a row")));
    }
    all
}

fn arrived(bench: &Bench, data: &str) -> i64 {
    let connection = rusqlite::Connection::open(bench.path(data).join("ledger.sqlite")).expect("opens");
    connection.query_row("SELECT count(*) FROM arrivals", [], |row| row.get(0)).expect("counts")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
        }
    }
}

/// By series and period, the value that counts.
type Last = BTreeMap<String, BTreeMap<usize, f64>>;

/// Rows in the order in which they arrive: 5 % twice, 2 % late, 1 % revised, 0.5 % garbage; and what counts in the end.
fn arrivals(rows: usize, random: &mut ChaCha8Rng) -> (Vec<(String, String)>, Last) {
    let mut last = Last::new();
    // With the place at which each is sent.
    let mut sent: Vec<(f64, String, String)> = Vec::new();
    for n in 0..rows {
        let (series, t) = (format!("S{}", n % SERIES), FIRST + 1 + n / SERIES);
        let value = level(n % SERIES, t);
        let row = format!("{t},{value}");
        let place = n as f64;
        let late = if random.random_bool(0.02) { random.random_range(20.0..400.0) } else { 0.0 };
        sent.push((place + late, series.clone(), row.clone()));
        if random.random_bool(0.05) {
            sent.push((place + late + random.random_range(0.0..300.0), series.clone(), row));
        }
        last.entry(series.clone()).or_default().insert(t, value);
        if random.random_bool(0.01) {
            // Of a value that was sent again in between, nobody could tell what was meant last.
            let again = sent
                .iter()
                .rev()
                .take_while(|(_, other, _)| *other == series)
                .map(|(place, ..)| *place)
                .fold(0.0, f64::max);
            let corrected = value + 1.0;
            sent.push((again + random.random_range(1.0..50.0), series.clone(), format!("{t},{corrected}")));
            last.entry(series.clone()).or_default().insert(t, corrected);
        }
        if random.random_bool(0.005) {
            let garbage = ["soon,1", "{\"y\": ", "71,NaN", "\u{7}\u{1b}[31m", ""][n % 5];
            sent.push((place, series, garbage.to_owned()));
        }
    }
    sent.sort_by(|a, b| a.0.total_cmp(&b.0));
    (sent.into_iter().map(|(_, series, row)| (series, row)).collect(), last)
}

fn level(series: usize, t: usize) -> f64 {
    let hash =
        ((series * 1_000_003 + t) as u64).wrapping_mul(6_364_136_223_846_793_005).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let value = 100.0 + 10.0 * (t as f64 / 9.0 + series as f64).sin() + (hash >> 40) as f64 / f64::from(1 << 22);
    (value * 1000.0).round() / 1000.0
}

fn kill(child: &mut Child) {
    child.kill().expect("is killed");
    child.wait().expect("ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_kept_twice() {
    let (rows, faults) = (asked("STREAM_ROWS", 8_000), asked("STREAM_FAULTS", 12));
    let mut random = ChaCha8Rng::seed_from_u64(asked("STREAM_SEED", 7) as u64);
    let bench = Bench::new();
    let settings = "kind = \"value\"\ncadence = \"index\"\nfamilies = [{ family = \"arima\", order = [1, 0, 1], constant = true }]\npromotion = \"always\"\nhorizon = 3\n";
    bench.write("closing-bell.toml", settings);
    let broker = FakeBroker::start().await.expect("a broker");
    broker.create_topic(TOPIC, 3);
    let producer = producer(&broker).await;

    // An initial batch, and the run that trains on it.
    let mut table = "unique_id,ds,y\n".to_owned();
    let mut first = Vec::new();
    for t in 1..=FIRST {
        for series in 0..SERIES {
            first.push((format!("S{series}"), format!("{t},{}", level(series, t))));
            writeln!(table, "S{series},{t},{}", level(series, t)).expect("a string");
        }
    }
    send(&producer, &first).await;
    let counts = |finished: Finished| finished.json();
    let taken =
        counts(Finished::of(ingest(&bench, &broker, "faulty", "--until-end").output().expect("starts")).expect(0));
    assert_eq!(taken["waiting"], SERIES * FIRST, "{taken}");
    bench.run("run --market stream --data faulty").expect(0);
    copy(&bench.path("faulty"), &bench.path("whole"));

    // Rows keep coming, while who takes them in and the broker are killed.
    let (sent, last) = arrivals(rows, &mut random);
    let total = sent.len();
    let pieces: Vec<Vec<(String, String)>> = sent.chunks(total.div_ceil(faults + 1)).map(<[_]>::to_vec).collect();
    for (n, piece) in pieces.into_iter().enumerate() {
        send(&producer, &piece).await;
        let before = arrived(&bench, "faulty");
        let mut child =
            ingest(&bench, &broker, "faulty", "").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        tokio::time::sleep(Duration::from_millis(random.random_range(20..400))).await;
        // Some of them are killed amid rows, and not before the first.
        let patience = std::time::Instant::now() + Duration::from_mins(1);
        while n % 3 == 0 && arrived(&bench, "faulty") == before {
            assert!(std::time::Instant::now() < patience, "no row is taken in");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if random.random_bool(0.4) {
            broker.crash(0);
            tokio::time::sleep(Duration::from_millis(random.random_range(5..100))).await;
            broker.restart(0);
            tokio::time::sleep(Duration::from_millis(random.random_range(5..200))).await;
        }
        kill(&mut child);
    }
    Finished::of(ingest(&bench, &broker, "faulty", "--until-end").output().expect("starts"));
    let whole =
        counts(Finished::of(ingest(&bench, &broker, "whole", "--until-end").output().expect("starts")).expect(1));
    let (faulty_kept, whole_kept) = (kept(&bench, "faulty"), kept(&bench, "whole"));
    assert_eq!(faulty_kept.len(), whole_kept.len());
    for (faulty, whole) in faulty_kept.iter().zip(&whole_kept) {
        assert_eq!(faulty, whole);
    }
    let of = |kind: &str| whole[kind].as_u64().expect("a number");
    let sum: u64 =
        ["advanced", "ahead", "late", "revised", "repeated", "outdated", "refused", "waiting"].map(of).iter().sum();
    assert_eq!(sum, total as u64, "every row is told of: {whole}");
    for kind in ["advanced", "ahead", "revised", "repeated", "refused"] {
        assert!(of(kind) > 0, "{kind}: {whole}");
    }
    println!("{total} rows, {faults} faults: {whole}");

    // After the next run, everything is as from the rows in their order.
    bench.run("run --market stream --data faulty").expect(0);
    bench.write("first.csv", &table);
    for (series, values) in &last {
        values.iter().for_each(|(t, value)| writeln!(table, "{series},{t},{value}").expect("a string"));
    }
    bench.write("all.csv", &table);
    for file in ["first", "all"] {
        bench.run(&format!("run --market csv:{file}.csv --data ordered")).expect(0);
    }
    for series in 0..SERIES {
        let forecast = |data: &str| bench.run(&format!("predict S{series} --json --data {data}")).expect(0).json();
        assert_eq!(forecast("faulty"), forecast("ordered"), "S{series}");
        let exported = |data: &str| bench.run(&format!("export S{series} --data {data}")).expect(0).out;
        assert_eq!(exported("faulty"), exported("ordered"), "S{series}");
        bench.run(&format!("verify S{series} --data whole")).expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_read_from_where_it_was_left() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "kind = \"value\"\ncadence = \"index\"\n");
    let broker = FakeBroker::start().await.expect("a broker");
    broker.create_topic(TOPIC, 2);
    broker.require_sasl_plain("bell", "a-secret");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kafka =
        Kafka::builder(broker.bootstrap_servers()).security(krafka::auth::AuthConfig::sasl_plain("bell", "a-secret"));
    let producer = kafka.connect().await.expect("connects").producer().build().await.expect("a producer");
    let rows = |periods: std::ops::RangeInclusive<usize>| -> Vec<(String, String)> {
        periods
            .flat_map(|t| ["A", "B"].map(|series| (series.to_owned(), format!("{{\"ds\": {t}, \"y\": {t}}}"))))
            .collect()
    };
    let taken = |data: &str, more: &str, password: &str, code: i32| {
        let mut command = ingest(&bench, &broker, data, &format!("--until-end --sasl plain {more}"));
        command.env("KAFKA_USERNAME", "bell").env("KAFKA_PASSWORD", password);
        let finished = Finished::of(command.output().expect("starts")).expect(code);
        assert!(!finished.err.contains("a-secret"), "{finished:?}");
        finished
    };
    let waiting = |finished: Finished| finished.json()["waiting"].as_u64();
    send(&producer, &rows(1..=3)).await;
    assert_eq!(waiting(taken("data", "", "a-secret", 0)), Some(6));
    send(&producer, &rows(4..=5)).await;
    assert_eq!(waiting(taken("data", "", "a-secret", 0)), Some(4), "only what is new");
    assert_eq!(waiting(taken("data", "", "a-secret", 0)), Some(0));
    assert_eq!(waiting(taken("other", "--from end", "a-secret", 0)), Some(0));
    send(&producer, &rows(6..=6)).await;
    assert_eq!(waiting(taken("other", "--from beginning", "a-secret", 0)), Some(2), "it has begun already");
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(waiting(taken("third", &format!("--from {later}"), "a-secret", 0)), Some(0));
    assert_eq!(waiting(taken("fourth", "--from 2020-01-01T00:00:00Z", "a-secret", 0)), Some(12));

    // What will not pass is told at once; whoever else is at work meanwhile does no harm.
    let stranger = taken("data", "", "not-the-secret", 2);
    assert!(stranger.err.contains("Kafka: "), "{stranger:?}");
    broker.delete_topic(TOPIC);
    let gone = taken("data", "", "a-secret", 2);
    assert!(gone.err.contains("there is no topic rows"), "{gone:?}");
    broker.create_topic(TOPIC, 2);
    let another = taken("data", "", "a-secret", 2);
    assert!(another.err.contains("is another topic of that name"), "{another:?}");
    let nobody = Finished::of(
        bench.command("ingest --kafka 127.0.0.1:1 --topic rows --until-end --from soon").output().expect("starts"),
    );
    assert!(nobody.expect(2).err.contains("2026-11-20T17:00:00Z"));
}

/// Two at work on one log: whoever comes second takes its rows in again, after what the first has kept.
#[test]
fn two_at_once_keep_everything_once() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "kind = \"value\"\ncadence = \"index\"\n");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut rows: Vec<String> = (1..=2000).map(|t| format!("A,{t},{t}\n")).collect();
    rows.shuffle(&mut random);
    let children: Vec<Child> = (0..3)
        .map(|_| {
            let mut command = bench.command("ingest --stdin --json");
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
            let (mut input, rows) = (child.stdin.take().expect("a pipe"), rows.clone());
            std::thread::spawn(move || {
                for piece in rows.chunks(50) {
                    std::io::Write::write_all(&mut input, piece.concat().as_bytes()).expect("writes");
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
            child
        })
        .collect();
    let (mut waiting, mut repeated) = (0, 0);
    for child in children {
        let counts = Finished::of(child.wait_with_output().expect("ends")).expect(0).json();
        waiting += counts["waiting"].as_u64().expect("a number");
        repeated += counts["repeated"].as_u64().expect("a number");
    }
    assert_eq!((waiting, repeated), (2000, 4000));
    let connection = rusqlite::Connection::open(bench.path("closing-bell-data/ledger.sqlite")).expect("opens");
    let mut statement = connection.prepare("SELECT sequence, at FROM arrivals ORDER BY sequence").expect("prepares");
    let kept: Vec<(u64, i64)> = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))
        .expect("queries")
        .collect::<rusqlite::Result<_>>()
        .expect("rows");
    assert_eq!(kept.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), (1..=2000).collect::<Vec<u64>>());
    assert_eq!(kept.iter().map(|(_, at)| *at).collect::<BTreeSet<i64>>().len(), 2000);
}
