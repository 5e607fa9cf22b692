use std::collections::BTreeSet;

use forecasting::{ChampionEvidence, LiveSums, Period, Policy, PriceSeries, Score, Ticker, Training};

use super::{Place, Tonight};
use crate::{
    Archive, Champion, Configuration, Error, Evaluated, Forecasted, Ledger, ModelVersion, Seen, Stage, StageRecord,
    VersionScore,
    records::{live_scores, live_sums},
};

/// Scores the standing forecasts on the bars that came, once each, and asks the policy whether to train.
pub(super) async fn evaluate(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    tonight: &Tonight<'_>,
) -> Result<Evaluated, Error> {
    let Tonight { place, series, champion, .. } = tonight;
    let Place { run, ticker, .. } = **place;
    let before = evaluation_before(ledger, place).await?;
    let (scores, open) = due(ledger, place, series, before.as_ref()).await?;
    let configuration = &run.configuration;
    let evidence = match champion {
        None => None,
        Some(champion) => {
            // The session on which the contenders were last trained.
            let trained = tonight.before.as_ref().and_then(|(_, before)| before.trained);
            Some(ChampionEvidence {
                age: readable(archive, ticker, champion)
                    .await?
                    .then(|| series.age(trained.map_or(champion.as_of, Period::stamp))),
                promised_relative_error: champion.record_skill.map(|skill| 1.0 - skill),
                promised_error: champion.record_error,
                scores: unasked(ledger, tonight, champion, trained, &scores).await?,
                season: configuration.seasons(ticker, series.cadence()).short(),
            })
        }
    };
    let training = if configuration.train {
        Training { due: true, select: true, reason: "someone asked for it".to_owned() }
    } else {
        configuration.policy.decide(configuration.error_bound, evidence.as_ref())
    };
    let sums = match champion {
        None => LiveSums::default(),
        Some(champion) => {
            let own = scores.iter().filter(|scored| scored.specification == champion.specification);
            let mut sums = sums_before(ledger, place, champion, before).await?;
            sums.add(own.map(|scored| &scored.score));
            sums
        }
    };
    Ok(Evaluated {
        live: sums.record(),
        of: champion.as_ref().map(|champion| champion.specification),
        training,
        scores,
        sums: Some(sums),
        seen: Some(Seen::all(configuration.market, series, open)),
    })
}

async fn evaluation_before(ledger: &dyn Ledger, place: &Place<'_>) -> Result<Option<Evaluated>, Error> {
    let newest = ledger.history(place.ticker, Stage::Evaluate, place.as_of, 1).await?.pop();
    newest.map(|record| record.parse()).transpose()
}

/// Forecasts of this many more nights may have sessions to come, or that came late: of a horizon that was longer once, for one.
const LATE: usize = 20;

/// The scores of standing forecasts that no evaluation before has scored, and the oldest origin that has sessions to come.
///
/// Where the last one saw all the prices that were there before its last session, only later sessions are due, of forecasts that were open then or
/// came since; otherwise one that was missing has come since, and every forecast that may have waited for it is looked at.
async fn due(
    ledger: &dyn Ledger,
    place: &Place<'_>,
    series: &PriceSeries,
    before: Option<&Evaluated>,
) -> Result<(Vec<VersionScore>, Period), Error> {
    let &Configuration { market, horizon, .. } = &place.run.configuration;
    let seen = before.and_then(|before| before.seen.as_ref()).filter(|seen| seen.is_the_beginning_of(market, series));
    let (nights, scored) = match seen {
        Some(seen) => (seen.last.periods_until(series.last().day), BTreeSet::new()),
        None => {
            let earlier = live_scores(ledger, place.ticker, place.as_of, LiveSums::MAX_EVALUATIONS).await?;
            (0, earlier.iter().map(|earlier| earlier.score.place()).collect())
        }
    };
    let is_due = |score: &Score| seen.is_none_or(|seen| score.date > seen.last) && !scored.contains(&score.place());
    // As many again for what other runs forecast for the same sessions.
    let at_most = LATE + 2 * (nights + horizon);
    let oldest = seen.and_then(|seen| seen.open);
    let mut origins = BTreeSet::new();
    let mut scores = Vec::new();
    let mut open = series.last().day;
    for record in standing(ledger, place, nights + horizon + 2, at_most, oldest).await? {
        let standing: Forecasted = record.parse()?;
        // Of each origin, the forecast that was committed last is the one that is served.
        if standing.market != market || !origins.insert(standing.forecast.origin) {
            continue;
        }
        if standing.forecast.steps.last().is_some_and(|step| step.served.date > series.last().day) {
            open = open.min(standing.forecast.origin);
        }
        let Champion { version, specification, .. } = standing.champion;
        match standing.forecast.score(series) {
            Ok(come) => scores.extend(come.into_iter().filter(is_due).map(|score| VersionScore {
                version: version.clone(),
                specification,
                score,
            })),
            Err(error) => tracing::warn!(ticker = %place.ticker, %error, "a standing forecast cannot be scored"),
        }
    }
    Ok((scores, open))
}

/// Forecasts on record, newest first, until one from before the oldest that can be due: a few, where that is known.
async fn standing(
    ledger: &dyn Ledger,
    place: &Place<'_>,
    few: usize,
    at_most: usize,
    oldest: Option<Period>,
) -> Result<Vec<StageRecord>, Error> {
    let mut limit = if oldest.is_some() { few.min(at_most) } else { at_most };
    loop {
        let records = ledger.history(place.ticker, Stage::Forecast, place.as_of, limit).await?;
        let reached = records.last().is_none_or(|last| oldest.is_some_and(|oldest| last.as_of < oldest.stamp()));
        if reached || records.len() < limit || limit >= at_most {
            return Ok(records);
        }
        limit = (2 * limit).min(at_most);
    }
}

/// Scores of what the champion is, whichever version made the forecast, that the policy has not been asked about: what was asked
/// once is answered, and only what came since the last training counts.
async fn unasked(
    ledger: &dyn Ledger,
    night: &Tonight<'_>,
    champion: &Champion,
    trained: Option<Period>,
    tonight: &[VersionScore],
) -> Result<Vec<Score>, Error> {
    let Tonight { place, series, .. } = night;
    let configuration = &place.run.configuration;
    let asks = matches!(configuration.policy, Policy::Degraded(_)) || configuration.error_bound.is_some();
    if configuration.train || !asks {
        return Ok(Vec::new());
    }
    let since = trained.map_or(LiveSums::MAX_EVALUATIONS, |trained| 2 * trained.periods_until(series.last().day));
    let earlier = live_scores(ledger, place.ticker, place.as_of, since.min(LiveSums::MAX_EVALUATIONS)).await?;
    let all = tonight.iter().chain(&earlier);
    let own = all.filter(|scored| scored.specification == champion.specification);
    Ok(own.map(|scored| scored.score.clone()).filter(|score| trained.is_none_or(|last| score.origin >= last)).collect())
}

/// What the evaluations before add up to. The last one knows, unless something else was in service then.
async fn sums_before(
    ledger: &dyn Ledger,
    place: &Place<'_>,
    champion: &Champion,
    before: Option<Evaluated>,
) -> Result<LiveSums, Error> {
    match before {
        None => Ok(LiveSums::default()),
        Some(Evaluated { sums: Some(sums), of: Some(of), .. }) if of == champion.specification => Ok(sums),
        Some(_) => live_sums(ledger, place.ticker, place.as_of, &champion.specification, None).await,
    }
}

/// Whether the champion can be read whole: where it cannot, training is what mends it.
async fn readable(archive: &dyn Archive, ticker: &Ticker, champion: &Champion) -> Result<bool, Error> {
    match ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_unreachable() => Err(error),
        Err(error) => {
            tracing::warn!(%ticker, %error, "the champion cannot be read");
            Ok(false)
        }
    }
}
