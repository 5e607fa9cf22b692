//! Where results are kept: a directory on this machine, or a bucket and a table of an AWS account. Commands see the ports alone.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use pipeline::{Archive, Ledger, Programs, stream::Streams};

use super::{Failure, arguments::PlaceArguments};
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
        let ledger = SqliteLedger::open_existing(&ledger_path(&place.data))?;
        let archive = DirectoryArchive::read_only(&place.data);
        pipeline::know_calendars(&archive).await?;
        Ok(Stores::here(archive, Arc::new(ledger), None))
    }

    /// Opens what exists, to change it.
    pub(super) async fn change(place: &PlaceArguments) -> Result<Stores, Failure> {
        if !place.in_cloud() {
            SqliteLedger::open_existing(&ledger_path(&place.data))?;
        }
        Stores::write(place).await
    }

    /// Opens both to write, and makes them where they are new. On this machine nobody else writes meanwhile; in the cloud the ledger
    /// holds writers apart.
    pub(super) async fn write(place: &PlaceArguments) -> Result<Stores, Failure> {
        if let Some(cloud) = cloud(place).await? {
            return Ok(cloud);
        }
        let lock = Lock::take(&place.data)?;
        let archive = DirectoryArchive::open(&place.data)?;
        pipeline::know_calendars(&archive).await?;
        let ledger = Arc::new(SqliteLedger::open(&ledger_path(&place.data))?);
        Ok(Stores::here(archive, ledger.clone(), Some((ledger, lock))))
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
