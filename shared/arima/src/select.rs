//! Automatic selection of the orders and the constant.
//!
//! D by the strength of the season, d by repeated KPSS tests, then p, q, P, Q and the constant by the stepwise search of
//! Hyndman & Khandakar (2008, J. Statistical Software 27(3), section 3.2), or on the whole grid, on the AICc. Every
//! candidate is fitted by exact maximum likelihood: no approximation ranks them, so the AICc that chose a model is the
//! AICc it has. Candidates differ in no differencing, so their AICc compare.

use std::collections::BTreeMap;

use augurs_core::Fit;

use crate::{
    Arima, Constant, Error, FittedArima, Order, Seasonal,
    differenced::Workspace,
    differencing,
    fit::{PRECISE, estimate, fitted_at, has_root_within},
    gaps::filled,
    parameters::Arma,
    series::{Series, bridged, check_values},
    start::HannanRissanen,
};

/// Chooses a model's orders.
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
        }
    }
}

/// A polynomial with a root inside this radius is rejected, as near to not being stationary or invertible.
const SMALLEST_ROOT: f64 = 1.01;

/// Fewer observations than this leave no room to tell orders apart.
const SHORTEST: usize = 3;

/// Candidates are ranked by AICc to some 1e-3; the one that wins is then fitted precisely.
const RANKING: f64 = 1e-3;

/// Largest p + q + P + Q on the grid.
const LARGEST_SUM: usize = 5;

impl Fit for AutoArima {
    type Fitted = FittedArima;
    type Error = Error;

    /// Selects and fits. A constant series is answered by its mean, a straight line by its drift, each with variance 0.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::TooShort`] below three observations after differencing, [`Error::TooLarge`].
    fn fit(&self, y: &[f64]) -> Result<FittedArima, Error> {
        check_values(y)?;
        let simplest = self.differenced(y)?;
        let needed = SHORTEST + simplest.lost_to_differencing();
        let got = y.iter().filter(|v| !v.is_nan()).count();
        if got < needed {
            return Err(Error::TooShort { model: simplest, needed, got });
        }
        if Series::new(&simplest, y)?.is_degenerate() {
            return simplest.fit(y);
        }
        let regression = HannanRissanen::new(&bridged(&simplest, y), self.period);
        let mut selection = Selection { rules: self, y, regression, tried: BTreeMap::new(), best: None };
        match self.search {
            Search::Stepwise => selection.step_by_step(&simplest),
            Search::Grid => selection.whole_grid(&simplest),
        }
        match selection.best {
            None => simplest.fit(y),
            Some(best) => best.fit(y),
        }
    }
}

impl AutoArima {
    /// The model with the usual constant and no ARMA terms, differenced as the tests say.
    fn differenced(&self, y: &[f64]) -> Result<Arima, Error> {
        let y = &filled(y);
        let period = self.period.max(1);
        let seasonal_d =
            if period == 1 { 0 } else { self.seasonal_d.unwrap_or_else(|| differencing::seasonal(y, period)) };
        let seasonal = if period == 1 { Seasonal::NONE } else { Seasonal { p: 0, d: seasonal_d, q: 0, period } };
        let only_seasonal = Arima::new(Order { p: 0, d: 0, q: 0 }).with_seasonal(seasonal);
        only_seasonal.check()?;
        let d = self.d.unwrap_or_else(|| {
            let x = crate::polynomial::difference(y, &only_seasonal.differencing());
            // Twice in all is enough: a further difference only adds noise.
            differencing::plain(&x, 2 - seasonal_d.min(1))
        });
        let model = Arima { order: Order { p: 0, d, q: 0 }, ..only_seasonal }.with_usual_constant();
        model.check()?;
        Ok(model)
    }
}

/// A candidate that was fitted and found acceptable.
#[derive(Debug, Clone)]
struct Candidate {
    model: Arima,
    /// Its optimum.
    point: Vec<f64>,
    aicc: f64,
}

impl Candidate {
    /// Fits it precisely, from where the search left it.
    fn fit(&self, y: &[f64]) -> Result<FittedArima, Error> {
        let series = Series::new(&self.model, y)?;
        fitted_at(&series, y, &estimate(&series, self.point.clone(), PRECISE)?)
    }
}

struct Selection<'a> {
    rules: &'a AutoArima,
    y: &'a [f64],
    regression: HannanRissanen,
    /// Each candidate is fitted once; `None` where it was refused.
    tried: BTreeMap<Arima, Option<Candidate>>,
    best: Option<Candidate>,
}

impl Selection<'_> {
    fn step_by_step(&mut self, simplest: &Arima) {
        let with = |(p, q, seasonal_p, seasonal_q)| reordered(simplest, p, q, seasonal_p, seasonal_q);
        for start in [(2, 2, 1, 1), (0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1)] {
            self.consider(with(start));
        }
        self.consider(Arima { constant: Constant::None, ..*simplest });
        while let Some(before) = self.best.clone() {
            for neighbour in neighbours(&before.model) {
                self.consider(neighbour);
            }
            if self.best.as_ref().is_some_and(|best| best.model == before.model) {
                // Pure autoregressions are cheap, and often lie more than a step away.
                for p in 1..=self.rules.max_order {
                    self.consider(reordered(&before.model, p, 0, before.model.seasonal.p, before.model.seasonal.q));
                }
            }
            if self.best.as_ref().is_some_and(|best| best.model == before.model) {
                return;
            }
        }
    }

    fn whole_grid(&mut self, simplest: &Arima) {
        let (most, most_seasonal) = (self.rules.max_order, self.rules.max_seasonal_order);
        for sum in 0..=LARGEST_SUM {
            for p in 0..=most.min(sum) {
                for q in 0..=most.min(sum - p) {
                    for seasonal_p in 0..=most_seasonal.min(sum - p - q) {
                        let seasonal_q = sum - p - q - seasonal_p;
                        let model = reordered(simplest, p, q, seasonal_p, seasonal_q);
                        self.consider(model);
                        self.consider(Arima { constant: Constant::None, ..model });
                    }
                }
            }
        }
    }

    /// Fits a candidate, once, and keeps it where it is acceptable and better.
    fn consider(&mut self, model: Arima) {
        let Arima { order, seasonal, .. } = model;
        let model = if self.rules.period > 1 { model } else { Arima { seasonal: Seasonal::NONE, ..model } };
        // A third of a short series is the furthest that a lag can be learned from.
        let reach = self.y.len() / 3;
        let allowed = order.p.max(order.q) <= self.rules.max_order.min(reach)
            && (self.rules.period <= 1
                || seasonal.p.max(seasonal.q) <= self.rules.max_seasonal_order.min(reach / self.rules.period));
        if !allowed || self.tried.contains_key(&model) {
            return;
        }
        let candidate = self.candidate(&model);
        if let Some(new) = &candidate
            && self.best.as_ref().is_none_or(|best| new.aicc < best.aicc)
        {
            self.best.clone_from(&candidate);
        }
        self.tried.insert(model, candidate);
    }

    fn candidate(&self, model: &Arima) -> Option<Candidate> {
        let series = Series::new(model, self.y).ok()?;
        let minimum = estimate(&series, self.start(&series), RANKING).ok()?;
        let arma = Arma::from_unconstrained(model, &minimum.point);
        if !minimum.converged || has_root_within(&arma, SMALLEST_ROOT) {
            return None;
        }
        let aicc = crate::fitted::aicc(model, series.profile(&arma)?.log_likelihood, series.len());
        aicc.is_finite().then_some(Candidate { model: *model, point: minimum.point, aicc })
    }

    /// The best of several points: the regression's, white noise, and the optimum of the best model so far, its missing
    /// coefficients zero. Where the likelihood has several modes, the lowest start most often leads to the lowest.
    fn start(&self, series: &Series) -> Vec<f64> {
        let model = series.model();
        let white = vec![0.0; model.arma_parameters()];
        let regression = self.regression.estimate(model).to_unconstrained();
        let near = self.best.as_ref().map(|best| resized(&best.model, &best.point, model));
        let mut workspace = Workspace::default();
        let mut objective = |u: &Vec<f64>| series.value(u, &mut workspace);
        let points = [Some(regression), near, Some(white.clone())].into_iter().flatten();
        points.map(|u| (objective(&u), u)).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(white, |(_, u)| u)
    }
}

/// The same differencing and constant with other orders.
fn reordered(model: &Arima, p: usize, q: usize, seasonal_p: usize, seasonal_q: usize) -> Arima {
    Arima {
        order: Order { p, q, ..model.order },
        seasonal: Seasonal { p: seasonal_p, q: seasonal_q, ..model.seasonal },
        ..*model
    }
}

/// One more or one less of p, q or both, of P, Q or both, and the constant switched.
fn neighbours(model: &Arima) -> Vec<Arima> {
    const STEPS: [(isize, isize); 8] = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)];
    let moved = |value: usize, step: isize| value.checked_add_signed(step);
    let Arima { order, seasonal, .. } = *model;
    let plain = STEPS
        .iter()
        .filter_map(|&(p, q)| Some(reordered(model, moved(order.p, p)?, moved(order.q, q)?, seasonal.p, seasonal.q)));
    let seasonal = STEPS
        .iter()
        .filter_map(|&(p, q)| Some(reordered(model, order.p, order.q, moved(seasonal.p, p)?, moved(seasonal.q, q)?)));
    let constant = match model.constant {
        Constant::None => model.with_usual_constant(),
        _ => Arima { constant: Constant::None, ..*model },
    };
    seasonal.chain(plain).chain([constant]).collect()
}

/// The point of one model as a point of another: partial autocorrelations that both have, zero for the others.
fn resized(from: &Arima, point: &[f64], to: &Arima) -> Vec<f64> {
    let sizes = |model: &Arima| [model.order.p, model.order.q, model.seasonal.p, model.seasonal.q];
    let mut rest = point;
    let mut resized = Vec::with_capacity(to.arma_parameters());
    for (has, wants) in sizes(from).into_iter().zip(sizes(to)) {
        let (part, after) = rest.split_at(has);
        resized.extend((0..wants).map(|i| part.get(i).copied().unwrap_or(0.0)));
        rest = after;
    }
    resized
}
