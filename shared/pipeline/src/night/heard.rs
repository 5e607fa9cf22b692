//! What the programs among the contenders say on a night: asked before anything is trained, so that the night follows from it.

use std::collections::BTreeMap;

use forecasting::{Contender, Outlook, PriceSeries, Program, ProgramName, Record, RecordPlan, Specification};

use super::{Place, train::Night};
use crate::{Archive, Error, ModelVersion, Programs, Question, Said, Trained, TrainedVersion, VersionId};

/// By program: what it forecasts once it knows so many periods, and what it fitted tonight; or why it says nothing.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    programs: BTreeMap<ProgramName, Result<Answer, String>>,
}

#[derive(Debug)]
struct Answer {
    outlooks: BTreeMap<usize, Outlook>,
    model: Option<String>,
}

impl Heard {
    /// What a program forecast once it knew so many periods.
    pub(crate) fn outlook(&self, program: ProgramName, known: usize) -> Option<Outlook> {
        self.programs.get(&program)?.as_ref().ok()?.outlooks.get(&known).cloned()
    }

    /// What it fitted tonight; an error where it says nothing.
    pub(crate) fn model(&self, program: ProgramName) -> Result<Option<&str>, String> {
        match self.programs.get(&program) {
            Some(Ok(answer)) => Ok(answer.model.as_deref()),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err("it was not asked".to_owned()),
        }
    }

    /// Asks all of them. A first night asks for the whole record of the history, a later one for what it lacks. `earlier` are the models
    /// of the night before.
    pub(super) async fn ask(
        programs: &dyn Programs,
        night: &Night<'_>,
        record: Option<&Record>,
        earlier: &[(Contender, ModelVersion)],
        due: bool,
    ) -> Heard {
        let Place { run, ticker, .. } = *night.place;
        let (configuration, series) = (&run.configuration, night.series);
        let plan = configuration.record_plan(ticker, series.cadence());
        let periods = series.bars().len();
        let mut heard = Heard::default();
        for program in plan.contenders.iter().filter_map(|contender| contender.program()) {
            let Some(settings) = configuration.programs.get(&program) else { continue };
            let model = earlier.iter().find(|(contender, _)| contender.program() == Some(program));
            let model = model.and_then(|(_, version)| version.model.program_model());
            let (from, fits) = match record {
                None => {
                    let (from, mut fits) = plan.program_schedule(series);
                    if due && fits.last() != Some(&periods) {
                        fits.push(periods);
                    }
                    (from, fits)
                }
                // Without a model it says nothing of the periods before it has fitted one.
                Some(_) if model.is_none() => (periods, vec![periods]),
                Some(record) => {
                    let last = record.rows.last().map(|row| row.session);
                    let known = last.map_or(0, |last| series.bars().partition_point(|bar| bar.day <= last));
                    (known + 1, if due { vec![periods] } else { Vec::new() })
                }
            };
            let (horizon, window, seasons) = (plan.horizon, configuration.window, plan.season);
            let from = from.min(periods);
            let question = Question { program, settings, series, seasons, horizon, window, model, fits: &fits, from };
            let answer = programs.ask(&question).await.and_then(|said| Answer::of(said, from, &question));
            if let Err(reason) = &answer {
                tracing::warn!(%ticker, %program, reason, "a program says nothing tonight");
            }
            heard.programs.insert(program, answer);
        }
        heard
    }

    /// What was heard on a night that is on record: taken as it was said, so that all that followed from it can be reached again.
    pub(crate) async fn recorded(
        archive: &dyn Archive,
        series: &PriceSeries,
        plan: &RecordPlan,
        trained: &Trained,
    ) -> Result<Heard, Error> {
        let mut heard = Heard::default();
        let programs: Vec<ProgramName> = plan.contenders.iter().filter_map(|contender| contender.program()).collect();
        if programs.is_empty() {
            return Ok(heard);
        }
        let record = trained.record.read(archive, series.ticker()).await?;
        let tonight = series.last().day;
        for program in programs {
            let contender = Contender::Program(Program { program });
            let failed = trained.without_model.iter().find(|(other, _)| *other == contender);
            if let Some((_, reason)) = failed {
                heard.programs.insert(program, Err(reason.clone()));
                continue;
            }
            let mut outlooks: BTreeMap<usize, Outlook> = BTreeMap::new();
            for (index, bar) in series.bars().iter().enumerate() {
                outlooks.extend(record.outlook_of(contender, bar.day).map(|outlook| (index + 1, outlook)));
            }
            let version = trained.version(contender);
            if let Some((_, outlook)) =
                version.and_then(|own| trained.outlooks.iter().find(|(id, _)| *id == own.version))
            {
                outlooks.insert(series.bars().len(), outlook.clone());
            }
            let model = match version {
                Some(TrainedVersion { version, sha256, .. }) => {
                    let stored = ModelVersion::read(archive, series.ticker(), version, Some(sha256)).await?;
                    Some(stored).filter(|stored| stored.last == tonight)
                }
                None => None,
            };
            let model = model.and_then(|stored| stored.model.program_model().map(str::to_owned));
            heard.programs.insert(program, Ok(Answer { outlooks, model }));
        }
        Ok(heard)
    }
}

impl Answer {
    /// Checks that all is said that was asked for.
    fn of(said: Said, from: usize, question: &Question<'_>) -> Result<Answer, String> {
        let asked = question.series.bars().len() + 1 - from;
        if said.outlooks.len() != asked {
            return Err(format!("it forecasts {} times, and was asked {asked} times", said.outlooks.len()));
        }
        if !question.fits.is_empty() && said.model.is_none() {
            return Err("it was to fit a model, and has none".to_owned());
        }
        let outlooks = said.outlooks.into_iter().enumerate().map(|(n, outlook)| (from + n, outlook)).collect();
        Ok(Answer { outlooks, model: said.model })
    }
}

/// What a version of a program forecasts from the newest of these periods.
pub(super) async fn asked_alone(
    programs: &dyn Programs,
    place: &Place<'_>,
    series: &PriceSeries,
    version: &ModelVersion,
) -> Result<Outlook, Error> {
    let silent = |reason: String| Error::Program { version: version.version.clone(), reason };
    let (Specification::Program(Program { program }), Some(by)) =
        (version.inputs.specification, &version.inputs.program)
    else {
        return Err(silent("it is of no program".to_owned()));
    };
    let question = Question {
        program,
        settings: &by.settings,
        series,
        seasons: by.season,
        horizon: place.run.configuration.horizon,
        window: version.inputs.window,
        model: version.model.program_model(),
        fits: &[],
        from: series.bars().len(),
    };
    let said = programs.ask(&question).await.map_err(silent)?;
    said.outlooks.into_iter().next().ok_or_else(|| silent("it forecasts nothing".to_owned()))
}

/// Of these, the outlook of a version.
pub(super) fn outlook_of<'a>(outlooks: &'a [(VersionId, Outlook)], version: &VersionId) -> Option<&'a Outlook> {
    outlooks.iter().find(|(id, _)| id == version).map(|(_, outlook)| outlook)
}
