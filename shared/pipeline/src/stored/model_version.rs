//! Model versions: an immutable artefact of what was fitted, on which snapshot, and its state.

use std::fmt;

use forecasting::{
    Calibration, IntervalKind, Multipliers, PriceForecast, PriceModel, PriceSeries, Scales, Specification, Ticker,
    TradingDay, Window,
};
use serde::{Deserialize, Serialize};

use crate::{Archive, Digest, Error, Key, error::about};

/// `{last session}-{digest8 of the inputs}`: it derives from what goes in, so training twice finds the same id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = "2020-12-11-158583d2"))]
pub struct VersionId(String);

impl VersionId {
    /// An id as someone typed it; it need not exist.
    pub fn from_text(text: &str) -> VersionId {
        VersionId(text.to_owned())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An archived object: its key and the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObjectRef {
    /// Where it lies.
    pub key: Key,
    /// What its bytes add up to.
    pub sha256: Digest,
}

/// What a version is fitted from; its id is the digest of this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingInputs {
    /// Version of the stored format: a new one is a new version of every model.
    pub format: u32,
    /// What fits: see [`Specification::engine`].
    pub engine: String,
    /// The series.
    pub ticker: Ticker,
    /// Its prices.
    pub snapshot: ObjectRef,
    /// Which of its sessions.
    pub window: Window,
    /// What to fit.
    pub specification: Specification,
}

/// A stored model, `models/{ticker}/{version}.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelVersion {
    /// Its id.
    pub version: VersionId,
    /// What it was fitted from.
    pub inputs: TrainingInputs,
    /// First session it was fitted on.
    pub first: TradingDay,
    /// Last session it was fitted on.
    pub last: TradingDay,
    /// The adjusted close on that session, which fixes the basis that the model lives in.
    pub last_price: f64,
    /// What was fitted.
    pub model: PriceModel,
}

/// A version's forecast with both kinds of intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct BothForecasts {
    own: PriceForecast,
    adaptive: PriceForecast,
}

impl BothForecasts {
    /// The one that is served, and the other.
    pub fn by(&self, served: IntervalKind) -> (&PriceForecast, &PriceForecast) {
        match served {
            IntervalKind::Model => (&self.own, &self.adaptive),
            IntervalKind::Adaptive => (&self.adaptive, &self.own),
        }
    }
}

const FORMAT: u32 = 1;

impl ModelVersion {
    /// Fits a specification on the window's sessions of a snapshot.
    pub fn train(
        series: &PriceSeries,
        snapshot: &ObjectRef,
        window: Window,
        specification: Specification,
    ) -> Result<ModelVersion, Error> {
        let inputs = TrainingInputs {
            format: FORMAT,
            engine: specification.engine(),
            ticker: series.ticker().clone(),
            snapshot: snapshot.clone(),
            window,
            specification,
        };
        let last = series.last();
        let digest = Digest::of(&serde_json::to_vec(&inputs).expect("inputs are plain data"));
        let bars = window.of(series);
        let refuse = about(series.ticker());
        let first = bars.first().ok_or_else(|| refuse(forecasting::Error::NoPrices))?.day;
        let prices: Vec<f64> = bars.iter().map(|bar| bar.adjusted_close).collect();
        Ok(ModelVersion {
            version: VersionId(format!("{}-{}", last.day, digest.short())),
            first,
            last: last.day,
            last_price: last.adjusted_close,
            model: specification.fit(&prices).map_err(refuse)?,
            inputs,
        })
    }

    /// Its bytes.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a model version is plain data")
    }

    /// Reads a version whole, and checks it against its digest where that is known.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`].
    pub async fn read(
        archive: &dyn Archive,
        ticker: &Ticker,
        version: &VersionId,
        expected: Option<&Digest>,
    ) -> Result<ModelVersion, Error> {
        let key = Key::model(ticker, version);
        let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
        let damaged = |reason: String| Error::Damaged { key: key.to_string(), reason };
        if expected.is_some_and(|digest| *digest != Digest::of(&bytes)) {
            return Err(damaged("its bytes do not match their checksum".to_owned()));
        }
        let stored: ModelVersion = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        if stored.inputs.format != FORMAT {
            return Err(damaged(format!("format {} is not known", stored.inputs.format)));
        }
        if stored.version != *version || stored.inputs.ticker != *ticker {
            return Err(damaged(format!("it says it is version {} of {}", stored.version, stored.inputs.ticker)));
        }
        Ok(stored)
    }

    /// Forecasts the sessions after the series' last, in its basis: with the model's own intervals, and with adaptive ones
    /// that past outcomes taught.
    ///
    /// # Errors
    /// [`Error::Forecasting`] where the series has lost the session that the model ends on.
    pub fn forecast(
        &self,
        series: &PriceSeries,
        horizon: usize,
        multipliers: &Multipliers,
    ) -> Result<BothForecasts, Error> {
        let (model, factor) = self.brought_up_to(series)?;
        let own = model.forecast(horizon).map_err(about(series.ticker()))?.rebased(factor);
        let bars = series.bars();
        let index = |day: TradingDay| bars.partition_point(|bar| bar.day < day).min(bars.len() - 1);
        let scales = Scales::of(&series.adjusted_closes());
        let scale = scales.ratio(bars.len() - 1, index(self.first), index(self.last));
        let adaptive = own.clone().calibrated(Calibration::new(scale, multipliers.clone()));
        Ok(BothForecasts { own, adaptive })
    }

    /// The model as it stands after the series' newer bars, and the factor from its basis to the series'.
    fn brought_up_to(&self, series: &PriceSeries) -> Result<(PriceModel, f64), Error> {
        let ticker = series.ticker();
        let here =
            series.on(self.last).ok_or_else(|| about(ticker)(forecasting::Error::NoBar { date: self.last.date() }))?;
        let factor = here.adjusted_close / self.last_price;
        let newer: Vec<f64> = series.after(self.last).iter().map(|bar| bar.adjusted_close / factor).collect();
        let mut model = self.model.clone();
        model.advance(&newer).map_err(about(ticker))?;
        Ok((model, factor))
    }
}
