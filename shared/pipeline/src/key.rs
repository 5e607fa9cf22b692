//! Keys of the archive: the same in a bucket and in a directory, and relied on from outside.

use std::fmt;

use forecasting::{Period, ProgramName, Stamp, Ticker};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Digest, Error, RunId, VersionId};

/// The key of one archived object: a relative path with `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Key(String);

impl Key {
    /// `prices/{ticker}/{last session}-{digest8}.csv`: the name of a snapshot, and the file that `export` writes of it. Earlier releases
    /// archived it.
    pub fn snapshot(ticker: &Ticker, last: Period, digest: &Digest) -> Key {
        Key(format!("prices/{ticker}/{}-{}.csv", last.stamp().in_keys(), digest.short()))
    }

    /// `prices/{ticker}/{last session}-{digest8}.parquet`: bars as they became known.
    pub fn bars(ticker: &Ticker, last: Period, digest: &Digest) -> Key {
        Key(format!("prices/{ticker}/{}-{}.parquet", last.stamp().in_keys(), digest.short()))
    }

    /// The prefix of all prices of a ticker.
    pub(crate) fn prices(ticker: &Ticker) -> String {
        format!("prices/{ticker}/")
    }

    /// A snapshot as earlier releases archived it, by its key as it was listed.
    pub(crate) fn table(ticker: &Ticker, listed: &str) -> Option<Key> {
        listed.strip_prefix(&Key::prices(ticker))?.strip_suffix(".csv").map(|_| Key(listed.to_owned()))
    }

    /// The prefix of `prices/{ticker}/snapshots-{digest8}.json.zst`.
    pub(crate) fn former_snapshots(ticker: &Ticker) -> String {
        format!("prices/{ticker}/snapshots-")
    }

    /// One of them.
    pub(crate) fn former_snapshots_of(ticker: &Ticker, digest: &Digest) -> Key {
        Key(format!("{}{}.json.zst", Key::former_snapshots(ticker), digest.short()))
    }

    /// One of them as it was listed, and the digest in its name.
    pub(crate) fn of_former_snapshots<'a>(ticker: &Ticker, listed: &'a str) -> Option<(Key, &'a str)> {
        let short = listed.strip_prefix(&Key::former_snapshots(ticker))?.strip_suffix(".json.zst")?;
        Some((Key(listed.to_owned()), short))
    }

    /// The stamp that a snapshot's name tells: that of its last period.
    pub(crate) fn last_period(&self) -> Option<Stamp> {
        self.0.rsplit('/').next()?.rsplit_once('-')?.0.parse().ok()
    }

    /// The prefix of all forecasts that someone else made.
    pub(crate) const ALL_JUDGED: &str = "judged/";

    /// The prefix of `judged/{ticker}/{name}/{number}-{digest8}.json.zst`: someone's forecasts of a series, as they came.
    pub(crate) fn judged(ticker: &Ticker, name: ProgramName) -> String {
        format!("{}{ticker}/{name}/", Key::ALL_JUDGED)
    }

    /// One of them, the first being 1.
    pub(crate) fn judged_file(ticker: &Ticker, name: ProgramName, number: usize, digest: &Digest) -> Key {
        Key(format!("{}{number:08}-{}.json.zst", Key::judged(ticker, name), digest.short()))
    }

    /// Of which series, and whose, one of them is, as it was listed.
    pub(crate) fn judged_of(listed: &str) -> Option<(Ticker, ProgramName)> {
        let mut parts = listed.strip_prefix(Key::ALL_JUDGED)?.split('/');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }

    /// `judgements/{name}/{digest8}.json.zst`
    pub(crate) fn judgement(name: ProgramName, digest: &Digest) -> Key {
        Key(format!("judgements/{name}/{}.json.zst", digest.short()))
    }

    /// The prefix of `calendars/{name}/{last date}-{digest8}.txt`: lists of dates.
    pub(crate) const CALENDARS: &str = "calendars/";

    /// One of them.
    pub(crate) fn calendar(name: &str, last: Date, digest: &Digest) -> Key {
        Key(format!("{}{name}/{last}-{}.txt", Key::CALENDARS, digest.short()))
    }

    /// One of them, as it was listed, and its name.
    pub(crate) fn of_calendar(listed: &str) -> Option<(Key, &str)> {
        let name = listed.strip_prefix(Key::CALENDARS)?.split('/').next()?;
        Some((Key(listed.to_owned()), name))
    }

    /// `models/{ticker}/{version}.json`
    pub fn model(ticker: &Ticker, version: &VersionId) -> Key {
        Key(format!("models/{ticker}/{version}.json"))
    }

    /// The prefix of all models of a ticker.
    pub(crate) fn models(ticker: &Ticker) -> String {
        format!("models/{ticker}/")
    }

    /// The version that a model's key names.
    pub(crate) fn version_of(key: &str) -> Option<VersionId> {
        key.rsplit('/').next()?.strip_suffix(".json").and_then(|id| id.parse().ok())
    }

    /// `forecasts/{as_of}/{ticker}-{digest8}.csv`
    pub fn forecast(as_of: Stamp, ticker: &Ticker, digest: &Digest) -> Key {
        Key(format!("forecasts/{}/{ticker}-{}.csv", as_of.in_keys(), digest.short()))
    }

    /// `records/{ticker}/{last session}-{digest8}.csv.gz`
    pub fn record(ticker: &Ticker, last: Period, digest: &Digest) -> Key {
        Key(format!("records/{ticker}/{}-{}.csv.gz", last.stamp().in_keys(), digest.short()))
    }

    /// `runs/{run}/{name}`
    pub fn run(run: &RunId, name: &str) -> Key {
        Key(format!("runs/{run}/{name}"))
    }

    /// The prefix of `runs/{run}/reason-{digest8}.txt`: why people asked for it.
    pub fn reasons(run: &RunId) -> String {
        format!("runs/{run}/reason-")
    }

    /// One of them, by its name as it was listed.
    pub fn reason(run: &RunId, listed: &str) -> Key {
        Key::run(run, listed.rsplit('/').next().unwrap_or_default())
    }

    /// `reports/{run}/{name}`
    pub fn report(run: &RunId, name: &str) -> Key {
        Key(format!("reports/{run}/{name}"))
    }

    /// The run of an object of a report, as it was listed.
    pub(crate) fn run_of_report(listed: &str) -> Option<RunId> {
        listed.strip_prefix("reports/")?.split('/').next()?.parse().ok()
    }

    /// The run of an object under `runs/`, as it was listed.
    pub(crate) fn run_of(listed: &str) -> Option<RunId> {
        listed.strip_prefix("runs/")?.split('/').next()?.parse().ok()
    }

    /// The transcript of a run, as it was listed.
    pub(crate) fn transcript(listed: &str) -> Option<Key> {
        let (_, name) = listed.strip_prefix("reports/")?.split_once('/')?;
        name.starts_with("transcript").then(|| Key(listed.to_owned()))
    }

    /// Any object, as it was listed.
    pub(crate) fn listed(listed: &str) -> Key {
        Key(listed.to_owned())
    }

    /// The beginning of its digest, where it is named after that.
    pub(crate) fn named_digest(&self) -> Option<&str> {
        let name = self.0.rsplit('/').next()?;
        // A model's name ends with a digest of what it was made of.
        let of_content = !self.0.starts_with("models/") && !self.0.starts_with("incoming/");
        let digits = |part: &&str| part.len() == 8 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        // A reason stands beside what was refused, and begins as that does.
        let name = name.rsplit_once("-reason-").map_or(name, |(_, reason)| reason);
        let stem = name.split('.').next()?;
        let parts = [stem.rsplit('-').next(), name.split('-').next()];
        parts.into_iter().flatten().find(digits).filter(|_| of_content)
    }

    /// `messages/{incident}.json`
    pub fn message(incident: &str) -> Key {
        Key(format!("messages/{incident}.json"))
    }

    /// `closing-bell.toml`, the configuration of runs in the cloud. The one object that its owner changes.
    pub fn settings() -> Key {
        Key("closing-bell.toml".to_owned())
    }

    /// The file beside it that a watchlist is in, where it is one.
    pub(crate) fn watchlist(name: &str) -> Key {
        Key(name.to_owned())
    }

    /// `incoming/{ticker}/{name}.csv`, as someone put it there.
    ///
    /// # Errors
    /// [`Error::Request`] for a key of another shape.
    pub fn incoming(key: &str) -> Result<(Key, Ticker), Error> {
        let refused =
            || Error::Request { field: "key", reason: format!("'{key}' is not of the form incoming/TICKER/NAME.csv") };
        let rest = key.strip_prefix("incoming/").ok_or_else(refused)?;
        let (ticker, name) = rest.split_once('/').ok_or_else(refused)?;
        let named = name.strip_suffix(".csv").is_some_and(|stem| !stem.is_empty() && !stem.contains('/'));
        let ticker =
            ticker.parse().map_err(|error| Error::Request { field: "key", reason: format!("'{key}': {error}") })?;
        if named { Ok((Key(key.to_owned()), ticker)) } else { Err(refused()) }
    }

    /// `quarantine/{ticker}/{digest8}-{name}`
    pub fn quarantine(ticker: &Ticker, digest: &Digest, name: &str) -> Key {
        Key(format!("quarantine/{ticker}/{}-{name}", digest.short()))
    }

    /// The prefix of what was refused of a ticker.
    pub(crate) fn quarantined(ticker: &Ticker) -> String {
        format!("quarantine/{ticker}/")
    }

    /// `forgotten/{ticker}/{records}-{digest8}.json`: the records in a form in which more of them come later.
    pub(crate) fn tombstone(ticker: &Ticker, records: u64, digest: &Digest) -> Key {
        Key(format!("{}{records:012}-{}.json", Key::tombstones(ticker), digest.short()))
    }

    /// The prefix of a ticker's tombstones.
    pub(crate) fn tombstones(ticker: &Ticker) -> String {
        format!("forgotten/{ticker}/")
    }

    /// One of them, as it was listed.
    pub(crate) fn of_tombstone(ticker: &Ticker, listed: &str) -> Option<Key> {
        listed.starts_with(&Key::tombstones(ticker)).then(|| Key(listed.to_owned()))
    }

    /// The prefixes under which objects lie that are of a ticker alone; under the last there are others' as well.
    pub(crate) fn prefixes_of(ticker: &Ticker) -> [String; 7] {
        let folder = |name: &str| format!("{name}/{ticker}/");
        let [prices, models, records] = ["prices", "models", "records"].map(folder);
        [prices, models, records, folder("judged"), folder("quarantine"), folder("incoming"), "forecasts/".to_owned()]
    }

    /// An object that is of a ticker alone, as it was listed under one of [`Key::prefixes_of`].
    pub(crate) fn of(ticker: &Ticker, listed: &str) -> Option<Key> {
        let mut parts = listed.split('/');
        let own = match (parts.next(), parts.next(), parts.next()) {
            // The digest after the name has no dash, and a ticker may.
            (Some("forecasts"), _, Some(name)) => {
                name.rsplit_once('-').is_some_and(|(named, _)| named == ticker.as_str())
            }
            (Some(_), Some(named), Some(_)) => named == ticker.as_str(),
            _ => false,
        };
        own.then(|| Key(listed.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
