use async_trait::async_trait;
use aws_sdk_s3::{Client, operation::get_object::GetObjectError, primitives::ByteStream, types::ChecksumAlgorithm};
use pipeline::{Archive, Created, Error, Key};

use crate::{
    failure::{failed, status},
    race::{Setback, until_settled},
};

/// An archive in a bucket.
///
/// An object is put with `If-None-Match: *` and a SHA-256 checksum that S3 verifies: it is absent or whole, and the first
/// writer wins. 412 says that the key is taken: the bytes that stand there are compared. 409 says that another writer is at
/// it at this moment: a moment later it stands.
#[derive(Debug, Clone)]
pub struct S3Archive {
    client: Client,
    bucket: String,
}

/// No object of ours comes near: it bounds what a damaged or foreign object can cost.
const MAX_BYTES: i64 = 64 << 20;

impl S3Archive {
    /// The archive in this bucket, which must exist.
    pub fn new(client: Client, bucket: impl Into<String>) -> S3Archive {
        S3Archive { client, bucket: bucket.into() }
    }

    async fn put(&self, key: &Key, bytes: &[u8]) -> Result<Created, Setback> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(bytes.to_vec()));
        let Err(error) = put.send().await else { return Ok(Created::New) };
        let failure = || failed(&self.name(key.as_str()), "written", &error);
        match status(&error) {
            Some(409) => Err(Setback::Raced(failure())),
            Some(412) => match self.read(key).await.map_err(Setback::Failed)? {
                Some(standing) if standing == bytes => Ok(Created::Existed),
                Some(_) => Err(Setback::Failed(Error::Conflict { key: key.to_string() })),
                None => Err(Setback::Raced(failure())),
            },
            _ => Err(Setback::Failed(failure())),
        }
    }

    fn name(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}

#[async_trait]
impl Archive for S3Archive {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        until_settled(|| self.put(key, bytes)).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        let get = self.client.get_object().bucket(&self.bucket).key(key.as_str()).send().await;
        let object = match get {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
            Err(error) => return Err(failed(&self.name(key.as_str()), "read", &error)),
        };
        let length = object.content_length().unwrap_or(0);
        if length > MAX_BYTES {
            let reason = format!("{length} bytes are more than the {MAX_BYTES} that an object of ours may have");
            return Err(Error::Damaged { key: key.to_string(), reason });
        }
        let body = object.body.collect().await.map_err(|error| Error::Store {
            what: self.name(key.as_str()),
            action: "read",
            reason: error.to_string(),
            // The connection broke, or what arrived has another checksum than what was put.
            transient: true,
        })?;
        Ok(Some(body.to_vec()))
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        let removed = self.client.delete_object().bucket(&self.bucket).key(key.as_str()).send().await;
        removed.map(|_| ()).map_err(|error| failed(&self.name(key.as_str()), "removed", &error))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(&self.name(prefix), "listed", &error))?;
            keys.extend(page.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
        }
        keys.sort_unstable();
        Ok(keys)
    }
}
