use std::collections::BTreeSet;

use forecasting::{ChampionEvidence, LiveRecord, Score, Ticker, TradingDay, Training};

use super::{Place, Tonight, train::newest_trained};
use crate::{
    Archive, Champion, Configuration, Error, Evaluated, Forecasted, Ledger, ModelVersion, Stage, VersionScore,
    records::{LIVE_SESSIONS, champion_on, live_scores},
};

/// Forecasts that may still have sessions to come, and as many again for what other runs forecast for the same sessions.
fn standing(configuration: &Configuration) -> usize {
    20 + 2 * configuration.horizon
}

/// Scores the standing forecasts on the bars that came, once each, and asks the policy whether to train.
pub(super) async fn evaluate(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    tonight: &Tonight<'_>,
) -> Result<Evaluated, Error> {
    let Tonight { place, series, .. } = tonight;
    let Place { run, ticker, .. } = *place;
    if let Some(evaluated) = place.result(ledger, Stage::Evaluate).await? {
        return Ok(evaluated);
    }
    let earlier = live_scores(ledger, ticker, place.as_of, LIVE_SESSIONS).await?;
    let champion = champion_on(ledger, ticker, place.as_of).await?;

    let scored: BTreeSet<_> = earlier.iter().map(|earlier| earlier.score.place()).collect();
    let mut origins = BTreeSet::new();
    let mut scores = Vec::new();
    for record in ledger.history(ticker, Stage::Forecast, place.as_of, standing(&run.configuration)).await? {
        let standing: Forecasted = record.parse()?;
        // Of each origin, the forecast that was committed last is the one that is served.
        let same_market = standing.market == run.configuration.market;
        if !same_market || !origins.insert(standing.forecast.origin) {
            continue;
        }
        match standing.forecast.score(series) {
            Ok(due) => scores.extend(due.into_iter().filter(|score| !scored.contains(&score.place())).map(|score| {
                let Champion { version, specification, .. } = standing.champion.clone();
                VersionScore { version, specification, score }
            })),
            Err(error) => tracing::warn!(%ticker, %error, "a standing forecast cannot be scored"),
        }
    }
    let all: Vec<&VersionScore> = scores.iter().chain(&earlier).collect();
    let configuration = &run.configuration;
    let own: Vec<Score> = champion.iter().flat_map(|champion| of_specification(&all, champion)).cloned().collect();
    let evidence = match &champion {
        None => None,
        Some(champion) => {
            let trained = last_training(ledger, place).await?;
            // What was asked once is answered: only what came since the last training counts.
            let unasked = |s: &&&VersionScore| {
                s.specification == champion.specification && trained.is_none_or(|last| s.score.origin >= last)
            };
            Some(ChampionEvidence {
                age: readable(archive, ticker, champion)
                    .await?
                    .then(|| trained.unwrap_or(champion.as_of).sessions_until(series.last().day)),
                promised_relative_error: champion.record_skill.map(|skill| 1.0 - skill),
                promised_error: champion.record_error,
                scores: all.iter().filter(unasked).map(|s| s.score.clone()).collect(),
                season: configuration.season,
            })
        }
    };
    let training = if configuration.train {
        Training { due: true, select: true, reason: "someone asked for it".to_owned() }
    } else {
        configuration.policy.decide(configuration.error_bound, evidence.as_ref())
    };
    let of = champion.map(|champion| champion.specification);
    let result = Evaluated { live: LiveRecord::of(&own), of, training, scores };
    place.commit(ledger, Stage::Evaluate, &result).await
}

/// Scores of what the champion is, whichever version made the forecast.
fn of_specification<'a>(scores: &'a [&VersionScore], champion: &'a Champion) -> impl Iterator<Item = &'a Score> {
    scores.iter().filter(|scored| scored.specification == champion.specification).map(|scored| &scored.score)
}

/// The session on which the contenders were last trained.
async fn last_training(ledger: &dyn Ledger, place: &Place<'_>) -> Result<Option<TradingDay>, Error> {
    Ok(newest_trained(ledger, place).await?.and_then(|(_, trained)| trained.trained))
}

/// Whether the champion can be read whole: where it cannot, training is what mends it.
async fn readable(archive: &dyn Archive, ticker: &Ticker, champion: &Champion) -> Result<bool, Error> {
    match ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            tracing::warn!(%ticker, %error, "the champion cannot be read");
            Ok(false)
        }
    }
}
