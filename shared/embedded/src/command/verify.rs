//! `verify`: does what is on record again, or holds all of it against its digests.

use std::{collections::VecDeque, path::PathBuf, process::ExitCode, sync::Arc, thread};

use forecasting::Ticker;
use pipeline::{Archive, Ledger, Receipt, RunId, VerifiedReceipt, VersionId};
use tokio::task::JoinHandle;

use super::{Failure, arguments::StoreArguments, output, signing, stores::Stores};

/// Everything that is kept.
pub(super) async fn everything(public_keys: &[PathBuf], store: &StoreArguments) -> Result<ExitCode, Failure> {
    let keys = signing::public_keys(public_keys)?;
    let stores = Stores::read(&store.place).await?;
    let streams = Stores::streams(&store.place)?;
    let audit = pipeline::audit(&*stores.archive, &*stores.ledger, streams.as_deref(), &keys).await?;
    if store.json {
        output::json(&audit);
    } else {
        output::audit(&audit);
    }
    Ok(if audit.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
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
    let mut failed = receipt.is_none() && !is_whole(&*archive, &*ledger, ticker, store).await?;
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
                output::error(&error.to_string());
            }
            Err(error) if receipt.is_none() => {
                output::error(&error.to_string());
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

/// Whether the ledger, and the rows that arrived, are what they were written as; what is not is printed.
async fn is_whole(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    store: &StoreArguments,
) -> Result<bool, Failure> {
    let mut whole = true;
    if let Err(error) = pipeline::verify_ledger(ledger, ticker).await {
        output::error(&error.to_string());
        whole = false;
    }
    let Some(streams) = Stores::streams(&store.place)? else { return Ok(whole) };
    match pipeline::stream::verify_stream(archive, ledger, &*streams, ticker).await {
        Ok(Some(stream)) if !store.json => output::print(&format!(
            "{ticker}: {} rows that arrived are as they were; they take the model in service {} periods past its run",
            stream.rows, stream.advanced
        )),
        Ok(_) => {}
        Err(error) => {
            output::error(&error.to_string());
            whole = false;
        }
    }
    Ok(whole)
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
