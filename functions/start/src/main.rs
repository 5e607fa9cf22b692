//! Lambda function `start`: `POST /runs` starts a run now. It alone writes over HTTP, so it is a function of its own. Where people sign in, it is
//! the whole site, with its forms.

use std::sync::Arc;

use async_trait::async_trait;
use aws::{Cloud, Events, SecretParameter, start_logging};
use pipeline::{Digest, Error};
use serde_json::json;
use web::{Keys, Problem, Role, RunRequest, Site, Started, Starts, start_router};

/// Starts runs by an event, which a rule takes to the queue of starts.
struct ByEvent(Events);

#[async_trait]
impl Starts for ByEvent {
    /// Whose call is not signed, or whose token is no operator's, does not come this far.
    fn admits(&self, _: Option<&str>) -> bool {
        true
    }

    async fn start(&self, wanted: RunRequest) -> Result<Started, Problem> {
        let RunRequest { tickers, as_of, reason, train, run } = wanted;
        let detail = json!({
            "trigger": "manual", "tickers": tickers, "as_of": as_of, "reason": reason, "train": train, "run": run,
        });
        tracing::info!(%detail, "a run is requested");
        Ok(Started { request: self.0.run_requested(detail).await?, run })
    }
}

/// The tokens, in Parameter Store: one that is exchanged there is another here some minutes later.
struct Tokens {
    reader: SecretParameter,
    operator: SecretParameter,
}

/// Nobody guesses a token of this length.
const MIN_CHARACTERS: usize = 24;

#[async_trait]
impl Keys for Tokens {
    async fn role(&self, token: &str) -> Result<Option<Role>, Problem> {
        for (parameter, role) in [(&self.operator, Role::Operator), (&self.reader, Role::Reader)] {
            match parameter.recent().await {
                // Digests are compared: how long it takes tells nothing of the token.
                Ok(known)
                    if known.len() >= MIN_CHARACTERS
                        && Digest::of(known.as_bytes()) == Digest::of(token.as_bytes()) =>
                {
                    return Ok(Some(role));
                }
                // A role that nobody has a token for.
                Ok(_) | Err(Error::Unauthorized { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let cloud = Cloud::from_environment().await;
    let starts = Arc::new(ByEvent(cloud.events()?));
    let Some(folder) = cloud.sign_in_folder() else {
        return lambda_http::run(start_router(starts)).await;
    };
    let (archive, ledger) = (cloud.archive()?, cloud.ledger()?);
    let parameter = |name: &str| cloud.parameter(format!("{folder}/{name}"));
    let keys = Arc::new(Tokens { reader: parameter("reader"), operator: parameter("operator") });
    let site = Site::new(Arc::new(archive), Arc::new(ledger)).starting(starts).signed_in(keys);
    lambda_http::run(site.router()).await
}
