//! `export`: what is known, and what is forecast, for other tools.

use std::{fs, path::Path, process::ExitCode};

use forecasting::{Stamp, Ticker};

use super::{Failure, arguments::PlaceArguments, output, stores::Stores};

/// So many of the newest runs tell which series are watched.
const RUNS: usize = 1_000;

pub(super) async fn export(
    mut tickers: Vec<Ticker>,
    forecasts: bool,
    as_of: Option<Stamp>,
    out: Option<&Path>,
    place: &PlaceArguments,
) -> Result<ExitCode, Failure> {
    let ending = out.and_then(Path::extension).and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let parquet = match (out, ending.as_deref()) {
        (None, _) | (_, Some("csv")) => false,
        (_, Some("parquet")) => true,
        (Some(out), _) => {
            return Err(Failure::Usage(format!("{} ends neither on .csv nor on .parquet", out.display())));
        }
    };
    let Stores { archive, ledger, .. } = Stores::read(place).await?;
    if let ([ticker], None, false) = (&tickers[..], out, forecasts) {
        output::file(&pipeline::export(&*archive, &*ledger, ticker, as_of).await?.table);
        return Ok(ExitCode::SUCCESS);
    }
    if tickers.is_empty() {
        let watched = pipeline::watched(&*archive, &*ledger, RUNS).await?.tickers;
        tickers = watched.into_iter().filter(|known| known.standing.is_some()).map(|known| known.ticker).collect();
    }
    let table = if forecasts {
        pipeline::long_forecasts(&*ledger, &tickers, as_of).await?
    } else {
        pipeline::long_values(&*archive, &*ledger, &tickers, as_of).await?
    };
    let bytes = if parquet { table.parquet() } else { table.csv() };
    match out {
        None => output::file(&bytes),
        Some(out) => {
            let failed = |error| Failure::Failed(format!("{} cannot be written: {error}", out.display()));
            fs::write(out, bytes).map_err(failed)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
