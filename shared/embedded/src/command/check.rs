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
    let repeated = settings.watchlist.repeated();
    output::checked(file, settings.watchlist.tickers().len() - repeated.len());
    for ticker in repeated {
        output::remark(&format!("The watchlist names {ticker} more than once: it counts once."));
    }
    Ok(ExitCode::SUCCESS)
}
