use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use forecasting::Ticker;
use pictures::Theme;

use super::{Failure, arguments::StoreArguments, output, stores::Stores};

/// What to draw, and where to.
pub(super) struct Plot {
    pub(super) residuals: bool,
    pub(super) dark: bool,
    pub(super) out: Option<PathBuf>,
}

/// Twice the pixels that a picture's measures say.
const SCALE: f32 = 2.0;

/// Draws a ticker's forecast, or what its model leaves unexplained, into a file.
pub(super) async fn plot(ticker: &Ticker, plot: &Plot, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let usual = PathBuf::from(format!("{ticker}{}.png", if plot.residuals { "-residuals" } else { "" }));
    let out = plot.out.as_deref().unwrap_or(&usual);
    let kind = out.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    let pixels = match kind.as_deref() {
        Some("png") => true,
        Some("svg") => false,
        _ => return Err(Failure::Usage(format!("{} ends neither on .png nor on .svg", out.display()))),
    };
    let Stores { archive, ledger, .. } = Stores::read(&store.place).await?;
    let theme = if plot.dark { Theme::Dark } else { Theme::Light };
    let drawn = if plot.residuals {
        pipeline::residual_picture(&*archive, &*ledger, ticker, theme).await?
    } else {
        pipeline::forecast_picture(&*archive, &*ledger, ticker, theme).await?
    };
    let bytes = if pixels {
        pictures::png(&drawn, SCALE).map_err(|error| Failure::Failed(error.to_string()))?
    } else {
        drawn.into_bytes()
    };
    write(out, &bytes)?;
    if store.json {
        output::json(&serde_json::json!({ "ticker": ticker, "file": out, "bytes": bytes.len() }));
    } else {
        output::print(&format!("{ticker} is drawn in {}", out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(out: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(out, bytes).map_err(|error| Failure::Failed(format!("{} cannot be written: {error}", out.display())))
}
