//! What every command understands.

use std::{
    env,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{ArgAction, Args};

use super::{NightArguments, NightOptions, PlaceArguments, StoreArguments};

/// What every command understands, before its name or after it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(in crate::command) struct CommonArguments {
    /// The data directory [env: CLOSING_BELL_DATA] [default: closing-bell-data, beside the configuration]
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// The bucket of a deployment on AWS, in place of a directory
    #[arg(long, value_name = "s3://BUCKET", global = true)]
    store: Option<Bucket>,
    /// The table of that deployment
    #[arg(long, value_name = "TABLE", global = true)]
    ledger: Option<String>,
    /// The configuration file [env: CLOSING_BELL_CONFIG] [default: closing-bell.toml, here or in a folder above]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// How results are printed
    #[arg(long, value_enum, value_name = "FORMAT", global = true, conflicts_with = "json")]
    format: Option<Format>,
    /// Print JSON for programs, as --format json does
    #[arg(long, global = true)]
    json: bool,
    /// Show more detail; twice for more still
    #[arg(short, long, action = ArgAction::Count, global = true, conflicts_with = "quiet")]
    pub(in crate::command) verbose: u8,
    /// Print only results and errors
    #[arg(short, long, global = true)]
    pub(in crate::command) quiet: bool,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::command) enum Format {
    /// For people
    Table,
    /// For programs: all of it
    Json,
    /// For spreadsheets: the table alone
    Csv,
    /// For documents
    Markdown,
}

/// The configuration's usual name.
pub(in crate::command) const USUAL_FILE: &str = "closing-bell.toml";
/// The data directory's.
const USUAL_DATA: &str = "closing-bell-data";

impl CommonArguments {
    pub(in crate::command) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format.unwrap_or(Format::Table) }
    }

    /// The configuration file, where one is named or found.
    pub(in crate::command) fn config(&self) -> Option<PathBuf> {
        self.named_config().or_else(found)
    }

    fn named_config(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| variable("CLOSING_BELL_CONFIG"))
    }

    /// The data directory, where one is named.
    pub(in crate::command) fn named_data(&self) -> Option<PathBuf> {
        self.data.clone().or_else(|| variable("CLOSING_BELL_DATA"))
    }

    /// Where results are kept.
    ///
    /// # Errors
    /// In words, of options that do not go together.
    pub(in crate::command) fn place(&self) -> Result<PlaceArguments, String> {
        match (&self.store, &self.ledger, &self.data) {
            (Some(_), _, Some(_)) => return Err("--store and --data are two places: name one".to_owned()),
            (Some(_), None, _) => return Err("--store needs the deployment's table: --ledger TABLE".to_owned()),
            (None, Some(_), _) => return Err("--ledger needs the deployment's bucket: --store s3://BUCKET".to_owned()),
            _ => {}
        }
        let beside = || {
            // A file that is named may lie anywhere: what is kept lies here.
            let found = if self.named_config().is_none() { found() } else { None };
            found.map_or_else(|| USUAL_DATA.into(), |file| file.with_file_name(USUAL_DATA))
        };
        let data = self.named_data().unwrap_or_else(beside);
        Ok(PlaceArguments { data, store: self.store.clone(), ledger: self.ledger.clone() })
    }

    /// Where results are kept, and how they are printed.
    ///
    /// # Errors
    /// As of [`CommonArguments::place`].
    pub(in crate::command) fn store(&self) -> Result<StoreArguments, String> {
        Ok(StoreArguments { place: self.place()?, json: self.format() == Format::Json })
    }

    /// What a night works on, and where its results go.
    ///
    /// # Errors
    /// As of [`CommonArguments::place`].
    pub(in crate::command) fn night(&self, options: NightOptions) -> Result<NightArguments, String> {
        let NightOptions { tickers, market, set } = options;
        let store = self.store()?;
        // In the cloud the configuration is the bucket's, unless another is named.
        let config = if store.place.in_cloud() { self.named_config() } else { self.config() };
        Ok(NightArguments { tickers, market, set, config, store })
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The usual file in this folder, as it is called from here, or in the nearest one above that has it.
fn found() -> Option<PathBuf> {
    let here = Path::new(USUAL_FILE);
    if here.is_file() {
        return Some(here.to_owned());
    }
    let folder = env::current_dir().ok()?;
    folder.ancestors().skip(1).map(|above| above.join(USUAL_FILE)).find(|file| file.is_file())
}

/// A bucket as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Bucket(pub(in crate::command) String);

impl FromStr for Bucket {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix("s3://").map(|name| name.trim_end_matches('/'));
        match name.filter(|name| !name.is_empty() && !name.contains('/')) {
            Some(name) => Ok(Bucket(name.to_owned())),
            None => Err("a store is s3://BUCKET".to_owned()),
        }
    }
}
