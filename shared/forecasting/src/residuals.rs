//! What a model leaves unexplained, measured on sessions that it has not been estimated on.

use ::arima::LjungBox;

use crate::{Bar, Error, Kind, Period, PriceSeries, Sample, Specification, Window};

/// One-step errors of a specification over the last sessions of a series.
///
/// It is estimated once, on what came before, and then takes in one price after another: the errors are those of forecasts,
/// not of a fit, for every family alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Residuals {
    /// What was estimated.
    pub specification: Specification,
    /// The last session that it was estimated on.
    pub estimated_until: Period,
    /// Errors of the log price in standard errors, oldest first.
    pub errors: Vec<Residual>,
    /// Their autocorrelations at lags 1, 2, ...
    pub autocorrelations: Vec<f64>,
    /// Whether they are white; `None` of too few, or where they do not vary.
    pub ljung_box: Option<LjungBox>,
    /// Their mean: not far from 0 where the forecasts are unbiased.
    pub mean: f64,
    /// Their standard deviation: 1 where the model's standard errors are right.
    pub standard_deviation: f64,
    /// Their excess kurtosis: 0 of normal errors, above it where wild days are more frequent.
    pub excess_kurtosis: f64,
}

/// One session's error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// The session.
    pub day: Period,
    /// The error of the log price in standard errors.
    pub error: f64,
}

/// A model is fitted on no fewer sessions than this.
const MIN_TO_FIT: usize = 60;
/// The most autocorrelations.
const LAGS: usize = 20;
/// Lags of the test: ten, or a fifth of the errors (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.4).
const LAGS_TESTED: usize = 10;

impl Residuals {
    /// The errors of at most so many sessions, the series' last, and at most half of it; estimated on what the window
    /// holds of the sessions before.
    ///
    /// # Errors
    /// [`Error::TooShort`] where too few sessions are left to estimate on; [`Error::Model`] where it cannot be estimated.
    pub fn of(
        series: &PriceSeries,
        specification: &Specification,
        window: Window,
        sessions: usize,
    ) -> Result<Residuals, Error> {
        let bars = series.bars();
        let tested = sessions.min(bars.len() / 2).min(bars.len().saturating_sub(MIN_TO_FIT));
        let before = bars.len() - tested;
        if before < MIN_TO_FIT || tested == 0 {
            let (first, got) = (bars[0].day.stamp(), bars.len());
            return Err(Error::TooShort { first, got, needed: MIN_TO_FIT + 1 });
        }
        // One after the other, as if none were missing.
        let of = |bars: &[Bar]| Sample::of(bars, Kind::Price);
        // A window that begins later than that, at a date, leaves what the fit needs at least.
        let start = window.start(bars, before).min(before - MIN_TO_FIT);
        let mut model = specification.fit(&of(&bars[start..before]), series.kind())?;
        let mut errors = Vec::with_capacity(tested);
        for (place, bar) in bars.iter().enumerate().skip(before) {
            let price = bar.adjusted_close;
            let forecast = model.forecast(1, &series.regressors_after(place, 1))?;
            let (central, standard_error) = (forecast.central()[0], forecast.standard_errors()[0]);
            let error = if standard_error > 0.0 { series.kind().change(central, price) / standard_error } else { 0.0 };
            errors.push(Residual { day: bar.day, error });
            model.advance(&of(std::slice::from_ref(bar)))?;
        }
        Ok(Residuals::summed_up(*specification, bars[before - 1].day, errors))
    }

    fn summed_up(specification: Specification, estimated_until: Period, errors: Vec<Residual>) -> Residuals {
        let n = errors.len() as f64;
        let mean = errors.iter().map(|e| e.error).sum::<f64>() / n;
        let centred: Vec<f64> = errors.iter().map(|e| e.error - mean).collect();
        let moment = |power: i32| centred.iter().map(|e| e.powi(power)).sum::<f64>() / n;
        let variance = moment(2);
        let varies = variance > 0.0;
        let autocorrelation = |lag: usize| {
            let product: f64 = centred[lag..].iter().zip(&centred).map(|(a, b)| a * b).sum();
            product / n / variance
        };
        let most = LAGS.min(errors.len() / 4);
        let autocorrelations: Vec<f64> = if varies { (1..=most).map(autocorrelation).collect() } else { Vec::new() };
        let lags = LAGS_TESTED.min(errors.len() / 5).min(autocorrelations.len());
        // Nothing was estimated on these errors: as many degrees of freedom as lags.
        let values: Vec<f64> = errors.iter().map(|e| e.error).collect();
        let ljung_box = LjungBox::of(&values, lags, 0).ok();
        Residuals {
            specification,
            estimated_until,
            autocorrelations,
            ljung_box,
            mean,
            standard_deviation: variance.sqrt(),
            excess_kurtosis: if varies { moment(4) / (variance * variance) - 3.0 } else { 0.0 },
            errors,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::{RandomWalk, Row};

    fn walk(memory: f64) -> PriceSeries {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let (mut day, mut log, mut last) = ("2018-01-02".parse::<Period>().expect("a session"), 4.0, 0.0);
        let mut rows = Vec::new();
        for number in 1..=700 {
            let shock: f64 = StandardNormal.sample(&mut random);
            last = memory * last + 0.01 * shock;
            log += last;
            let price = Some(f64::exp(log));
            rows.push(Row { close: price, adjusted_close: price, ..Row::new(number, day.date()) });
            day = day.next();
        }
        PriceSeries::new("W".parse().expect("a ticker"), rows).expect("a series")
    }

    const WALK: Specification = Specification::RandomWalk(RandomWalk { drift: false });

    /// Of a random walk's own law the errors are white and have unit variance; of returns with a memory they are not white.
    #[test]
    fn white_where_the_model_is_right() {
        let right = Residuals::of(&walk(0.0), &WALK, Window::All, 250).expect("residuals");
        assert_eq!((right.errors.len(), right.autocorrelations.len()), (250, 20));
        assert!((right.standard_deviation - 1.0).abs() < 0.15, "{}", right.standard_deviation);
        assert!(right.ljung_box.expect("tested").p_value > 0.01, "{:?}", right.ljung_box);
        let wrong = Residuals::of(&walk(0.6), &WALK, Window::All, 250).expect("residuals");
        assert!((wrong.autocorrelations[0] - 0.6).abs() < 0.15, "{}", wrong.autocorrelations[0]);
        assert!(wrong.ljung_box.expect("tested").p_value < 1e-6, "{:?}", wrong.ljung_box);
        assert_eq!(right.errors.last().map(|e| e.day), Some(walk(0.0).last().day));
    }

    /// At most half of a series is tested, and what is left to estimate on is enough.
    #[test]
    fn a_shorter_series_is_still_served() {
        let series = walk(0.0);
        let short = PriceSeries::new(
            series.ticker().clone(),
            series.bars()[..130].iter().enumerate().map(|(i, bar)| Row {
                close: Some(bar.close),
                adjusted_close: Some(bar.adjusted_close),
                ..Row::new(i + 1, bar.day.date())
            }),
        )
        .expect("a series");
        let of = |window| Residuals::of(&short, &WALK, window, 250).expect("residuals");
        assert_eq!(of(Window::All).errors.len(), 65);
        // Other sessions, other estimates: the same errors in other standard errors.
        assert_ne!(of(Window::Sessions(60)).standard_deviation, of(Window::All).standard_deviation);
        let late = Window::Since(short.last().day.date());
        assert_eq!(of(late).errors, of(Window::Sessions(60)).errors, "what a fit needs at least is always there");
    }
}
