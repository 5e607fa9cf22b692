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
};
pub(crate) use replay::Replay;

/// What a record is kept of. Another plan is another record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordPlan {
    /// Who is forecast with, the random walk with drift first; the one without forecasts no change, and needs no column.
    pub contenders: Vec<Contender>,
    /// From each session, the next H are forecast.
    pub horizon: usize,
    /// Which sessions before each are trained on.
    pub window: Window,
    /// The seasons.
    pub season: Seasons,
    /// What the numbers are.
    #[serde(default, skip_serializing_if = "is_price")]
    pub kind: Kind,
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
        // A series without a season has no season to repeat.
        let seasonless = |contender: &Contender| {
            season == Seasons::NONE && *contender == Contender::Family(Family::SeasonalRandomWalk)
        };
        let others = families.iter().copied().filter(|contender| !contender.is_baseline() && !seasonless(contender));
        let contenders = [Contender::DRIFT].into_iter().chain(others).collect();
        RecordPlan { contenders, horizon, window, season, kind }
    }

    /// Sessions between two selections. A long season makes each costly: then there are fewer.
    pub fn reselected_after(&self) -> usize {
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
        if bars.len() < MIN_SESSIONS {
            let first = match self.window {
                Window::Since(date) => series.bars()[0].day.stamp().max(date.into()),
                _ => series.bars()[0].day.stamp(),
            };
            return Err(Error::TooShort { first, got: bars.len(), needed: MIN_SESSIONS });
        }
        let lately = &bars[bars.len().saturating_sub(STANDSTILL)..];
        if lately.iter().all(|bar| bar.adjusted_close == lately[0].adjusted_close) {
            let (first, last) = (lately[0].day.stamp(), lately[lately.len() - 1].day.stamp());
            return Err(Error::NoVariation { first, last });
        }
        Ok(())
    }
}

/// A price that has not moved for so many sessions is that of a halt.
const STANDSTILL: usize = 60;

impl Record {
    /// Appends the rows of the sessions that came since the last one. `centres` says what a contender's procedure forecasts
    /// from the session of a bar, the last of the bars that it is handed.
    ///
    /// # Errors
    /// What `centres` refuses.
    pub fn extend(
        &mut self,
        series: &PriceSeries,
        scales: &mut Option<ScaleEstimates>,
        mut centres: impl FnMut(Contender, &[crate::Bar]) -> Result<Vec<f64>, Error>,
    ) -> Result<(), Error> {
        let bars = series.bars();
        let last = self.rows.last().map(|row| row.session);
        let first_new = last.map_or(MIN_SESSIONS - 1, |last| bars.partition_point(|bar| bar.day <= last));
        let first_new = first_new.max(MIN_SESSIONS - 1);
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
            if k + 1 >= WARM_UP && age.is_none_or(|age| age >= RESELECTED_AFTER) {
                estimators.estimate();
                *scales = Some(ScaleEstimates { parameters: estimators.parameters(), until: session });
            }
            let change = shocks[k - 1].change;
            replay.settle(&self.rows, change);
            let mut forecasts = Vec::with_capacity(self.plan.contenders.len() * self.plan.horizon);
            for contender in &self.plan.contenders {
                forecasts.extend(centres(*contender, &bars[..=k])?);
            }
            let deviations = estimators.deviations(self.plan.horizon);
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

    /// The scale of its newest row.
    pub fn scale(&self) -> Option<Scale> {
        self.rows.last().map(|row| row.scale)
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

fn is_price(kind: &Kind) -> bool {
    *kind == Kind::Price
}
