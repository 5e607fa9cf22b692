//! Where results are kept: a directory on this machine, or a bucket and a table of an AWS account. Commands see the ports alone.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use pipeline::{Archive, Error, Ledger, Programs, Signer, stream::Streams};

use super::{Failure, arguments::PlaceArguments, output, signing};
use crate::{DirectoryArchive, Lock, RunningPrograms, SqliteLedger, SqliteStreams};

/// Both stores, opened.
pub(super) struct Stores {
    pub(super) archive: Arc<dyn Archive>,
    pub(super) ledger: Arc<dyn Ledger>,
    /// The ledger's file, where it is one that this command writes to, and the lock on its directory.
    file: Option<(Arc<SqliteLedger>, Lock)>,
    /// The account, where it is one.
    #[cfg(feature = "aws")]
    account: Option<aws::Cloud>,
}

impl Stores {
    /// Opens both to read them.
    pub(super) async fn read(place: &PlaceArguments) -> Result<Stores, Failure> {
        if let Some(cloud) = cloud(place).await? {
            return Ok(cloud);
        }
        let archive = DirectoryArchive::read_only(&place.data);
        let ledger = match SqliteLedger::open_existing(&ledger_path(&place.data)) {
            Err(nothing @ Error::NothingYet { .. }) => {
                let run = pipeline::newest_reported(&archive).await?;
                return Err(run.map_or(nothing, |run| Error::OtherLedger { run }).into());
            }
            opened => opened?,
        };
        pipeline::know_calendars(&archive).await?;
        pipeline::know_each_other(&archive, &ledger).await?;
        Ok(Stores::here(archive, Arc::new(ledger), None))
    }

    /// Opens what exists, to change it.
    pub(super) async fn change(place: &PlaceArguments) -> Result<Stores, Failure> {
        if !place.in_cloud() {
            Stores::read(place).await?;
        }
        Stores::write(place).await
    }

    /// Opens both to make the ledger anew. What lies there in its place is set aside, unless it is the ledger.
    pub(super) async fn anew(place: &PlaceArguments) -> Result<Stores, Failure> {
        if let Some(cloud) = cloud(place).await? {
            return Ok(cloud);
        }
        let lock = Lock::take(&place.data)?;
        let (archive, path) = (DirectoryArchive::open(&place.data)?, ledger_path(&place.data));
        pipeline::know_calendars(&archive).await?;
        if pipeline::newest_reported(&archive).await?.is_none() {
            return Err(Failure::Failed(format!(
                "{} has no report of any run: there is nothing to recover",
                place.data.display()
            )));
        }
        if path.exists() {
            let known = async { pipeline::know_each_other(&archive, &SqliteLedger::open_existing(&path)?).await };
            if known.await.is_ok() {
                return Err(Failure::Failed(
                    "the ledger is there, and knows the newest run: there is nothing to recover".to_owned(),
                ));
            }
            set_aside(&path)?;
        }
        let ledger = Arc::new(SqliteLedger::open(&path)?);
        Ok(Stores::here(archive, ledger.clone(), Some((ledger, lock))))
    }

    /// Opens both to write, and makes them where they are new. On this machine nobody else writes meanwhile; in the cloud the ledger
    /// holds writers apart.
    pub(super) async fn write(place: &PlaceArguments) -> Result<Stores, Failure> {
        let signer = signing::signer()?;
        if let Some(cloud) = cloud(place).await? {
            return cloud.signed(signer).await;
        }
        let lock = Lock::take(&place.data)?;
        let archive = DirectoryArchive::open(&place.data)?;
        pipeline::know_calendars(&archive).await?;
        let ledger = Arc::new(SqliteLedger::open(&ledger_path(&place.data))?);
        pipeline::know_each_other(&archive, &*ledger).await?;
        Stores::here(archive, ledger.clone(), Some((ledger, lock))).signed(signer).await
    }

    /// The same, whose runs are signed: with this key, or with the deployment's.
    #[cfg_attr(not(feature = "aws"), allow(clippy::unused_async, reason = "with AWS it reads the deployment's"))]
    async fn signed(self, signer: Option<Signer>) -> Result<Stores, Failure> {
        #[cfg(feature = "aws")]
        let signer = match &self.account {
            Some(account) if signer.is_none() => account.signer().await?,
            _ => signer,
        };
        Ok(Stores { archive: signing::signed(self.archive, signer), ..self })
    }

    fn here(archive: DirectoryArchive, ledger: Arc<SqliteLedger>, file: Option<(Arc<SqliteLedger>, Lock)>) -> Stores {
        Stores {
            archive: Arc::new(archive),
            ledger,
            file,
            #[cfg(feature = "aws")]
            account: None,
        }
    }

    /// Models that are not ours: programs of this machine, or functions of the account. Asked afresh: who did not answer is asked again.
    #[cfg_attr(not(feature = "aws"), allow(clippy::unused_self, reason = "with AWS it knows the account"))]
    pub(super) fn programs(&self) -> Arc<dyn Programs> {
        #[cfg(feature = "aws")]
        if let Some(account) = &self.account {
            return Arc::new(account.model_functions());
        }
        Arc::new(RunningPrograms::default())
    }

    /// The log of what arrived; none where nothing has, or where it is not on this machine.
    pub(super) fn streams(place: &PlaceArguments) -> Result<Option<Arc<dyn Streams>>, Failure> {
        if place.in_cloud() {
            return Ok(None);
        }
        let streams = SqliteStreams::open_existing(&ledger_path(&place.data))?;
        Ok(streams.map(|streams| Arc::new(streams) as Arc<dyn Streams>))
    }

    /// Gives the space of what was deleted back, so that it does not stay readable in the ledger's file.
    pub(super) fn compact(&self) -> Result<(), Failure> {
        match &self.file {
            Some((ledger, _)) => Ok(ledger.compact()?),
            None => Ok(()),
        }
    }
}

/// Renames a ledger's file, and those that SQLite has beside it.
fn set_aside(path: &Path) -> Result<(), Failure> {
    let name = |n: usize, suffix: &str| PathBuf::from(format!("{}.set-aside-{n}{suffix}", path.display()));
    let free = (1..=1000).find(|n| !name(*n, "").exists()).unwrap_or(1);
    for suffix in ["-wal", "-shm", ""] {
        let from = PathBuf::from(format!("{}{suffix}", path.display()));
        match std::fs::rename(&from, name(free, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::Unavailable(format!("{} cannot be set aside: {error}", from.display())));
            }
            _ => {}
        }
    }
    output::remark(&format!("What lay in the ledger's place is now {}.", name(free, "").display()));
    Ok(())
}

/// Where a data directory has its ledger.
pub(super) fn ledger_path(data: &Path) -> PathBuf {
    data.join("ledger.sqlite")
}

/// The stores in an AWS account, where they are asked for.
#[cfg(feature = "aws")]
async fn cloud(place: &PlaceArguments) -> Result<Option<Stores>, Failure> {
    let (Some(bucket), Some(table)) = (&place.store, &place.ledger) else { return Ok(None) };
    let cloud = aws::Cloud::from_environment().await;
    let archive = Arc::new(aws::S3Archive::new(cloud.s3(), bucket.0.as_str()));
    let ledger = Arc::new(aws::DynamoLedger::new(cloud.dynamodb(), table.as_str()));
    Ok(Some(Stores { archive, ledger, file: None, account: Some(cloud) }))
}

#[cfg(not(feature = "aws"))]
#[allow(clippy::unused_async, reason = "with AWS it waits for credentials")]
async fn cloud(place: &PlaceArguments) -> Result<Option<Stores>, Failure> {
    if place.in_cloud() {
        let what = "this closing-bell was built without AWS: build it with `make build-aws`";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok(None)
}
