use async_trait::async_trait;
use forecasting::{Outlook, PriceSeries, ProgramName, Seasons, Window};
use serde::{Deserialize, Serialize};

use crate::Digest;

/// A model that is not ours: the program that fits it, and what it may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramSettings {
    /// The program and its arguments, as a shell would part them: who is asked on one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The Lambda function's name or ARN: who is asked in the cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Files and folders that it reads, beside those that its command names and those of the system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Seconds that an answer may take.
    pub timeout: u64,
    /// Megabytes that it may take up.
    pub memory: u64,
    /// Whether it may reach the network.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network: bool,
    /// Digest of the files that its command names, where they were at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// What a program is asked of one series.
#[derive(Debug)]
pub struct Question<'a> {
    /// Which program.
    pub program: ProgramName,
    /// How it is started.
    pub settings: &'a ProgramSettings,
    /// The series. Of it, the program must see no more than the periods up to the one that it forecasts from, and what is known of the
    /// periods ahead.
    pub series: &'a PriceSeries,
    /// Its seasons.
    pub seasons: Seasons,
    /// So many periods ahead are to be forecast.
    pub horizon: usize,
    /// What is to be fitted on.
    pub window: Window,
    /// What it fitted before, as it wrote it.
    pub model: Option<&'a str>,
    /// It is to fit anew once it knows so many periods, in their order.
    pub fits: &'a [usize],
    /// It is to forecast once it knows so many, and after each further one, up to all of them.
    pub from: usize,
}

/// What a program says.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// One for each period that it was to forecast from.
    pub outlooks: Vec<Outlook>,
    /// What it fitted last, where it fitted at all.
    pub model: Option<String>,
}

/// Programs that forecast. Whatever one does, an answer comes: what it says, or why it says nothing.
#[async_trait]
pub trait Programs: Send + Sync {
    /// Asks a program.
    async fn ask(&self, question: &Question<'_>) -> Result<Said, String>;
}

/// Where none can be started.
#[derive(Debug, Clone, Copy)]
pub struct NoPrograms;

#[async_trait]
impl Programs for NoPrograms {
    async fn ask(&self, question: &Question<'_>) -> Result<Said, String> {
        Err(format!("nobody here can ask {}", question.program))
    }
}
