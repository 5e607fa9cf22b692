//! What an earlier release left in a bucket and a table: it is read as it is, gone on with, and rewritten.

mod support;

use std::{path::Path, process::Command};

use aws_sdk_dynamodb::types::AttributeValue;
use embedded::{DirectoryArchive, SqliteLedger};
use forecasting::{Stamp, Ticker};
use pipeline::{
    Archive, Chain, Chained, Key, Ledger, Link, Pointing, Receipt, RunEntry, Stage, StageKey, StageRecord, export,
    migrate, to_migrate,
};
use support::cloud;

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn json(value: &impl serde::Serialize) -> AttributeValue {
    text(serde_json::to_string(value).expect("plain data"))
}

/// A table as earlier releases wrote it, item by item.
struct Former<'a> {
    client: aws_sdk_dynamodb::Client,
    table: &'a str,
    /// One for each record, as its clock would have told it.
    clock: u32,
    /// Whether each record has its place in a chain, as the last of them wrote it.
    places: bool,
    head: Option<Link>,
}

impl Former<'_> {
    async fn put(&self, pk: String, sk: String, attributes: Vec<(&str, AttributeValue)>) {
        let mut put = self.client.put_item().table_name(self.table).item("pk", text(pk)).item("sk", text(sk));
        for (name, value) in attributes {
            put = put.item(name, value);
        }
        put.send().await.expect("writes");
    }

    fn now(&mut self) -> String {
        self.clock += 1;
        format!("2025-12-11T22:{:02}:{:02}.000000Z", self.clock / 60, self.clock % 60)
    }

    /// A record's attributes of its place, and the end of the chain with it.
    async fn placed(&mut self, ticker: &Ticker, record: &Chained) -> Vec<(&'static str, AttributeValue)> {
        if !self.places {
            return Vec::new();
        }
        let link = Link::of(self.head.as_ref(), record);
        let place = vec![
            ("place", AttributeValue::N(link.sequence.to_string())),
            ("digest", AttributeValue::B(link.digest.hash().into())),
        ];
        self.put(format!("TICKER#{ticker}"), "CHAIN".to_owned(), place.clone()).await;
        self.head = Some(link);
        place
    }

    async fn run(&mut self, entry: &RunEntry, archive: &dyn Archive) {
        let (run, closure) = (&entry.run, entry.closure.as_ref().expect("closed"));
        // As it is archived: earlier releases kept the same in the table.
        let assignment =
            archive.read(&Key::run(&run.id, "configuration.json")).await.expect("reads").expect("is there");
        let assignment = String::from_utf8(assignment).expect("text");
        let outcomes = closure.outcomes(archive).await.expect("reads");
        let opened_at = entry.opened_at.clone();
        let attributes = vec![
            ("run", text(run.id.as_str())),
            ("as_of", text(run.as_of.to_string())),
            ("trigger", text("manual")),
            ("configuration", text(assignment)),
            ("opened_at", text(&opened_at)),
            ("closed_at", text(entry.closed_at.clone().expect("closed"))),
            ("status", text("closed")),
            ("tickers", json(&outcomes)),
            ("seconds", json(&vec![closure.seconds])),
            ("report", json(&closure.report)),
        ];
        self.put(format!("RUN#{}", run.id), "RUN".to_owned(), attributes).await;
        let place = format!("{}#{opened_at}#{}", run.as_of, run.id);
        self.put("RUNS".to_owned(), place, vec![("run", text(run.id.as_str()))]).await;
    }

    async fn result(&mut self, record: &StageRecord) {
        let StageKey { run, ticker, stage } = &record.key;
        let now = self.now();
        let placed = self.placed(ticker, &Chained::Result(record.clone())).await;
        let mut attributes = vec![
            ("run", text(run.as_str())),
            ("ticker", text(ticker.as_str())),
            ("stage", text(stage.as_str())),
            ("as_of", text(record.as_of.to_string())),
            ("result", text(&record.result)),
            ("committed_at", text(&now)),
        ];
        attributes.extend(placed);
        self.put(format!("RUN#{run}"), format!("STAGE#{ticker}#{stage}"), attributes).await;
        let place = format!("{}#{now}#{run}", record.as_of);
        self.put(format!("HISTORY#{ticker}#{stage}"), place, vec![("run", text(run.as_str()))]).await;
    }

    async fn receipt(&mut self, receipt: &Receipt) {
        let record = Chained::Receipt(Box::new(receipt.clone()), Pointing::Move);
        let placed = self.placed(&receipt.ticker, &record).await;
        let mut attributes = vec![
            ("run", text(receipt.run.as_str())),
            ("as_of", text(receipt.as_of.to_string())),
            ("receipt", json(receipt)),
            ("decided_at", text(self.now())),
        ];
        if self.places {
            attributes.push(("moves", AttributeValue::Bool(true)));
        }
        attributes.extend(placed);
        self.put(format!("TICKER#{}", receipt.ticker), format!("RECEIPT#{}", receipt.run), attributes).await;
    }
}

async fn same_records(table: &dyn Ledger, file: &dyn Ledger, ticker: &Ticker, end: Stamp) {
    assert_eq!(table.champion(ticker).await.expect("reads"), file.champion(ticker).await.expect("reads"));
    assert_eq!(table.receipts(ticker).await.expect("lists"), file.receipts(ticker).await.expect("lists"));
    for stage in Stage::ALL {
        let history = table.history(ticker, stage, end, 10).await.expect("lists");
        assert_eq!(history, file.history(ticker, stage, end, 10).await.expect("lists"), "{stage}");
        assert_eq!(history.len(), 3, "{stage}");
    }
}

#[tokio::test]
async fn what_an_earlier_release_left() {
    what_was_left("former", false).await;
}

#[tokio::test]
async fn what_the_last_release_left() {
    what_was_left("placed", true).await;
}

async fn what_was_left(name: &str, places: bool) {
    let Some((clients, name)) = cloud(name).await else { return };
    let (bucket, table) = (support::archive(&clients, &name).await, support::ledger(&clients, &name).await);
    let folder = tempfile::tempdir().expect("a folder");
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../embedded/tests/stored/data_of_a_former_release.tar.gz");
    let unpacked = Command::new("tar").arg("xzf").arg(packed).current_dir(folder.path()).status();
    assert!(unpacked.expect("tar starts").success());
    let data = folder.path().join("closing-bell-data");
    let directory = DirectoryArchive::open(&data).expect("opens");
    let file = SqliteLedger::open_existing(&data.join("ledger.sqlite")).expect("opens");
    let [ko, nls]: [Ticker; 2] = ["KO", "NLS"].map(|ticker| ticker.parse().expect("a ticker"));
    let end: Stamp = "2020-12-11".parse().expect("a session");

    for prefix in ["prices/", "models/", "forecasts/", "reports/", "runs/", "contests/"] {
        for listed in directory.list(prefix).await.expect("lists") {
            let key = serde_json::from_value(listed.into()).expect("a key");
            let bytes = directory.read(&key).await.expect("reads").expect("is there");
            bucket.create(&key, &bytes).await.expect("creates");
        }
    }
    let mut former = Former { client: clients.dynamodb(), table: &name, clock: 0, places, head: None };
    let runs = file.runs(10).await.expect("lists");
    for entry in runs.iter().rev() {
        former.run(entry, &directory).await;
    }
    for ticker in [&ko, &nls] {
        former.head = None;
        for stage in Stage::ALL {
            for record in file.history(ticker, stage, end, 10).await.expect("lists").iter().rev() {
                former.result(record).await;
            }
        }
        for receipt in file.receipts(ticker).await.expect("lists").iter().rev() {
            former.receipt(receipt).await;
        }
        let champion = file.champion(ticker).await.expect("reads").expect("serves");
        let attributes = vec![
            ("version", text(champion.version.as_str())),
            ("as_of", text(champion.as_of.to_string())),
            ("sequence_number", text(champion.sequence.to_string())),
            ("champion", json(&champion)),
        ];
        former.put(format!("TICKER#{ticker}"), "CHAMPION".to_owned(), attributes).await;
    }

    // Read as it is.
    assert_eq!(table.runs(10).await.expect("lists"), runs);
    let mut tables = Vec::new();
    for ticker in [&ko, &nls] {
        same_records(&table, &file, ticker, end).await;
        let there = export(&bucket, &table, ticker, None).await.expect("reads");
        assert_eq!(there, export(&directory, &file, ticker, None).await.expect("reads"));
        tables.push(there);
    }

    // Rewritten.
    assert_eq!(to_migrate(&bucket).await.expect("lists"), [ko.clone(), nls.clone()]);
    for (ticker, table_before) in [&ko, &nls].into_iter().zip(tables) {
        assert_eq!(migrate(&bucket, ticker).await.expect("migrates"), 3);
        migrate(&directory, ticker).await.expect("migrates");
        assert_eq!(export(&bucket, &table, ticker, None).await.expect("reads"), table_before);
    }
    let listed = bucket.list("prices/").await.expect("lists");
    assert_eq!(listed, directory.list("prices/").await.expect("lists"));
    assert!(to_migrate(&bucket).await.expect("lists").is_empty() && !listed.is_empty());

    // Gone on with: what is committed now is newer than all of it.
    let run = "2020-12-11-0123abcd".parse().expect("an id");
    let key = StageKey { run, ticker: ko.clone(), stage: Stage::Fetch };
    let record = StageRecord { key, as_of: end, result: "{}".to_owned() };
    table.commit(record.clone()).await.expect("commits");
    assert_eq!(table.history(&ko, Stage::Fetch, end, 1).await.expect("lists"), [record]);
    let chain = table.chain(&ko).await.expect("lists");
    let champion = table.champion(&ko).await.expect("reads");
    assert_eq!(chain.records.len(), if places { 3 * (Stage::ALL.len() + 1) + 1 } else { 1 });
    assert_eq!(chain.check(&ko).expect("whole"), champion.filter(|_| places));
    assert!(table.champion(&ko).await.expect("reads").is_some());
    // Committed before, it is not committed again.
    let before = table.history(&ko, Stage::Train, end, 1).await.expect("lists").remove(0);
    let other = StageRecord { result: "{}".to_owned(), ..before.clone() };
    assert_eq!(table.commit(other).await.expect("answers"), before);
    table.forget(&ko).await.expect("forgets");
    assert_eq!(table.chain(&ko).await.expect("lists"), Chain::default());
    assert_eq!(table.champion(&ko).await.expect("reads"), None);
}
