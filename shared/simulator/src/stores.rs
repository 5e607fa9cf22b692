//! The stores that all processes share, as one process has them, and what is in them.

use std::{collections::BTreeMap, sync::Arc};

use embedded::{DirectoryArchive, SqliteLedger, SqliteStreams};
use forecasting::Ticker;
use pipeline::{
    Archive, Chain, Champion, Error, Key, Ledger, Signed, Signer,
    stream::{Kept, StreamMarket, Streams},
    testing::{Broken, Intercepted, MemoryArchive, MemoryLedger},
};
use tempfile::TempDir;

use crate::process::Process;

/// Archive, ledger and log of rows.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) streams: Arc<dyn Streams>,
    /// Where they lie, as long as anybody has them.
    pub(crate) folder: Option<Arc<TempDir>>,
    /// What happens to them when a process dies.
    pub(crate) died: Arc<dyn Fn() + Send + Sync>,
}

/// What stores are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Memory: as S3 and DynamoDB are, whoever dies.
    Memory,
    /// A directory and a SQLite file: the adapters of one machine.
    Disk,
}

impl Stores {
    /// Empty ones.
    pub(crate) fn new(kind: Kind, broken: Broken) -> Stores {
        match kind {
            Kind::Memory => Stores::of(MemoryArchive::broken(broken), MemoryLedger::broken(broken)),
            Kind::Disk => {
                let folder = TempDir::new().expect("a folder");
                let ledger = folder.path().join("ledger.sqlite");
                Stores {
                    archive: Arc::new(DirectoryArchive::open(folder.path()).expect("opens")),
                    ledger: Arc::new(SqliteLedger::open(&ledger).expect("opens")),
                    streams: Arc::new(SqliteStreams::open(&ledger).expect("opens")),
                    folder: Some(Arc::new(folder)),
                    died: Arc::new(|| {}),
                }
            }
        }
    }

    fn of(archive: MemoryArchive, ledger: MemoryLedger) -> Stores {
        let (archive, ledger) = (Arc::new(archive), Arc::new(ledger));
        let losing = archive.clone();
        let died = Arc::new(move || losing.lose_unsynced());
        Stores { archive, ledger: ledger.clone(), streams: ledger, folder: None, died }
    }

    /// As a process has them.
    pub(crate) fn of_process(&self, process: &Arc<Process>) -> Stores {
        Stores {
            archive: Arc::new(Signed::new(
                Arc::new(Intercepted { inner: self.archive.clone(), by: process.clone() }),
                signer(),
            )),
            ledger: Arc::new(Intercepted { inner: self.ledger.clone(), by: process.clone() }),
            streams: Arc::new(Intercepted { inner: self.streams.clone(), by: process.clone() }),
            folder: self.folder.clone(),
            died: self.died.clone(),
        }
    }

    /// The rows that arrived, as a market.
    pub(crate) fn market(&self) -> StreamMarket {
        StreamMarket::new(self.streams.clone())
    }
}

/// Who signs the simulation's runs: the first key of RFC 8032, section 7.1.
pub(crate) fn signer() -> Signer {
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----";
    Signer::from_pem(KEY).expect("a key")
}

/// What is kept that counts: what two worlds that have done the same have in common.
#[derive(Debug, PartialEq)]
pub(crate) struct Content {
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    pub(crate) chains: BTreeMap<Ticker, Chain>,
    pub(crate) champions: BTreeMap<Ticker, Option<Champion>>,
    pub(crate) rows: BTreeMap<Ticker, Vec<Kept>>,
    pub(crate) runs: Vec<(String, Option<String>)>,
}

/// What nights make of their inputs alone. Reports tell how they went, and refused rows are kept as often as they are refused.
const RESULTS: [&str; 4] = ["prices/", "models/", "records/", "forecasts/"];
/// All of the archive.
const ALL: [&str; 7] = ["prices/", "models/", "records/", "forecasts/", "runs/", "reports/", "quarantine/"];

impl Content {
    /// All that is there.
    pub(crate) async fn read(stores: &Stores, tickers: &[Ticker]) -> Result<Content, Error> {
        let mut objects = BTreeMap::new();
        for prefix in ALL {
            for listed in stores.archive.list(prefix).await? {
                let key: Key = serde_json::from_value(listed.clone().into()).expect("a key is a text");
                objects.insert(listed, stores.archive.read(&key).await?.unwrap_or_default());
            }
        }
        let (mut chains, mut champions, mut rows) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for ticker in tickers {
            chains.insert(ticker.clone(), stores.ledger.chain(ticker).await?);
            champions.insert(ticker.clone(), stores.ledger.champion(ticker).await?);
            rows.insert(ticker.clone(), stores.streams.rows(ticker).await?);
        }
        let entries = stores.ledger.runs(100).await?.into_iter();
        let status = |run: &pipeline::Run, closure: pipeline::Closure| {
            let person = run.configuration.rollback.is_some() || run.configuration.release.is_some();
            let whose = if person { "a person's".to_owned() } else { format!("of {}", run.tickers) };
            format!("{whose}: {} done, {} failed: {}", closure.done, closure.failed, closure.status)
        };
        let ended = |entry: pipeline::RunEntry| {
            (entry.run.id.to_string(), entry.closure.map(|closure| status(&entry.run, closure)))
        };
        let mut runs: Vec<_> = entries.map(ended).collect();
        runs.sort();
        Ok(Content { objects, chains, champions, rows, runs })
    }

    /// What of it another one lacks or has otherwise, in words.
    pub(crate) fn differs(&self, other: &Content) -> Option<String> {
        let results = |content: &Content| -> BTreeMap<String, Vec<u8>> {
            let of_results = |(key, _): &(&String, &Vec<u8>)| RESULTS.iter().any(|prefix| key.starts_with(prefix));
            content.objects.iter().filter(of_results).map(|(key, bytes)| (key.clone(), bytes.clone())).collect()
        };
        let (own, others) = (results(self), results(other));
        if let Some(key) = own.keys().chain(others.keys()).find(|key| own.get(*key) != others.get(*key)) {
            return Some(format!("the object {key}"));
        }
        for (ticker, chain) in &self.chains {
            if Some(chain) != other.chains.get(ticker) {
                return Some(format!("the ledger of {ticker}"));
            }
            if self.champions.get(ticker) != other.champions.get(ticker) {
                return Some(format!("who serves {ticker}"));
            }
            if self.rows.get(ticker) != other.rows.get(ticker) {
                return Some(format!("the rows of {ticker}"));
            }
        }
        (self.runs != other.runs).then(|| format!("runs: {:?} and {:?}", self.runs, other.runs))
    }
}
