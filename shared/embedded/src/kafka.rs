//! A topic of Kafka. No group: partitions are assigned here, and how far they are read is in the ledger, in the step that takes the rows.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    str::FromStr,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use krafka::{
    Kafka, KrafkaError,
    auth::{AuthConfig, TlsConfig},
    consumer::{AutoOffsetReset, Consumer, IsolationLevel},
};

/// Which topic, and how to get at it.
#[derive(Debug, Clone)]
pub(crate) struct KafkaSettings {
    pub(crate) brokers: Vec<String>,
    pub(crate) topic: String,
    pub(crate) from: From,
    pub(crate) tls: Option<Trust>,
    pub(crate) sasl: Option<Sasl>,
}

/// Where a partition begins that was never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Beginning,
    End,
    Time(Timestamp),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "beginning" => Ok(From::Beginning),
            "end" => Ok(From::End),
            _ => text
                .parse()
                .map(From::Time)
                .map_err(|_| "it is beginning, end, or a time such as 2026-11-20T17:00:00Z".to_owned()),
        }
    }
}

/// Whose certificates are trusted.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    Machine,
    Authority(PathBuf),
}

/// How to sign in.
#[derive(Clone)]
pub(crate) struct Sasl {
    pub(crate) mechanism: Mechanism,
    pub(crate) username: String,
    pub(crate) password: String,
}

/// How to sign in at a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mechanism {
    /// A password; beyond this machine only over an encrypted connection.
    Plain,
    /// A challenge.
    #[value(name = "scram-sha-256")]
    ScramSha256,
    /// A challenge.
    #[value(name = "scram-sha-512")]
    ScramSha512,
}

impl std::fmt::Debug for Sasl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} as {}", self.mechanism, self.username)
    }
}

/// Why a topic cannot be read.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It may pass.
    Passing(String),
    /// It will not.
    Lasting(String),
}

/// A row as the broker has it.
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) known: Timestamp,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Vec<u8>,
}

/// A topic that is being read.
pub(crate) struct Topic {
    consumer: Consumer,
    name: String,
    from: From,
    /// The next position of each partition that was read before.
    stored: BTreeMap<i32, i64>,
    /// Where partitions begin that were not.
    begun: BTreeMap<i32, i64>,
    looked: Instant,
}

/// Rows that are taken in together.
const BATCH: i32 = 5_000;
const CONNECT: Duration = Duration::from_secs(10);
const REQUEST: Duration = Duration::from_secs(30);
/// A broker that hangs is left, and asked again.
const PATIENCE: Duration = Duration::from_secs(90);
/// New partitions are looked for so often.
const LOOK: Duration = Duration::from_mins(1);
const MAX_RESPONSE: usize = 64 << 20;

impl Topic {
    /// Connects, and goes on where each partition was left.
    pub(crate) async fn open(settings: &KafkaSettings, stored: &BTreeMap<i32, i64>) -> Result<Topic, Trouble> {
        bounded(async {
            // Another part of this process may have chosen it already: the same one.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let kafka = Kafka::builder(settings.brokers.join(","))
                .client_id("closing-bell")
                .security(security(settings))
                .connect_timeout(CONNECT)
                .request_timeout(REQUEST)
                .max_response_size(MAX_RESPONSE)
                .allow_auto_create_topics(false)
                .connect()
                .await
                .map_err(trouble)?;
            let consumer = kafka
                .consumer_without_group()
                .auto_offset_reset(AutoOffsetReset::None)
                .enable_auto_commit(false)
                .isolation_level(IsolationLevel::ReadCommitted)
                .max_poll_records(BATCH)
                .build()
                .await
                .map_err(trouble)?;
            let (name, from, looked) = (settings.topic.clone(), settings.from, Instant::now());
            let (stored, begun) = (stored.clone(), BTreeMap::new());
            let mut topic = Topic { consumer, name, from, stored, begun, looked };
            topic.look_for_partitions().await?;
            Ok(topic)
        })
        .await
    }

    /// Assigns the partitions that there are, from where they were left on.
    async fn look_for_partitions(&mut self) -> Result<(), Trouble> {
        self.looked = Instant::now();
        let metadata = self.consumer.fetch_metadata(Some(&self.name)).await.map_err(trouble)?;
        let found = metadata.topics.iter().find(|topic| topic.name == self.name);
        let found = found.map(|topic| topic.partitions.keys().copied().collect::<Vec<i32>>()).unwrap_or_default();
        if found.is_empty() {
            return Err(Trouble::Lasting(format!("there is no topic {}", self.name)));
        }
        let assigned = self.consumer.assignment().await.get(&self.name).map_or(0, Vec::len);
        if assigned == found.len() {
            return Ok(());
        }
        // A partition that is added later is read whole: nobody has chosen to pass its rows over.
        let is_first = self.stored.is_empty() && self.begun.is_empty();
        self.consumer.assign(&self.name, found.clone()).await.map_err(trouble)?;
        for partition in found {
            let (low, high) = self.consumer.fetch_watermarks(&self.name, partition).await.map_err(trouble)?;
            let known = self.stored.get(&partition).or_else(|| self.begun.get(&partition)).copied();
            let position = self.consumer.position(&self.name, partition).await;
            let next = match position.or(known) {
                Some(next) if next < low => {
                    tracing::error!(
                        partition,
                        from = next,
                        to = low,
                        "the broker has removed rows before they were read"
                    );
                    low
                }
                Some(next) => next,
                None => {
                    let beginning = if is_first { self.beginning(partition, low, high).await? } else { low };
                    self.begun.insert(partition, beginning);
                    beginning
                }
            };
            self.consumer.seek(&self.name, partition, next).await.map_err(trouble)?;
        }
        Ok(())
    }

    async fn beginning(&self, partition: i32, low: i64, high: i64) -> Result<i64, Trouble> {
        match self.from {
            From::Beginning => Ok(low),
            From::End => Ok(high),
            From::Time(time) => {
                let asked = [(self.name.as_str(), partition)];
                let found = self.consumer.offsets_for_times(&asked, time.as_millisecond()).await;
                let offset = found.into_values().next().unwrap_or(Ok(-1)).map_err(trouble)?;
                Ok(if offset < 0 { high } else { offset })
            }
        }
    }

    /// What has come, within a time; nothing where nothing has.
    pub(crate) async fn poll(&mut self, within: Duration) -> Result<Vec<Record>, Trouble> {
        bounded(async {
            if self.looked.elapsed() > LOOK {
                self.look_for_partitions().await?;
            }
            let records = match self.consumer.poll(within).await {
                Err(KrafkaError::NoOffset { .. }) => return Err(self.off_the_topic().await?),
                other => other.map_err(trouble)?,
            };
            Ok(records
                .into_iter()
                .map(|record| Record {
                    partition: record.partition,
                    offset: record.offset,
                    known: Timestamp::from_millisecond(record.timestamp)
                        .ok()
                        .filter(|_| record.timestamp > 0)
                        .unwrap_or_else(Timestamp::now),
                    key: record.key.map(|key| key.to_vec()),
                    value: record.value.map(|value| value.to_vec()).unwrap_or_default(),
                })
                .collect())
        })
        .await
    }

    /// Why there is nothing at a position: the broker has removed what was there, and reading goes on after that; or nothing ever was.
    async fn off_the_topic(&self) -> Result<Trouble, Trouble> {
        for partition in self.consumer.assignment().await.get(&self.name).cloned().unwrap_or_default() {
            let (low, _) = self.consumer.fetch_watermarks(&self.name, partition).await.map_err(trouble)?;
            if self.consumer.position(&self.name, partition).await.is_some_and(|position| position < low) {
                return Ok(Trouble::Passing(format!("partition {partition} of {} has lost rows", self.name)));
            }
        }
        let what = "it was read further than it goes, and is another topic of that name";
        Ok(Trouble::Lasting(format!("{}: {what}", self.name)))
    }

    /// Where partitions begin that were never read, once.
    pub(crate) fn begun(&mut self) -> BTreeMap<i32, i64> {
        let begun = std::mem::take(&mut self.begun);
        self.stored.extend(&begun);
        begun
    }

    /// Leaves the broker.
    pub(crate) async fn close(self) {
        let _ = tokio::time::timeout(CONNECT, self.consumer.close()).await;
    }

    /// Rows that the topic has and that are not read yet.
    pub(crate) async fn lag(&self) -> Option<u64> {
        let lag = self.consumer.lag().await;
        lag.values().map(|partition| partition.lag).sum::<Option<u64>>().filter(|_| !lag.is_empty())
    }

    /// Whether every partition is read up to where it ends now.
    pub(crate) async fn is_at_end(&self) -> Result<bool, Trouble> {
        bounded(async {
            for partition in self.consumer.assignment().await.get(&self.name).cloned().unwrap_or_default() {
                let (_, high) = self.consumer.fetch_watermarks(&self.name, partition).await.map_err(trouble)?;
                let position = self.consumer.position(&self.name, partition).await;
                if position.is_none_or(|position| position < high) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }
}

async fn bounded<T>(asking: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let late = |_| Trouble::Passing(format!("Kafka did not answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, asking).await.map_err(late)?
}

fn security(settings: &KafkaSettings) -> AuthConfig {
    let tls = settings.tls.as_ref().map(|trust| match trust {
        Trust::Machine => TlsConfig::new().with_native_roots(),
        Trust::Authority(path) => TlsConfig::new().with_ca_cert(path.display().to_string()),
    });
    let Some(Sasl { mechanism, username, password }) = &settings.sasl else {
        return tls.map_or_else(AuthConfig::plaintext, AuthConfig::ssl);
    };
    let signed = match mechanism {
        Mechanism::Plain => AuthConfig::sasl_plain(username, password),
        Mechanism::ScramSha256 => AuthConfig::sasl_scram_sha256(username, password),
        Mechanism::ScramSha512 => AuthConfig::sasl_scram_sha512(username, password),
    };
    match tls {
        Some(tls) => signed.with_tls(tls),
        None => signed,
    }
}

// As errors are mapped.
#[allow(clippy::needless_pass_by_value)]
fn trouble(error: KrafkaError) -> Trouble {
    let text = format!("Kafka: {error}");
    let lasting = matches!(error, KrafkaError::Auth { .. } | KrafkaError::Config { .. });
    if lasting { Trouble::Lasting(text) } else { Trouble::Passing(text) }
}
