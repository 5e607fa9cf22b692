//! The track record: at every past session, what each contender's own procedure forecast from there, and what came (Dawid 1984, JRSS A 147, 278-292: prequential).
//!
//! A procedure selects its model, estimates it, and takes in one price after another; what it forecasts from a session has seen
//! that session and those before it, and nothing later: it is handed no more. The first night builds the record from the
//! history ([`Record::of_history`]); each later night appends a row ([`Record::extend`]), and no row is ever rewritten.

mod history;
mod replay;
mod row;

use serde::{Deserialize, Serialize};

pub use row::RecordRow;

use crate::{
    Contender, Detail, Error, Family, Kind, Period, PriceSeries, Scale, Seasons, Window,
    scale::{ScaleParameters, Scales, Shock},
    series::MAX_VALUE,
};
pub(crate) use replay::Replay;

/// What a record is kept of. Another plan is another record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordPlan {
    /// Who is forecast with: the baselines first. Of prices, the random walk without drift is the incumbent, which forecasts no change and
    /// needs no column.
    pub contenders: Vec<Contender>,
    /// From each session, the next H are forecast.
    pub horizon: usize,
    /// Which sessions before each are trained on.
    pub window: Window,
    /// The seasons.
    pub season: Seasons,
    /// What the numbers are.
    #[serde(default, skip_serializing_if = "Kind::is_price")]
    pub kind: Kind,
    /// The columns that a regression regresses on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressors: Vec<String>,
}

/// A series is forecast from this many sessions on.
pub const MIN_SESSIONS: usize = 20;
/// Before so many sessions nobody but the random walk forecasts: what would be estimated on fewer is mostly noise.
pub const WARM_UP: usize = 120;
/// Sessions between two selections of a procedure, half a year: what is selected more often costs more.
pub const RESELECTED_AFTER: usize = 126;

/// A ticker's track record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What it is kept of.
    pub plan: RecordPlan,
    /// The session of the first night: rows up to it were built from the history, those after it night by night.
    pub opened: Period,
    /// One row a session.
    pub rows: Vec<RecordRow>,
}

/// The scales' estimates, and the last session that they rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleEstimates {
    /// What was estimated.
    pub parameters: ScaleParameters,
    /// On the sessions up to here.
    pub until: Period,
}

impl RecordPlan {
    /// For these families and pinned specifications, beside both random walks.
    pub fn new(families: &[Contender], horizon: usize, window: Window, season: Seasons, kind: Kind) -> RecordPlan {
        // A series without a season has none to repeat or to take out.
        let seasonless = |contender: &Contender| {
            season == Seasons::NONE
                && [Family::SeasonalRandomWalk, Family::Mstl].map(Contender::Family).contains(contender)
        };
        let others = families.iter().copied().filter(|contender| !contender.is_baseline() && !seasonless(contender));
        // Of values, the random walk must prove better like anyone else, and a season is the measure.
        let measures = match kind {
            Kind::Price => vec![Contender::DRIFT],
            Kind::Value(_) if season == Seasons::NONE => vec![Contender::RANDOM_WALK, Contender::DRIFT],
            Kind::Value(_) => vec![Contender::RANDOM_WALK, Contender::DRIFT, RecordPlan::SEASONAL],
        };
        let others = others.filter(|contender| !measures.contains(contender)).collect::<Vec<_>>();
        let contenders = measures.into_iter().chain(others).collect();
        RecordPlan { contenders, horizon, window, season, kind, regressors: Vec::new() }
    }

    /// With columns to regress on, and a contender who does. Without, there is none.
    #[must_use]
    pub fn with_regressors(mut self, names: &[String]) -> RecordPlan {
        self.contenders.retain(|contender| *contender != RecordPlan::REGRESSION);
        if !names.is_empty() {
            self.contenders.push(RecordPlan::REGRESSION);
        }
        RecordPlan { regressors: names.to_vec(), ..self }
    }

    const REGRESSION: Contender = Contender::Family(Family::Regression);
    const SEASONAL: Contender = Contender::Family(Family::SeasonalRandomWalk);

    /// Who serves where the record can tell little: of prices the random walk, of values the combination, or the first family that is
    /// there.
    pub fn incumbent(&self) -> Contender {
        let combination = Contender::Family(Family::Combination);
        let trained = self.contenders.iter().filter(|contender| !contender.is_baseline());
        match self.kind {
            Kind::Price => Contender::RANDOM_WALK,
            Kind::Value(_) if self.contenders.contains(&combination) => combination,
            Kind::Value(_) => {
                // What a program says of its errors is not kept.
                let ours = |other: &Contender| *other != RecordPlan::SEASONAL && other.program().is_none();
                trained.copied().find(ours).unwrap_or(Contender::RANDOM_WALK)
            }
        }
    }

    /// Whose losses skill is measured by.
    pub(crate) fn measure(&self) -> Contender {
        let seasonal = !self.kind.is_price() && self.contenders.contains(&RecordPlan::SEASONAL);
        if seasonal { RecordPlan::SEASONAL } else { Contender::RANDOM_WALK }
    }

    /// So many periods are needed for a forecast.
    pub fn fewest(&self) -> usize {
        match self.kind {
            Kind::Price => MIN_SESSIONS,
            Kind::Value(_) => MIN_VALUES,
        }
    }

    /// Models are trained on so many periods or more.
    pub fn trained_from(&self) -> usize {
        match self.kind {
            Kind::Price => WARM_UP,
            Kind::Value(_) => MIN_VALUES,
        }
    }

    /// A record of the history has forecasts from the period of this number on.
    fn warm_up(&self) -> usize {
        match self.kind {
            Kind::Price => WARM_UP,
            Kind::Value(_) => FIRST_VALUES.max(2 * self.season.short() + 2),
        }
    }

    /// A record of the history has rows from the period of this number on.
    pub(crate) fn first_row(&self) -> usize {
        match self.kind {
            Kind::Price => MIN_SESSIONS,
            Kind::Value(_) => self.warm_up(),
        }
    }

    /// From where on a program is asked for the record of a series' history, and after how many of its periods it is to fit anew.
    pub fn program_schedule(&self, series: &PriceSeries) -> (usize, Vec<usize>) {
        let bars = series.bars();
        // Before a window that begins on a date there is nothing to fit on.
        let trained = |known: &usize| self.window.of_bars(&bars[..*known]).len() >= self.fewest();
        let from = (self.warm_up()..=bars.len()).find(trained).unwrap_or(bars.len()).min(bars.len());
        let mut fits = Vec::new();
        let mut selected = None;
        for known in 2..bars.len() {
            if self.selects_at(known, selected) {
                selected = Some(known);
                if known >= from {
                    fits.push(known);
                }
            }
        }
        if fits.first() != Some(&from) {
            fits.insert(0, from);
        }
        (from, fits)
    }

    /// Whether a record of the history selects anew after so many periods; `last` is when it did so before.
    fn selects_at(&self, periods: usize, last: Option<usize>) -> bool {
        match (self.kind, last) {
            (Kind::Price, _) => {
                periods >= WARM_UP && (periods - WARM_UP).is_multiple_of(self.reselected_after(periods))
            }
            (Kind::Value(_), None) => periods >= self.warm_up(),
            (Kind::Value(_), Some(last)) => periods >= last + self.reselected_after(last),
        }
    }

    /// Periods between two selections, of which the second may rest on so many. A long season makes each costly: then there are fewer.
    pub fn reselected_after(&self, periods: usize) -> usize {
        if !self.kind.is_price() {
            // What has grown by a third may be another model's.
            return (periods / 3).max(4);
        }
        match self.season.longest() {
            0..=1 => RESELECTED_AFTER,
            2..=24 => 4 * RESELECTED_AFTER,
            _ => 16 * RESELECTED_AFTER,
        }
    }

    /// A series must be long enough to be forecast, and move.
    ///
    /// # Errors
    /// [`Error::TooShort`], or [`Error::NoVariation`] where the price stands still: over all that is trained on, or lately.
    pub fn check(&self, series: &PriceSeries) -> Result<(), Error> {
        let bars = self.window.of(series);
        if bars.len() < self.fewest() {
            let first = match self.window {
                Window::Since(date) => series.bars()[0].day.stamp().max(date.into()),
                _ => series.bars()[0].day.stamp(),
            };
            return Err(Error::TooShort { first, got: bars.len(), needed: self.fewest() });
        }
        let lately = &bars[bars.len().saturating_sub(STANDSTILL)..];
        // A value may stand still: then it is forecast to.
        if self.kind == Kind::Price && lately.iter().all(|bar| bar.adjusted_close == lately[0].adjusted_close) {
            let (first, last) = (lately[0].day.stamp(), lately[lately.len() - 1].day.stamp());
            return Err(Error::NoVariation { first, last });
        }
        Ok(())
    }
}

/// A line through two values says nothing of the third.
const MIN_VALUES: usize = 3;
/// From so many values on a forecast that was not made then tells something.
const FIRST_VALUES: usize = 8;
/// A price that has not moved for so many sessions is that of a halt.
const STANDSTILL: usize = 60;

impl Record {
    /// Appends the rows of the sessions that came since the last one. `outlook` says what a contender's procedure forecasts
    /// from the session of a bar, the last of the bars that it is handed.
    ///
    /// # Errors
    /// What `outlook` refuses.
    pub fn extend(
        &mut self,
        series: &PriceSeries,
        scales: &mut Option<ScaleEstimates>,
        mut outlook: impl FnMut(Contender, &[crate::Bar]) -> Result<Outlook, Error>,
    ) -> Result<(), Error> {
        let bars = series.bars();
        let last = self.rows.last().map(|row| row.session);
        // Tonight has a row whatever there is before it.
        let first = (self.plan.first_row() - 1).min(bars.len() - 1).max(self.plan.fewest() - 1);
        let first_new = last.map_or(first, |last| bars.partition_point(|bar| bar.day <= last)).max(first);
        if first_new >= bars.len() {
            return Ok(());
        }
        let shocks = Shock::of(bars, self.plan.kind);
        let parameters = scales.as_ref().map(|known| known.parameters.clone()).unwrap_or_default();
        let mut estimators = Scales::new(&parameters);
        shocks[..first_new - 1].iter().for_each(|shock| estimators.observe(*shock));
        let mut replay = Replay::of(self, &[], Detail::Short);
        for k in first_new..bars.len() {
            let session = bars[k].day;
            estimators.observe(shocks[k - 1]);
            let age = scales.as_ref().map(|known| known.until.periods_until(session));
            if self.plan.kind == Kind::Price && k + 1 >= WARM_UP && age.is_none_or(|age| age >= RESELECTED_AFTER) {
                estimators.estimate();
                *scales = Some(ScaleEstimates { parameters: estimators.parameters(), until: session });
            }
            let change = shocks[k - 1].change;
            replay.settle(&self.rows, change);
            let mut outlooks = Vec::with_capacity(self.plan.contenders.len());
            for contender in &self.plan.contenders {
                outlooks.push((*contender, outlook(*contender, &bars[..=k])?));
            }
            let deviations = self.plan.deviations(&estimators, &outlooks);
            let forecasts = outlooks.into_iter().flat_map(|(_, outlook)| outlook.centres).collect();
            self.rows.push(RecordRow::new(session, change, replay.scale(), deviations, forecasts));
            replay.pushed(&self.rows);
        }
        Ok(())
    }

    /// Rows before the year's first night.
    pub(crate) fn history(&self) -> usize {
        self.rows.partition_point(|row| row.session <= self.opened)
    }

    /// Where a contender stands in the rows; `None` for the random walk, which has no column, and for strangers.
    pub(crate) fn column(&self, contender: Contender) -> Option<usize> {
        self.plan.contenders.iter().position(|other| *other == contender)
    }

    /// What a contender forecast from a session, by its row; without what it said of its errors.
    pub fn outlook_of(&self, contender: Contender, session: Period) -> Option<Outlook> {
        let row = &self.rows[self.rows.binary_search_by_key(&session, |row| row.session).ok()?];
        let (column, horizon) = (self.column(contender)?, self.plan.horizon);
        Some(Outlook { centres: row.centres[column * horizon..][..horizon].to_vec(), errors: None })
    }

    /// The scale of its newest row.
    pub fn scale(&self) -> Option<Scale> {
        self.rows.last().map(|row| row.scale)
    }
}

/// What a procedure forecasts from a session: the changes over the next 1, 2, ... sessions, and what its model says of their errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlook {
    /// The changes.
    pub centres: Vec<f64>,
    /// Their standard errors; none where nothing was estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<f64>>,
}

impl Outlook {
    /// Of the forecasts of so many next values, and of their standard errors on the level that models work on.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of_values(kind: Kind, last: f64, values: &[f64], errors: Option<Vec<f64>>) -> Result<Outlook, String> {
        let last = kind.level(last);
        let mut centres = Vec::with_capacity(values.len());
        for (h, value) in values.iter().enumerate() {
            let centre = kind.level(*value) - last;
            if kind.refusal(*value).is_some() || !centre.is_finite() || value.abs() > MAX_VALUE {
                return Err(format!("its forecast of {} ahead is {value}", h + 1));
            }
            centres.push(centre);
        }
        Ok(Outlook { centres, errors })
    }

    /// No change, and nothing known of it.
    pub fn none(horizon: usize) -> Outlook {
        Outlook { centres: vec![0.0; horizon], errors: None }
    }

    /// The same change in each session.
    pub fn growth(growth: f64, horizon: usize) -> Outlook {
        Outlook { centres: (1..=horizon).map(|h| growth * h as f64).collect(), errors: None }
    }
}

impl RecordPlan {
    /// A row's deviations: of all scales, or what the incumbent's model says; where it says nothing, those of a random walk.
    fn deviations(&self, estimators: &Scales, outlooks: &[(Contender, Outlook)]) -> Vec<f64> {
        if self.kind == Kind::Price {
            return estimators.deviations(self.horizon);
        }
        let own = outlooks.iter().find(|(contender, _)| *contender == self.incumbent());
        let stated = own.and_then(|(_, outlook)| outlook.errors.clone());
        let sound = |errors: &Vec<f64>| errors.iter().all(|error| error.is_finite() && *error > 0.0);
        stated.filter(sound).unwrap_or_else(|| estimators.deviations(self.horizon)[..self.horizon].to_vec())
    }
}

/// The average growth of log prices a session over a window: the random walk's drift by maximum likelihood.
///
/// # Panics
/// Of no bars.
pub fn average_growth(bars: &[crate::Bar], kind: Kind) -> f64 {
    let (first, last) = (&bars[0], &bars[bars.len() - 1]);
    (kind.level(last.adjusted_close) - kind.level(first.adjusted_close)) / (bars.len() - 1).max(1) as f64
}
