//! What a configuration may say.

use std::{collections::BTreeSet, ops::RangeInclusive};

use forecasting::{
    Cadence, Contender, Degraded, Family, Kind, MIN_ORIGINS, MIN_PER_LAG, Policy, Power, WARM_UP, Window,
};
use jiff::civil::date;

use super::{Settings, families::Families};
use crate::Market;

/// More say less each.
const MAX_REGRESSORS: usize = 20;

/// A quarter.
const MIN_RETENTION: usize = 60;

/// The next session must not find the night still waiting.
const MAX_WAIT_HOURS: f64 = 10.0;

impl Settings {
    pub(super) fn check(&self) -> Result<(), String> {
        within("horizon", self.horizon, 1..=60)?;
        if let Some(market) = self.market.filter(|market| ![Market::Tiingo, Market::Stream].contains(market)) {
            return Err(format!("market is \"{market}\", but in the configuration must be \"tiingo\" or \"stream\""));
        }
        self.watchlist.check()?;
        within("the number of levels", self.levels.len(), 1..=10)?;
        if let Window::Sessions(sessions) = self.window {
            within("window", sessions, WARM_UP..=100_000)?;
        }
        if self.levels.windows(2).any(|pair| pair[0].percent() >= pair[1].percent()) {
            return Err("levels must increase".to_owned());
        }
        let mut symbols = BTreeSet::new();
        if let Some(twice) = self.aliases.values().find(|symbol| !symbols.insert(*symbol)) {
            return Err(format!("aliases give {twice} to two series"));
        }
        self.check_families()?;
        self.check_regressors()?;
        self.check_all_readings()?;
        if let Some(retention) = self.retention {
            // Whoever may be rolled back to must still be there.
            within("retention", retention, MIN_RETENTION..=100_000)?;
        }
        if let Some(bound) = self.error_bound.filter(|bound| !(*bound > 0.0 && bound.is_finite())) {
            return Err(format!("error_bound is {bound}, but must be above 0"));
        }
        if !(self.significance > 0.0 && self.significance <= 0.5) {
            return Err(format!("significance is {}, but must be above 0 and at most 0.5", self.significance));
        }
        let early = self.start.filter(|start| *start < date(2000, 1, 1));
        if let Some(start) = early.filter(|_| self.cadence().is_none_or(|cadence| cadence == Cadence::SESSION)) {
            let what = "the exchange calendar begins with 2000 (cadence names another)";
            return Err(format!("start is {start}, but {what}"));
        }
        self.check_policy()?;
        if self.tiingo.requests_per_hour == Some(0) {
            return Err("tiingo.requests_per_hour must be at least 1".to_owned());
        }
        self.schedule.check()?;
        self.check_waits()
    }

    fn check_families(&self) -> Result<(), String> {
        let Some(Families { contenders: families, .. }) = &self.families else { return Ok(()) };
        within("the number of families", families.len(), 1..=10)?;
        if let Some(twice) = families.iter().enumerate().find(|(i, f)| families[..*i].contains(f)) {
            return Err(format!("families name {} twice", twice.1));
        }
        if families.contains(&Contender::Family(Family::Regression)) && self.columns.regressors.is_empty() {
            return Err("families name regression, but columns.regressors names nothing to regress on".to_owned());
        }
        Ok(())
    }

    fn check_regressors(&self) -> Result<(), String> {
        let regressors = &self.columns.regressors;
        if regressors.len() > MAX_REGRESSORS {
            return Err(format!("columns.regressors has {} names, but may have {MAX_REGRESSORS}", regressors.len()));
        }
        if let Some(taken) = regressors.iter().find(|name| ["unique_id", "ds", "y"].contains(&name.as_str())) {
            return Err(format!("columns.regressors name '{taken}', which is what a long table calls something else"));
        }
        if let Some((_, twice)) = regressors.iter().enumerate().find(|(i, name)| regressors[..*i].contains(name)) {
            return Err(format!("columns.regressors name '{twice}' twice"));
        }
        Ok(())
    }

    /// How long a night may wait, by itself and for retries.
    fn check_waits(&self) -> Result<(), String> {
        let minutes = self.fetch.ask_again_minutes;
        if !(minutes > 0.0 && minutes <= 24.0 * 60.0) {
            return Err(format!("fetch.ask_again_minutes is {minutes}, but must be above 0 and at most 1440"));
        }
        self.retries.check()?;
        let hours = self.fetch.pause().as_secs_f64() * f64::from(self.fetch.ask_limit) / 3600.0;
        if hours > MAX_WAIT_HOURS {
            return Err(format!("fetch asks again for {hours} hours, but must end within {MAX_WAIT_HOURS}"));
        }
        // Retries of fetch, and then of the work after it.
        let retries = 2.0 * self.retries.delay().as_secs_f64() * f64::from(self.retries.attempts - 1) / 3600.0;
        if hours + retries > MAX_WAIT_HOURS {
            let both = format!("fetch asks again for {hours} hours, and retries take up to {retries}");
            return Err(format!("{both}: together they must end within {MAX_WAIT_HOURS}"));
        }
        Ok(())
    }

    pub(super) fn check_all_readings(&self) -> Result<(), String> {
        self.check_reading()?;
        for (ticker, own) in &self.series {
            self.of_one(own).check_reading().map_err(|error| format!("series.{ticker}: {error}"))?;
        }
        Ok(())
    }

    fn check_reading(&self) -> Result<(), String> {
        if !self.kind.is_price() && self.kind != Kind::VALUE {
            return Err(format!("kind is \"{}\": write kind = \"value\" and the power as box_cox", self.kind));
        }
        if let Some(power) = self.box_cox {
            Power::new(power).map_err(|error| format!("box_cox: {error}"))?;
            if self.kind.is_price() {
                return Err("box_cox is of values, and prices are modelled by their logarithm".to_owned());
            }
        }
        if let (Some(calendar), Some(cadence)) = (self.known_calendar(), self.cadence) {
            cadence.on(calendar).map_err(|error| format!("calendar = \"{calendar}\": {error}"))?;
        }
        Ok(())
    }

    fn check_policy(&self) -> Result<(), String> {
        if let (Policy::MaxAge(age), Some(_)) = (self.policy, self.error_bound)
            && age < self.horizon + MIN_ORIGINS
        {
            let least = self.horizon + MIN_ORIGINS;
            return Err(format!("error_bound is never reached: it needs policy.max_age to be {least} or more"));
        }
        if let Policy::Degraded(Degraded { bound, window, significance, .. }) = self.policy {
            if !(bound >= 0.0 && bound.is_finite()) {
                return Err(format!("policy.degraded.bound is {bound}, but must be 0 or more: 0.15 is 15 %"));
            }
            if !(significance > 0.0 && significance <= 1.0) {
                return Err(format!(
                    "policy.degraded.significance is {significance}, but must be above 0 and at most 1, which asks for no test"
                ));
            }
            within("policy.degraded.window", window.unwrap_or(1), 1..=250)?;
            let least = MIN_PER_LAG * self.horizon;
            if let Some(window) = window.filter(|window| significance < 1.0 && *window < least) {
                return Err(format!(
                    "policy.degraded.window is {window}, but a test on forecasts of {} sessions needs {least} or more; \
                     significance = 1 asks for no test",
                    self.horizon
                ));
            }
        }
        if self.policy == Policy::MaxAge(0) {
            return Err("policy.max_age must be at least 1; \"always\" trains at every run".to_owned());
        }
        Ok(())
    }
}

/// A number that is too small or too large.
pub(super) fn within(name: &str, value: usize, bounds: RangeInclusive<usize>) -> Result<(), String> {
    if bounds.contains(&value) {
        Ok(())
    } else {
        Err(format!("{name} is {value}, but must be within {} and {}", bounds.start(), bounds.end()))
    }
}
