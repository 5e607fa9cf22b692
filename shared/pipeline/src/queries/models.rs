use forecasting::{Family, Period, Summary, Ticker};
use serde::Serialize;

use crate::{Archive, Champion, Error, Key, Ledger, ModelVersion, VersionId};

/// One stored version, as `GET /models/{ticker}` and `closing-bell models` list it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelSummary {
    /// Its id.
    pub version: VersionId,
    /// What it is, in words.
    pub model: String,
    /// First session it was fitted on.
    pub first: Period,
    /// Last session it was fitted on.
    pub last: Period,
    /// Log returns behind the likelihood.
    pub observations: usize,
    /// Coefficients on log prices, by name.
    pub coefficients: Vec<(String, f64)>,
    /// Variance of the one-step errors of log prices; `None` for a combination.
    pub sigma2: Option<f64>,
    /// Akaike's criterion, corrected; `None` where the fit is exact or has no likelihood.
    pub aicc: Option<f64>,
    /// Whether it is the champion.
    pub in_service: bool,
}

impl ModelSummary {
    pub(crate) fn of(version: VersionId, stored: &ModelVersion, champion: Option<&Champion>) -> ModelSummary {
        let Summary { mut coefficients, sigma2, observations, aicc } = stored.model.summary();
        // Theirs are the first ones.
        if stored.inputs.specification.family() == Family::Regression {
            for ((name, _), regressor) in coefficients.iter_mut().zip(&stored.inputs.regressors) {
                name.clone_from(regressor);
            }
        }
        ModelSummary {
            in_service: champion.is_some_and(|champion| champion.version == version),
            version,
            model: stored.model.specification().to_string(),
            first: stored.first,
            last: stored.last,
            observations,
            coefficients,
            sigma2,
            aicc,
        }
    }
}

/// The newest versions of a ticker, at most so many, newest first; the champion is among them, however old it is.
pub async fn models(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    limit: usize,
) -> Result<Vec<ModelSummary>, Error> {
    let champion = ledger.champion(ticker).await?;
    let keys = archive.list(&Key::models(ticker)).await?;
    let mut summaries = Vec::with_capacity(keys.len());
    for key in keys.iter().rev() {
        let Some(version) = Key::version_of(key) else { continue };
        let in_service = champion.as_ref().is_some_and(|champion| champion.version == version);
        if summaries.len() >= limit && !in_service {
            continue;
        }
        let stored = match ModelVersion::read(archive, ticker, &version, None).await {
            // Removed since it was listed, as the retention says.
            Err(Error::Missing { .. }) => continue,
            other => other?,
        };
        summaries.push(ModelSummary::of(version, &stored, champion.as_ref()));
    }
    if summaries.is_empty() {
        return Err(Error::NoForecast { ticker: ticker.clone() });
    }
    Ok(summaries)
}
