//! `import`: files of one's own; `--dry-run` says what was understood of them, and does nothing.

use std::process::ExitCode;

use forecasting::{Scope, Ticker};
use pipeline::{Configuration, History};
use serde::Serialize;

use super::{
    Failure,
    arguments::{MarketName, NightArguments},
    market::Chosen,
    output,
    run::run,
    settings::settings,
};

/// What was understood of one series.
#[derive(Debug, Default, Serialize)]
struct Understood {
    ticker: String,
    cadence: String,
    season: String,
    kind: String,
    periods: usize,
    missing: usize,
    first: String,
    last: String,
    first_values: Vec<f64>,
    /// Whether its prices are closes as they were traded, without their dividends and splits.
    closes_alone: bool,
    /// Of so many periods after the last it is known what may be regressed on, where anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_ahead: Option<usize>,
    /// Why it would be refused.
    refused: Option<String>,
}

/// So many values are shown.
const SHOWN: usize = 3;

pub(super) async fn import(place: &str, dry_run: bool, mut night: NightArguments) -> Result<ExitCode, Failure> {
    let name = MarketName::of_place(place);
    if !dry_run {
        night.market = Some(name);
        return run(None, false, &night).await;
    }
    let settings = settings(night.config.as_deref(), &night.set, &night.store.place).await?;
    let Chosen { name, market, tickers, last_session: newest, .. } =
        Chosen::new(Some(&name), &settings, &night.store.place).await?;
    let tickers: Vec<Ticker> = if night.tickers.is_empty() { tickers } else { night.tickers.clone() };
    let configuration = settings.assignment(name, tickers.clone()).configuration;
    let mut all = Vec::with_capacity(tickers.len());
    for ticker in &tickers {
        let understood = match market.history(ticker, configuration.from(), newest).await {
            Ok(history) => understood(ticker, history, &configuration),
            Err(error) => {
                Understood { ticker: ticker.to_string(), refused: Some(error.to_string()), ..Understood::default() }
            }
        };
        all.push(understood);
    }
    let refused = all.iter().filter(|series| series.refused.is_some()).count();
    if night.store.json {
        output::json(&all);
    } else {
        let header = ["Ticker", "Kind", "Cadence", "Season", "Periods", "Missing", "First", "Last", "First values"];
        let mut table = output::table(&header, &[4, 5]);
        for series in all.iter().filter(|series| series.refused.is_none()) {
            let shown: Vec<String> = series.first_values.iter().map(f64::to_string).collect();
            let Understood { ticker, kind, cadence, season, periods, missing, first, last, .. } = series;
            let numbers = [periods.to_string(), missing.to_string()];
            let words = [ticker, kind, cadence, season, &numbers[0], &numbers[1], first, last, &shown.join(", ")];
            table.add_row(words.map(String::as_str));
        }
        output::tabulate(&mut table);
        for series in &all {
            if series.closes_alone {
                let what = "closes as they were traded: a dividend or a split looks like a fall";
                output::print(&format!("{}: {what}", series.ticker));
            }
            if let Some(periods) = series.known_ahead.filter(|known| *known < configuration.horizon) {
                let ahead = format!("known of {periods} of the next {} periods", configuration.horizon);
                output::print(&format!("{}: what may be regressed on is {ahead}", series.ticker));
            }
            if let Some(why) = &series.refused {
                output::print(&format!("Refused: {}: {why}", series.ticker));
            }
        }
        output::print(&format!("As of {newest}. Nothing was written."));
    }
    Ok(ExitCode::from(u8::from(refused > 0)))
}

fn understood(ticker: &Ticker, history: History, configuration: &Configuration) -> Understood {
    let named = Understood { ticker: ticker.to_string(), ..Understood::default() };
    match configuration.series(ticker, history) {
        Err(error) => Understood { refused: Some(error.to_string()), ..named },
        Ok(series) => {
            let seasons = configuration.seasons(ticker, series.cadence());
            let kind = if series.kind() == forecasting::Kind::Price { "price" } else { "value" };
            Understood {
                cadence: series.cadence().to_string(),
                season: if seasons == forecasting::Seasons::NONE { "none".to_owned() } else { seasons.to_string() },
                kind: kind.to_owned(),
                periods: series.bars().len(),
                missing: Scope::of(&series, 0).sessions_missing,
                first: series.bars()[0].day.to_string(),
                last: series.last().day.to_string(),
                closes_alone: series.is_of_closes_alone(),
                known_ahead: (!series.regressors().is_empty()).then(|| series.ahead().len()),
                first_values: series.bars().iter().take(SHOWN).map(|bar| bar.adjusted_close).collect(),
                ..named
            }
        }
    }
}
