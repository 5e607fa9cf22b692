use super::{Outlook, Record, RecordPlan, RecordRow, Replay, ScaleEstimates, WARM_UP, average_growth};
use crate::{
    Contender, Detail, Error, Kind, PriceModel, PriceSeries, ProgramName, Sample,
    scale::{ScaleParameters, Scales, Shock},
};

impl Record {
    /// The record as it would have been kept from the start, up to the session before the last: what is forecast from the last
    /// is tonight's to say. Each procedure selects and estimates at every [`RecordPlan::reselected_after`] sessions after the
    /// warm-up. Answers with the scales' estimates as well. `said` is what programs have forecast after so many periods.
    ///
    /// # Errors
    /// [`Error::TooShort`], [`Error::NoVariation`].
    pub fn of_history(
        plan: RecordPlan,
        series: &PriceSeries,
        said: impl Fn(ProgramName, usize) -> Option<Outlook>,
    ) -> Result<(Record, Option<ScaleEstimates>), Error> {
        plan.check(series)?;
        let bars = series.bars();
        let opened = series.last().day;
        let mut record = Record { plan, opened, rows: Vec::with_capacity(bars.len()) };
        let mut selected = None;
        let mut procedures: Vec<Procedure> = record.plan.contenders.iter().map(|c| Procedure::new(*c)).collect();
        let mut scales = Scales::new(&ScaleParameters::default());
        let mut estimates = None;
        let mut replay = Replay::of(&record, &[], Detail::Short);
        let shocks = Shock::of(bars, record.plan.kind);
        for k in 1..bars.len() - 1 {
            scales.observe(shocks[k - 1]);
            let since_warm_up = (k + 1).checked_sub(WARM_UP).filter(|_| record.plan.kind == Kind::Price);
            if since_warm_up.is_some_and(|sessions| sessions % super::RESELECTED_AFTER == 0) {
                scales.estimate();
                estimates = Some(ScaleEstimates { parameters: scales.parameters(), until: bars[k].day });
            }
            let due = record.plan.selects_at(k + 1, selected);
            if due {
                selected = Some(k + 1);
            }
            if k + 1 < record.plan.first_row() {
                continue;
            }
            let change = shocks[k - 1].change;
            replay.settle(&record.rows, change);
            let of = |procedure: &mut Procedure| match procedure.contender.program() {
                Some(program) => said(program, k + 1).unwrap_or_else(|| Outlook::none(record.plan.horizon)),
                None => procedure.at(&record.plan, (series, k + 1), due),
            };
            let outlooks: Vec<(Contender, Outlook)> =
                procedures.iter_mut().map(|procedure| (procedure.contender, of(procedure))).collect();
            let deviations = record.plan.deviations(&scales, &outlooks);
            let centres = outlooks.into_iter().flat_map(|(_, outlook)| outlook.centres).collect();
            record.rows.push(RecordRow::new(bars[k].day, change, replay.scale(), deviations, centres));
            replay.pushed(&record.rows);
        }
        Ok((record, estimates))
    }
}

/// One contender going through the history.
struct Procedure {
    contender: Contender,
    model: Option<PriceModel>,
}

impl Procedure {
    fn new(contender: Contender) -> Procedure {
        Procedure { contender, model: None }
    }

    /// Takes in the last of the series' first bars, and says what it forecasts from there. What cannot be estimated forecasts as the
    /// random walk does, until it can.
    fn at(&mut self, plan: &RecordPlan, (series, known): (&PriceSeries, usize), due: bool) -> Outlook {
        let visible = &series.bars()[..known];
        let RecordPlan { horizon, window, season, kind, .. } = *plan;
        let nothing = Outlook::none(horizon);
        if visible.len() < plan.warm_up() || self.contender == Contender::RANDOM_WALK {
            return nothing;
        }
        let trained_on = window.of_bars(visible);
        // Before a window that begins on a date there is nothing to train on.
        if trained_on.len() < plan.fewest() {
            return nothing;
        }
        if self.contender == Contender::DRIFT {
            let growth = average_growth(trained_on, kind);
            return Outlook::growth(growth, horizon);
        }
        if due {
            let prices = Sample::of(trained_on, kind);
            let selected = self.contender.select(&prices, kind, season);
            self.model = selected.and_then(|specification| specification.fit(&prices, kind)).ok();
        } else if let Some(model) = &mut self.model {
            let newest = Sample::after_first(&visible[visible.len() - 2..], kind);
            if model.advance(&newest).is_err() {
                self.model = None;
            }
        }
        let last = kind.level(visible[visible.len() - 1].adjusted_close);
        let forecast = self
            .model
            .as_ref()
            .and_then(|model| model.forecast(horizon, &series.regressors_after(known, horizon)).ok());
        let outlook = forecast.map(|forecast| forecast.outlook(last));
        outlook.filter(|outlook| outlook.centres.iter().all(|c| c.is_finite())).unwrap_or(nothing)
    }
}
