use forecasting::Ticker;

use crate::{
    Error, Ledger, VersionScore,
    records::{end_of_time, live_scores},
};

/// All of a ledger's evaluations of one ticker: forty years of evenings.
pub(crate) const ALL_EVALUATIONS: usize = 10_000;

/// Every past forecast of a ticker beside what happened, newest session first.
///
/// # Errors
/// [`Error::NoForecast`] where nothing has been scored.
pub async fn scores(ledger: &dyn Ledger, ticker: &Ticker) -> Result<Vec<VersionScore>, Error> {
    let mut scores = live_scores(ledger, ticker, end_of_time(), ALL_EVALUATIONS).await?;
    if scores.is_empty() && ledger.champion(ticker).await?.is_none() {
        return Err(Error::NoForecast { ticker: ticker.clone() });
    }
    scores.sort_by_key(|scored| (std::cmp::Reverse(scored.score.date), scored.score.horizon));
    Ok(scores)
}
