//! A bounded number of seeds, as CI follows them, and that they would find what is broken. `make simulate SEEDS=100000` follows more.

use simulator::{Broken, Kind, Trial, follow, shortest};

fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100)
}

fn hold(kind: Kind, seeds: u64) {
    let mut faults = 0;
    for seed in 1..=seeds {
        let found = follow(seed, Trial { kind, broken: Broken::Nothing }, None);
        assert!(found.violations.is_empty(), "seed {seed}: {:#?}", found.violations);
        faults += found.happened.len();
    }
    assert!(faults as u64 > seeds, "hardly anything happens: {faults} faults");
}

#[test]
fn nothing_is_found_in_memory() {
    hold(Kind::Memory, seeds());
}

#[test]
fn nothing_is_found_on_disk() {
    hold(Kind::Disk, seeds() / 5);
}

#[test]
fn a_seed_finds_the_same_again() {
    for seed in [3, 7] {
        let trial = Trial { kind: Kind::Memory, broken: Broken::Nothing };
        let happened = follow(seed, trial, None).happened;
        assert!(!happened.is_empty() && happened == follow(seed, trial, None).happened, "seed {seed}");
    }
}

/// Each promise that a store breaks is noticed.
#[test]
fn what_is_broken_is_found() {
    for broken in [
        Broken::Overwrites,
        Broken::Forgets,
        Broken::Repeats,
        Broken::Moves,
        Broken::Lags,
        Broken::Disorders,
        Broken::Races,
        Broken::Drops,
    ] {
        let trial = Trial { kind: Kind::Memory, broken };
        let found = (1..=1000).find(|seed| !follow(*seed, trial, None).violations.is_empty());
        println!("{broken:?}: seed {found:?}");
        let seed = found.unwrap_or_else(|| panic!("{broken:?} is not found"));
        println!("{:?}", shortest(seed, trial).violations.first());
    }
}
