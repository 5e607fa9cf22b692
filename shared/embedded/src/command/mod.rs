//! The command line: arguments in, results on standard output, everything else on standard error.

mod arguments;
mod backfill;
mod check;
mod drift;
mod export;
mod follow;
mod forget;
mod generate;
mod health;
mod history;
mod import;
mod ingest;
mod init;
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
mod signing;
mod sql;
mod status;
mod stop;
mod stores;
mod stream_demo;
mod verify;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use pipeline::legible;

use crate::programs::{CONFINED, become_confined};
use arguments::{Arguments, Command, CommonArguments, Demo};

/// Why a command ends without its result.
#[derive(Debug)]
enum Failure {
    /// Wrong usage or configuration: exit status 2.
    Usage(String),
    /// A series that nobody knows: exit status 2.
    Unknown(String),
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
            Failure::Usage(text)
            | Failure::Unknown(text)
            | Failure::Failed(text)
            | Failure::Busy(text)
            | Failure::Unavailable(text) => text,
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) | Failure::Unknown(_) => 2,
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

/// The log: an event is one line, whatever it tells of, and above a progress bar.
struct LegibleLog(std::io::Stderr);

impl std::io::Write for LegibleLog {
    /// An event, with its end of a line.
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        // Colours are the log's own.
        let parts: Vec<String> = text.trim_end_matches('\n').split('\u{1b}').map(legible).collect();
        let line = parts.join("\u{1b}") + "\n";
        output::above_progress(|| self.0.write_all(line.as_bytes()))?;
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
    output::print_as(arguments.common.format(), arguments.common.quiet);
    log(&arguments.common);

    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("closing-bell: no runtime: {error}");
            return ExitCode::from(2);
        }
    };
    let ended = runtime.block_on(async {
        // A service ends in its own way, and so does what follows rows or runs.
        let ends_itself = matches!(
            arguments.command,
            Command::Serve { .. } | Command::Ingest(_) | Command::Runs { .. } | Command::Demo { .. }
        );
        tokio::select! {
            ended = dispatch(arguments) => ended,
            () = stop::asked(), if !ends_itself => {
                output::remark("Interrupted: what is done is kept, and the same command goes on from there.");
                Ok(ExitCode::from(130))
            }
        }
    });
    // A thread may still wait for a line of standard input.
    runtime.shutdown_background();
    match ended {
        Ok(_) if !output::complete() => {
            output::error("the result cannot be written to standard output");
            ExitCode::from(1)
        }
        Ok(code) => code,
        Err(failure) => {
            output::error(failure.text());
            failure.exit_code()
        }
    }
}

/// The log on standard error: `-v` and `-q` decide, otherwise `CLOSING_BELL_LOG`.
fn log(common: &CommonArguments) {
    let named = match std::env::var("CLOSING_BELL_LOG").unwrap_or_default().as_str() {
        "" => None,
        text => text
            .parse()
            .inspect_err(|_| {
                output::remark(&format!(
                    "CLOSING_BELL_LOG is '{text}', but one of error, warn, info, debug, trace is meant"
                ));
            })
            .ok(),
    };
    let level = match (common.quiet, common.verbose) {
        (true, _) => tracing::Level::ERROR,
        (false, 0) => named.unwrap_or(tracing::Level::WARN),
        (false, 1) => tracing::Level::INFO,
        (false, _) => tracing::Level::DEBUG,
    };
    // https://no-color.org
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .without_time()
        .with_ansi(colours)
        .with_writer(|| LegibleLog(std::io::stderr()))
        .init();
}

async fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { command, common } = arguments;
    let store = common.store().map_err(Failure::Usage)?;
    let (config, json) = (common.config(), store.json);
    let night = |options| common.night(options).map_err(Failure::Usage);
    match command {
        Command::Init { tickers } => init::init(&tickers, &common),
        Command::Status => status::status(&common).await,
        Command::Run { as_of, train, night: options } => run::run(as_of, train, &night(options)?).await,
        Command::Import { place, dry_run, night: options } => import::import(&place, dry_run, night(options)?).await,
        Command::Ingest(arguments) => Box::pin(ingest::ingest(arguments, config.as_deref(), &store)).await,
        Command::Check => check::check(config.as_deref()),
        Command::Backfill { from, to, limit, dry_run, night: options } => {
            backfill::backfill(&backfill::Range { from, to, limit, dry_run }, &night(options)?).await
        }
        Command::Predict { ticker, horizon, level, version, model, values } => {
            let asked = pipeline::ForecastRequest { horizon, levels: &level, version: version.as_ref() };
            predict::predict(ticker.as_ref(), model.as_deref(), values.as_deref(), asked, &store).await
        }
        Command::Runs { follow } => inspect::runs(follow, &store).await,
        Command::Models { ticker } => inspect::models(&ticker, &store).await,
        Command::Receipts { ticker } => inspect::receipts(&ticker, &store).await,
        Command::Record { ticker } => inspect::record(&ticker, &store).await,
        Command::Scores { ticker } => inspect::scores(&ticker, &store).await,
        Command::Results => inspect::results(&store).await,
        Command::Answered { ticker, date } => inspect::answered(&ticker, date, &store).await,
        Command::Rollback { ticker, version, reason } => {
            Box::pin(rollback::rollback(&ticker, &version, &reason, &store)).await
        }
        Command::Release { ticker, reason } => Box::pin(rollback::release(&ticker, &reason, &store)).await,
        Command::Forget { ticker, yes: _ } => forget::forget(&ticker, &store).await,
        Command::Verify { ticker: Some(ticker), version, receipt, .. } => {
            verify::verify(&ticker, version.as_ref(), receipt.as_ref(), &store).await
        }
        Command::Verify { ticker: None, public_keys, .. } => verify::everything(&public_keys, &store).await,
        Command::Recover => recover::recover(&store).await,
        Command::Judge { forecasts, name } => judge::judge(forecasts.as_deref(), name, &store).await,
        Command::Sql { question } => sql::sql(&question, &store).await,
        Command::Migrate => migrate::migrate(&store).await,
        Command::Export { tickers, forecasts, as_of, out } => {
            export::export(tickers, forecasts, as_of, out.as_deref(), &store.place).await
        }
        Command::Plot { ticker, residuals, dark, out } => {
            plot::plot(&ticker, &plot::Plot { residuals, dark, out }, &store).await
        }
        Command::Serve { port, address, no_schedule, hosts, tls_certificate, tls_key, kafka, night: options } => {
            let tls = tls_certificate.zip(tls_key);
            let service = serve::Service { address, port, schedule: !no_schedule, hosts, tls, kafka };
            serve::serve(service, night(options)?).await
        }
        Command::Demo { demo: Demo::Stream { sessions, seed, pace } } => {
            let data = common.named_data().unwrap_or_else(|| "closing-bell-demo-stream".into());
            Box::pin(stream_demo::stream((sessions as usize, seed, pace), &data, json)).await
        }
        Command::Demo { demo: Demo::Drift { seed, nights } } => {
            let data = common.named_data().unwrap_or_else(|| "closing-bell-demo".into());
            drift::drift(seed, nights as usize, &data, json).await
        }
        Command::Health { port } => health::health(port).await,
        Command::Completions { shell } => Ok(generate::completions(shell)),
        Command::Man { folder } => generate::man(&folder),
    }
}
