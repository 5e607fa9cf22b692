//! Every input that is kept under `fuzz/corpus`, and inputs near them: what libFuzzer has found stays mended, and something new is tried each time that
//! `FUZZ_SECONDS` allows it.

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fuzzing::TARGETS;
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// No input is longer.
const MAX_BYTES: usize = 64 << 10;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).expect("reads"))).collect()
}

/// An input near others: bytes changed, cut out, put in, doubled, or taken from another.
fn near(random: &mut ChaCha8Rng, inputs: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = inputs.choose(random).map(|(_, bytes)| bytes.clone()).unwrap_or_default();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=bytes.len());
        let end = (at + random.random_range(0..=32)).min(bytes.len());
        match random.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let doubled = bytes[at..end].to_vec();
                bytes.splice(at..at, doubled);
            }
            3 => {
                let words: [&[u8]; 12] = [
                    b"0",
                    b"-1",
                    b"1e308",
                    b"NaN",
                    b"null",
                    b"99999999",
                    b"\"",
                    b"\\u0053",
                    b"\n",
                    b",",
                    b"../",
                    b"\xff",
                ];
                bytes.splice(at..at, words.choose(random).copied().unwrap_or_default().iter().copied());
            }
            4 => bytes.truncate(at),
            _ => {
                let other = inputs.choose(random).map(|(_, other)| other.as_slice()).unwrap_or_default();
                let from = random.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
        }
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

#[test]
fn inputs_that_are_kept_and_inputs_near_them() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (seconds, seed) = (number("FUZZ_SECONDS").unwrap_or(1), number("FUZZ_SEED").unwrap_or(1));
    for (target, attack) in TARGETS {
        let inputs = corpus(target);
        assert!(!inputs.is_empty(), "{target} has a corpus");
        for (path, bytes) in &inputs {
            assert!(catch_unwind(|| attack(bytes)).is_ok(), "{}", path.display());
        }
        let (mut random, begun, mut tried) = (ChaCha8Rng::seed_from_u64(seed), Instant::now(), 0_u64);
        while begun.elapsed() < Duration::from_secs(seconds) {
            let bytes = near(&mut random, &inputs);
            if catch_unwind(|| attack(&bytes)).is_err() {
                let found = std::env::temp_dir().join(format!("{target}-found"));
                fs::write(&found, &bytes).expect("writes");
                panic!("{target}: {}", found.display());
            }
            tried += 1;
        }
        println!("{target}: {} kept, {tried} near them", inputs.len());
    }
}
