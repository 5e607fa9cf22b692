//! Rolling forecast origin over held-out sessions (Tashman 2000, Int. J. Forecasting 16, 437-450).

use crate::{Error, Level, PriceSeries, Specification, scorecard::OriginLoss};

/// How models are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestPlan {
    /// The last K sessions are held out.
    pub holdout: usize,
    /// From each origin, the next H sessions are forecast.
    pub horizon: usize,
    /// Levels of the intervals that are scored.
    pub levels: Vec<Level>,
    /// Train on the last N sessions before each origin, or on all.
    pub window: Option<usize>,
}

/// A model is fitted on no fewer sessions than this.
pub const FEWEST_TO_FIT: usize = 60;

/// Prices of which the last K are held out, and the origins that see some of them.
pub(crate) struct Holdout<'a> {
    plan: &'a BacktestPlan,
    prices: Vec<f64>,
    /// Sessions before the held-out ones.
    training: usize,
}

impl<'a> Holdout<'a> {
    /// Splits a series.
    ///
    /// # Errors
    /// [`Error::TooShort`], or [`Error::NoVariation`] where the price stands still before the held-out sessions or in them.
    pub(crate) fn new(series: &PriceSeries, plan: &'a BacktestPlan) -> Result<Self, Error> {
        let prices = series.adjusted_closes();
        let first = series.bars()[0].day;
        let needed = FEWEST_TO_FIT + plan.holdout.max(plan.horizon);
        if prices.len() < needed {
            return Err(Error::TooShort {
                first: first.date(),
                got: prices.len(),
                needed,
                holdout: plan.holdout.max(plan.horizon),
            });
        }
        let training = prices.len() - plan.holdout.max(plan.horizon);
        let holdout = Holdout { plan, prices, training };
        // Where the price stands still, before the held-out sessions or in them, no model can be told from another.
        let fitted_from = training - holdout.visible_at(training - 1).len();
        for stretch in [fitted_from..training, training - 1..holdout.prices.len()] {
            let bars = &series.bars()[stretch];
            if bars.iter().all(|bar| bar.adjusted_close == bars[0].adjusted_close) {
                let last = bars[bars.len() - 1].day;
                return Err(Error::NoVariation { first: bars[0].day.date(), last: last.date() });
            }
        }
        Ok(holdout)
    }

    /// What an origin may know: prices up to it, no more than the window.
    fn visible_at(&self, origin: usize) -> &[f64] {
        let from = self.plan.window.map_or(0, |window| (origin + 1).saturating_sub(window.max(FEWEST_TO_FIT)));
        &self.prices[from..=origin]
    }

    /// What the selection of a specification may know: nothing of the held-out sessions.
    pub(crate) fn before(&self) -> &[f64] {
        self.visible_at(self.training - 1)
    }

    /// Mean absolute relative change from one session to the next before the held-out ones: MASE's yardstick.
    pub(crate) fn naive_error(&self) -> f64 {
        let before = self.before();
        let sum: f64 = before.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).sum();
        sum / (before.len() - 1) as f64
    }

    /// Losses of a specification, estimated anew at every origin that has all its horizons in the data.
    pub(crate) fn roll(&self, specification: &Specification) -> Result<Vec<OriginLoss>, Error> {
        let mut former = None;
        (self.training - 1..self.prices.len() - self.plan.horizon)
            .map(|origin| {
                let visible = self.visible_at(origin);
                let model = match &former {
                    None => specification.fit(visible)?,
                    Some(former) => specification.fit_from(visible, former)?,
                };
                let forecast = model.forecast(self.plan.horizon)?;
                let actual = &self.prices[origin + 1..=origin + self.plan.horizon];
                let loss = OriginLoss::of(&forecast, self.prices[origin], actual, &self.plan.levels);
                former = Some(model);
                Ok(loss)
            })
            .collect()
    }
}
