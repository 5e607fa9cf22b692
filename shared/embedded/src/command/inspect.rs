//! What only reads: `runs`, `models`, `receipts`, `record`, `scores`, `results`, `answered` and `verify`.

use std::{collections::VecDeque, process::ExitCode, sync::Arc, thread};

use forecasting::Ticker;
use jiff::civil::Date;
use pipeline::{Archive, Ledger, Receipt, RunId, VerifiedReceipt, VersionId};
use tokio::task::JoinHandle;

use super::{Failure, arguments::StoreArguments, history, output, stores::Stores};

/// More runs than this are for a program to ask the ledger for.
const RUNS_LISTED: usize = 1_000;

pub(super) async fn runs(store: &StoreArguments) -> Result<ExitCode, Failure> {
    let Stores { archive, ledger, .. } = Stores::read(&store.place).await?;
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
            output::line(&format!("Without a model: {contender}: {reason}"));
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

/// A version, a receipt, or every receipt.
pub(super) async fn verify(
    ticker: &Ticker,
    version: Option<&VersionId>,
    receipt: Option<&RunId>,
    store: &StoreArguments,
) -> Result<ExitCode, Failure> {
    let stores = Stores::read(&store.place).await?;
    let programs = stores.programs();
    let Stores { archive, ledger, .. } = stores;
    if let Some(version) = version {
        let verified = pipeline::verify(&*archive, &*ledger, &*programs, ticker, version).await?;
        if store.json {
            output::json(&verified);
        } else {
            output::verified(&verified);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let receipts = ledger.receipts(ticker).await?;
    let runs: Vec<RunId> = match receipt {
        Some(run) => vec![run.clone()],
        None => receipts.iter().map(|receipt| receipt.run.clone()).collect(),
    };
    if receipts.is_empty()
        && let Some(tombstone) = pipeline::verify_forgotten(&*archive, &*ledger, ticker).await?
    {
        output::forgotten(&tombstone, store.json);
        return Ok(ExitCode::SUCCESS);
    }
    if runs.is_empty() {
        return Err(pipeline::Error::NoForecast { ticker: ticker.clone() }.into());
    }
    let mut stand = Vec::with_capacity(runs.len());
    let mut failed = false;
    if receipt.is_none()
        && let Err(error) = pipeline::verify_ledger(&*ledger, ticker).await
    {
        output::remark(&format!("closing-bell: {error}"));
        failed = true;
    }
    if receipt.is_none()
        && let Some(streams) = Stores::streams(&store.place)?
    {
        match pipeline::stream::verify_stream(&*archive, &*ledger, &*streams, ticker).await {
            Ok(Some(stream)) if !store.json => output::line(&format!(
                "{ticker}: {} rows that arrived are as they were; they take the model in service {} periods past its run",
                stream.rows, stream.advanced
            )),
            Ok(_) => {}
            Err(error) => {
                output::remark(&format!("closing-bell: {error}"));
                failed = true;
            }
        }
    }
    for outcome in verified(archive, ledger, &receipts, ticker, runs).await? {
        match outcome {
            Ok(verified) => {
                if !store.json {
                    output::verified_receipt(&verified);
                }
                stand.push(verified);
            }
            // Nothing is said against it, and nothing for it.
            Err(error @ pipeline::Error::OtherRelease { .. }) if receipt.is_none() => {
                output::remark(&format!("closing-bell: {error}"));
            }
            Err(error) if receipt.is_none() => {
                output::remark(&format!("closing-bell: {error}"));
                failed = true;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if store.json {
        output::json(&stand);
    }
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Each verdict by itself, on all cores, in their order.
async fn verified(
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
    receipts: &[Receipt],
    ticker: &Ticker,
    runs: Vec<RunId>,
) -> Result<Vec<Result<VerifiedReceipt, pipeline::Error>>, Failure> {
    let stores = Arc::new((archive, ledger, receipts.to_vec(), ticker.clone()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut outcomes = Vec::with_capacity(runs.len());
    let mut under_way = VecDeque::with_capacity(cores);
    for run in runs {
        if under_way.len() == cores {
            outcomes.extend(ended(&mut under_way).await?);
        }
        let stores = stores.clone();
        under_way.push_back(tokio::spawn(async move {
            let (archive, ledger, receipts, ticker) = &*stores;
            pipeline::verify_receipt(&**archive, &**ledger, receipts, ticker, &run).await
        }));
    }
    while let Some(outcome) = ended(&mut under_way).await? {
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// The outcome of the task that was begun first.
async fn ended<T>(under_way: &mut VecDeque<JoinHandle<T>>) -> Result<Option<T>, Failure> {
    let Some(first) = under_way.pop_front() else { return Ok(None) };
    first.await.map(Some).map_err(|panic| Failure::Failed(format!("internal error: {panic}")))
}
