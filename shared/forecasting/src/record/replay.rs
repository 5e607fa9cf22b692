//! Goes through a record's rows in their order and learns from each outcome as it came: which scale to believe, how wide
//! intervals must be, what everyone lost. At any row it knows no later one.

use std::collections::VecDeque;

use super::{MIN_SESSIONS, Record, RecordRow, WARM_UP};
use crate::{
    Calibration, Detail, Kind, Level, Multipliers, Scale,
    calibration::{GRID, Lesson, student},
    scorecard::{Losses, Widths, quantile_loss},
};

const SCALES: usize = Scale::ALL.len();
/// The levels by whose losses the scale is chosen, whatever levels are served.
const CHOOSING: [Level; 2] = [Level::new(80.0), Level::new(95.0)];
/// The scale is chosen by what each lost lately: a loss counts half after a year.
const HALF_LIFE: f64 = 252.0;
/// Of values, a model's own standard error counts as so many outcomes,
const OWN_WORD: f64 = 6.0;
/// each so much larger than it says: it knows its parameters, and no other model.
const TOLD_SHORT: f64 = 1.2;
/// Of so many values a model's variance would be twice what it says.
const FEW: f64 = 10.0;
/// After so many periods an error counts half.
const FADING: f64 = 60.0;
/// Larger errors than so many deviations count as that.
const MAX_SHARE: f64 = 5.0;
/// Before so many outcomes there is nothing to choose by.
const MIN_OUTCOMES: usize = 40;

/// A replay up to some row.
pub(crate) struct Replay {
    horizon: usize,
    levels: Vec<Level>,
    lessons: Vec<Lesson>,
    /// The quantiles of the CRPS, where it is wanted.
    grid: Vec<GridLevel>,
    /// The widths of intervals whose outcomes have not all come, oldest origin first, by contender and step.
    standing: VecDeque<Vec<Widths>>,
    /// Multipliers by contender (the random walk first), scale, level and horizon.
    factors: Vec<f64>,
    contenders: usize,
    scales: &'static [Scale],
    /// Of prices, the choice among the scales.
    choice: Option<Choice>,
    /// Of values, the squared errors, by contender and horizon: how many, and their sum.
    squares: Vec<(f64, f64)>,
    /// Periods known so far.
    periods: usize,
    /// How much of them is left after a period.
    fading: f64,
    /// Losses of each contender, from the row that scoring begins with.
    losses: Vec<Losses>,
    score_from: usize,
}

/// A level of the grid between two that are learned.
struct GridLevel {
    start: f64,
    below: usize,
    above: usize,
    share: f64,
}

/// The choice among the scales: one session ahead, around the random walk, each with multipliers of its own.
struct Choice {
    lessons: [Lesson; 2],
    factors: [[f64; 2]; SCALES],
    losses: [f64; SCALES],
    outcomes: usize,
}

impl Replay {
    /// Replays all rows. With levels, intervals are learned for them, and losses are added up: by horizon and with the CRPS where
    /// `detail` says so.
    pub(crate) fn of(record: &Record, levels: &[Level], detail: Detail) -> Replay {
        let contenders = if levels.is_empty() { 0 } else { 1 + record.plan.contenders.len() };
        let horizon = record.plan.horizon;
        let mut replay = Replay {
            horizon,
            lessons: levels.iter().map(|level| Lesson::new(*level)).collect(),
            grid: GRID
                .iter()
                .filter(|_| detail == Detail::ByHorizon)
                .map(|percent| GridLevel::new(Level::new(*percent), levels))
                .collect(),
            levels: levels.to_vec(),
            standing: VecDeque::with_capacity(horizon + 1),
            factors: vec![1.0; contenders * Scale::of(record.plan.kind).len() * levels.len() * horizon],
            contenders,
            scales: Scale::of(record.plan.kind),
            choice: (record.plan.kind == Kind::Price).then(Choice::new),
            periods: record.plan.first_row(),
            fading: 0.5_f64.powf(1.0 / FADING),
            squares: vec![(0.0, 0.0); if record.plan.kind.is_price() { 0 } else { contenders * horizon }],
            losses: (0..contenders).map(|_| Losses::new(horizon, levels.len(), record.rows.len())).collect(),
            // The rows of a warm-up hold no forecasts.
            score_from: if record.plan.kind == Kind::Price && record.rows.len() > WARM_UP {
                WARM_UP - MIN_SESSIONS
            } else {
                0
            },
        };
        for (i, row) in record.rows.iter().enumerate() {
            replay.settle(&record.rows[..i], row.change);
            replay.pushed(&record.rows[..=i]);
        }
        replay
    }

    /// A session has come: its change settles what was forecast of it from the sessions of these rows.
    pub(crate) fn settle(&mut self, rows: &[RecordRow], change: f64) {
        self.periods += 1;
        let Some(newest) = rows.last() else { return };
        if let Some(choice) = &mut self.choice {
            choice.settle(newest, change);
        }
        if self.contenders == 0 {
            return;
        }
        let mut outcomes = vec![change; self.horizon.min(rows.len())];
        for h in 1..outcomes.len() {
            outcomes[h] = outcomes[h - 1] + rows[rows.len() - h].change;
        }
        for (h, outcome) in outcomes.iter().enumerate() {
            self.learn(&rows[rows.len() - 1 - h], h, *outcome);
        }
        if rows.len() >= self.horizon && self.standing.len() == self.horizon {
            let widths = self.standing.pop_front().unwrap_or_default();
            self.score(&rows[rows.len() - self.horizon..], change, &widths);
        }
    }

    /// What was forecast `h` sessions before the newest has its outcome.
    fn learn(&mut self, row: &RecordRow, h: usize, outcome: f64) {
        let levels = self.levels.len();
        for contender in 0..self.contenders {
            let error = (outcome - self.centre(row, contender, h)).abs();
            for scale in 0..self.scales.len() {
                let deviation = row.deviations[scale * self.horizon + h];
                // Of values, the lesson is about what is left when the errors' own size is known.
                let spread = self.spread(deviation, contender, h);
                let deviations = error / deviation / spread;
                for (level, lesson) in self.lessons.iter().enumerate() {
                    let at = ((contender * self.scales.len() + scale) * levels + level) * self.horizon + h;
                    lesson.learn(&mut self.factors[at], deviations);
                }
                if let Some((count, sum)) = self.squares.get_mut(contender * self.horizon + h) {
                    *count = 1.0 + self.fading * *count;
                    // One error beyond all others must not widen everything.
                    *sum = error.min(MAX_SHARE * deviation * spread).powi(2) + self.fading * *sum;
                }
            }
        }
    }

    /// All that was forecast from the first of these rows has come, with the last change.
    fn score(&mut self, rows: &[RecordRow], change: f64, widths: &[Widths]) {
        let changes: Vec<f64> = rows[1..].iter().map(|row| row.change).chain([change]).collect();
        for (contender, widths) in widths.chunks(self.horizon).enumerate() {
            let mut outcome = 0.0;
            for (h, (widths, change)) in widths.iter().zip(&changes).enumerate() {
                outcome += change;
                let error = outcome - self.centre(&rows[0], contender, h);
                self.losses[contender].add(error, widths, &self.levels);
            }
        }
    }

    /// What was forecast from the session of the last row: its outcomes are awaited.
    pub(crate) fn pushed(&mut self, rows: &[RecordRow]) {
        let Some(row) = rows.last().filter(|_| self.contenders > 0 && rows.len() > self.score_from) else { return };
        let steps = (0..self.contenders).flat_map(|contender| (0..self.horizon).map(move |h| (contender, h)));
        let widths = steps.map(|(contender, h)| self.widths(row, contender, h)).collect();
        self.standing.push_back(widths);
    }

    /// The random walk forecasts no change.
    fn centre(&self, row: &RecordRow, contender: usize, h: usize) -> f64 {
        if contender == 0 { 0.0 } else { row.centres[(contender - 1) * self.horizon + h] }
    }

    fn widths(&self, row: &RecordRow, contender: usize, h: usize) -> Widths {
        let deviation = row.chosen()[h];
        let factor = |level: usize| self.factor(row, contender, level, h);
        let mut grid = [0.0; GRID.len()];
        for (half, GridLevel { start, below, above, share }) in grid.iter_mut().zip(&self.grid) {
            *half = deviation * start * (factor(*below) + share * (factor(*above) - factor(*below)));
        }
        let mut levels = [0.0; Widths::MAX_LEVELS];
        for (level, lesson) in self.lessons.iter().enumerate().take(Widths::MAX_LEVELS) {
            levels[level] = deviation * lesson.start * factor(level);
        }
        Widths { grid, levels }
    }

    fn factor(&self, row: &RecordRow, contender: usize, level: usize, h: usize) -> f64 {
        let at = ((contender * self.scales.len() + row.scale.place()) * self.levels.len() + level) * self.horizon + h;
        self.factors[at] * self.spread(row.chosen()[h], contender, h)
    }

    /// Of values: how many times as large as a model says its errors have been lately, where its own word counts for a few of them. Of
    /// prices, 1: there the scales are chosen by that.
    fn spread(&self, deviation: f64, contender: usize, h: usize) -> f64 {
        let Some((count, sum)) = self.squares.get(contender * self.horizon + h) else { return 1.0 };
        // What is estimated on few values is off by more than it says.
        let few = 1.0 + FEW / self.periods as f64;
        let own = few * (TOLD_SHORT * deviation).powi(2);
        ((OWN_WORD * own + sum) / (OWN_WORD + count)).sqrt() / deviation
    }

    /// The scale to believe after the last outcome.
    pub(crate) fn scale(&self) -> Scale {
        self.choice.as_ref().map_or(Scale::Model, Choice::best)
    }

    /// What makes a contender's intervals from the last row; `column` is `None` for the random walk.
    pub(crate) fn calibration(&self, row: &RecordRow, column: Option<usize>) -> Calibration {
        let contender = column.map_or(0, |column| column + 1);
        // To what is of any use: they are kept each night.
        let short = |factor: f64| (factor * 1e4).round() / 1e4;
        let factors = |level: usize| (0..self.horizon).map(|h| short(self.factor(row, contender, level, h))).collect();
        let multipliers = self.levels.iter().enumerate();
        Calibration {
            scale: row.scale,
            deviations: row.chosen().to_vec(),
            multipliers: multipliers.map(|(i, &level)| Multipliers { level, factors: factors(i) }).collect(),
        }
    }

    /// What a contender lost at the scored origins; `column` is `None` for the random walk.
    pub(crate) fn losses(&self, column: Option<usize>) -> Option<&Losses> {
        self.losses.get(column.map_or(0, |column| column + 1))
    }
}

impl GridLevel {
    fn new(level: Level, levels: &[Level]) -> GridLevel {
        let last = levels.len().saturating_sub(1);
        let above = levels.iter().position(|other| *other >= level).unwrap_or(last);
        let below = if levels.get(above).is_some_and(|other| *other > level) { above.saturating_sub(1) } else { above };
        let share = if above == below {
            0.0
        } else {
            (level.percent() - levels[below].percent()) / (levels[above].percent() - levels[below].percent())
        };
        GridLevel { start: student(level), below, above, share }
    }
}

impl Choice {
    fn new() -> Choice {
        Choice { lessons: CHOOSING.map(Lesson::new), factors: [[1.0; 2]; SCALES], losses: [0.0; SCALES], outcomes: 0 }
    }

    fn settle(&mut self, row: &RecordRow, change: f64) {
        let decay = 0.5_f64.powf(1.0 / HALF_LIFE);
        for (scale, loss) in self.losses.iter_mut().enumerate() {
            let deviation = row.path(Scale::ALL[scale])[0];
            let mut lost = 0.0;
            for ((lesson, factor), level) in self.lessons.iter().zip(&mut self.factors[scale]).zip(CHOOSING) {
                let half = deviation * lesson.start * *factor;
                let tail = (1.0 - level.probability()) / 2.0;
                lost += quantile_loss(change, -half, tail) + quantile_loss(change, half, 1.0 - tail);
                lesson.learn(factor, change.abs() / deviation);
            }
            *loss = decay * *loss + lost;
        }
        self.outcomes += 1;
    }

    fn best(&self) -> Scale {
        if self.outcomes < MIN_OUTCOMES {
            return Scale::Constant;
        }
        let lowest = |a: &usize, b: &usize| self.losses[*a].total_cmp(&self.losses[*b]);
        Scale::ALL[(0..SCALES).min_by(lowest).unwrap_or_default()]
    }
}
