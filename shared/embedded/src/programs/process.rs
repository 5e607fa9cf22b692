//! A process that answers one line for each line that it is sent.

use std::{process::Stdio, time::Duration};

use pipeline::{ProgramSettings, programs::Silence};
use serde::{Serialize, de::DeserializeOwned};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

use super::confined;

/// The longest answer.
const MAX_LINE: u64 = 8 << 20;
/// So much of what it last wrote to its standard error is reported.
const LAST_WORDS: usize = 400;

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: JoinHandle<String>,
    patience: Duration,
    /// Where it may write; it is removed with the process.
    _folder: TempDir,
}

/// The words of a command.
pub(super) fn words(settings: &ProgramSettings) -> Result<Vec<String>, String> {
    let Some(command) = &settings.command else {
        return Err("it is a function in the cloud, which a deployment's nights ask".to_owned());
    };
    let words = pipeline::settings::words_of(command);
    words.filter(|words| !words.is_empty()).ok_or_else(|| format!("'{command}' is no command"))
}

impl Process {
    pub(super) fn start(settings: &ProgramSettings) -> Result<Process, String> {
        let words = words(settings)?;
        let failed = |error: std::io::Error| format!("'{}' cannot be started: {error}", words.join(" "));
        let folder = tempfile::tempdir().map_err(failed)?;
        let mut command = confined::command(settings, &words, folder.path())?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("it has no pipes".to_owned());
        };
        let errors = tokio::spawn(last_words(errors));
        let patience = Duration::from_secs(settings.timeout);
        Ok(Process { child, input, output: BufReader::new(output), errors, patience, _folder: folder })
    }

    /// Sends a message, and reads the answer to it.
    pub(super) async fn ask<T: DeserializeOwned>(&mut self, message: &impl Serialize) -> Result<T, Silence> {
        if !self.output.buffer().is_empty() {
            return Err(Silence::Other("it says more than one line for each that it is sent".to_owned()));
        }
        let mut line = serde_json::to_string(message).expect("messages are plain data");
        line.push('\n');
        let exchange = async {
            // Who does not read what it is sent has ended, or hangs: its answer shows which.
            let _ = self.input.write_all(line.as_bytes()).await;
            let mut answer = Vec::new();
            (&mut self.output).take(MAX_LINE).read_until(b'\n', &mut answer).await.map(|_| answer)
        };
        let answer = match timeout(self.patience, exchange).await {
            Err(_) => {
                let _ = self.child.start_kill();
                let seconds = self.patience.as_secs();
                return Err(Silence::TooSlow(format!("it did not answer within {seconds} s")));
            }
            Ok(Err(error)) => return Err(Silence::Other(format!("its answer cannot be read: {error}"))),
            Ok(Ok(answer)) => answer,
        };
        if answer.is_empty() {
            return Err(Silence::Other(self.ended().await));
        }
        if !answer.ends_with(b"\n") {
            let reason = if answer.len() as u64 == MAX_LINE {
                format!("its answer is longer than {} MB", MAX_LINE >> 20)
            } else {
                format!("it ended within an answer: {}", self.ended().await)
            };
            return Err(Silence::Other(reason));
        }
        serde_json::from_slice(&answer).map_err(|error| {
            let shown: String = String::from_utf8_lossy(&answer).trim_end().chars().take(80).collect();
            Silence::Other(format!("its answer '{shown}' cannot be read: {error}"))
        })
    }

    /// How it ended.
    async fn ended(&mut self) -> String {
        let status = match timeout(Duration::from_secs(1), self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            _ => "it closed its output".to_owned(),
        };
        let words = timeout(Duration::from_secs(1), &mut self.errors).await;
        let words = words.ok().and_then(Result::ok).unwrap_or_default();
        if words.is_empty() { format!("it ended: {status}") } else { format!("it ended: {status}: {words}") }
    }
}

/// Reads all that it says on its standard error, so that it never waits for that, and keeps the end.
async fn last_words(mut errors: ChildStderr) -> String {
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = errors.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        let surplus = kept.len().saturating_sub(4 * LAST_WORDS);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    let last: Vec<&str> = text.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(2).collect();
    let said: String = last.into_iter().rev().collect::<Vec<_>>().join("; ");
    said.chars().take(LAST_WORDS).collect()
}
