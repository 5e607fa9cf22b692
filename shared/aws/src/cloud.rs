use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use pipeline::Signer;

use crate::{DynamoLedger, Events, Executions, ModelFunctions, S3Archive, SecretParameter};

/// The account that a function works in: the SDK's settings, loaded once per cold start. A client is made only where it is
/// asked for, so that a function holds no more code than it uses.
#[derive(Debug, Clone)]
pub struct Cloud {
    config: SdkConfig,
}

/// To open a connection: inside a region it takes milliseconds.
const CONNECT: Duration = Duration::from_secs(3);

/// For one attempt: the largest snapshot is a few hundred kilobytes.
const ATTEMPT: Duration = Duration::from_secs(5);

/// For a call with all its attempts: below every function's time-out, or a store that hangs would look like a crash.
pub const OPERATION: Duration = Duration::from_secs(12);

/// Attempts, with exponential backoff and jitter between them.
const ATTEMPTS: u32 = 4;

impl Cloud {
    /// Region, credentials and, for tests, the endpoint come from the environment, as every AWS tool takes them.
    pub async fn from_environment() -> Cloud {
        // The workspace's one TLS stack.
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .load()
            .await;
        Cloud { config }
    }

    /// For the archive.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.config)
    }

    /// For the ledger.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// The archive in the bucket that `CLOSING_BELL_BUCKET` names.
    pub fn archive(&self) -> Result<S3Archive, Unset> {
        Ok(S3Archive::new(self.s3(), bucket()?))
    }

    /// The ledger in the table that `CLOSING_BELL_TABLE` names.
    pub fn ledger(&self) -> Result<DynamoLedger, Unset> {
        Ok(DynamoLedger::new(self.dynamodb(), table()?))
    }

    /// Models that are functions of this account.
    pub fn model_functions(&self) -> ModelFunctions {
        ModelFunctions::new(aws_sdk_lambda::Client::new(&self.config))
    }

    /// The event bus that `CLOSING_BELL_BUS` names.
    pub fn events(&self) -> Result<Events, Unset> {
        Ok(Events::new(aws_sdk_eventbridge::Client::new(&self.config), variable("CLOSING_BELL_BUS")?, bucket()?))
    }

    /// The secret in the parameter that `CLOSING_BELL_TOKEN_PARAMETER` names.
    pub fn token_parameter(&self) -> Result<SecretParameter, Unset> {
        Ok(self.parameter(variable("CLOSING_BELL_TOKEN_PARAMETER")?))
    }

    /// The webhook's address, in the parameter that `CLOSING_BELL_WEBHOOK_PARAMETER` names; none where it names none.
    ///
    /// # Errors
    /// Those of [`SecretParameter::read`].
    pub async fn webhook_address(&self) -> Result<Option<String>, pipeline::Error> {
        match variable("CLOSING_BELL_WEBHOOK_PARAMETER") {
            Ok(name) => self.parameter(name).read().await.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Who signs the deployment's runs, by the private key in the parameter that `CLOSING_BELL_SIGNING_PARAMETER` names; none where it names none.
    ///
    /// # Errors
    /// Those of [`SecretParameter::read`], and [`pipeline::Error::Unauthorized`] where it holds no such key.
    pub async fn signer(&self) -> Result<Option<Signer>, pipeline::Error> {
        let Ok(name) = variable("CLOSING_BELL_SIGNING_PARAMETER") else { return Ok(None) };
        let signer = Signer::from_pem(&self.parameter(name.clone()).read().await?);
        let refused = |reason| pipeline::Error::Unauthorized { reason: format!("the parameter {name} holds {reason}") };
        signer.map(Some).map_err(refused)
    }

    /// Where the tokens are with which people sign in; none where nobody does.
    pub fn sign_in_folder(&self) -> Option<String> {
        variable("CLOSING_BELL_SIGN_IN").ok()
    }

    /// The secret in the parameter of this name.
    pub fn parameter(&self, name: String) -> SecretParameter {
        SecretParameter::new(aws_sdk_ssm::Client::new(&self.config), name)
    }

    /// The state machine that `CLOSING_BELL_NIGHT` names, for starts from the queue.
    pub fn executions(&self) -> Result<Executions, Unset> {
        let limit = variable("CLOSING_BELL_STARTS_AT_ONCE").ok().and_then(|limit| limit.parse().ok());
        let client = aws_sdk_sfn::Client::new(&self.config);
        Ok(Executions::new(client, variable("CLOSING_BELL_NIGHT")?, limit.unwrap_or(STARTS_AT_ONCE)))
    }
}

/// As many starts of the queue as run at once, where the template does not say.
const STARTS_AT_ONCE: usize = 2;

/// The deployment's bucket.
pub fn bucket() -> Result<String, Unset> {
    variable("CLOSING_BELL_BUCKET")
}

/// The deployment's table.
pub fn table() -> Result<String, Unset> {
    variable("CLOSING_BELL_TABLE")
}

/// The template gives the function no such variable.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct Unset(&'static str);

fn variable(name: &'static str) -> Result<String, Unset> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or(Unset(name))
}
