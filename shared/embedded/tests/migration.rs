//! What an earlier release left: it is read as it is, gone on with, and rewritten, cut off at any moment.

mod support;

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use support::Bench;

/// The data of three nights of two tickers by a release that archived every history every night.
fn former() -> Bench {
    let bench = Bench::new();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored/data_of_a_former_release.tar.gz");
    let unpacked = Command::new("tar").arg("xzf").arg(packed).current_dir(bench.folder.path()).status();
    assert!(unpacked.expect("tar starts").success());
    bench
}

/// Everything that can be asked of it.
fn answers(bench: &Bench) -> Vec<String> {
    let mut answers = Vec::new();
    for question in
        ["predict KO", "predict NLS", "models KO", "receipts NLS", "scores KO", "runs", "answered KO 2020-12-10"]
    {
        answers.push(bench.run(&format!("{question} --json")).expect(0).out);
    }
    for day in ["2020-12-09", "2020-12-10", "2020-12-11"] {
        answers.push(bench.run(&format!("export KO --as-of {day}")).expect(0).out);
    }
    answers
}

#[test]
fn a_former_release_is_read_gone_on_with_and_rewritten() {
    let bench = former();
    let before = answers(&bench);
    assert!(before[0].contains("\"origin\":\"2020-12-11\""), "{}", before[0]);
    assert!(before[7].lines().count() > 350 && before[7].starts_with("date,open"), "{}", before[7]);
    bench.run("verify KO").expect(0);
    let tables = |bench: &Bench| {
        bench
            .archive("closing-bell-data")
            .into_keys()
            .filter(|key| key.starts_with("prices/") && key.strip_suffix(".csv").is_some())
            .count()
    };
    assert_eq!(tables(&bench), 6);

    let told = bench.run("migrate --json").expect(0).json();
    assert_eq!((told["tickers"].as_u64(), told["snapshots"].as_u64()), (Some(2), Some(6)), "{told}");
    assert!(told["bytes_after"].as_u64() < told["bytes_before"].as_u64(), "{told}");
    assert_eq!(tables(&bench), 0);
    assert_eq!(answers(&bench), before);
    bench.run("verify KO").expect(0);
    let again = bench.run("migrate --json").expect(0).json();
    assert_eq!(again["snapshots"].as_u64(), Some(0), "{again}");

    // The next night goes on with it, and everything before can still be asked.
    bench.run("run --market recorded --ticker KO --ticker NLS --as-of 2020-12-11 --train").expect(0);
    assert_eq!(answers(&bench)[7..], before[7..]);
    bench.run("verify KO").expect(0);
}

/// Killed at any moment, and done again.
#[test]
fn nothing_is_lost_when_it_is_cut_off() {
    let whole = former();
    let before = answers(&whole);
    let start = std::time::Instant::now();
    whole.run("migrate").expect(0);
    let mut usual = start.elapsed();
    let mut cut = 0;
    for step in 0..100 {
        let bench = former();
        let mut migrate = bench.command("migrate").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        std::thread::sleep(usual.mul_f64(f64::from(step) / 100.0));
        migrate.kill().expect("kills");
        if migrate.wait().expect("ends").success() {
            // The machine was busier when that was measured.
            usual = usual.mul_f64(0.8);
        } else {
            cut += 1;
        }
        // What is killed holds no lock.
        std::thread::sleep(Duration::from_millis(1));
        if step % 10 == 0 {
            assert_eq!(answers(&bench), before, "before it is done again, step {step}");
        }
        bench.run("migrate").expect(0);
        if step % 10 == 5 {
            assert_eq!(answers(&bench), before, "step {step}");
        }
        assert_eq!(bench.archive("closing-bell-data"), whole.archive("closing-bell-data"), "step {step}");
        assert_eq!(bench.ledger("closing-bell-data"), whole.ledger("closing-bell-data"), "step {step}");
    }
    assert!(cut > 25, "only {cut} of 100 were cut off");
}
