//! Lambda function `operate`: the `closing-bell` command against the deployment that it belongs to, for whoever may invoke it.
//!
//! Called with arguments it is that command; Lambda calls it without any. So each call works in a process of its own, which ends with it.

use std::{
    env,
    process::{ExitCode, Output, Stdio},
    time::Duration,
};

use aws::{Cloud, serve};
use pipeline::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::process::Command;

/// As it would be typed, without the name: `["rollback", "FSLY", "2020-12-11-6d59bb8e"]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    command: Vec<String>,
}

#[derive(Serialize)]
struct Answer {
    /// The command's exit status.
    status: Option<i32>,
    /// What it printed: JSON where it was asked for.
    output: Value,
    /// What it remarked.
    remarks: String,
}

/// What reads and writes the deployment's own stores; the rest is for one's own machine.
const COMMANDS: [&str; 16] = [
    "answered", "backfill", "export", "forget", "migrate", "models", "predict", "receipts", "record", "recover",
    "release", "results", "rollback", "runs", "scores", "verify",
];

/// Options that name files or stores.
const OPTIONS: [&str; 9] =
    ["--config", "--data", "--ledger", "--market", "--model", "--out", "--public-key", "--store", "--values"];

/// The command ends before the function is stopped.
const TIME: Duration = Duration::from_secs(870);

/// An answer of Lambda's is 6 MB at most.
const MAX_BYTES: usize = 4 << 20;

fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        return embedded::command::main();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map(|runtime| runtime.block_on(answer())) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => failed(&*error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("operate: {error}");
    ExitCode::FAILURE
}

async fn answer() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let token = cloud.token_parameter()?;
    let (bucket, table) = (aws::bucket()?, aws::table()?);
    serve("operate", async |event: Event| {
        check(&event.command)?;
        let mut command = Command::new(env::current_exe().map_err(|error| unable("found", &error))?);
        command.args(&event.command).args(["--store", &format!("s3://{bucket}"), "--ledger", &table]);
        if event.command[0] == "backfill" {
            command.env("TIINGO_API_KEY", token.read().await?);
        }
        carried_out(command).await
    })
    .await
}

fn check(command: &[String]) -> Result<(), Error> {
    let refused = |reason: String| Err(Error::Request { field: "command", reason });
    match command.first() {
        Some(name) if COMMANDS.contains(&name.as_str()) => {}
        Some(name) => return refused(format!("'{name}' is none of {}", COMMANDS.join(", "))),
        None => return refused("it is empty".to_owned()),
    }
    let named = |argument: &&String| OPTIONS.iter().any(|option| argument.split('=').next() == Some(*option));
    match command.iter().find(named) {
        Some(option) => refused(format!("{option} is the deployment's own")),
        None => Ok(()),
    }
}

async fn carried_out(mut command: Command) -> Result<Answer, Error> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let Output { status, stdout, stderr } = match tokio::time::timeout(TIME, output).await {
        Ok(output) => output.map_err(|error| unable("carried out", &error))?,
        Err(_) => return Err(unable("completed", &"it took too long: what it has done stands")),
    };
    if stdout.len() + stderr.len() > MAX_BYTES {
        return Err(Error::Request { field: "command", reason: "it prints more than an answer may hold".to_owned() });
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let printed = text(stdout);
    let output = serde_json::from_str(&printed).unwrap_or(Value::String(printed));
    Ok(Answer { status: status.code(), output, remarks: text(stderr) })
}

fn unable(action: &'static str, why: &dyn std::fmt::Display) -> Error {
    Error::Store { what: "the command".to_owned(), action, reason: why.to_string(), transient: false }
}
