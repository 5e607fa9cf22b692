use std::time::{Duration, Instant};

use aws_sdk_ssm::{Client, operation::get_parameter::GetParameterError};
use pipeline::Error;
use tokio::sync::Mutex;

use crate::failure::failed;

/// A secret in Parameter Store: a SecureString, which costs nothing to keep.
pub struct SecretParameter {
    client: Client,
    name: String,
    /// As it was read, and when.
    known: Mutex<Option<(Instant, String)>>,
}

/// What is exchanged in Parameter Store is used this much later at most.
const RECENT: Duration = Duration::from_mins(5);

impl SecretParameter {
    /// The parameter of this name.
    pub fn new(client: Client, name: impl Into<String>) -> SecretParameter {
        SecretParameter { client, name: name.into(), known: Mutex::default() }
    }

    /// As it was read some minutes ago, or is now.
    ///
    /// # Errors
    /// As for [`SecretParameter::read`].
    pub async fn recent(&self) -> Result<String, Error> {
        let mut known = self.known.lock().await;
        if let Some((at, value)) = known.as_ref().filter(|(at, _)| at.elapsed() < RECENT) {
            tracing::debug!(name = self.name, seconds = at.elapsed().as_secs(), "known");
            return Ok(value.clone());
        }
        let value = self.read().await?;
        *known = Some((Instant::now(), value.clone()));
        Ok(value)
    }

    /// Reads and decrypts it.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where there is no such parameter.
    pub async fn read(&self) -> Result<String, Error> {
        let get = self.client.get_parameter().name(&self.name).with_decryption(true);
        match get.send().await {
            Ok(answer) => Ok(answer.parameter.and_then(|parameter| parameter.value).unwrap_or_default()),
            Err(error) if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) => {
                Err(Error::Unauthorized { reason: format!("there is no parameter {} with this secret", self.name) })
            }
            Err(error) => Err(failed(&format!("the parameter {}", self.name), "read", &error)),
        }
    }
}
