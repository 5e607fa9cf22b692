//! The search for the best orders: stepwise as Hyndman & Khandakar (2008, J. Statistical Software 27(3), section 3.2), with
//! ways on from where that stops too early, or the whole grid.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    Arima, AutoArima, Constant, Criterion, Error, Order, Seasonal, Selected,
    estimation::{
        fit::{PRECISE, estimate, fitted_at, has_root_within},
        parameters::Arma,
    },
    fitted::{aic, aicc, bic},
    kalman::{
        differenced::Workspace,
        imputation,
        series::{Series, bridged},
        start::HannanRissanen,
    },
};

/// In series shorter than this, noise finds some model among many that seems to explain it: six observations for each
/// coefficient of an ARIMA(5,d,5) with a constant.
const SHORT: usize = 66;

/// A polynomial with a root inside this radius is refused, as near to not being stationary or invertible: 1.01, and in
/// short series as far as the root's memory, 1 / (radius - 1) observations (seasons, of a seasonal polynomial), exceeds a third
/// of the series.
fn smallest_root(n: usize) -> f64 {
    if n < SHORT { 1.0 + 3.0 / n as f64 } else { 1.01 }
}

/// What looking for the best of many models costs in a short series, on top of what each of its coefficients does:
/// 2 log c in place of 2 for each, where c coefficients could be chosen (the risk inflation criterion; Foster & George 1994,
/// Annals of Statistics 22, 1947-1975). Moving averages of up to the order of differencing are free: with them the models
/// are exponential smoothing of a level or a trend, the likeliest before any look at the data (Muth 1960, J. American
/// Statistical Association 55, 299-306; Harvey 1989, section 2.4).
fn price_of_search(rules: &AutoArima, model: &Arima, n: usize) -> f64 {
    if n >= SHORT {
        return 0.0;
    }
    let seasonal = if rules.period > 1 { 2 * rules.max_seasonal_order } else { 0 };
    let choice = (2 * rules.max_order + seasonal + 1) as f64;
    // A mean is no finding: without it, the series' level would be one.
    let paid = model.arma_parameters() + usize::from(model.has_drift()) - model.order.q.min(model.order.d);
    (2.0 * choice.ln() - 2.0).max(0.0) * paid as f64
}

/// Candidates are ranked by log-likelihoods to some 1e-3; those that lead are then estimated precisely.
const RANKING: f64 = 1e-3;

/// Largest p + q + P + Q on the grid.
const MAX_SUM: usize = 5;

/// A candidate of a selection, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The candidate.
    pub model: Arima,
    /// Its log-likelihood, to 1e-3.
    pub log_likelihood: f64,
    /// What it was ranked by.
    pub criterion: f64,
    /// Why it may not be chosen, whatever its criterion.
    pub refused: Option<Refusal>,
}

/// Why a candidate may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A root of one of its polynomials lies too near to the unit circle: the model nearly is not stationary or invertible.
    NearUnitRoot,
    /// The search for its optimum did not converge.
    NotConverged,
    /// Too few observations for so many parameters.
    TooShort,
}

/// A candidate with its optimum.
#[derive(Debug, Clone)]
struct Candidate {
    tried: Tried,
    point: Vec<f64>,
}

pub(crate) struct Selection<'a, G> {
    rules: &'a AutoArima,
    simplest: Arima,
    y: &'a [f64],
    /// What each candidate regresses it on.
    columns: &'a [Vec<f64>],
    /// What candidates are ranked on: the series itself, or with its gaps imputed.
    ranked: Cow<'a, [f64]>,
    regression: HannanRissanen,
    keep_going: G,
    finished: bool,
    /// Each model is tried once: its place among the candidates.
    places: BTreeMap<Arima, usize>,
    candidates: Vec<Candidate>,
    /// Place of the best that is not refused.
    best: Option<usize>,
}

impl<'a, G: FnMut() -> bool> Selection<'a, G> {
    pub(crate) fn new(
        rules: &'a AutoArima,
        simplest: Arima,
        y: &'a [f64],
        columns: &'a [Vec<f64>],
        keep_going: G,
    ) -> Self {
        let regression = HannanRissanen::new(&bridged(&simplest, y), rules.period);
        let (places, candidates) = (BTreeMap::new(), Vec::new());
        let ranked = imputed(&simplest, y).map_or(Cow::Borrowed(y), Cow::Owned);
        Selection {
            rules,
            simplest,
            y,
            columns,
            ranked,
            regression,
            keep_going,
            finished: true,
            places,
            candidates,
            best: None,
        }
    }

    /// Fits the best precisely, from where the search left it; and the columns' weights.
    pub(crate) fn end(self) -> Result<(Selected, Vec<f64>), Error> {
        let mut allowed: Vec<&Candidate> = self.candidates.iter().filter(|c| c.tried.refused.is_none()).collect();
        allowed.sort_by(|a, b| a.tried.criterion.total_cmp(&b.tried.criterion));
        let fit = |candidate: &&Candidate| {
            let series = Series::regressed(&candidate.tried.model, self.y, self.columns).ok()?;
            let minimum = estimate(&series, candidate.point.clone(), PRECISE).ok()?;
            fitted_at(&series, self.y, self.columns, &minimum).ok()
        };
        let (fitted, weights) = match allowed.iter().find_map(fit) {
            Some(fitted) => fitted,
            None => self.simplest.fit_on(self.y, self.columns)?,
        };
        let tried = self.candidates.into_iter().map(|candidate| candidate.tried).collect();
        Ok((Selected { fitted, tried, finished: self.finished }, weights))
    }

    pub(crate) fn step_by_step(&mut self) {
        let simplest = self.simplest;
        let with = |(p, q, seasonal_p, seasonal_q)| reordered(&simplest, p, q, seasonal_p, seasonal_q);
        for start in [(2, 2, 1, 1), (0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1)] {
            self.consider(with(start));
        }
        self.consider(Arima { constant: Constant::None, ..simplest });
        while let Some(centre) = self.best_model() {
            for neighbour in neighbours(&centre) {
                self.consider(neighbour);
            }
            let with = |p, q| reordered(&centre, p, q, centre.seasonal.p, centre.seasonal.q);
            if self.best_model() == Some(centre) {
                // Pure autoregressions are cheap, and often lie more than a step away.
                for p in 1..=self.max_order() {
                    self.consider(with(p, 0));
                }
            }
            if self.rules.period > 1 && self.best_model() == Some(centre) {
                self.further_afield(&centre);
            }
            if self.best_model().is_some_and(|best| best.order.p == self.max_order() && best.order.q == 0) {
                // The longest autoregression stands in for a moving average that no step leads to.
                let longest = self.max_order();
                for (p, q) in (0..=2).flat_map(|p| (1..=longest).map(move |q| (p, q))) {
                    self.consider(with(p, q));
                }
            }
            if self.best_model() == Some(centre) {
                return;
            }
        }
    }

    /// What a season's models hide behind a worse neighbour: other seasonal orders with the same p and q, such as two seasonal moving
    /// averages for two autoregressions; and pure moving averages.
    fn further_afield(&mut self, centre: &Arima) {
        let Arima { order, seasonal, .. } = *centre;
        for (p, q) in [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (2, 1)] {
            self.consider(reordered(centre, order.p, order.q, p, q));
        }
        for q in 1..=self.max_order() {
            self.consider(reordered(centre, 0, q, seasonal.p, seasonal.q));
        }
    }

    pub(crate) fn whole_grid(&mut self) {
        let (most, most_seasonal) = (self.max_order(), self.rules.max_seasonal_order);
        for sum in 0..=MAX_SUM {
            for p in 0..=most.min(sum) {
                for q in 0..=most.min(sum - p) {
                    for seasonal_p in 0..=most_seasonal.min(sum - p - q) {
                        let seasonal_q = sum - p - q - seasonal_p;
                        let model = reordered(&self.simplest, p, q, seasonal_p, seasonal_q);
                        self.consider(model);
                        self.consider(Arima { constant: Constant::None, ..model });
                    }
                }
            }
        }
    }

    /// Largest p and q. A third of the series is the furthest that a lag can be learned from.
    fn max_order(&self) -> usize {
        self.rules.max_order.min(self.y.len() / 3)
    }

    fn best_model(&self) -> Option<Arima> {
        self.best.map(|place| self.candidates[place].tried.model)
    }

    /// Fits a candidate, once, and notes whether it is the best one yet.
    fn consider(&mut self, model: Arima) {
        let model = if self.rules.period > 1 { model } else { Arima { seasonal: Seasonal::NONE, ..model } };
        if !self.is_allowed(&model) || self.places.contains_key(&model) {
            return;
        }
        self.finished = self.finished && (self.best.is_none() || (self.keep_going)());
        if !self.finished {
            return;
        }
        let candidate = self.candidate(&model);
        self.places.insert(model, self.candidates.len());
        if self.leads(&candidate.tried) {
            self.best = Some(self.candidates.len());
        }
        self.candidates.push(candidate);
    }

    fn is_allowed(&self, model: &Arima) -> bool {
        let Arima { order, seasonal, .. } = model;
        let reach = self.y.len() / 3;
        order.p.max(order.q) <= self.max_order()
            && (self.rules.period <= 1
                || seasonal.p.max(seasonal.q) <= self.rules.max_seasonal_order.min(reach / self.rules.period))
    }

    /// Whether it would be the best so far.
    fn leads(&self, tried: &Tried) -> bool {
        tried.refused.is_none() && self.best.is_none_or(|best| tried.criterion < self.candidates[best].tried.criterion)
    }

    fn candidate(&self, model: &Arima) -> Candidate {
        let series = Series::regressed(model, &self.ranked, self.columns);
        let Ok(series) = series else { return refused(*model, Refusal::TooShort) };
        let rough = self.estimated(&series, self.start(&series), RANKING);
        if self.leads(&rough.tried) {
            // An estimate on its way to the unit circle may not have come near it yet.
            self.estimated(&series, rough.point, PRECISE)
        } else {
            rough
        }
    }

    fn estimated(&self, series: &Series, start: Vec<f64>, tolerance: f64) -> Candidate {
        let model = *series.model();
        let Ok(minimum) = estimate(series, start, tolerance) else { return refused(model, Refusal::NotConverged) };
        let arma = Arma::from_unconstrained(&model, &minimum.point);
        let Some(profile) = series.profile(&arma) else { return refused(model, Refusal::NotConverged) };
        let log_likelihood = profile.log_likelihood;
        let (k, n) = (model.parameters() + self.columns.len(), series.len());
        let criterion = match self.rules.criterion {
            Criterion::Cautious => aicc(k, log_likelihood, n) + price_of_search(self.rules, &model, self.y.len()),
            Criterion::Aicc => aicc(k, log_likelihood, n),
            Criterion::Aic => aic(k, log_likelihood),
            Criterion::Bic => bic(k, log_likelihood, n),
        };
        let refused = if !criterion.is_finite() {
            Some(Refusal::TooShort)
        } else if !minimum.converged {
            Some(Refusal::NotConverged)
        } else {
            has_root_within(&arma, smallest_root(self.y.len())).then_some(Refusal::NearUnitRoot)
        };
        Candidate { tried: Tried { model, log_likelihood, criterion, refused }, point: minimum.point }
    }

    /// The best of several points: the regression's, white noise, and the optimum of the best model so far, its missing
    /// coefficients zero. Where the likelihood has several modes, the lowest start most often leads to the lowest.
    fn start(&self, series: &Series) -> Vec<f64> {
        let model = series.model();
        let white = vec![0.0; model.arma_parameters()];
        let regression = self.regression.estimate(model).to_unconstrained();
        let near = self.best.map(|place| &self.candidates[place]);
        let near = near.map(|best| resized(&best.tried.model, &best.point, model));
        let mut workspace = Workspace::default();
        let mut objective = |u: &Vec<f64>| series.value(u, &mut workspace);
        let points = [Some(regression), near, Some(white.clone())].into_iter().flatten();
        points.map(|u| (objective(&u), u)).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(white, |(_, u)| u)
    }
}

/// Series with gaps from this length on, or with a season, have their orders ranked with the gaps imputed.
const LONG: usize = 200;

/// The series with its gaps as a simple model expects them. Each candidate's exact likelihood would cost a run of the filter, or one for
/// each missing value; the one that is chosen is then fitted to the values that there are.
fn imputed(simplest: &Arima, y: &[f64]) -> Option<Vec<f64>> {
    let has_season = simplest.seasonal.period > 1;
    if !y.iter().any(|v| v.is_nan()) || (!has_season && y.len() < LONG) {
        return None;
    }
    // Where level and season are differenced, exponential smoothing of both; otherwise they return to their means.
    let [q, seasonal_q] = [simplest.order.d, simplest.seasonal.d].map(|d| d.min(1));
    let (seasonal_p, seasonal_q) = if has_season { (1 - seasonal_q, seasonal_q) } else { (0, 0) };
    let model = reordered(simplest, 1 - q, q, seasonal_p, seasonal_q);
    let series = Series::new(&model, y).ok()?;
    let minimum = estimate(&series, vec![0.0; model.arma_parameters()], RANKING).ok()?;
    imputation::imputed(&model, y, &Arma::from_unconstrained(&model, &minimum.point))
}

fn refused(model: Arima, why: Refusal) -> Candidate {
    let tried = Tried { model, log_likelihood: f64::NEG_INFINITY, criterion: f64::INFINITY, refused: Some(why) };
    Candidate { tried, point: Vec::new() }
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
