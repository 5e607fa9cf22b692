use aws_sdk_ssm::{Client, operation::get_parameter::GetParameterError};
use pipeline::Error;

use crate::failure::failed;

/// A secret in Parameter Store: a SecureString, which costs nothing to keep.
#[derive(Debug, Clone)]
pub struct SecretParameter {
    client: Client,
    name: String,
}

impl SecretParameter {
    /// The parameter of this name.
    pub fn new(client: Client, name: impl Into<String>) -> SecretParameter {
        SecretParameter { client, name: name.into() }
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
                Err(Error::Unauthorized { reason: format!("there is no parameter {} with a Tiingo token", self.name) })
            }
            Err(error) => Err(failed(&format!("the parameter {}", self.name), "read", &error)),
        }
    }
}
