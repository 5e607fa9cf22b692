//! What only reads: `runs`, `models`, `receipts`, `record`, `scores`, `results`, and `answered`.

use std::process::ExitCode;

use forecasting::Ticker;
use jiff::civil::Date;

use super::{Failure, arguments::StoreArguments, follow, history, output, stores::Stores};

/// More runs than this are for a program to ask the ledger for.
const RUNS_LISTED: usize = 1_000;

pub(super) async fn runs(follow: bool, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let Stores { archive, ledger, .. } = Stores::read(&store.place).await?;
    if follow {
        return follow::follow(ledger, store.json).await;
    }
    let entries = ledger.runs(RUNS_LISTED).await?;
    if store.json {
        let mut listed = Vec::with_capacity(entries.len());
        for entry in &entries {
            listed.push(output::RunListing::of(entry, &*archive, &*ledger).await?);
        }
        output::json(&listed);
    } else {
        output::runs(&entries);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn models(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let Stores { archive, ledger, .. } = Stores::read(&store.place).await?;
    let models = pipeline::models(&*archive, &*ledger, ticker, usize::MAX).await?;
    if store.json {
        output::json(&models);
    } else {
        output::models(&models);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn receipts(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let Stores { ledger, .. } = Stores::read(&store.place).await?;
    let receipts = ledger.receipts(ticker).await?;
    if receipts.is_empty() {
        return Err(pipeline::Error::NoForecast { ticker: ticker.clone() }.into());
    }
    if store.json {
        output::json(&receipts);
    } else {
        output::receipts(&receipts);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn record(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let Stores { archive, ledger, .. } = Stores::read(&store.place).await?;
    let judgement = pipeline::recorded(&*archive, &*ledger, ticker).await?;
    if store.json {
        output::json(&judgement);
    } else {
        history::record(ticker, &judgement);
        for (contender, reason) in pipeline::without_model(&*ledger, ticker).await? {
            output::print(&format!("Without a model: {contender}: {reason}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn scores(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let Stores { ledger, .. } = Stores::read(&store.place).await?;
    let scores = pipeline::scores(&*ledger, ticker).await?;
    if store.json {
        output::json(&scores);
    } else {
        history::scores(ticker, &scores);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn results(store: &StoreArguments) -> Result<ExitCode, Failure> {
    let Stores { archive, ledger, .. } = Stores::read(&store.place).await?;
    let results = pipeline::results(&*archive, &*ledger).await?;
    if store.json {
        output::json(&results);
    } else {
        history::results(&results);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn answered(ticker: &Ticker, day: Date, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let Stores { ledger, .. } = Stores::read(&store.place).await?;
    let answered = pipeline::answered(&*ledger, ticker, day).await?;
    if store.json {
        output::json(&answered);
    } else {
        history::answered(ticker, day, &answered);
    }
    Ok(ExitCode::SUCCESS)
}
