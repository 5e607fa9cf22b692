//! What the stages ask of their ports, noted while nights of every kind run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use embedded::{DirectoryArchive, RecordedMarket, SqliteLedger, SqliteStreams};
use forecasting::{Policy, Stamp, Ticker};
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use pipeline::{
    Appended, Archive, Assignment, Attempt, Attempts, Chain, Chained, Champion, Closure, Configuration, Created, Error,
    Key, Ledger, MarketData, Planned, Receipt, Run, RunEntry, RunId, Settings, Stage, StageRecord, Trigger,
    price_file::PriceFile,
    stream::{Counts, Format, Head, Ingest, Kept, Message, Source, Step, Streams, read},
};

/// An action on a resource: a prefix of the archive (`prices/*`), `bucket`, `table`, `bus` or `parameter`.
pub(crate) type Needs = BTreeSet<(String, String)>;

/// Notes what is asked for on behalf of the function that is set.
#[derive(Default)]
struct Notes {
    function: String,
    /// Whatever is done is done by that function.
    alone: bool,
    needs: BTreeMap<String, Needs>,
}

struct Noted<T> {
    inner: Arc<T>,
    notes: Arc<Mutex<Notes>>,
}

impl<T> Noted<T> {
    fn note(&self, actions: &[&str], resource: &str) {
        let mut notes = self.notes.lock().expect("no panic");
        let function = notes.function.clone();
        let needs = notes.needs.entry(function).or_default();
        needs.extend(actions.iter().map(|action| ((*action).to_owned(), resource.to_owned())));
    }
}

fn prefix(key: &Key) -> String {
    key.as_str().split_once('/').map_or_else(|| key.to_string(), |(folder, _)| format!("{folder}/*"))
}

#[async_trait]
impl Archive for Noted<DirectoryArchive> {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        // What stands there already is read, and compared.
        self.note(&["s3:PutObject", "s3:GetObject"], &prefix(key));
        self.inner.create(key, bytes).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        self.note(&["s3:GetObject"], &prefix(key));
        // Without it, S3 answers 403 where there is no object.
        self.note(&["s3:ListBucket"], "bucket");
        self.inner.read(key).await
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.note(&["s3:DeleteObject"], &prefix(key));
        self.inner.remove(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.note(&["s3:ListBucket"], "bucket");
        self.inner.list(prefix).await
    }
}

const DELETE: &str = "dynamodb:DeleteItem";
const GET: &str = "dynamodb:GetItem";
const PUT: &str = "dynamodb:PutItem";
const QUERY: &str = "dynamodb:Query";
const UPDATE: &str = "dynamodb:UpdateItem";

#[async_trait]
impl Ledger for Noted<SqliteLedger> {
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        self.note(&[PUT, GET, UPDATE], "table");
        self.inner.open_run(run).await
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        self.note(&[UPDATE], "table");
        self.inner.close_run(run, closure).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error> {
        self.note(&[GET], "table");
        self.inner.run(run).await
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error> {
        self.note(&[QUERY, GET], "table");
        self.inner.runs(limit).await
    }

    async fn append(
        &self,
        ticker: &Ticker,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Error> {
        self.note(&[QUERY, GET, PUT], "table");
        self.inner.append(ticker, records, expected).await
    }

    async fn results(&self, run: &RunId, ticker: &Ticker) -> Result<Vec<StageRecord>, Error> {
        self.note(&[QUERY, GET], "table");
        self.inner.results(run, ticker).await
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        self.note(&[QUERY, GET], "table");
        self.inner.history(ticker, stage, up_to, limit).await
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        self.note(&[PUT], "table");
        self.inner.record(run, attempts).await
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        self.note(&[QUERY], "table");
        self.inner.attempts(run).await
    }

    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        self.note(&[QUERY, GET], "table");
        self.inner.champion(ticker).await
    }

    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        self.note(&[QUERY, DELETE], "table");
        self.inner.forget(ticker).await
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        self.note(&[QUERY, GET], "table");
        self.inner.chain(ticker).await
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        self.note(&[QUERY], "table");
        self.inner.receipts(ticker).await
    }

    async fn head(&self, ticker: &Ticker) -> Result<Option<Head>, Error> {
        self.note(&[QUERY], "table");
        self.inner.head(ticker).await
    }

    async fn arrived(&self, ticker: &Ticker, from: i64) -> Result<Vec<Kept>, Error> {
        self.note(&[QUERY], "table");
        self.inner.arrived(ticker, from).await
    }
}

#[async_trait]
impl Streams for Noted<SqliteStreams> {
    async fn positions(&self, source: &str) -> Result<BTreeMap<i32, i64>, Error> {
        self.inner.positions(source).await
    }

    async fn of_periods(&self, ticker: &Ticker, periods: &[i64]) -> Result<Vec<Kept>, Error> {
        self.note(&[QUERY], "table");
        self.inner.of_periods(ticker, periods).await
    }

    async fn later(&self, ticker: &Ticker, from: i64) -> Result<Vec<Kept>, Error> {
        self.note(&[QUERY], "table");
        self.inner.later(ticker, from).await
    }

    async fn rows(&self, ticker: &Ticker) -> Result<Vec<Kept>, Error> {
        self.note(&[QUERY], "table");
        self.inner.rows(ticker).await
    }

    async fn keep(&self, step: &Step) -> Result<(), Error> {
        self.note(&[QUERY, PUT, UPDATE], "table");
        self.inner.keep(step).await
    }

    async fn streamed(&self) -> Result<Vec<Ticker>, Error> {
        self.note(&[QUERY], "table");
        self.inner.streamed().await
    }

    async fn sources(&self) -> Result<BTreeMap<String, Source>, Error> {
        self.note(&[QUERY], "table");
        self.inner.sources().await
    }
}

/// What each function asks of archive and ledger: its stage, in nights of every kind, and what stands around the stage.
pub(crate) async fn of_the_stages() -> BTreeMap<String, Needs> {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = Arc::new(Mutex::new(Notes::default()));
    let archive = Arc::new(DirectoryArchive::open(folder.path()).expect("opens"));
    let archive = Noted { inner: archive, notes: notes.clone() };
    let ledger = Arc::new(SqliteLedger::open(&folder.path().join("ledger.sqlite")).expect("opens"));
    let ledger = Noted { inner: ledger, notes: notes.clone() };
    let streams = Arc::new(SqliteStreams::open(&folder.path().join("ledger.sqlite")).expect("opens"));
    let streams = Arc::new(Noted { inner: streams, notes: notes.clone() });
    let stores = Stores { archive: Arc::new(archive), ledger: Arc::new(ledger), notes };

    let ticker: Ticker = "KO".parse().expect("a ticker");
    let settings = Settings::parse("start = 2019-01-01").expect("reads");
    let always = settings.assignment(pipeline::Market::Recorded, vec![ticker.clone()]).configuration;
    let degraded = Configuration { policy: Policy::Degraded(forecasting::Degraded::default()), ..always.clone() };
    // Two nights, and two replays of the past under the champion of a later day, with and without training.
    stores.night(&RecordedMarket, always.clone(), date(2020, 12, 10)).await;
    stores.night(&RecordedMarket, always.clone(), date(2020, 12, 11)).await;
    stores.night(&RecordedMarket, always.clone(), date(2020, 12, 8)).await;
    stores.night(&RecordedMarket, degraded, date(2020, 12, 9)).await;
    // One that keeps no version longer than a session out of service.
    let brief = Configuration { retention: Some(1), ..always.clone() };
    stores.night(&RecordedMarket, brief, date(2020, 12, 11)).await;
    // A holiday, and a file that is none.
    stores.night(&RecordedMarket, always.clone(), date(2020, 12, 25)).await;
    let nonsense = PriceFile::new(ticker.clone(), "incoming/KO/new.csv", b"%PDF-1.4".to_vec());
    let of_file = Configuration { market: pipeline::Market::Incoming, ..always.clone() };
    stores.night(&nonsense, of_file, date(2020, 12, 11)).await;

    stores.act_as("predict");
    pipeline::predict(&*stores.archive, &*stores.ledger, &ticker, pipeline::Asked::default()).await.expect("answers");
    pipeline::models(&*stores.archive, &*stores.ledger, &ticker, 10).await.expect("answers");
    stores.ledger.receipts(&ticker).await.expect("lists");
    stores.ledger.runs(10).await.expect("lists");
    pipeline::without_model(&*stores.ledger, &ticker).await.expect("lists");
    pipeline::watched(&*stores.archive, &*stores.ledger, 10).await.expect("lists");
    pipeline::residuals(&*stores.archive, &*stores.ledger, &ticker).await.expect("answers");
    let (colleague, said) =
        ("colleague".parse().expect("a name"), "series,origin,date,mean\nKO,2020-12-10,2020-12-11,53\n");
    // By a person's command, which the file is beside.
    stores.act_as("person");
    pipeline::judge(&*stores.archive, &*stores.ledger, colleague, said, Timestamp::now()).await.expect("judges");
    stores.act_as("predict");
    pipeline::all_judged(&*stores.archive).await.expect("lists");
    pipeline::judged(&*stores.archive, &*stores.ledger, colleague).await.expect("judges");
    stores.ledger.attempts(&"2020-12-11-00000000".parse().expect("an id")).await.expect("lists");

    // The same pages, where people sign in to start runs from them.
    let of_predict = stores.notes.lock().expect("no panic").needs["predict"].clone();
    stores.notes.lock().expect("no panic").needs.insert("start".to_owned(), of_predict);

    // Around the stages (executions.rs): every one finds its run and records its attempt; `plan` reads the configuration and
    // the file, writes lists and a claim; failures and attempts are queried.
    for function in ["fetch", "train"] {
        stores.act_as(function);
        stores.ledger.note(&[GET, PUT], "table");
    }
    stores.act_as("fetch");
    stores.archive.note(&["s3:GetObject"], "runs/*");
    stores.act_as("report");
    stores.ledger.note(&[GET, QUERY], "table");
    // What a start and an end tell, where a webhook is configured.
    for function in ["report", "plan"] {
        stores.act_as(function);
        stores.archive.note(&["s3:GetObject"], "closing-bell.toml");
        stores.archive.note(&["s3:GetObject"], "watchlist*");
        stores.archive.note(&["s3:GetObject", "s3:PutObject"], "messages/*");
        stores.archive.note(&["s3:ListBucket"], "bucket");
    }
    // Rows into log and model, refused ones aside; and what Lambda polls with the function's role.
    stores.act_as("ingest");
    for read in ["closing-bell.toml", "watchlist*"] {
        stores.archive.note(&["s3:GetObject"], read);
    }
    stores.rows_arrive(&streams, &always).await;
    stores.ledger.note(&["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], "rows");
    let kinesis = ["DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"];
    kinesis.iter().for_each(|action| stores.ledger.note(&[&format!("kinesis:{action}")], "stream"));
    stores.ledger.note(&["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers", "kafka-cluster:Connect"], "stream");
    stores.ledger.note(&["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], "topic");
    stores.ledger.note(&["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"], "group");
    let network =
        ["CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeSecurityGroups"];
    let network = network.into_iter().chain(["DescribeSubnets", "DescribeVpcs"]);
    network.for_each(|action| stores.ledger.note(&[&format!("ec2:{action}")], "network"));
    stores.ledger.note(&["secretsmanager:GetSecretValue"], "stream");
    stores.act_as("plan");
    stores.ledger.note(&[GET, PUT, QUERY], "table");
    stores.archive.note(&["s3:ListBucket"], "bucket");
    for read in ["closing-bell.toml", "incoming/*"] {
        stores.archive.note(&["s3:GetObject"], read);
    }
    Box::pin(stores.operated(&ticker, &always)).await;
    std::mem::take(&mut stores.notes.lock().expect("no panic").needs)
}

struct Stores {
    archive: Arc<Noted<DirectoryArchive>>,
    ledger: Arc<Noted<SqliteLedger>>,
    notes: Arc<Mutex<Notes>>,
}

impl Stores {
    fn act_as(&self, function: &str) {
        let mut notes = self.notes.lock().expect("no panic");
        if !notes.alone {
            function.clone_into(&mut notes.function);
        }
    }

    /// The next session of a series that has a model, its correction, one of a series that has none, and what is no row.
    async fn rows_arrive(&self, streams: &Arc<Noted<SqliteStreams>>, configuration: &Configuration) {
        let now: Timestamp = "2020-12-14T23:00:00Z".parse().expect("a time");
        let (archive, ledger) = (self.archive.clone(), self.ledger.clone());
        let mut ingest = Ingest::new(archive, ledger, streams.clone(), configuration.clone());
        for (rows, expected) in [
            (
                &["KO,2020-12-14,53", "NEW,2020-12-14,1", "soon"][..],
                Counts { advanced: 1, waiting: 1, refused: 1, ..Counts::default() },
            ),
            (&["KO,2020-12-14,54,7"][..], Counts { revised: 1, ..Counts::default() }),
        ] {
            let message =
                |body: &&'static str| Message { key: None, body: body.as_bytes(), position: None, known: now };
            let rows: Vec<_> = rows.iter().map(|body| read(Format::Either, &message(body))).collect();
            let accepted = ingest.take(("queue", now), &rows, &BTreeMap::new(), None).await.expect("takes");
            assert_eq!(accepted.counts, expected);
        }
    }

    async fn night(&self, market: &dyn MarketData, configuration: Configuration, as_of: Date) {
        let assignment = Assignment { tickers: vec!["KO".parse().expect("a ticker")], configuration };
        let (archive, ledger) = (&*self.archive, &*self.ledger);
        self.act_as("plan");
        let planned =
            pipeline::plan(archive, ledger, &assignment, as_of.into(), Trigger::Backfill).await.expect("plans");
        let Planned::Open(RunEntry { run, .. }) = planned else { return };
        let mut failures = BTreeMap::new();
        for ticker in &assignment.tickers {
            if let Err(error) = self.work(market, &run, ticker).await {
                failures.insert(ticker.clone(), error.to_string());
            }
        }
        self.act_as("report");
        pipeline::report(archive, ledger, &run, &failures).await.expect("reports");
    }

    /// What a person does by hand: reading, verifying, deciding, backfilling, forgetting.
    async fn operated(&self, ticker: &Ticker, configuration: &Configuration) {
        self.act_as("operate");
        self.notes.lock().expect("no panic").alone = true;
        let (archive, ledger) = (&*self.archive, &*self.ledger);
        for read in ["closing-bell.toml", "watchlist*"] {
            archive.note(&["s3:GetObject"], read);
        }
        archive.note(&["lambda:InvokeFunction"], "models");
        self.night(&RecordedMarket, configuration.clone(), date(2020, 12, 7)).await;
        pipeline::predict(archive, ledger, ticker, pipeline::Asked::default()).await.expect("answers");
        let models = pipeline::models(archive, ledger, ticker, 10).await.expect("lists");
        pipeline::recorded(archive, ledger, ticker).await.expect("reads");
        pipeline::results(archive, ledger).await.expect("adds up");
        pipeline::answered(ledger, ticker, date(2020, 12, 11)).await.expect("answers");
        pipeline::export(archive, ledger, ticker, None).await.expect("writes");
        pipeline::verify_ledger(ledger, ticker).await.expect("stands");
        pipeline::verify(archive, ledger, &pipeline::NoPrograms, ticker, &models[0].version).await.expect("stands");
        let receipts = ledger.receipts(ticker).await.expect("lists");
        let newest = &receipts[0].run;
        pipeline::verify_receipt(archive, ledger, &receipts, ticker, newest).await.expect("stands");
        pipeline::judged(archive, ledger, "colleague".parse().expect("a name")).await.expect("judges");
        let serving = ledger.champion(ticker).await.expect("reads").expect("serves").version;
        let others = receipts.iter().map(|receipt| &receipt.champion.version).filter(|version| **version != serving);
        for version in others {
            // Those that the retention has removed cannot come back.
            if pipeline::rollback(archive, ledger, &pipeline::NoPrograms, ticker, version).await.is_ok() {
                pipeline::release(archive, ledger, &pipeline::NoPrograms, ticker).await.expect("releases");
                break;
            }
        }
        for ticker in pipeline::to_migrate(archive).await.expect("lists") {
            pipeline::migrate(archive, &ticker).await.expect("migrates");
        }
        // What an earlier release left, which is rewritten here; and files of the series that somebody put there.
        let by_hand =
            [("s3:PutObject", "prices/*"), ("s3:DeleteObject", "prices/*"), ("s3:DeleteObject", "incoming/*")];
        for (action, part) in by_hand {
            archive.note(&[action], part);
        }
        pipeline::forget(archive, ledger, ticker).await.expect("forgets");
        pipeline::verify_forgotten(archive, ledger, ticker).await.expect("nothing is left");
    }

    async fn work(&self, market: &dyn MarketData, run: &Run, ticker: &Ticker) -> Result<(), Error> {
        let (archive, ledger) = (&*self.archive, &*self.ledger);
        self.act_as("fetch");
        // As a market that is asked over the network: with former snapshots, and waiting.
        pipeline::fetch(&Remote(market), archive, ledger, run, ticker, true).await?;
        self.act_as("train");
        let mut attempts = Attempts::new(ticker.clone(), Timestamp::now);
        pipeline::work(archive, ledger, &pipeline::NoPrograms, run, ticker, &mut attempts).await.map(|_| ())
    }
}

struct Remote<'a>(&'a dyn MarketData);

#[async_trait]
impl MarketData for Remote<'_> {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<pipeline::History, Error> {
        self.0.history(ticker, from, to).await
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        self.0.rejected(ticker).await
    }
}
