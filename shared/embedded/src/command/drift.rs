use std::{fs, path::Path, process::ExitCode};

use super::{Failure, output};
use crate::drift;

/// Nights over a made-up market whose law changes.
pub(super) async fn drift(seed: u64, nights: usize, data: &Path, json: bool) -> Result<ExitCode, Failure> {
    if fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::Usage(format!("{} is not empty: name another folder with --data", data.display())));
    }
    let bar = output::progress(drift::all_nights(nights) as u64, "{bar:32} {pos} nights {elapsed} {prefix} {msg}");
    let demonstrated = drift::run(seed, nights, data, |policy, day| {
        bar.set_prefix(policy.to_owned());
        bar.set_message(day.to_string());
        bar.inc(1);
    })
    .await
    .map_err(Failure::Failed)?;
    bar.finish_and_clear();
    if json {
        output::json(&demonstrated);
    } else {
        output::print(&demonstrated.to_string());
    }
    Ok(ExitCode::SUCCESS)
}
