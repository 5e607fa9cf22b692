//! `predict`: from what is on record, or from a model's file alone.

use std::{io::Read, path::Path, process::ExitCode};

use forecasting::Ticker;
use pipeline::{ForecastRequest, ModelVersion, price_file::PriceFile};

use super::{Failure, arguments::StoreArguments, output, stores::Stores};

/// More than any model or price file of ours holds.
const MAX_FILE: u64 = 64 << 20;

pub(super) async fn predict(
    ticker: Option<&Ticker>,
    model: Option<&Path>,
    values: Option<&Path>,
    asked: ForecastRequest<'_>,
    store: &StoreArguments,
) -> Result<ExitCode, Failure> {
    let prediction = match (model, ticker) {
        (Some(file), _) => {
            let wrong = |reason: String| Failure::Usage(format!("{}: {reason}", file.display()));
            let version = ModelVersion::parse(&read(file)?)
                .map_err(|reason| wrong(format!("no model's file of models/: {reason}")))?;
            let ticker = version.inputs.ticker.clone();
            let values =
                values.map(|path| Ok::<_, Failure>(PriceFile::new(ticker, path.display().to_string(), read(path)?)));
            pipeline::predict_alone(&version, values.transpose()?.as_ref(), asked).await?
        }
        (None, Some(ticker)) => {
            let Stores { archive, ledger, .. } = Stores::read(&store.place).await?;
            pipeline::predict(&*archive, &*ledger, ticker, asked).await?
        }
        (None, None) => return Err(Failure::Usage("name a ticker, or --model FILE".to_owned())),
    };
    if store.json {
        output::json(&prediction);
    } else {
        output::prediction(&prediction);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage(format!("{} cannot be read: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
    };
    if read.map_err(unreadable)? as u64 > MAX_FILE {
        return Err(Failure::Usage(format!("{}: larger than {} MB", path.display(), MAX_FILE >> 20)));
    }
    Ok(bytes)
}
