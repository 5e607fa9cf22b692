//! The answer of a PostgreSQL server to a query, as a table of series.

use std::{fmt, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use futures::TryStreamExt;
use pipeline::price_file::{ColumnNames, Table};
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::time::timeout;
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode},
    error::{DbError, ErrorPosition, SqlState},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A server, and who asks it: `postgres://user:password@host/database`, which nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) String);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a PostgreSQL server")
    }
}

/// Why there is no table.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The address, the query or its answer cannot be used.
    Wrong(String),
    /// The server cannot be reached, or broke off.
    Unavailable(String),
}

/// Where the address names no password.
const PASSWORD_VARIABLE: &str = "PGPASSWORD";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For the whole answer. The server has this limit too, and says so itself; one that does not is not waited for much longer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(10);
const GRACE: Duration = Duration::from_secs(30);
/// A server that has begun to answer goes on.
const SILENCE: Duration = Duration::from_mins(1);
const MAX_ANSWER: usize = 512 << 20;
const RETRIES: usize = 3;

/// Asks a query; a connection that breaks off is tried again, the answer from its beginning.
pub(crate) async fn table(address: &Address, query: &str, names: &ColumnNames) -> Result<Table, Refusal> {
    let config = configured(address)?;
    let pauses = ExponentialBuilder::default().with_jitter().with_max_times(RETRIES);
    let answer = (|| answer(&config, query))
        .retry(pauses)
        .when(|refusal| matches!(refusal, Refusal::Unavailable(_)))
        .notify(|refusal, pause| tracing::info!(?refusal, ?pause, "PostgreSQL is asked again"))
        .await?;
    let wrong = |reason: String| Refusal::Wrong(format!("the query's answer: {reason}"));
    let text = String::from_utf8(answer).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let table = Table::of_rows_in_any_order(&text, names).map_err(wrong)?;
    if table.series().next().is_some() {
        return Ok(table);
    }
    Err(wrong(if text.lines().nth(1).is_none() {
        "it has no rows".to_owned()
    } else {
        "no column says whose a row is: select it as unique_id (columns.series names another)".to_owned()
    }))
}

/// The address as the client takes it. Beyond this machine the connection is encrypted and the server must show a certificate
/// that this machine trusts, unless the address says `sslmode=disable`.
fn configured(Address(address): &Address) -> Result<Config, Refusal> {
    // What is wrong with it is said without repeating it: it may hold a password.
    let mut config: Config = address.parse().map_err(|_| {
        let usual = "postgres://USER@HOST:PORT/DATABASE, with sslmode=disable or require after a ? where it is needed";
        Refusal::Wrong(format!("the address of the PostgreSQL server cannot be read: it is {usual}"))
    })?;
    if config.get_ssl_mode() == SslMode::Prefer {
        let is_near = |host: &Host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
            }
            Host::Unix(_) => true,
        };
        let near = config.get_hosts().iter().all(is_near);
        config.ssl_mode(if near { SslMode::Disable } else { SslMode::Require });
    }
    if config.get_password().is_none()
        && let Ok(password) = std::env::var(PASSWORD_VARIABLE)
    {
        config.password(password);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config.application_name("closing-bell");
    Ok(config)
}

async fn answer(config: &Config, query: &str) -> Result<Vec<u8>, Refusal> {
    // Asked again it would take as long.
    let late = |_| Refusal::Wrong(format!("PostgreSQL did not answer within {} s", ANSWER_TIMEOUT.as_secs()));
    timeout(ANSWER_TIMEOUT + GRACE, read(config, query)).await.map_err(late)?
}

async fn read(config: &Config, query: &str) -> Result<Vec<u8>, Refusal> {
    let client = connected(config).await?;
    // It reads, whatever the query says; and dates read the same wherever it runs.
    let session = format!(
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET statement_timeout = {}; SET datestyle = 'ISO'; \
         SET timezone = 'UTC'; SET client_encoding = 'UTF8'",
        ANSWER_TIMEOUT.as_millis()
    );
    client.batch_execute(&session).await.map_err(|error| refused(&error, query))?;
    let copy = format!("{BEFORE}{}{AFTER}", query.trim().trim_end_matches(';'));
    let rows = client.copy_out(&copy).await.map_err(|error| refused(&error, query))?;
    let mut rows = std::pin::pin!(rows);
    let mut answer = Vec::new();
    loop {
        let silent =
            |_| Refusal::Unavailable(format!("PostgreSQL fell silent for {} s in its answer", SILENCE.as_secs()));
        // The first rows may take as long as the whole query does.
        let patience = if answer.is_empty() { ANSWER_TIMEOUT + GRACE } else { SILENCE };
        match timeout(patience, rows.try_next()).await.map_err(silent)?.map_err(|error| refused(&error, query))? {
            None => return Ok(answer),
            Some(piece) if answer.len() + piece.len() > MAX_ANSWER => {
                let what = format!("the query's answer is larger than {} MB", MAX_ANSWER >> 20);
                return Err(Refusal::Wrong(what));
            }
            Some(piece) => answer.extend_from_slice(&piece),
        }
    }
}

/// The query stands on lines of its own, so that a comment at its end ends there.
const BEFORE: &str = "COPY (\n";
const AFTER: &str = "\n) TO STDOUT (FORMAT csv, HEADER true)";

async fn connected(config: &Config) -> Result<Client, Refusal> {
    fn drive<F: Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static>(connection: F) {
        // It ends with its client; why shows in the answer to whatever the client was asked.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL ended");
            }
        });
    }
    let unreachable = |error: tokio_postgres::Error| refused(&error, "");
    if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(unreachable)?;
        drive(connection);
        return Ok(client);
    }
    // Another part of this process may have chosen it already: the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tls = rustls::ClientConfig::with_platform_verifier()
        .map_err(|error| Refusal::Wrong(format!("this machine's certificates cannot be read: {error}")))?;
    let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await.map_err(unreachable)?;
    drive(connection);
    Ok(client)
}

/// What went wrong, in the server's words where it said anything.
fn refused(error: &tokio_postgres::Error, query: &str) -> Refusal {
    let Some(said) = error.as_db_error() else {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        return Refusal::Unavailable(format!("PostgreSQL: {text}"));
    };
    let place = place(said, query).map(|place| format!(" ({place} of the query)")).unwrap_or_default();
    let hint = said.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    let text = format!("PostgreSQL: {}{place}{hint}", said.message());
    if may_pass(said.code()) { Refusal::Unavailable(text) } else { Refusal::Wrong(text) }
}

/// Connections that are cut (class 08), servers that start or stop (57P), too many clients (53), and snapshots that a replica gave up (40).
fn may_pass(code: &SqlState) -> bool {
    ["08", "57P", "53", "40"].iter().any(|class| code.code().starts_with(class))
}

fn place(said: &DbError, query: &str) -> Option<String> {
    let Some(ErrorPosition::Original(position)) = said.position() else { return None };
    // It counts characters, from one.
    let inside = (*position as usize).checked_sub(BEFORE.chars().count() + 1)?;
    let before: String = query.trim().chars().take(inside).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Some(format!("line {line}, column {column}"))
}
