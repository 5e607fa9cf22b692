use std::{path::Path, process::ExitCode};

use super::{Failure, arguments::USUAL_FILE, output, run::messenger, serve::Schedule, settings::read_settings};

/// Reads the configuration, as a run and a service would, and no more.
pub(super) fn check(named: Option<&Path>) -> Result<ExitCode, Failure> {
    let Some(file) = named else {
        let what = "`closing-bell init` writes one; without it every setting has its default";
        return Err(Failure::Usage(format!("there is no {USUAL_FILE} here or in a folder above: {what}")));
    };
    let settings = read_settings(named, &[])?;
    messenger(&settings)?;
    Schedule::new(&settings.schedule).map_err(Failure::Usage)?;
    output::checked(file, settings.watchlist.tickers().len());
    Ok(ExitCode::SUCCESS)
}
