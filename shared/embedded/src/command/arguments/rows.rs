use std::path::PathBuf;

use clap::Args;

use crate::kafka::{From, Mechanism};

/// Where rows come from.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("from_where").required(true).args(["kafka", "stdin"]))]
pub(in crate::command) struct IngestArguments {
    #[command(flatten)]
    pub(in crate::command) kafka: KafkaArguments,
    /// Stop when everything is taken in that the topic has now
    #[arg(long, requires = "kafka")]
    pub(in crate::command) until_end: bool,
    /// Read rows from standard input, one a line
    #[arg(long)]
    pub(in crate::command) stdin: bool,
    /// How rows are written
    #[arg(long, value_enum, default_value = "either")]
    pub(in crate::command) rows: RowFormat,
    /// Set a key of the configuration otherwise; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(in crate::command) set: Vec<String>,
}

/// A topic of Kafka.
#[derive(Debug, Clone, Args)]
pub(in crate::command) struct KafkaArguments {
    /// A Kafka broker; may be repeated
    #[arg(long, value_name = "HOST:PORT", requires = "topic")]
    pub(in crate::command) kafka: Vec<String>,
    /// The topic
    #[arg(long, requires = "kafka")]
    pub(in crate::command) topic: Option<String>,
    /// Where to begin a partition that was never read: beginning, end, or a time; others go on where they stopped
    #[arg(long, value_name = "WHERE", default_value = "beginning", requires = "kafka")]
    pub(in crate::command) from: From,
    /// Encrypt the connection, to a broker whose certificate this machine trusts
    #[arg(long, requires = "kafka")]
    pub(in crate::command) tls: bool,
    /// Trust this authority's certificate (PEM) in place of the machine's
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(in crate::command) ca: Option<PathBuf>,
    /// Sign in, with KAFKA_USERNAME and KAFKA_PASSWORD
    #[arg(long, value_enum, requires = "kafka")]
    pub(in crate::command) sasl: Option<Mechanism>,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::command) enum RowFormat {
    /// By their first character.
    Either,
    /// {"series": "A", "ds": "2026-11-20", "y": 12.5}
    Json,
    /// A,2026-11-20,12.5
    Csv,
}
