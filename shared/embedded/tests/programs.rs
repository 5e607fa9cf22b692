//! Models that are not ours: programs that find something, and programs that do what they should not.

#![cfg(target_os = "linux")]

mod support;

use std::fmt::Write;

use support::Bench;

/// Where the helper and the examples are.
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/models");

/// Prices of a year and a half: after large changes they rise, after small ones they fall; and a walk.
fn prices(bench: &Bench, name: &str, has_law: bool) {
    let sample = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sample/KO.csv")).expect("the sample");
    let dates: Vec<&str> = sample.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let mut state = 5_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    let (mut level, mut last) = (4.6_f64, 0.0_f64);
    let mut text = "date,adjClose\n".to_owned();
    for date in &dates[dates.len() - 400..] {
        let noise = 0.02 * (uniform() + uniform() + uniform());
        let law = if last.abs() > 0.008 { 0.008 } else { -0.008 };
        last = noise + if has_law { law } else { 0.0 };
        level += last;
        writeln!(text, "{date},{}", level.exp()).expect("a string takes every write");
    }
    std::fs::create_dir_all(bench.path("files")).expect("a folder");
    bench.write(&format!("files/{name}.csv"), &text);
}

fn example(bench: &Bench, name: &str) {
    for file in ["closing_bell.py", name] {
        std::fs::copy(format!("{MODELS}/{file}"), bench.path(file)).expect("copies");
    }
}

#[test]
fn a_program_that_has_found_something_serves() {
    let bench = Bench::new();
    prices(&bench, "LAW", true);
    prices(&bench, "WALK", false);
    example(&bench, "threshold.py");
    bench.write("closing-bell.toml", "families = [\"arima\", { command = \"python3 threshold.py\" }]\n");
    let night = |day: &str| bench.run(&format!("run --market csv:files --as-of {day}")).expect(0);
    let forecast = |ticker: &str| bench.run(&format!("predict {ticker} --json")).expect(0).json();
    night("2020-12-09");
    night("2020-12-10");
    assert_eq!(forecast("LAW")["model"], "program threshold");
    assert_eq!(forecast("WALK")["model"], "random walk");

    // Its versions are fitted anew each night, and give the same bytes when they are fitted again.
    let models = bench.run("models LAW --json").expect(0).json();
    let own = |model: &&serde_json::Value| model["model"] == "program threshold";
    let versions: Vec<&str> =
        models.as_array().expect("a list").iter().filter(own).filter_map(|m| m["version"].as_str()).collect();
    assert_eq!(versions.len(), 2);
    for version in &versions {
        bench.run(&format!("verify LAW {version}")).expect(0);
    }
    bench.run("verify LAW").expect(0);
    bench.run("verify WALK").expect(0);

    // A person's word: the version of the night before serves, also on the next night, until it is released.
    bench.run(&format!("rollback LAW {}", versions[1])).expect(0);
    night("2020-12-11");
    let pinned = forecast("LAW");
    assert_eq!((pinned["version"].as_str(), pinned["origin"].as_str()), (Some(versions[1]), Some("2020-12-11")));
    bench.run("release LAW").expect(0);
    bench.run("verify LAW").expect(0);

    // Further than it was asked, or by another version, only the program could tell.
    assert!(bench.run("predict LAW --horizon 6").expect(2).err.contains("more than the 5 periods"));
    assert!(bench.run(&format!("predict LAW --version {}", versions[0])).expect(2).err.contains("only its program"));
    let text = std::fs::read_to_string(bench.path("threshold.py")).expect("reads");
    bench.write("threshold.py", &format!("{text}\n"));
    let other = bench.run(&format!("verify LAW {}", versions[0])).expect(1).err;
    assert!(other.contains("its files are not those that it was configured with"), "{other}");
}

/// One night without an answer, where models are trained every twentieth night: it is out that night, and back on the next, with the
/// evidence that it had.
#[test]
fn a_night_without_an_answer_costs_that_night() {
    let bench = Bench::new();
    prices(&bench, "LAW", true);
    example(&bench, "threshold.py");
    bench.write(
        "closing-bell.toml",
        "policy = { max_age = 20 }\nwindow = 2019-08-01\nfamilies = [\"arima\", { command = \"python3 threshold.py\" }]\n",
    );
    let sound = std::fs::read_to_string(bench.path("threshold.py")).expect("reads");
    let night = |day: &str, program: &str| {
        bench.write("threshold.py", program);
        bench.run(&format!("run --market csv:files --as-of {day}")).expect(0);
        let model = bench.run("predict LAW --json").expect(0).json()["model"].clone();
        bench.run("verify LAW").expect(0);
        model
    };
    assert_eq!(night("2020-12-08", &sound), "program threshold");
    assert_eq!(night("2020-12-09", "raise SystemExit('the moon is full')"), "random walk");
    assert_eq!(night("2020-12-10", &sound), "program threshold");
    assert_eq!(night("2020-12-11", &sound), "program threshold");
}

/// Each does something that it should not: it loses the night, with the reason, and nothing else does.
#[test]
fn programs_that_misbehave_lose_their_night_alone() {
    let bench = Bench::new();
    prices(&bench, "LAW", true);
    example(&bench, "threshold.py");
    bench.run("run --market csv:files --data alone --set families=[\"arima\"]").expect(0);
    let alone = bench.run("predict LAW --json --data alone").expect(0).json();
    let served =
        |forecast: &str| format!("from closing_bell import serve\n{forecast}\nserve(lambda series: 1, forecast)\n");
    let check = |name: &str, program: &str, said: &str| {
        bench.write(&format!("{name}.py"), program);
        // A machine may be busy: who answers, answers in time.
        let timeout = if name == "hangs" { 2 } else { 60 };
        bench.write(
            "closing-bell.toml",
            &format!("families = [\"arima\", {{ command = \"python3 {name}.py\", timeout = \"{timeout}s\", memory = 300 }}]\n"),
        );
        let run = bench.run(&format!("run --market csv:files --data {name}")).expect(0);
        assert!(run.err.contains("a program says nothing tonight") && run.err.contains(said), "{name}: {}", run.err);
        let forecast = bench.run(&format!("predict LAW --json --data {name}")).expect(0).json();
        assert_eq!(forecast["horizons"], alone["horizons"], "{name}");
        let record = bench.run(&format!("record LAW --data {name}")).expect(0).out;
        assert!(record.contains(&format!("Without a model: {name}: ")) && record.contains(said), "{name}: {record}");
        bench.run(&format!("verify LAW --data {name}")).expect(0);
    };
    check("hangs", "import time\ntime.sleep(100)\n", "it did not answer within 2 s");
    check("floods", "while True:\n    print('x' * 100000, end='')\n", "its answer is longer than 8 MB");
    check("ends", "import sys\nsys.exit('no licence')\n", "it ended: exit status: 1: no licence");
    check("chatters", "print('hello')\n", "its answer 'hello' cannot be read");
    let twice = "import sys\nfor line in sys.stdin:\n    print('{}\\n{}', flush=True)\n";
    check("twice", twice, "more than one line for each");
    check("not-a-number", &served("def forecast(*_):\n    return [float('nan')] * 5"), "Out of range float values");
    check(
        "too-few",
        &served("def forecast(*_):\n    return [1.0, 2.0]"),
        "it forecasts 2 periods, and was asked for 5",
    );
    check("negative", &served("def forecast(*_):\n    return [-1.0] * 5"), "its forecast of 1 ahead is -1");
    check("greedy", &served("def forecast(*_):\n    return [1.0] * len(bytearray(1 << 30))"), "MemoryError");
    // Reading what it is not to know: the market itself, what is kept of it, and the network.
    let peeks = |what: &str| served(&format!("def forecast(*_):\n    {what}"));
    check("peeks", &peeks("open('files/LAW.csv').read()"), "Permission denied");
    check("digs", &peeks("open('alone/ledger.sqlite', 'rb').read()"), "Permission denied");
    check("writes", &peeks("open('here.txt', 'w').write('x')"), "Permission denied");
    check("speaks", &peeks("__import__('os').listdir('/run')"), "Permission denied: '/run'");
    check("remembers", &peeks("raise OSError(__import__('os').listdir('/dev/shm'))"), "OSError: []");
    check(
        "looks",
        &peeks("raise OSError(len([p for p in __import__('os').listdir('/proc') if p.isdigit()]) < 9)"),
        "OSError: True",
    );
    check("calls", &peeks("__import__('socket').create_connection(('127.0.0.1', 80), 1)"), "Network is unreachable");
}

/// What a program leaves behind ends with it.
#[test]
fn processes_of_a_program_end_with_it() {
    let bench = Bench::new();
    prices(&bench, "LAW", true);
    example(&bench, "threshold.py");
    let marker = format!("{}", 100_000 + std::process::id());
    let forks = format!(
        "import subprocess, time\nfor _ in range(5):\n    subprocess.Popen(['sleep', '{marker}'])\ntime.sleep(100)\n"
    );
    bench.write("forks.py", &forks);
    bench.write("closing-bell.toml", "families = [\"arima\", { command = \"python3 forks.py\", timeout = \"1s\" }]\n");
    let run = bench.run("run --market csv:files").expect(0);
    assert!(run.err.contains("it did not answer within 1 s"), "it was started, and hung: {}", run.err);
    let left = std::fs::read_dir("/proc").expect("processes").flatten().filter(|entry| {
        let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        line.starts_with("sleep") && line.contains(&marker)
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn weights_that_are_not_there_are_said() {
    let bench = Bench::new();
    prices(&bench, "LAW", true);
    example(&bench, "chronos.py");
    bench.write(
        "closing-bell.toml",
        "families = [{ command = \"python3 chronos.py weights/none\", name = \"chronos\" }]\n",
    );
    let run = bench.run("run --market csv:files").expect(0);
    assert!(run.err.contains("the weights of Chronos are not at weights/none"), "{}", run.err);
    assert_eq!(bench.run("predict LAW --json").expect(0).json()["model"], "random walk");
}
