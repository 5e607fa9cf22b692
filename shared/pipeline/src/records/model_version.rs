//! Model versions: an immutable artefact of what was fitted, on which snapshot, and its state.

use forecasting::{
    Cadence, Calibration, IntervalKind, Kind, Outlook, Period, PriceForecast, PriceModel, PriceSeries, Program,
    ProgramName, Sample, Seasons, Specification, Ticker, Window,
};
use serde::{Deserialize, Serialize};

use crate::{Archive, Digest, Error, Key, ProgramSettings, VersionId, error::about};

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

impl ObjectRef {
    /// The object's bytes, whole.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`] name it.
    pub(crate) async fn read(&self, archive: &dyn Archive) -> Result<Vec<u8>, Error> {
        let ObjectRef { key, sha256 } = self;
        let bytes = archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
        if Digest::of(&bytes) == *sha256 {
            Ok(bytes)
        } else {
            let reason = "its bytes do not match their checksum".to_owned();
            Err(Error::Damaged { key: key.to_string(), reason })
        }
    }
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
    /// What they were read as: named where that is not prices of sessions.
    #[serde(default = "sessions", skip_serializing_if = "is_sessions")]
    pub cadence: Cadence,
    /// See above.
    #[serde(default, skip_serializing_if = "Kind::is_price")]
    pub kind: Kind,
    /// What the columns are called that it may regress on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressors: Vec<String>,
    /// Which of its sessions.
    pub window: Window,
    /// What to fit.
    pub specification: Specification,
    /// The program that fits it, where it is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<FittedBy>,
}

/// The program that fitted a version, and what it was given beside the series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedBy {
    /// How it is started.
    pub settings: ProgramSettings,
    /// The seasons.
    pub season: Seasons,
    /// How far it is to forecast.
    pub horizon: usize,
    /// Digest of what it fitted: a program that does not fit the same each time gives another version, where a night is done again.
    pub model: Digest,
}

fn sessions() -> Cadence {
    Cadence::SESSION
}

// serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_sessions(cadence: &Cadence) -> bool {
    *cadence == Cadence::SESSION
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
    pub first: Period,
    /// Last session it was fitted on.
    pub last: Period,
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
    /// With the model's own intervals, and with those that were taught.
    pub(crate) fn of(own: PriceForecast, calibration: &Calibration) -> BothForecasts {
        let adaptive = own.clone().calibrated(calibration.clone());
        BothForecasts { own, adaptive }
    }

    /// Of what a program has said that it forecasts from the newest of these periods.
    pub(crate) fn of_outlook(series: &PriceSeries, outlook: &Outlook, calibration: &Calibration) -> BothForecasts {
        let own = PriceForecast::of_outlook(series.last().adjusted_close, outlook, series.kind());
        let adaptive = own.clone().calibrated(calibration.clone());
        // Who says nothing of its errors has no intervals of its own.
        BothForecasts { own: if outlook.errors.is_some() { own } else { adaptive.clone() }, adaptive }
    }

    /// The one that is served, and the other.
    pub fn by(&self, served: IntervalKind) -> (&PriceForecast, &PriceForecast) {
        match served {
            IntervalKind::Model => (&self.own, &self.adaptive),
            IntervalKind::Adaptive => (&self.adaptive, &self.own),
        }
    }
}

/// The newest format; 1 is the same JSON, spread over lines.
const FORMAT: u32 = 2;
const SPREAD: u32 = 1;

impl ModelVersion {
    /// Fits a specification on the window's sessions of a snapshot.
    pub fn train(
        series: &PriceSeries,
        snapshot: &ObjectRef,
        window: Window,
        specification: Specification,
    ) -> Result<ModelVersion, Error> {
        let (ticker, snapshot, engine) = (series.ticker().clone(), snapshot.clone(), specification.engine());
        let (cadence, kind) = (series.cadence(), series.kind());
        let regressors = series.regressors().to_vec();
        let format = FORMAT;
        let program = None;
        let inputs = TrainingInputs {
            format,
            engine,
            ticker,
            snapshot,
            cadence,
            kind,
            regressors,
            window,
            specification,
            program,
        };
        ModelVersion::of(series, inputs, |sample| specification.fit(sample, kind).map_err(about(series.ticker())))
    }

    /// What a program has fitted on the window's sessions of a snapshot.
    pub(crate) fn of_program(
        series: &PriceSeries,
        snapshot: &ObjectRef,
        window: Window,
        (program, fitted_by): (ProgramName, FittedBy),
        model: &str,
    ) -> Result<ModelVersion, Error> {
        let kind = series.kind();
        let digest =
            fitted_by.settings.sha256.as_ref().map(|digest| format!(" {}", digest.short())).unwrap_or_default();
        let inputs = TrainingInputs {
            format: FORMAT,
            engine: format!("{program}{digest}"),
            ticker: series.ticker().clone(),
            snapshot: snapshot.clone(),
            cadence: series.cadence(),
            kind,
            regressors: series.regressors().to_vec(),
            window,
            specification: Specification::Program(Program { program }),
            program: Some(fitted_by),
        };
        let fitted = |sample: &Sample| Ok(PriceModel::of_program(program, model.to_owned(), kind, sample.values.len()));
        ModelVersion::of(series, inputs, fitted)
    }

    /// Fits from its inputs again.
    pub(crate) fn again(series: &PriceSeries, inputs: &TrainingInputs) -> Result<ModelVersion, Error> {
        let (engine, specification, kind) = (inputs.specification.engine(), inputs.specification, series.kind());
        let fitted = |sample: &Sample| specification.fit(sample, kind).map_err(about(series.ticker()));
        ModelVersion::of(series, TrainingInputs { engine, ..inputs.clone() }, fitted)
    }

    fn of(
        series: &PriceSeries,
        inputs: TrainingInputs,
        fitted: impl FnOnce(&Sample) -> Result<PriceModel, Error>,
    ) -> Result<ModelVersion, Error> {
        let last = series.last();
        let digest = Digest::of(&serde_json::to_vec(&inputs).expect("inputs are plain data"));
        let bars = inputs.window.of(series);
        let refuse = about(series.ticker());
        let first = bars.first().ok_or_else(|| refuse(forecasting::Error::NoPrices))?.day;
        let prices = Sample::of(bars, series.kind());
        Ok(ModelVersion {
            version: VersionId::new(last.day, &digest),
            first,
            last: last.day,
            last_price: last.adjusted_close,
            model: fitted(&prices)?,
            inputs,
        })
    }

    /// Its bytes.
    pub fn to_json(&self) -> Vec<u8> {
        let bytes =
            if self.inputs.format == SPREAD { serde_json::to_vec_pretty(self) } else { serde_json::to_vec(self) };
        bytes.expect("a model version is plain data")
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
        let stored = ModelVersion::parse(&bytes).map_err(damaged)?;
        if stored.version != *version || stored.inputs.ticker != *ticker {
            return Err(damaged(format!("it says it is version {} of {}", stored.version, stored.inputs.ticker)));
        }
        Ok(stored)
    }

    /// Reads a model's file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(bytes: &[u8]) -> Result<ModelVersion, String> {
        let stored: ModelVersion = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if (SPREAD..=FORMAT).contains(&stored.inputs.format) {
            Ok(stored)
        } else {
            Err(format!("format {} is not known", stored.inputs.format))
        }
    }

    /// Forecasts the sessions after the series' last, in its basis: with the model's own intervals, and with adaptive ones.
    ///
    /// # Errors
    /// [`Error::Forecasting`] where the series has lost the session that the model ends on.
    pub fn forecast(
        &self,
        series: &PriceSeries,
        horizon: usize,
        calibration: &Calibration,
    ) -> Result<BothForecasts, Error> {
        let refuse = about(series.ticker());
        let (model, factor) = self.model.brought_up_to(self.last, self.last_price, series.bars()).map_err(&refuse)?;
        let ahead = series.regressors_after(series.bars().len(), horizon);
        let own = model.forecast(horizon, &ahead).map_err(refuse)?.rebased(factor);
        Ok(BothForecasts::of(own, calibration))
    }

    /// The changes of the log price that it forecasts from the last of the series' first bars.
    ///
    /// # Errors
    /// As [`ModelVersion::forecast`].
    pub fn outlook_from(
        &self,
        series: &PriceSeries,
        known: usize,
        horizon: usize,
    ) -> Result<Outlook, forecasting::Error> {
        self.model.outlook_from(self.last, self.last_price, (series, known), horizon)
    }
}
