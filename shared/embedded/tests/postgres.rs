//! Series from a PostgreSQL server. `tests/postgres.sh` starts one and runs these.

mod support;

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use support::{Bench, Finished};

struct Server {
    port: String,
    password: String,
}

impl Server {
    fn new() -> Server {
        let variable = |name| std::env::var(name).expect("as tests/postgres.sh sets it");
        Server { port: variable("POSTGRES_PORT"), password: variable("POSTGRES_PASSWORD") }
    }

    /// Has the server do something.
    fn execute(&self, sql: &str) {
        let mut psql = Command::new("psql");
        psql.args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--command", sql]);
        psql.args(["--host", "127.0.0.1", "--port", &self.port, "--username", "bell", "postgres"]);
        let output = psql.env("PGPASSWORD", &self.password).output().expect("psql");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn address(&self) -> String {
        format!("postgres://bell@127.0.0.1:{}/postgres", self.port)
    }

    fn ask(&self, bench: &Bench, arguments: &str, query: &str) -> Finished {
        let mut command = bench.command(arguments);
        command.args(["--set", &format!("postgres.query={query:?}")]);
        let finished = Finished::of(command.env("PGPASSWORD", &self.password).output().expect("starts"));
        let said = format!("{}{}", finished.out, finished.err);
        assert!(!said.contains(&self.password) && !said.contains("a-secret"), "{said}");
        finished
    }
}

/// A million rows of a thousand series. The order of a table's rows says nothing.
#[test]
#[ignore = "needs a server: tests/postgres.sh"]
fn a_million_rows_become_series_and_a_revision_is_seen_as_one() {
    let (server, bench) = (Server::new(), Bench::new());
    server.execute(
        "CREATE TABLE demand AS SELECT 'S' || s AS name, DATE '2023-01-01' + d AS day, \
         round((100 + 10 * sin(d / 7.0 + s) + (s * 7919 + d * 104729) % 13)::numeric, 3) AS amount \
         FROM generate_series(1, 1000) s, generate_series(0, 999) d ORDER BY md5(s::text || d::text)",
    );
    let query = "SELECT name AS unique_id, day AS ds, amount AS y FROM demand -- all of them";
    let address = server.address();
    let dry =
        server.ask(&bench, &format!("import {address} --dry-run --json --set kind=value"), query).expect(0).json();
    let understood = dry.as_array().expect("a list");
    assert_eq!(understood.len(), 1000);
    for series in understood {
        assert_eq!((&series["periods"], &series["cadence"]), (&1000.into(), &"1day".into()), "{series}");
    }

    let run =
        format!("run --market {address} --ticker S1 --ticker S2 --set kind=value --set families=[\"theta\"] --json");
    let first = server.ask(&bench, &run, query).expect(0).json();
    assert_eq!((&first["status"], &first["as_of"]), (&"succeeded".into(), &"2025-09-26".into()), "{first}");
    let before = bench.run("export S1").expect(0).out;
    let other = bench.run("export S2").expect(0).out;

    // A row is corrected, which PostgreSQL then keeps at the table's end, and a day is added.
    server.execute("UPDATE demand SET amount = 777 WHERE name = 'S1' AND day = '2025-09-20'");
    server.execute("INSERT INTO demand SELECT name, DATE '2025-09-27', 101 FROM demand WHERE day = '2025-09-26'");
    let second = server.ask(&bench, &run, query).expect(0).json();
    assert_eq!((&second["status"], &second["as_of"]), (&"succeeded".into(), &"2025-09-27".into()), "{second}");
    let after = bench.run("export S1").expect(0).out;
    assert!(after.contains("2025-09-20,,,,777,") && after.contains("2025-09-27,,,,101,"), "{after}");
    assert_eq!(bench.run("export S1 --as-of 2025-09-26").expect(0).out, before, "what was known then stays known");
    assert_eq!(bench.run("export S2 --as-of 2025-09-26").expect(0).out, other);
    bench.run("verify S1").expect(0);

    // Another question is another run.
    let ids = [&first["run"], &second["run"]].map(|run| run.as_str().expect("an id")[11..].to_owned());
    assert_eq!(ids[0], ids[1]);
    let less = server.ask(
        &bench,
        &run,
        "SELECT name AS unique_id, day AS ds, amount AS y FROM demand WHERE day < '2025-09-20'",
    );
    assert_ne!(less.expect(0).json()["run"].as_str().expect("an id")[11..], ids[0]);
}

#[test]
#[ignore = "needs a server: tests/postgres.sh"]
fn what_is_wrong_is_said_and_nothing_secret_is() {
    let (server, bench) = (Server::new(), Bench::new());
    let good = "SELECT 'A' AS unique_id, day::date AS ds, extract(day FROM day) AS y FROM generate_series('2025-01-01', '2025-03-01', interval '1 day') day";
    let run = |address: &str| format!("run --market {address} --set kind=value");
    let address = server.address();

    let wrong_column =
        server.ask(&bench, &run(&address), "SELECT name,\n  nothing\nFROM generate_series(1, 2) name").expect(2);
    assert!(
        wrong_column.err.contains("column \"nothing\" does not exist (line 2, column 3 of the query)"),
        "{wrong_column:?}"
    );
    for (query, said) in [
        ("SELEC 1", "syntax error"),
        ("SELECT 1 AS unique_id, 2 AS ds", "must name the columns"),
        ("SELECT 1 AS ds, 2 AS y", "select it as unique_id"),
        ("SELECT 1 AS unique_id, 1 AS ds, 2 AS y WHERE false", "it has no rows"),
        ("SELECT 1) TO STDOUT; DROP TABLE demand; --", "syntax error"),
        ("WITH gone AS (DELETE FROM pg_description RETURNING 1) SELECT * FROM gone", "read-only transaction"),
        ("SELECT pg_sleep(0)::text AS unique_id, 1 / 0 AS ds, 1 AS y", "division by zero"),
    ] {
        let refused = server.ask(&bench, &run(&address), query).expect(2);
        assert!(refused.err.contains(said), "{query}: {refused:?}");
    }
    let without = Finished::of(bench.command(&run(&address)).output().expect("starts")).expect(2);
    assert!(without.err.contains("postgres.query"), "{without:?}");

    // Passwords: in the address, wrong, and in an address that cannot be read.
    let port = &server.port;
    server
        .ask(&bench, &run(&format!("postgres://bell:a-secret%2F%26%3Aword@127.0.0.1:{port}/postgres")), good)
        .expect(0);
    let wrong =
        server.ask(&bench, &run(&format!("postgres://bell:not-a-secret@127.0.0.1:{port}/postgres")), good).expect(2);
    assert!(wrong.err.contains("password authentication failed"), "{wrong:?}");
    let unreadable = server.ask(&bench, &run("postgres://bell:a-secret@127.0.0.1:port/postgres"), good).expect(2);
    assert!(unreadable.err.contains("postgres://USER@HOST:PORT/DATABASE"), "{unreadable:?}");
    let stored: String = bench.ledger("closing-bell-data").concat();
    assert!(stored.contains("generate_series") && !stored.contains("a-secret"), "{stored}");

    let nobody = server.ask(&bench, &run("postgres://bell@127.0.0.1:1/postgres"), good).expect(3);
    assert!(nobody.err.contains("PostgreSQL: error connecting"), "{nobody:?}");
}

#[test]
#[ignore = "needs a server: tests/postgres.sh"]
fn an_encrypted_connection_is_to_whom_it_says() {
    let (server, bench) = (Server::new(), Bench::new());
    let query = "SELECT 'A' AS unique_id, n AS ds, n AS y FROM generate_series(1, 60) n";
    let run =
        format!("run --market postgres://bell@localhost:{}/postgres?sslmode=require --set kind=value", server.port);
    let stranger = server.ask(&bench, &run, query).expect(3);
    assert!(stranger.err.to_lowercase().contains("certificate"), "{stranger:?}");

    let mut command = bench.command(&run);
    command.args(["--set", &format!("postgres.query={query:?}")]).env("PGPASSWORD", &server.password);
    command.env("SSL_CERT_FILE", std::env::var("POSTGRES_AUTHORITY").expect("as tests/postgres.sh sets it"));
    Finished::of(command.output().expect("starts")).expect(0);
}

/// A proxy that cuts its first connections amid the answer: the whole is asked for again, and nothing of a half is kept.
#[test]
#[ignore = "needs a server: tests/postgres.sh"]
fn a_connection_that_is_cut_amid_the_answer_is_made_again() {
    let (server, bench) = (Server::new(), Bench::new());
    let query = "SELECT 'A' || n % 4 AS unique_id, n / 4 AS ds, n % 17 AS y FROM generate_series(0, 399999) n ";
    let run = |port: u16| {
        format!(
            "import postgres://bell@127.0.0.1:{port}/postgres --dry-run --json --set kind=value --set cadence=index"
        )
    };
    let whole = server.ask(&bench, &run(server.port.parse().expect("a port")), query).expect(0).out;

    let cut = Arc::new(AtomicUsize::new(2));
    let port = proxy(server.port.clone(), cut.clone());
    assert_eq!(server.ask(&bench, &run(port), query).expect(0).out, whole);
    assert_eq!(cut.load(Ordering::SeqCst), 0, "both were cut");

    cut.store(100, Ordering::SeqCst);
    let never = server.ask(&bench, &run(port), query).expect(3);
    assert!(never.err.contains("PostgreSQL: "), "{never:?}");
    assert_eq!(cut.load(Ordering::SeqCst), 96, "once, and three times more");
}

/// Hands bytes on both ways; where a connection is to be cut, it is after two hundred thousand of the answer.
fn proxy(to: String, cut: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let far = TcpStream::connect(format!("127.0.0.1:{to}")).expect("the server");
            let is_cut = cut.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            let (mut up, mut down) =
                ((near.try_clone().expect("clones"), far.try_clone().expect("clones")), (far, near));
            thread::spawn(move || std::io::copy(&mut up.0, &mut up.1));
            thread::spawn(move || {
                let mut left = if is_cut { 200_000 } else { usize::MAX };
                let mut piece = [0; 8192];
                while let Ok(read) = down.0.read(&mut piece) {
                    if read == 0 || left == 0 || down.1.write_all(&piece[..read.min(left)]).is_err() {
                        break;
                    }
                    left -= read.min(left);
                }
                let _ = (down.0.shutdown(Shutdown::Both), down.1.shutdown(Shutdown::Both));
            });
        }
    });
    port
}
