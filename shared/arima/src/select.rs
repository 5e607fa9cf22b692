//! Automatic selection of p, d, q and the constant.
//!
//! d by repeated KPSS tests, then the stepwise search of Hyndman & Khandakar (2008, J. Statistical Software 27(3),
//! section 3.2) on the AICc. Every candidate is fitted by exact maximum likelihood: no approximation ranks them, so the
//! AICc that chose a model is the AICc it has.

use std::collections::BTreeMap;

use augurs_core::Fit;

use crate::{
    Arima, Error, FittedArima, Order,
    fit::{customary_starts, fit_prepared, has_root_within, prepare},
    kpss,
};

/// Chooses the orders of a non-seasonal model.
///
/// ```
/// use arima::AutoArima;
/// use augurs_core::Fit;
///
/// let line: Vec<f64> = (0..50).map(|t| 2.0 * f64::from(t)).collect();
/// let fitted = AutoArima::default().fit(&line)?;
/// assert_eq!(fitted.model().to_string(), "ARIMA(0,1,0) with drift");
/// # Ok::<(), arima::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoArima {
    /// Largest p and largest q.
    pub max_order: usize,
    /// The d to use; by default the KPSS test's.
    pub d: Option<usize>,
    /// Largest d that the test may choose.
    pub max_d: usize,
}

impl Default for AutoArima {
    /// p, q up to 5, d up to 2 by the KPSS test.
    fn default() -> Self {
        AutoArima { max_order: 5, d: None, max_d: 2 }
    }
}

/// A polynomial with a root inside this radius is rejected, as near to not being stationary or invertible.
const SMALLEST_ROOT: f64 = 1.01;

/// Fewer observations than this leave no room to tell orders apart.
const SHORTEST: usize = 3;

type Fits = BTreeMap<Arima, Option<FittedArima>>;

impl AutoArima {
    fn search(&self, y: &[f64], d: usize) -> Result<FittedArima, Error> {
        let simplest = Arima::new(Order { p: 0, d, q: 0 }).with_usual_constant();
        let mut best = simplest.fit(y)?;
        if prepare(&simplest, y)?.is_degenerate() {
            return Ok(best);
        }
        let mut tried = Fits::new();
        for (p, q, constant) in [(2, 2, true), (1, 0, true), (0, 1, true), (0, 0, false)] {
            self.consider(y, d, (p, q, constant), &mut tried, &mut best);
        }
        loop {
            let Order { p, q, .. } = best.model.order;
            let constant = best.model != Arima::new(best.model.order);
            let before = best.model;
            let neighbours = [
                (p.wrapping_sub(1), q),
                (p + 1, q),
                (p, q.wrapping_sub(1)),
                (p, q + 1),
                (p.wrapping_sub(1), q.wrapping_sub(1)),
                (p.wrapping_sub(1), q + 1),
                (p + 1, q.wrapping_sub(1)),
                (p + 1, q + 1),
            ];
            for (p, q) in neighbours {
                self.consider(y, d, (p, q, constant), &mut tried, &mut best);
            }
            self.consider(y, d, (p, q, !constant), &mut tried, &mut best);
            if best.model == before {
                return Ok(best);
            }
        }
    }

    /// Fits one candidate, once, and keeps it where it is acceptable and better.
    fn consider(&self, y: &[f64], d: usize, at: (usize, usize, bool), tried: &mut Fits, best: &mut FittedArima) {
        let (p, q, constant) = at;
        if p > self.max_order || q > self.max_order {
            return;
        }
        let plain = Arima::new(Order { p, d, q });
        let model = if constant { plain.with_usual_constant() } else { plain };
        let fitted = tried.entry(model).or_insert_with(|| {
            let series = prepare(&model, y).ok()?;
            let fitted = fit_prepared(&series, y, customary_starts(&series)).ok()?;
            let acceptable =
                fitted.aicc().is_finite() && fitted.converged && !has_root_within(&fitted.arma(), 1, SMALLEST_ROOT);
            acceptable.then_some(fitted)
        });
        if let Some(fitted) = fitted
            && fitted.aicc() < best.aicc()
        {
            *best = fitted.clone();
        }
    }
}

impl Fit for AutoArima {
    type Fitted = FittedArima;
    type Error = Error;

    /// Selects and fits. A constant series is answered by its mean, a straight line by its drift, each with variance 0.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::TooShort`] below three observations after differencing, [`Error::TooLarge`].
    fn fit(&self, y: &[f64]) -> Result<FittedArima, Error> {
        if let Some((index, &value)) = y.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NotFinite { index, value });
        }
        let d = self.d.unwrap_or_else(|| kpss::differences(y, self.max_d));
        if y.len() < SHORTEST + d {
            let model = Arima::new(Order { p: 0, d, q: 0 });
            return Err(Error::TooShort { model, needed: SHORTEST + d, got: y.len() });
        }
        self.search(y, d)
    }
}
