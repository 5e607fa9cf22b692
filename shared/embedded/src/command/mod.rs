//! The command line: arguments in, results on standard output, everything else on standard error.

mod arguments;
mod backfill;
mod check;
mod drift;
mod export;
mod forget;
mod history;
mod import;
mod ingest;
mod inspect;
mod judge;
mod market;
mod migrate;
mod output;
mod plot;
mod predict;
mod recover;
mod rollback;
mod run;
mod serve;
mod settings;
mod sql;
mod stop;
mod stores;
mod stream_demo;
mod verify;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use pipeline::legible;

use crate::programs::{CONFINED, become_confined};
use arguments::{Arguments, Command, Demo};

/// Why a command ends without its result.
#[derive(Debug)]
enum Failure {
    /// Wrong usage or configuration: exit status 2.
    Usage(String),
    /// It was tried and failed: exit status 1.
    Failed(String),
    /// Another command is at work on the same data: exit status 3.
    Busy(String),
    /// A store cannot be read or written: exit status 3.
    Unavailable(String),
}

impl Failure {
    /// In words.
    fn text(&self) -> &str {
        match self {
            Failure::Usage(text) | Failure::Failed(text) | Failure::Busy(text) | Failure::Unavailable(text) => text,
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Busy(_) | Failure::Unavailable(_) => 3,
        })
    }
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::Request { .. } => Failure::Usage(error.to_string()),
            pipeline::Error::Busy { .. } => Failure::Busy(error.to_string()),
            pipeline::Error::Store { .. } => Failure::Unavailable(error.to_string()),
            _ => Failure::Failed(error.to_string()),
        }
    }
}

/// The log: an event is one line, whatever it tells of.
struct LegibleLog(std::io::Stderr);

impl std::io::Write for LegibleLog {
    /// An event, with its end of a line.
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        // Colours are the log's own.
        let parts: Vec<String> = text.trim_end_matches('\n').split('\u{1b}').map(legible).collect();
        self.0.write_all((parts.join("\u{1b}") + "\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == CONFINED) {
        return become_confined(&words.collect::<Vec<_>>());
    }
    let arguments = Arguments::parse();
    let level = match std::env::var("CLOSING_BELL_LOG").unwrap_or_default().as_str() {
        "" => None,
        text => text
            .parse()
            .inspect_err(|_| {
                eprintln!("CLOSING_BELL_LOG is '{text}', but one of error, warn, info, debug, trace is meant");
            })
            .ok(),
    };
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(tracing::Level::WARN))
        .with_target(false)
        .without_time()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(|| LegibleLog(std::io::stderr()))
        .init();

    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("closing-bell: no runtime: {error}");
            return ExitCode::from(2);
        }
    };
    let ended = runtime.block_on(dispatch(arguments));
    // A thread may still wait for a line of standard input.
    runtime.shutdown_background();
    match ended {
        Ok(_) if !output::complete() => {
            output::remark("closing-bell: the result cannot be written to standard output");
            ExitCode::from(1)
        }
        Ok(code) => code,
        Err(failure) => {
            output::remark(&format!("closing-bell: {}", failure.text()));
            failure.exit_code()
        }
    }
}

async fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Run { as_of, train, night } => run::run(as_of, train, &night).await,
        Command::Import { place, dry_run, night } => import::import(&place, dry_run, night).await,
        Command::Ingest(arguments) => Box::pin(ingest::ingest(arguments)).await,
        Command::Check { config } => check::check(config.as_deref()),
        Command::Backfill { from, to, limit, dry_run, night } => {
            backfill::backfill(&backfill::Range { from, to, limit, dry_run }, &night).await
        }
        Command::Predict { ticker, horizon, level, version, model, values, store } => {
            let asked = pipeline::Asked { horizon, levels: &level, version: version.as_ref() };
            predict::predict(ticker.as_ref(), model.as_deref(), values.as_deref(), asked, &store).await
        }
        Command::Runs { store } => inspect::runs(&store).await,
        Command::Models { ticker, store } => inspect::models(&ticker, &store).await,
        Command::Receipts { ticker, store } => inspect::receipts(&ticker, &store).await,
        Command::Record { ticker, store } => inspect::record(&ticker, &store).await,
        Command::Scores { ticker, store } => inspect::scores(&ticker, &store).await,
        Command::Results { store } => inspect::results(&store).await,
        Command::Answered { ticker, date, store } => inspect::answered(&ticker, date, &store).await,
        Command::Rollback { ticker, version, store } => Box::pin(rollback::rollback(&ticker, &version, &store)).await,
        Command::Release { ticker, store } => Box::pin(rollback::release(&ticker, &store)).await,
        Command::Forget { ticker, yes: _, store } => forget::forget(&ticker, &store).await,
        Command::Verify { ticker: Some(ticker), version, receipt, store, all: _ } => {
            verify::verify(&ticker, version.as_ref(), receipt.as_ref(), &store).await
        }
        Command::Verify { ticker: None, store, .. } => verify::everything(&store).await,
        Command::Recover { store } => recover::recover(&store).await,
        Command::Judge { forecasts, name, store } => judge::judge(forecasts.as_deref(), name, &store).await,
        Command::Sql { question, format, place } => sql::sql(&question, format, &place).await,
        Command::Migrate { store } => migrate::migrate(&store).await,
        Command::Export { tickers, forecasts, as_of, out, place } => {
            export::export(tickers, forecasts, as_of, out.as_deref(), &place).await
        }
        Command::Plot { ticker, residuals, dark, out, store } => {
            plot::plot(&ticker, &plot::Plot { residuals, dark, out }, &store).await
        }
        Command::Serve { port, address, no_schedule, hosts, tls_certificate, tls_key, kafka, night } => {
            let tls = tls_certificate.zip(tls_key);
            serve::serve(serve::Service { address, port, schedule: !no_schedule, hosts, tls, kafka }, night).await
        }
        Command::Demo { demo: Demo::Stream { sessions, seed, pace, data, json } } => {
            Box::pin(stream_demo::stream((sessions as usize, seed, pace), &data, json)).await
        }
        Command::Demo { demo: Demo::Drift { seed, nights, data, json } } => {
            drift::drift(seed, nights as usize, &data, json).await
        }
    }
}
