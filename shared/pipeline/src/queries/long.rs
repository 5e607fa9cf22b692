//! Several series in one table: their values, or their newest forecasts.

use forecasting::{Level, PriceSeries, Stamp, Ticker};
use futures::future::try_join_all;

use crate::{
    Archive, Error, Forecasted, Ledger, Snapshot, Stage,
    long_table::{LongTable, Values},
    records::end_of_time,
};

/// Read at the same time.
const READS: usize = 32;

/// `unique_id,ds,y` and the columns to regress on, every value that was known on a day, or is; with rows for the periods ahead that the
/// latter are known of. Prices are the adjusted ones.
///
/// # Errors
/// [`Error::NoForecast`] for a series without prices by then; [`Error::Missing`] and [`Error::Damaged`].
pub async fn long_values(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    tickers: &[Ticker],
    as_of: Option<Stamp>,
) -> Result<LongTable, Error> {
    let mut all: Vec<PriceSeries> = Vec::with_capacity(tickers.len());
    for some in tickers.chunks(READS) {
        let series = some.iter().map(async |ticker| {
            let snapshot: Snapshot = newest(ledger, ticker, Stage::Fetch, as_of).await?;
            snapshot.checked(archive, ticker).await
        });
        all.extend(try_join_all(series).await?);
    }
    let mut names: Vec<&String> = Vec::new();
    for name in all.iter().flat_map(PriceSeries::regressors) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (mut ids, mut stamps, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut regressors: Vec<Vec<Option<f64>>> = vec![Vec::new(); names.len()];
    for series in &all {
        let bars = series.bars().iter().map(|bar| (bar.day, Some(bar.adjusted_close), &bar.regressors));
        let ahead = series.ahead().iter().map(|(day, known)| (*day, None, known));
        for (day, value, known) in bars.chain(ahead) {
            ids.push(series.ticker().to_string());
            stamps.push(day.stamp());
            values.push(value);
            for (name, column) in names.iter().zip(&mut regressors) {
                let place = series.regressors().iter().position(|own| own == *name);
                column.push(place.map(|place| known[place]));
            }
        }
    }
    let mut columns = vec![
        ("unique_id".to_owned(), Values::Words(ids)),
        ("ds".to_owned(), Values::Stamps(stamps)),
        ("y".to_owned(), Values::Numbers(values)),
    ];
    columns.extend(names.into_iter().cloned().zip(regressors.into_iter().map(Values::Numbers)));
    Ok(LongTable::new(columns))
}

/// `ticker,origin,date,horizon,mean,lower_80,upper_80,...,version`: the newest forecast of each, or the newest up to a day.
///
/// # Errors
/// [`Error::NoForecast`] for a series without one.
pub async fn long_forecasts(ledger: &dyn Ledger, tickers: &[Ticker], as_of: Option<Stamp>) -> Result<LongTable, Error> {
    let mut all: Vec<Forecasted> = Vec::with_capacity(tickers.len());
    for some in tickers.chunks(READS) {
        all.extend(try_join_all(some.iter().map(|ticker| newest(ledger, ticker, Stage::Forecast, as_of))).await?);
    }
    let steps = || {
        let rows = tickers.iter().zip(&all);
        rows.flat_map(|(ticker, made)| made.forecast.steps.iter().map(move |step| (ticker, made, &step.served)))
    };
    let mut levels: Vec<Level> = steps().flat_map(|(.., step)| step.intervals.iter().map(|i| i.level)).collect();
    levels.sort_by(|a, b| a.percent().total_cmp(&b.percent()));
    levels.dedup();
    let numbers = |of: &dyn Fn(&forecasting::Step) -> Option<f64>| steps().map(|(.., step)| of(step)).collect();
    let mut columns = vec![
        ("ticker".to_owned(), Values::Words(steps().map(|(ticker, ..)| ticker.to_string()).collect())),
        ("origin".to_owned(), Values::Stamps(steps().map(|(_, made, _)| made.forecast.origin.stamp()).collect())),
        ("date".to_owned(), Values::Stamps(steps().map(|(.., step)| step.date.stamp()).collect())),
        ("horizon".to_owned(), Values::Numbers(numbers(&|step| Some(step.horizon as f64)))),
        ("mean".to_owned(), Values::Numbers(numbers(&|step| Some(step.mean)))),
    ];
    for level in levels {
        let interval = |step: &forecasting::Step| step.intervals.iter().find(|i| i.level == level).copied();
        columns.push((format!("lower_{level}"), Values::Numbers(numbers(&|step| interval(step).map(|i| i.lower)))));
        columns.push((format!("upper_{level}"), Values::Numbers(numbers(&|step| interval(step).map(|i| i.upper)))));
    }
    let versions = steps().map(|(_, made, _)| made.champion.version.to_string()).collect();
    columns.push(("version".to_owned(), Values::Words(versions)));
    Ok(LongTable::new(columns))
}

async fn newest<T: serde::de::DeserializeOwned>(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    stage: Stage,
    as_of: Option<Stamp>,
) -> Result<T, Error> {
    let newest = ledger.history(ticker, stage, as_of.unwrap_or_else(end_of_time), 1).await?.pop();
    newest.ok_or_else(|| Error::NoForecast { ticker: ticker.clone() })?.parse()
}
