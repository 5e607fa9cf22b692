//! Automatic selection of the orders and the constant.
//!
//! D by the strength of the season, d by repeated KPSS tests, then p, q, P, Q and the constant by the search in
//! `search.rs`, on the AICc by default. Every candidate is fitted by exact maximum likelihood: no
//! approximation ranks them, so what chose a model is what it has. Candidates differ in no differencing, so
//! their criteria compare.

use augurs::Fit;

use crate::{
    Arima, Error, FittedArima, Order, Seasonal,
    kalman::{
        imputation::filled,
        series::{Series, check_values},
    },
    model::polynomial,
    selection::{
        differencing,
        search::{Selection, Tried},
    },
};

/// Chooses a model's orders.
///
/// ```
/// use arima::AutoArima;
/// use augurs::Fit;
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
    /// Largest P and largest Q.
    pub max_seasonal_order: usize,
    /// The season's length; 1 for none.
    pub period: usize,
    /// The d to use; by default the KPSS test's, up to 2.
    pub d: Option<usize>,
    /// The D to use; by default 1 where the season is strong.
    pub seasonal_d: Option<usize>,
    /// How candidates are visited.
    pub search: Search,
    /// What ranks them.
    pub criterion: Criterion,
}

/// What ranks candidates: -2 log-likelihood and a penalty on the k parameters, sigma2 among them, that n observations
/// estimate. The lowest is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// The AICc; in series of less than 66 observations, the price of having searched as well (the risk inflation
    /// criterion).
    Cautious,
    /// 2 k n / (n - k - 1): Akaike's, corrected for small samples (Hurvich & Tsai 1989, Biometrika 76, eq. (2)).
    Aicc,
    /// 2 k: Akaike's.
    Aic,
    /// k log n: Schwarz's.
    Bic,
}

/// A selection: the model, and every candidate that was looked at on the way.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The model that was chosen.
    pub fitted: FittedArima,
    /// The candidates in the order in which they were tried; none where the series left nothing to choose.
    pub tried: Vec<Tried>,
    /// Whether the search came to its end, rather than to that of its budget.
    pub finished: bool,
}

/// How candidates are visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// From the best one so far to its neighbours, until none is better.
    Stepwise,
    /// All with p + q + P + Q up to 5.
    Grid,
}

impl Default for AutoArima {
    /// Non-seasonal, p and q up to 5 (P and Q up to 2 once there is a period), stepwise.
    fn default() -> Self {
        AutoArima {
            max_order: 5,
            max_seasonal_order: 2,
            period: 1,
            d: None,
            seasonal_d: None,
            search: Search::Stepwise,
            criterion: Criterion::Cautious,
        }
    }
}

/// Fewer observations than this leave no room to tell orders apart.
const MIN_OBSERVATIONS: usize = 3;

impl Fit for AutoArima {
    type Fitted = FittedArima;
    type Error = Error;

    /// Selects and fits. A constant series is answered by its mean, a straight line by its drift, each with variance 0.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::TooShort`] below three observations after differencing, [`Error::TooLarge`].
    fn fit(&self, y: &[f64]) -> Result<FittedArima, Error> {
        self.select(y, || true).map(|selected| selected.fitted)
    }
}

impl AutoArima {
    /// As [`Fit::fit`], with the whole table of candidates. Once one can be chosen, `keep_going` is asked before each
    /// further one: when it says no, the best so far is the answer. (Here is no clock: a budget in seconds is the caller's to measure.)
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let y: Vec<f64> = (0..100).map(|t| f64::from(t * t % 17)).collect();
    /// let start = Instant::now();
    /// let selected = arima::AutoArima::default().select(&y, || start.elapsed() < Duration::from_secs(1))?;
    /// assert!(selected.finished && selected.tried.len() > 5);
    /// # Ok::<(), arima::Error>(())
    /// ```
    pub fn select(&self, y: &[f64], keep_going: impl FnMut() -> bool) -> Result<Selected, Error> {
        self.select_on(y, &[], keep_going).map(|(selected, _)| selected)
    }

    /// With columns to regress on, and their weights.
    pub(crate) fn select_on(
        &self,
        y: &[f64],
        columns: &[Vec<f64>],
        keep_going: impl FnMut() -> bool,
    ) -> Result<(Selected, Vec<f64>), Error> {
        check_values(y)?;
        let simplest = self.differenced(y)?;
        let needed = MIN_OBSERVATIONS + simplest.lost_to_differencing() + columns.len();
        let got = y.iter().filter(|v| !v.is_nan()).count();
        if got < needed {
            return Err(Error::TooShort { model: simplest, needed, got });
        }
        // Nothing to choose, or too little to choose by.
        let enough = got - simplest.lost_to_differencing() > simplest.parameters() + columns.len() + 1;
        if !enough || Series::regressed(&simplest, y, columns)?.is_degenerate() {
            let (fitted, weights) = simplest.fit_on(y, columns)?;
            return Ok((Selected { fitted, tried: Vec::new(), finished: true }, weights));
        }
        let mut selection = Selection::new(self, simplest, y, columns, keep_going);
        match self.search {
            Search::Stepwise => selection.step_by_step(),
            Search::Grid => selection.whole_grid(),
        }
        selection.end()
    }

    /// The model with the usual constant and no ARMA terms, differenced as the tests say.
    fn differenced(&self, given: &[f64]) -> Result<Arima, Error> {
        let y = &filled(given);
        let period = self.period.max(1);
        // A season with a step that was never seen cannot be differenced away.
        let whole = (0..period).all(|step| given.iter().skip(step).step_by(period).any(|v| !v.is_nan()));
        let strong = |y: &[f64]| if whole { differencing::nsdiffs(y, period) } else { 0 };
        let seasonal_d = if period == 1 { 0 } else { self.seasonal_d.unwrap_or_else(|| strong(y)) };
        let seasonal = if period == 1 { Seasonal::NONE } else { Seasonal { p: 0, d: seasonal_d, q: 0, period } };
        let only_seasonal = Arima::new(Order { p: 0, d: 0, q: 0 }).with_seasonal(seasonal);
        only_seasonal.check()?;
        let d = self.d.unwrap_or_else(|| {
            let x = polynomial::difference(y, &only_seasonal.differencing());
            // Twice in all is enough: a further difference only adds noise.
            differencing::ndiffs(&x, 2 - seasonal_d.min(1))
        });
        let model = Arima { order: Order { p: 0, d, q: 0 }, ..only_seasonal }.with_usual_constant();
        model.check()?;
        Ok(model)
    }
}
