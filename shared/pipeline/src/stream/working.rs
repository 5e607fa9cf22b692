//! A series while a batch is taken in.

use std::collections::HashMap;

use forecasting::{Kind, Period};
use jiff::{SignedDuration, Timestamp};

use super::{
    Arrival, Form, Head, How, Kept, Outcome,
    head::{Later, later, refusal},
    rules::{Meaning, meaning},
};
use crate::{Configuration, Error, Ledger};

/// A day begins earlier elsewhere than in Greenwich, and is known when it ends.
const DAYS_AHEAD: SignedDuration = SignedDuration::from_hours(36);
/// Nobody's clock is further ahead.
const MOMENTS_AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// See above.
#[derive(Default)]
pub(super) struct Working {
    /// The version of the head as it was read.
    pub(super) before: u64,
    pub(super) head: Head,
    /// Why nothing can be taken in.
    pub(super) broken: Option<String>,
    /// New ones.
    pub(super) rows: Vec<Kept>,
    /// What the batch's periods have, by period.
    pub(super) known: HashMap<i64, Vec<Kept>>,
    /// What waits for the model, once that is asked for.
    pub(super) later: Option<Later>,
    pub(super) changed: bool,
}

impl Working {
    pub(super) async fn take(
        &mut self,
        arrival: &Arrival,
        (at, form): (i64, Form),
        ledger: &dyn Ledger,
    ) -> Result<Result<Outcome, String>, Error> {
        if self.head.indexed.is_some_and(|indexed| indexed != (form == Form::Index)) {
            let (is, others) = if form == Form::Index { ("an index", "dates") } else { ("a date", "indices") };
            return Ok(Err(format!("{} is {is}, and its series has {others}", form.stamp(at))));
        }
        let of_period = self.known.entry(at).or_default();
        let meaning = meaning(of_period, arrival.value, &arrival.mark);
        let advanced = self.head.live.as_ref().map(|live| live.advanced);
        let (how, forecast) = match self.head.take((at, arrival.value), meaning) {
            Err(reason) => return Ok(Err(reason)),
            Ok(None) if meaning == Some(Meaning::Outdated) => return Ok(Ok(Outcome::Outdated)),
            Ok(None) => return Ok(Ok(Outcome::Repeated)),
            Ok(Some(taken)) => taken,
        };
        self.head.sequence += 1;
        self.head.newest = self.head.newest.max(Some(at));
        self.head.indexed = Some(form == Form::Index);
        let row = Kept {
            sequence: self.head.sequence,
            at,
            form,
            value: arrival.value,
            mark: arrival.mark.clone(),
            known: arrival.known,
            how,
            forecast,
        };
        of_period.push(row.clone());
        self.rows.push(row);
        self.changed = true;
        if self.later.is_none()
            && self.head.live.as_ref().map(|live| live.advanced) != advanced
            && let Some(next) = self.head.can_follow()
        {
            let log = ledger.arrived(&arrival.ticker, next).await?;
            self.later = Some(later(next, log.iter().chain(&self.rows)));
        }
        if let (Some(later), Some(live)) = (&mut self.later, &mut self.head.live) {
            live.notice(later, (at, arrival.value));
        }
        Ok(Ok(match how {
            How::Advanced => Outcome::Advanced,
            How::Waiting => Outcome::Waiting,
            How::Ahead => Outcome::Ahead,
            How::Late => Outcome::Late,
            How::Revised => Outcome::Revised,
            How::Confirmed => Outcome::Repeated,
        }))
    }

    /// The row's period, or why it has none.
    pub(super) fn event(
        &self,
        arrival: &Arrival,
        now: Option<Timestamp>,
        configuration: &Configuration,
    ) -> Result<(i64, Form), String> {
        if let Some(reason) = &self.broken {
            return Err(reason.clone());
        }
        let reading = configuration.reading(&arrival.ticker);
        let kind: Kind = self.head.live.as_ref().map_or(reading.kind, |live| live.model.kind());
        if let Some(reason) = refusal(kind, arrival.value) {
            return Err(reason);
        }
        let declared = reading.cadence.map(|cadence| cadence.of_dates_like(arrival.at));
        let cadence = self.head.origin.map(Period::cadence).or(declared);
        let stamp = match cadence {
            Some(cadence) => cadence.period(arrival.at).map_err(|error| error.to_string())?.stamp(),
            None => arrival.at,
        };
        let (at, form) = Form::of(stamp);
        let allowed = match form {
            Form::Date => DAYS_AHEAD,
            Form::Moment => MOMENTS_AHEAD,
            Form::Index => return Ok((at, form)),
        };
        // Not by the producer's clock, where another is at hand.
        let now = now.unwrap_or(arrival.known);
        if at > now.saturating_add(allowed).unwrap_or(Timestamp::MAX).as_second() {
            return Err(format!("{stamp} is yet to come: it was looked at at {now}"));
        }
        Ok((at, form))
    }
}
