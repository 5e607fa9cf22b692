use std::{path::Path, process::ExitCode};

use super::{
    Failure, output,
    run::messenger,
    serve::Schedule,
    settings::{USUAL_FILE, read_settings},
};

/// Reads the configuration, as a run and a service would, and no more.
pub(super) fn check(named: Option<&Path>) -> Result<ExitCode, Failure> {
    let settings = read_settings(named, &[])?;
    messenger(&settings)?;
    Schedule::new(&settings.schedule).map_err(Failure::Usage)?;
    output::checked(named.unwrap_or(Path::new(USUAL_FILE)), settings.watchlist.tickers().len());
    Ok(ExitCode::SUCCESS)
}
