//! `health`: whether a service answers, for whoever watches a container that has no other program.

use std::{process::ExitCode, time::Duration};

use super::{Failure, output};

/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn health(port: u16) -> Result<ExitCode, Failure> {
    let address = format!("http://127.0.0.1:{port}/healthz");
    let unwell = |why: String| Failure::Unavailable(format!("{address}: {why}"));
    // It speaks no TLS, but is not made without someone who could.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build().map_err(|error| unwell(error.to_string()))?;
    let answer = client.get(&address).send().await.map_err(|error| {
        let nobody = error.is_connect();
        unwell(if nobody {
            "nothing answers there (is --port right?)".to_owned()
        } else {
            error.without_url().to_string()
        })
    })?;
    if !answer.status().is_success() {
        return Err(unwell(answer.status().to_string()));
    }
    output::print("ok");
    Ok(ExitCode::SUCCESS)
}
