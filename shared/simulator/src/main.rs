//! `simulate`: follows seeds, and says what they find.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use clap::Parser;
use simulator::{Broken, Kind, Trial, follow, shortest};

/// Follow seeds, and say what they find.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// How many
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// From which one on; with --seeds 1 it is followed alone
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// What the stores are made of
    #[arg(long, value_enum, default_value = "memory")]
    stores: Kind,
    /// How many at once [default: one a core]
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let Arguments { seeds, from, stores, threads } = Arguments::parse();
    let trial = Trial { kind: stores, broken: Broken::Nothing };
    let threads = threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let (start, next, faults, failed) =
        (Instant::now(), AtomicU64::new(from), AtomicU64::new(0), AtomicU64::new(u64::MAX));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds || failed.load(Ordering::Relaxed) != u64::MAX {
                        return;
                    }
                    let found = follow(seed, trial, None);
                    faults.fetch_add(found.happened.len() as u64, Ordering::Relaxed);
                    if !found.violations.is_empty() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    if failed == u64::MAX {
        let seconds = start.elapsed().as_secs_f64();
        println!("{seeds} seeds, {} faults: nothing found, in {seconds:.0} s", faults.into_inner());
        return ExitCode::SUCCESS;
    }
    println!("Seed {failed} finds something; its shortest schedule:");
    let found = shortest(failed, trial);
    found.happened.iter().for_each(|happened| println!("  {happened}"));
    found.violations.iter().for_each(|violation| println!("! {violation}"));
    let stores = if stores == Kind::Disk { " STORES=disk" } else { "" };
    println!("Again: make simulate SEEDS=1 FROM={failed}{stores}");
    ExitCode::FAILURE
}
