use forecasting::{
    Cadence, Contender, Detail, Judgement, Outlook, PriceSeries, Program, ProgramName, Record, RecordPlan, Sample,
    ScaleEstimates, Specification, Verdict, average_growth,
};

use super::{Heard, Place, Tonight};
use crate::{
    Archive, Champion, Digest, Error, Evaluated, FittedBy, Key, Ledger, ModelVersion, ObjectRef, Programs, RunId,
    Stage, StoredRecord, Trained, TrainedVersion, VersionId, error::about,
};

/// As many nights back as are looked through for a record of this plan.
pub(super) const LOOKED_THROUGH: usize = 10;

/// The newest result of a night up to this session that goes on with this run's plan and source of prices.
pub(crate) async fn newest_trained(
    ledger: &dyn Ledger,
    place: &Place<'_>,
    cadence: Cadence,
) -> Result<Option<(RunId, Trained)>, Error> {
    let configuration = &place.run.configuration;
    let plan = configuration.record_plan(place.ticker, cadence);
    // Nearly always it is the very newest.
    for looked_through in [1, LOOKED_THROUGH] {
        for record in ledger.history(place.ticker, Stage::Train, place.as_of, looked_through).await? {
            let Some(trained) = Trained::read(&record)?.filter(|_| record.key.run != place.run.id) else { continue };
            let same_source = trained.source.0 == configuration.market && trained.source.1 == configuration.start;
            if trained.record.plan == plan && same_source && trained.record.opened.cadence() == cadence {
                return Ok(Some((record.key.run, trained)));
            }
        }
    }
    Ok(None)
}

/// Brings the track record up to tonight: trains the contenders where that is due, writes down what each forecasts from the
/// newest session, and judges what came of all that each forecast before.
pub(super) async fn train(
    archive: &dyn Archive,
    programs: &dyn Programs,
    tonight: &Tonight<'_>,
    evaluated: &Evaluated,
) -> Result<Trained, Error> {
    let Tonight { place, snapshot, series, champion, before, .. } = tonight;
    let night = Night { place, series, snapshot: &snapshot.snapshot, champion: champion.as_ref() };
    let (trained, versions) = night.train(archive, before.clone(), evaluated, Voices::Ask(programs)).await?;
    for version in &versions {
        archive.create(&Key::model(place.ticker, &version.version), &version.to_json()).await?;
    }
    Ok(trained)
}

/// What a night's training starts from.
pub(crate) struct Night<'a> {
    pub(crate) place: &'a Place<'a>,
    pub(crate) series: &'a PriceSeries,
    pub(crate) snapshot: &'a ObjectRef,
    pub(crate) champion: Option<&'a Champion>,
}

/// Where what programs say comes from.
pub(crate) enum Voices<'a> {
    /// They are asked.
    Ask(&'a dyn Programs),
    /// They were, and it is on record.
    Recorded(&'a Heard),
}

/// Models by contender; the newly trained ones are to be archived.
struct Models {
    known: Vec<(Contender, ModelVersion)>,
    new: Vec<ModelVersion>,
    without: Vec<(Contender, String)>,
}

impl Night<'_> {
    /// The night's result, and the versions that were trained for it: they follow from what it starts from alone.
    pub(crate) async fn train(
        &self,
        archive: &dyn Archive,
        before: Option<(RunId, Trained)>,
        evaluated: &Evaluated,
        voices: Voices<'_>,
    ) -> Result<(Trained, Vec<ModelVersion>), Error> {
        let Place { run, ticker, .. } = *self.place;
        let configuration = &run.configuration;
        let plan = configuration.record_plan(ticker, self.series.cadence());
        plan.check(self.series).map_err(about(ticker))?;
        let earlier = self.earlier(archive, before.as_ref().map(|(_, before)| before)).await?;
        let session = self.series.last().day;
        let ripe = configuration.window.of(self.series).len() >= plan.trained_from();
        let selected = before.as_ref().and_then(|(_, before)| before.selected);
        let due = ripe && evaluated.training.due;
        let known = match &before {
            Some((_, before)) => Some(before.record.read(archive, ticker).await?),
            None => None,
        };
        let asked;
        let heard = match voices {
            Voices::Recorded(heard) => heard,
            Voices::Ask(programs) if ripe => {
                asked = Heard::ask(programs, self, known.as_ref(), &earlier, due).await;
                &asked
            }
            Voices::Ask(_) => &Heard::default(),
        };
        let (mut record, mut scales) = self.begun(&plan, known, before.as_ref().map(|(_, before)| before), heard)?;
        let select = evaluated.training.select
            || selected.is_none_or(|day| day.periods_until(session) >= plan.reselected_after(self.series.bars().len()));
        let failed_before = before.iter().flat_map(|(_, before)| &before.without_model).cloned().collect();
        let mut models = self.models(&earlier, heard, (ripe, due, select), &plan.contenders, failed_before);
        // What was trained for the first time counts as trained, whoever asked for it.
        let due = due || ripe && selected.is_none() && !models.new.is_empty();
        let silent = self.extend(&mut record, &mut scales, (&earlier, &models), heard)?;

        let seat = self.champion.and_then(|champion| champion.seat.as_ref());
        // Who has no forecast from tonight does not serve.
        let known = models.known.iter().filter(|(contender, _)| !silent.contains(contender));
        let competing: Vec<(Contender, Specification)> =
            known.map(|(contender, version)| (*contender, version.inputs.specification)).collect();
        let significance = configuration.significance;
        let (judgement, mut calibrations) =
            Judgement::of(&record, &configuration.levels, significance, seat, &competing, Detail::Short);
        let nominee = Verdict::of(&judgement, seat, configuration.promotion).contender;
        let serving = seat.map(|seat| seat.contender);
        self.ensure_baseline(&mut models, nominee, serving, select && due)?;
        // Who serves tonight: the nominee, or whoever a person pinned.
        let served = [Some(nominee), serving];
        calibrations.retain(|(contender, _)| served.contains(&Some(*contender)));

        let trained_before = before.as_ref().and_then(|(_, before)| before.trained);
        let stored = before.map(|(run, before)| (run, before.record));
        let trained = Trained {
            source: (configuration.market, configuration.start),
            champion: self.champion.map(|champion| champion.version.clone()),
            record: StoredRecord::write(archive, ticker, &record, stored).await?,
            scales,
            trained: if due { Some(session) } else { trained_before },
            selected: if due && select { Some(session) } else { selected },
            versions: models.versions(),
            outlooks: models.outlooks(heard, self.series.bars().len()),
            without_model: models.without,
            judgement,
            calibrations,
        };
        Ok((trained, models.new))
    }

    /// The record up to the night before, or one of the history where there is none.
    fn begun(
        &self,
        plan: &RecordPlan,
        known: Option<Record>,
        before: Option<&Trained>,
        heard: &Heard,
    ) -> Result<(Record, Option<ScaleEstimates>), Error> {
        if let (Some(record), Some(before)) = (known, before) {
            return Ok((record, before.scales.clone()));
        }
        let said = |program, known| heard.outlook(program, known);
        Record::of_history(plan.clone(), self.series, said).map_err(about(self.place.ticker))
    }

    /// Everyone's models tonight.
    fn models(
        &self,
        earlier: &[(Contender, ModelVersion)],
        heard: &Heard,
        (ripe, due, select): (bool, bool, bool),
        contenders: &[Contender],
        failed_before: Vec<(Contender, String)>,
    ) -> Models {
        let mut models = if due {
            self.trained(earlier, heard, select, contenders)
        } else {
            self.completed(earlier, heard, ripe, select, failed_before)
        };
        // A program that says nothing tonight has no model tonight, whatever it fitted before.
        for program in contenders.iter().filter_map(|contender| contender.program()).filter(|_| ripe) {
            if let Err(reason) = heard.model(program) {
                models.without(Contender::Program(Program { program }), reason);
            }
        }
        models
    }

    /// Adds what everyone forecasts from tonight, and from the sessions that no night was held on, to the record. Answers with those who
    /// could not forecast from tonight.
    fn extend(
        &self,
        record: &mut Record,
        scales: &mut Option<ScaleEstimates>,
        (earlier, models): (&[(Contender, ModelVersion)], &Models),
        heard: &Heard,
    ) -> Result<Vec<Contender>, Error> {
        let Place { run, ticker, .. } = *self.place;
        let (horizon, trained_from) = (record.plan.horizon, record.plan.trained_from());
        let mut silent = Vec::new();
        record
            .extend(self.series, scales, |contender, bars| {
                if contender == Contender::DRIFT && bars.len() >= trained_from {
                    let window = run.configuration.window.of_bars(bars);
                    return Ok(Outlook::growth(average_growth(window, self.series.kind()), horizon));
                }
                // A session that no night was held on is forecast from with the models of then.
                let tonight = bars.len() == self.series.bars().len();
                if let Some(program) = contender.program() {
                    let outlook = heard.outlook(program, bars.len());
                    if tonight && outlook.is_none() {
                        silent.push(contender);
                    }
                    return Ok(outlook.unwrap_or_else(|| Outlook::none(horizon)));
                }
                let of = if tonight { &models.known } else { earlier };
                match of.iter().find(|(other, _)| *other == contender && !contender.is_baseline()) {
                    Some((_, version)) => version.outlook_from(self.series, bars.len(), horizon).or_else(|error| {
                        if tonight {
                            let why = error.to_string();
                            tracing::warn!(%ticker, %contender, why, "it counts as forecasting what the random walk does tonight");
                            silent.push(contender);
                        }
                        Ok(Outlook::none(horizon))
                    }),
                    None => Ok(Outlook::none(horizon)),
                }
            })
            .map_err(about(ticker))?;
        Ok(silent)
    }

    /// The models of the night before. One that cannot be read is trained anew.
    async fn earlier(
        &self,
        archive: &dyn Archive,
        before: Option<&Trained>,
    ) -> Result<Vec<(Contender, ModelVersion)>, Error> {
        let mut earlier = Vec::new();
        for TrainedVersion { contender, version, sha256, .. } in before.iter().flat_map(|before| &before.versions) {
            match ModelVersion::read(archive, self.place.ticker, version, Some(sha256)).await {
                Ok(version) if self.series.on(version.last).is_some() => earlier.push((*contender, version)),
                Err(error) if error.is_unreachable() => return Err(error),
                Ok(_) => {}
                Err(error) => tracing::warn!(ticker = %self.place.ticker, %error, "it is trained anew"),
            }
        }
        Ok(earlier)
    }

    /// The models of the night before, and a new one for whoever lacks one. What could not be estimated is tried again when
    /// selections are due: a family that fails makes no night a training of all.
    fn completed(
        &self,
        earlier: &[(Contender, ModelVersion)],
        heard: &Heard,
        ripe: bool,
        select: bool,
        failed_before: Vec<(Contender, String)>,
    ) -> Models {
        let has_none = |contender: &Contender| !earlier.iter().any(|(other, _)| other == contender);
        let to_be_tried =
            // What a program has said tonight is known: it was asked.
            |contender: &Contender| {
                select || contender.program().is_some() || !failed_before.iter().any(|(failed, _)| failed == contender)
            };
        let contenders = self.place.run.configuration.record_plan(self.place.ticker, self.series.cadence()).contenders;
        let missing: Vec<Contender> =
            contenders.into_iter().filter(|contender| ripe && has_none(contender) && to_be_tried(contender)).collect();
        let mut models = self.trained(earlier, heard, false, &missing);
        models.without.extend(failed_before.into_iter().filter(|(contender, _)| !missing.contains(contender)));
        let kept = earlier.iter().filter(|(contender, _)| !contender.is_baseline() && !missing.contains(contender));
        models.known.extend(kept.cloned());
        models
    }

    /// New models of these contenders, and the random walks' as they are.
    fn trained(
        &self,
        earlier: &[(Contender, ModelVersion)],
        heard: &Heard,
        select: bool,
        contenders: &[Contender],
    ) -> Models {
        let configuration = &self.place.run.configuration;
        let mut models = Models { known: Vec::new(), new: Vec::new(), without: Vec::new() };
        let prices = Sample::of(configuration.window.of(self.series), self.series.kind());
        for contender in contenders.iter().copied().filter(|contender| !contender.is_baseline()) {
            let known = earlier.iter().find(|(other, _)| *other == contender);
            if let Some(program) = contender.program() {
                match self.of_program(program, heard) {
                    Ok(version) => models.add(contender, version),
                    Err(reason) => models.without.push((contender, reason)),
                }
                continue;
            }
            let specification = match known.filter(|_| !select) {
                Some((_, version)) => Ok(version.inputs.specification),
                None => contender
                    .select(
                        &prices,
                        self.series.kind(),
                        configuration.seasons(self.place.ticker, self.series.cadence()),
                    )
                    .map_err(about(self.place.ticker)),
            };
            match specification.and_then(|specification| self.version(specification)) {
                Ok(version) => models.add(contender, version),
                Err(error) => models.without.push((contender, error.to_string())),
            }
        }
        // A random walk has next to nothing to train: what serves is kept until it may.
        models.known.extend(earlier.iter().filter(|(contender, _)| contender.is_baseline()).cloned());
        models
    }

    /// What a program has fitted tonight.
    fn of_program(&self, program: ProgramName, heard: &Heard) -> Result<ModelVersion, String> {
        let configuration = &self.place.run.configuration;
        let model = heard.model(program)?.ok_or("it has fitted nothing")?;
        let settings = configuration.programs.get(&program).ok_or("it is not configured")?.clone();
        let season = configuration.seasons(self.place.ticker, self.series.cadence());
        let fitted = Digest::of(model.as_bytes());
        let fitted_by = FittedBy { settings, season, horizon: configuration.horizon, model: fitted };
        ModelVersion::of_program(self.series, self.snapshot, configuration.window, (program, fitted_by), model)
            .map_err(|error| error.to_string())
    }

    fn version(&self, specification: Specification) -> Result<ModelVersion, Error> {
        ModelVersion::train(self.series, self.snapshot, self.place.run.configuration.window, specification)
    }

    /// A random walk that serves, or is to, has a version: a new one where there is none, where the drift must follow, and as
    /// often as the others are selected.
    fn ensure_baseline(
        &self,
        models: &mut Models,
        nominee: Contender,
        serving: Option<Contender>,
        renew: bool,
    ) -> Result<(), Error> {
        models.known.retain(|(contender, _)| !contender.is_baseline() || *contender == nominee);
        if !nominee.is_baseline() {
            return Ok(());
        }
        let known = models.known.iter().any(|(contender, _)| *contender == nominee);
        if known && !renew && nominee != Contender::DRIFT && serving == Some(nominee) {
            return Ok(());
        }
        let Contender::Pinned(specification) = nominee else { return Ok(()) };
        models.known.retain(|(contender, _)| *contender != nominee);
        let version = self.version(specification)?;
        models.add(nominee, version);
        Ok(())
    }
}

impl Models {
    fn without(&mut self, contender: Contender, reason: String) {
        self.known.retain(|(other, _)| *other != contender);
        self.without.retain(|(other, _)| *other != contender);
        self.without.push((contender, reason));
    }

    fn add(&mut self, contender: Contender, version: ModelVersion) {
        self.new.push(version.clone());
        self.known.push((contender, version));
    }

    /// As they are named in the night's result.
    fn versions(&self) -> Vec<TrainedVersion> {
        let version = |(contender, version): &(Contender, ModelVersion)| TrainedVersion {
            contender: *contender,
            specification: version.inputs.specification,
            version: version.version.clone(),
            sha256: Digest::of(&version.to_json()),
        };
        self.known.iter().map(version).collect()
    }

    /// What the programs among them forecast after so many periods.
    fn outlooks(&self, heard: &Heard, periods: usize) -> Vec<(VersionId, Outlook)> {
        let outlook = |(contender, version): &(Contender, ModelVersion)| {
            Some((version.version.clone(), heard.outlook(contender.program()?, periods)?))
        };
        self.known.iter().filter_map(outlook).collect()
    }
}
