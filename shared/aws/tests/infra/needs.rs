//! What the stages ask of their ports, noted while nights of every kind run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use embedded::{DirectoryArchive, RecordedMarket, SqliteLedger, SqliteStreams};
use forecasting::{Policy, Ticker};
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use pipeline::{
    Assignment, Attempts, Configuration, Error, Key, Ledger, MarketData, Planned, Run, RunEntry, Settings, Trigger,
    price_file::PriceFile,
    stream::{Counts, Format, Ingest, Message, read},
    testing::{Call, Intercept, Intercepted},
};

/// An action on a resource: a prefix of the archive (`prices/*`), `bucket`, `table`, `bus` or `parameter`.
pub(crate) type Needs = BTreeSet<(String, String)>;

/// Notes what is asked for on behalf of the function that is set.
#[derive(Default)]
struct Notes(Mutex<Noting>);

#[derive(Default)]
struct Noting {
    function: String,
    /// Whatever is done is done by that function.
    alone: bool,
    needs: BTreeMap<String, Needs>,
}

impl Notes {
    fn note(&self, actions: &[&str], resource: &str) {
        let mut noted = self.0.lock().expect("no panic");
        let function = noted.function.clone();
        let needs = noted.needs.entry(function).or_default();
        needs.extend(actions.iter().map(|action| ((*action).to_owned(), resource.to_owned())));
    }
}

fn prefix(key: &Key) -> String {
    key.as_str().split_once('/').map_or_else(|| key.to_string(), |(folder, _)| format!("{folder}/*"))
}

const DELETE: &str = "dynamodb:DeleteItem";
const GET: &str = "dynamodb:GetItem";
const PUT: &str = "dynamodb:PutItem";
const QUERY: &str = "dynamodb:Query";
const UPDATE: &str = "dynamodb:UpdateItem";

impl Intercept for Notes {
    async fn intercept<T: Send>(
        &self,
        call: Call<'_>,
        effect: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let table: &[&str] = match call {
            // What stands there already is read, and compared.
            Call::Create(key, _) => {
                self.note(&["s3:PutObject", "s3:GetObject"], &prefix(key));
                &[]
            }
            Call::Read(key) => {
                self.note(&["s3:GetObject"], &prefix(key));
                // Without it, S3 answers 403 where there is no object.
                self.note(&["s3:ListBucket"], "bucket");
                &[]
            }
            Call::Remove(key) => {
                self.note(&["s3:DeleteObject"], &prefix(key));
                &[]
            }
            Call::List(_) => {
                self.note(&["s3:ListBucket"], "bucket");
                &[]
            }
            // Lambda itself knows how far a source is read; the market is no service of AWS; there is no file to check.
            Call::Positions(_) | Call::Bars(..) | Call::Newest(_) | Call::Check => &[],
            Call::OpenRun(_) => &[PUT, GET, UPDATE],
            Call::CloseRun(..) => &[UPDATE],
            Call::Run(_) => &[GET],
            Call::Append(..) => &[QUERY, GET, PUT],
            Call::Record(_) => &[PUT],
            Call::Runs | Call::OfRun(..) | Call::History(..) | Call::Champion(_) | Call::Chain(_) => &[QUERY, GET],
            Call::Forget(_) => &[QUERY, DELETE],
            Call::Keep(_) => &[QUERY, PUT, UPDATE],
            Call::Attempts(_)
            | Call::Head(_)
            | Call::Arrived(..)
            | Call::Receipts(_)
            | Call::OfPeriods(_)
            | Call::Rows(_)
            | Call::Streamed
            | Call::Sources => &[QUERY],
        };
        if !table.is_empty() {
            self.note(table, "table");
        }
        effect.await
    }
}

type Noted<T> = Intercepted<Arc<T>, Arc<Notes>>;

/// What each function asks of archive and ledger: its stage, in nights of every kind, and what stands around the stage.
pub(crate) async fn of_the_stages() -> BTreeMap<String, Needs> {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = Arc::new(Notes::default());
    let archive = Arc::new(DirectoryArchive::open(folder.path()).expect("opens"));
    let archive = Noted { inner: archive, by: notes.clone() };
    let ledger = Arc::new(SqliteLedger::open(&folder.path().join("ledger.sqlite")).expect("opens"));
    let ledger = Noted { inner: ledger, by: notes.clone() };
    let streams = Arc::new(SqliteStreams::open(&folder.path().join("ledger.sqlite")).expect("opens"));
    let streams = Arc::new(Noted { inner: streams, by: notes.clone() });
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
    pipeline::predict(&*stores.archive, &*stores.ledger, &ticker, pipeline::ForecastRequest::default())
        .await
        .expect("answers");
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
    let of_predict = stores.notes.0.lock().expect("no panic").needs["predict"].clone();
    stores.notes.0.lock().expect("no panic").needs.insert("start".to_owned(), of_predict);

    // Around the stages (executions.rs): every one finds its run and records its attempt; `plan` reads the configuration and
    // the file, writes lists and a claim; failures and attempts are queried.
    for function in ["fetch", "train"] {
        stores.act_as(function);
        stores.notes.note(&[GET, PUT], "table");
    }
    stores.act_as("fetch");
    stores.notes.note(&["s3:GetObject"], "runs/*");
    stores.act_as("report");
    stores.notes.note(&[GET, QUERY], "table");
    // What a start and an end tell, where a webhook is configured.
    for function in ["report", "plan"] {
        stores.act_as(function);
        stores.notes.note(&["s3:GetObject"], "closing-bell.toml");
        stores.notes.note(&["s3:GetObject"], "watchlist*");
        stores.notes.note(&["s3:GetObject", "s3:PutObject"], "messages/*");
        stores.notes.note(&["s3:ListBucket"], "bucket");
    }
    // Rows into log and model, refused ones aside; and what Lambda polls with the function's role.
    stores.act_as("ingest");
    for read in ["closing-bell.toml", "watchlist*"] {
        stores.notes.note(&["s3:GetObject"], read);
    }
    stores.rows_arrive(&streams, &always).await;
    stores.notes.note(&["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], "rows");
    let kinesis = ["DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"];
    kinesis.iter().for_each(|action| stores.notes.note(&[&format!("kinesis:{action}")], "stream"));
    stores.notes.note(&["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers", "kafka-cluster:Connect"], "stream");
    stores.notes.note(&["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], "topic");
    stores.notes.note(&["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"], "group");
    let network =
        ["CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeSecurityGroups"];
    let network = network.into_iter().chain(["DescribeSubnets", "DescribeVpcs"]);
    network.for_each(|action| stores.notes.note(&[&format!("ec2:{action}")], "network"));
    stores.notes.note(&["secretsmanager:GetSecretValue"], "stream");
    stores.act_as("plan");
    stores.notes.note(&[GET, PUT, QUERY], "table");
    stores.notes.note(&["s3:ListBucket"], "bucket");
    for read in ["closing-bell.toml", "incoming/*"] {
        stores.notes.note(&["s3:GetObject"], read);
    }
    Box::pin(stores.operated(&ticker, &always)).await;
    std::mem::take(&mut stores.notes.0.lock().expect("no panic").needs)
}

struct Stores {
    archive: Arc<Noted<DirectoryArchive>>,
    ledger: Arc<Noted<SqliteLedger>>,
    notes: Arc<Notes>,
}

impl Stores {
    fn act_as(&self, function: &str) {
        let mut notes = self.notes.0.lock().expect("no panic");
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
        self.notes.0.lock().expect("no panic").alone = true;
        let (archive, ledger) = (&*self.archive, &*self.ledger);
        for read in ["closing-bell.toml", "watchlist*"] {
            self.notes.note(&["s3:GetObject"], read);
        }
        self.notes.note(&["lambda:InvokeFunction"], "models");
        // The command signs what it closes.
        self.notes.note(&["ssm:GetParameter"], "signer");
        self.night(&RecordedMarket, configuration.clone(), date(2020, 12, 7)).await;
        pipeline::predict(archive, ledger, ticker, pipeline::ForecastRequest::default()).await.expect("answers");
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
            if pipeline::rollback(archive, ledger, &pipeline::NoPrograms, ticker, version, "asked for").await.is_ok() {
                pipeline::release(archive, ledger, &pipeline::NoPrograms, ticker, "").await.expect("releases");
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
            self.notes.note(&[action], part);
        }
        let audit = pipeline::audit(archive, ledger, None, &[]).await.expect("reads");
        assert!(audit.findings.is_empty(), "{:?}", audit.findings);
        pipeline::recover(archive, ledger).await.expect("there is nothing to do");
        pipeline::forget(archive, ledger, ticker).await.expect("forgets");
        pipeline::verify_forgotten(archive, ledger, ticker).await.expect("nothing is left");
    }

    async fn work(&self, market: &dyn MarketData, run: &Run, ticker: &Ticker) -> Result<(), Error> {
        let (archive, ledger) = (&*self.archive, &*self.ledger);
        self.act_as("fetch");
        // As a market that is asked over the network: with former snapshots, and waiting.
        pipeline::fetch(&Intercepted { inner: market, by: &*self.notes }, archive, ledger, run, ticker, true).await?;
        self.act_as("train");
        let mut attempts = Attempts::new(ticker.clone(), Timestamp::now);
        pipeline::work(archive, ledger, &pipeline::NoPrograms, run, ticker, &mut attempts).await.map(|_| ())
    }
}
