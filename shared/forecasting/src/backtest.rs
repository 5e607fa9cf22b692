//! Rolling forecast origin over held-out sessions (Tashman 2000, Int. J. Forecasting 16, 437-450).

use crate::{
    Calibration, Error, Family, IntervalKind, Level, Multipliers, PriceForecast, PriceSeries, Specification, Window,
    calibration::Scales, scorecard::OriginLoss,
};

/// How models are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestPlan {
    /// The last K sessions are held out.
    pub holdout: usize,
    /// From each origin, the next H sessions are forecast.
    pub horizon: usize,
    /// Levels of the intervals that are scored.
    pub levels: Vec<Level>,
    /// Which sessions before each origin are trained on.
    pub window: Window,
    /// The families whose members challenge.
    pub families: Vec<Family>,
    /// The season in sessions; 1 for none.
    pub season: usize,
    /// The intervals that are scored.
    pub intervals: IntervalKind,
}

/// A model is fitted on no fewer sessions than this.
pub const FEWEST_TO_FIT: usize = 60;

/// Prices of which the last K are held out, and the origins that see some of them.
pub(crate) struct Holdout<'a> {
    plan: &'a BacktestPlan,
    prices: Vec<f64>,
    scales: Scales,
    /// Where the training window begins for the first origin.
    first: usize,
    /// Sessions before the held-out ones.
    training: usize,
}

/// An origin: prices up to it, and nothing else. What is forecast from it can know no more.
struct Origin<'a> {
    /// Where its training window begins.
    from: usize,
    visible: &'a [f64],
    /// Present volatility over that of the visible prices.
    scale: f64,
}

impl<'a> Holdout<'a> {
    /// Splits a series.
    ///
    /// # Errors
    /// [`Error::TooShort`], or [`Error::NoVariation`] where the price stands still before the held-out sessions or in them.
    pub(crate) fn new(series: &PriceSeries, plan: &'a BacktestPlan) -> Result<Self, Error> {
        let prices = series.adjusted_closes();
        let bars = series.bars();
        let held_out = plan.holdout.max(plan.horizon);
        let training = prices.len().saturating_sub(held_out);
        // A window of few sessions is filled up; one that begins late is not.
        let first = match plan.window {
            Window::Sessions(sessions) => Window::Sessions(sessions.max(FEWEST_TO_FIT)).start(bars, training),
            window => window.start(bars, training),
        };
        if training < first + FEWEST_TO_FIT {
            let since = match plan.window {
                Window::Since(date) => date.max(bars[0].day.date()),
                _ => bars[0].day.date(),
            };
            let got = match plan.window {
                Window::Since(_) => prices.len() - plan.window.start(bars, prices.len()),
                _ => prices.len(),
            };
            return Err(Error::TooShort { first: since, got, needed: FEWEST_TO_FIT + held_out, holdout: held_out });
        }
        // Where the price stands still, before the held-out sessions or in them, no model can be told from another.
        for stretch in [first..training, training - 1..prices.len()] {
            let bars = &bars[stretch];
            if bars.iter().all(|bar| bar.adjusted_close == bars[0].adjusted_close) {
                let last = bars[bars.len() - 1].day;
                return Err(Error::NoVariation { first: bars[0].day.date(), last: last.date() });
            }
        }
        Ok(Holdout { plan, scales: Scales::of(&prices), prices, first, training })
    }

    fn origin(&self, session: usize) -> Origin<'_> {
        let from = match self.plan.window {
            // It moves on with the origins.
            Window::Sessions(sessions) => (session + 1).saturating_sub(sessions.max(FEWEST_TO_FIT)),
            Window::All | Window::Since(_) => self.first,
        };
        Origin { from, visible: &self.prices[from..=session], scale: self.scales.ratio(session, from, session) }
    }

    /// What the selection of a specification may know: nothing of the held-out sessions.
    pub(crate) fn before(&self) -> &[f64] {
        self.origin(self.training - 1).visible
    }

    /// Mean absolute relative change from one session to the next before the held-out ones: MASE's yardstick.
    pub(crate) fn naive_error(&self) -> f64 {
        let before = self.before();
        let sum: f64 = before.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).sum();
        sum / (before.len() - 1) as f64
    }

    /// Losses of a specification, estimated anew at every origin that has all its horizons in the data; and what their
    /// outcomes taught the adaptive intervals.
    pub(crate) fn roll(&self, specification: &Specification) -> Result<(Vec<OriginLoss>, Multipliers), Error> {
        let BacktestPlan { horizon, levels, intervals, .. } = self.plan;
        let first = self.training - 1;
        let mut losses: Vec<OriginLoss> = Vec::new();
        let mut adaptive: Vec<OriginLoss> = Vec::new();
        let before = &self.prices[..self.training];
        let mut multipliers = Multipliers::after(before, &self.scales, self.origin(first).from, levels, *horizon);
        let mut former = None;
        for session in first..self.prices.len() {
            // The outcomes that came with this session: one from each of the last H origins.
            for h in 1..=*horizon {
                if let Some(loss) = session.checked_sub(first + h).and_then(|origin| adaptive.get(origin)) {
                    levels.iter().zip(loss.inside(h)).for_each(|(l, inside)| multipliers.learn(*l, inside, *horizon));
                }
            }
            let Some(actual) = self.prices.get(session + 1..=session + horizon) else { continue };
            let Origin { visible, scale, .. } = self.origin(session);
            let model = specification.fit_from(visible, former.as_ref())?;
            let forecast = model.forecast(*horizon)?;
            former = Some(model);
            let score = |forecast: &PriceForecast| OriginLoss::of(forecast, self.prices[session], actual, levels);
            if *intervals == IntervalKind::Model {
                losses.push(score(&forecast));
            }
            adaptive.push(score(&forecast.calibrated(Calibration::new(scale, multipliers.clone()))));
        }
        Ok(if *intervals == IntervalKind::Model { (losses, multipliers) } else { (adaptive, multipliers) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Row, TradingDay};

    fn plan(window: Window) -> BacktestPlan {
        let levels = [80.0, 95.0].map(|percent| Level::try_from(percent).expect("a level")).to_vec();
        BacktestPlan {
            holdout: 20,
            horizon: 3,
            levels,
            window,
            families: vec![Family::Arima],
            season: 1,
            intervals: IntervalKind::Adaptive,
        }
    }

    fn series(prices: &[f64]) -> PriceSeries {
        let mut day: TradingDay = "2018-01-02".parse().expect("a session");
        let rows = prices.iter().enumerate().map(|(i, price)| {
            let row = Row { adjusted_close: Some(*price), ..Row::new(i + 1, day.date()) };
            day = day.next();
            row
        });
        PriceSeries::new("X".parse().expect("a ticker"), rows).expect("a series")
    }

    fn prices() -> Vec<f64> {
        (0..200).map(|t| 50.0 + (f64::from(t) * 0.9).sin() + f64::from(t * t % 17) / 10.0).collect()
    }

    /// Changing a price changes only the losses of forecasts that were made on its day or later, or were of it: not one
    /// forecast from an earlier origin knew it.
    #[test]
    fn an_origin_knows_nothing_later() {
        let specification = crate::Arima::named(arima::Arima::new(arima::Order { p: 1, d: 1, q: 1 }));
        for window in [Window::All, Window::Sessions(100)] {
            let plan = plan(window);
            let honest = series(&prices());
            let mut poisoned = prices();
            for price in &mut poisoned[190..199] {
                *price *= 5.0;
            }
            let poisoned = series(&poisoned);
            let roll = |series| Holdout::new(series, &plan).and_then(|h| h.roll(&specification)).expect("rolls").0;
            let (honest, poisoned) = (roll(&honest), roll(&poisoned));
            assert_eq!(honest.len(), 18);
            // The first origin is session 179; that of session 186 is the last whose three outcomes came before 190.
            assert_eq!(honest[..8], poisoned[..8]);
            assert!(honest[8..].iter().zip(&poisoned[8..]).all(|(a, b)| a != b));
        }
    }

    #[test]
    fn windows() {
        let series = series(&prices());
        let seen = |window, session: usize| {
            let plan = plan(window);
            let holdout = Holdout::new(&series, &plan).expect("long enough");
            let visible = holdout.origin(session).visible;
            (visible.len(), visible[0])
        };
        let all = prices();
        assert_eq!(seen(Window::All, 179), (180, all[0]));
        assert_eq!(seen(Window::Sessions(100), 179), (100, all[80]));
        assert_eq!(seen(Window::Sessions(100), 190), (100, all[91]));
        let date = series.bars()[30].day.date();
        assert_eq!(seen(Window::Since(date), 190), (161, all[30]));
        let late = plan(Window::Since(series.bars()[150].day.date()));
        let error = Holdout::new(&series, &late).err().expect("refused").to_string();
        assert!(error.contains("50 sessions since 2018-08-07 are too few: 80 are needed"), "{error}");
    }
}
