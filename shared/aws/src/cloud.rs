use std::time::Duration;

use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// The SDK's clients, made once per process.
#[derive(Debug, Clone)]
pub struct Clients {
    /// For the archive.
    pub s3: aws_sdk_s3::Client,
    /// For the ledger.
    pub dynamodb: aws_sdk_dynamodb::Client,
}

/// To open a connection: inside a region it takes milliseconds.
const CONNECT: Duration = Duration::from_secs(3);

/// For one attempt: the largest snapshot is a few hundred kilobytes.
const ATTEMPT: Duration = Duration::from_secs(10);

/// For a call with all its attempts: well within a function's time-out.
const OPERATION: Duration = Duration::from_secs(30);

/// Attempts, with exponential backoff and jitter between them.
const ATTEMPTS: u32 = 4;

impl Clients {
    /// Region, credentials and, for tests, the endpoint come from the environment, as every AWS tool takes them.
    pub async fn from_environment() -> Clients {
        // The workspace's one TLS stack.
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let shared = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .load()
            .await;
        Clients { s3: aws_sdk_s3::Client::new(&shared), dynamodb: aws_sdk_dynamodb::Client::new(&shared) }
    }
}
