//! `judge`: forecasts that someone else made.

use std::{fs, path::Path, process::ExitCode};

use forecasting::{ProgramName, figure};
use jiff::Timestamp;
use pipeline::{Judged, Judgement};

use super::{Failure, arguments::StoreArguments, output, stores::Stores};

/// No file is larger.
const MAX_BYTES: u64 = 512 << 20;

pub(super) async fn judge(
    path: Option<&Path>,
    name: Option<ProgramName>,
    store: &StoreArguments,
) -> Result<ExitCode, Failure> {
    let name = match (name, path) {
        (Some(name), _) => name,
        (None, path) => {
            let stem = path.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().to_ascii_lowercase());
            let named = stem.unwrap_or_default().parse();
            named.map_err(|error| Failure::Usage(format!("{error}: give it one by --name")))?
        }
    };
    let judgement = match path {
        Some(path) => {
            let text = text(path)?;
            let stores = Stores::change(&store.place).await?;
            pipeline::judge(&*stores.archive, &*stores.ledger, name, &text, Timestamp::now()).await?
        }
        None => {
            let stores = Stores::read(&store.place).await?;
            pipeline::judged(&*stores.archive, &*stores.ledger, name).await?
        }
    };
    if store.json {
        output::json(&judgement);
    } else {
        print(name, &judgement);
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for each series, and what is not among them.
fn print(name: ProgramName, judgement: &Judgement) {
    let header = [
        "Ticker",
        "Forecasts",
        "In time",
        "Open",
        "Skill",
        "Held",
        "Against random walk",
        "Against in service",
        "Needed",
        "In service",
    ];
    let mut table = output::table(&header, &[1, 2, 3, 4, 6, 7, 8]);
    for series in &judgement.series {
        let Judged {
            ticker,
            snapshot: _,
            forecasts,
            earned,
            open,
            skill,
            coverage,
            against_walk,
            against_champion,
            champion,
            asked,
        } = series;
        let held: Vec<String> =
            coverage.iter().map(|(level, share, _)| format!("{level} %: {:.1}", share * 100.0)).collect();
        let odds = |odds: &pipeline::Odds| format!("{} (claimed {})", figure(odds.earned), figure(odds.claimed));
        table.add_row([
            ticker.to_string(),
            forecasts.to_string(),
            earned.to_string(),
            open.to_string(),
            output::percent(*skill),
            held.join(", "),
            odds(against_walk),
            odds(against_champion),
            format!("{asked:.1}"),
            champion.clone(),
        ]);
    }
    output::tabulate(&mut table);
    for ticker in &judgement.untrained {
        output::print(&format!("{ticker}: no run has trained on it yet; its forecasts wait."));
    }
    output::print(&format!(
        "Forecasts of {name}. Evidence is odds to 1, earned by forecasts submitted before their outcome; the rest is only claimed."
    ));
}

fn text(path: &Path) -> Result<String, Failure> {
    let unreadable = |why: String| Failure::Usage(format!("{} cannot be read: {why}", path.display()));
    if fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len() > MAX_BYTES {
        return Err(unreadable(format!("it is larger than {} MB", MAX_BYTES >> 20)));
    }
    fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}
