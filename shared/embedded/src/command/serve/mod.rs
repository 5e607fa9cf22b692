//! `serve`: pages, the HTTP interface and the weekday schedule, until it is stopped.

mod connections;
mod door;
mod nights;
mod schedule;
mod tls;
mod tokens;
mod warm;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use axum::Router;
use pipeline::{Digest, stream::Format};
use rand::{TryRng, rngs::SysRng};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Handle, Runtime},
    sync::watch,
};
use web::Site;

use super::{
    Failure,
    arguments::{KafkaArguments, NightArguments, PlaceArguments},
    ingest::{MAX_PAUSE, Opened, kafka_settings, topic},
    output,
    settings::read_settings,
    stores::{Stores, ledger_path},
};
use crate::kafka::KafkaSettings;
use connections::Bounded;
use door::Door;
use nights::Nights;
pub(super) use schedule::Schedule;
use tls::Certificate;
use tokens::Tokens;
use warm::keep_warm;

/// Where to listen, and whether nights begin by themselves.
pub(super) struct Service {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) schedule: bool,
    /// Names by which it is called.
    pub(super) hosts: Vec<String>,
    /// Files of a certificate and its key, where it serves over TLS.
    pub(super) tls: Option<(PathBuf, PathBuf)>,
    /// A topic that is taken in beside the schedule.
    pub(super) kafka: KafkaArguments,
}

const TOKEN_VARIABLE: &str = "CLOSING_BELL_TOKEN";
/// Where it is set, readers need it.
const READ_TOKEN_VARIABLE: &str = "CLOSING_BELL_READ_TOKEN";
const MIN_TOKEN: usize = 16;

/// Serves until an interrupt or SIGTERM.
pub(super) async fn serve(service: Service, arguments: NightArguments) -> Result<ExitCode, Failure> {
    let place = arguments.store.place.clone();
    let Stores { archive, ledger, .. } = stores(&place).await?;
    let tls = match &service.tls {
        None => None,
        Some((chain, key)) => Some(Certificate::acceptor(chain, key).map_err(Failure::Usage)?),
    };
    let reader = token_of(READ_TOKEN_VARIABLE)?;
    let (stop, stopped) = watch::channel(());
    let site = Site::new(archive.clone(), ledger.clone()).until(stopped.clone());
    // Beyond this machine it may be called anything, unless its names are given.
    let known = service.address.is_loopback() || !service.hosts.is_empty();
    let site = site.behind_a_door(known.then(|| service.hosts.clone()));
    if place.in_cloud() {
        // Nothing is started here: both read.
        let site = signed_in(site, reader.as_deref(), reader.as_deref().unwrap_or_default());
        let listener = Bounded::new(listen(&service, reader.is_some()).await?, tls);
        output::remark("It only reads: there the state machine holds the nights.");
        return answer(listener, site.router(), stopped, stop).await;
    }
    let settings = read_settings(arguments.config.as_deref(), &arguments.set)?;
    let (token, made_up) = token()?;
    // A key that is none is refused now, and not at the first night.
    super::signing::signer()?;
    let site = signed_in(site, reader.as_deref(), &token);
    let kafka = kafka_settings(&service.kafka)?;
    let site = taking_rows(site, Opened::new(&place.data, &settings).await, kafka, &token, &stopped)?;
    // Nights compute for minutes: on threads of their own, so that no answer waits behind a model.
    let work = Work::new()?;
    let read = ledger.clone();
    let nights = Arc::new(Nights::new(arguments, &token, archive, ledger, work.handle()).await?);
    let schedule = Schedule::new(&settings.schedule).map_err(Failure::Usage)?;
    let by_itself = service.schedule && settings.schedule.enabled;
    if by_itself && !nights.get_newer() {
        output::remark("Recorded prices do not get newer: no night begins by itself.");
    }
    let schedule = Some(schedule).filter(|_| by_itself && nights.get_newer());
    let said = schedule.as_ref().map(ToString::to_string);

    let listener = Bounded::new(listen(&service, reader.is_some()).await?, tls);
    if made_up {
        output::remark(&format!("To start a night over HTTP, use the token {token} (or set {TOKEN_VARIABLE})."));
    }
    let clock = schedule.map(|schedule| {
        output::remark(&format!("Nights begin {schedule}; the next one {}.", schedule.next_in_words()));
        work.handle().spawn(schedule.run(nights.clone(), stopped.clone()))
    });
    let site = match &said {
        Some(schedule) => site.scheduled(schedule.clone()),
        None => site,
    };
    let router = site.starting(nights.clone()).deciding(nights.clone()).router();
    let warm = tokio::spawn(keep_warm(router.clone(), read, reader.is_some().then_some(token)));
    let code = answer(listener, router, stopped, stop).await?;
    warm.abort();
    if let Some(clock) = clock {
        clock.abort();
    }
    if nights.under_way() {
        output::remark(
            "A night is cut off: the same night started again goes on where it was, and its page can start it.",
        );
    }
    Ok(code)
}

/// With people who sign in, where readers need a token.
fn signed_in(site: Site, reader: Option<&str>, operator: &str) -> Site {
    match reader {
        Some(reader) => site.signed_in(Arc::new(Tokens::new(reader, operator))),
        None => site,
    }
}

/// With rows that arrive over HTTP, and from a topic where there is one. Where nothing can be written, nothing is taken in.
fn taking_rows(
    site: Site,
    opened: Result<Opened, Failure>,
    kafka: Option<KafkaSettings>,
    token: &str,
    stopped: &watch::Receiver<()>,
) -> Result<Site, Failure> {
    match opened {
        Ok(opened) => {
            tokio::spawn(opened.clone().look_for_runs());
            if let Some(kafka) = kafka {
                tokio::spawn(follow(opened.clone(), kafka, stopped.clone()));
            }
            Ok(site.streaming(opened.streams).ingesting(Arc::new(Door::new(opened.ingest, token))))
        }
        Err(failure) if kafka.is_none() => {
            output::remark(&format!("No rows are taken in: {}", failure.text()));
            Ok(site)
        }
        Err(failure) => Err(failure),
    }
}

/// Takes a topic in until it is stopped. Whatever is wrong with it is reported, and it is tried again: the topic may be made later.
async fn follow(opened: Opened, kafka: KafkaSettings, mut stopping: watch::Receiver<()>) {
    let (ending, ended) = watch::channel(false);
    let reading = async {
        loop {
            match topic(&opened, &kafka, Format::Either, false, ended.clone()).await {
                Ok(counts) => return output::remark(&format!("{counts}.")),
                Err(failure) => output::remark(&format!("Kafka is not read: {}", failure.text())),
            }
            tokio::time::sleep(MAX_PAUSE).await;
        }
    };
    let stopping = async {
        let _ = stopping.changed().await;
        let _ = ending.send(true);
        // By then what is under way has ended; a pause is not waited for.
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        () = reading => {}
        () = stopping => {}
    }
}

async fn listen(service: &Service, asks: bool) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(service.address, service.port);
    let failed = |error: std::io::Error| Failure::Usage(format!("{address} cannot be listened on: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let scheme = if service.tls.is_some() { "https" } else { "http" };
    output::print(&format!("Closing Bell is at {scheme}://{address}/"));
    if asks && service.tls.is_none() {
        output::remark("Readers need a token, which browsers keep over TLS alone: --tls-certificate and --tls-key.");
    }
    let guarded = asks && service.tls.is_some();
    if !service.address.is_loopback() && !guarded {
        output::remark(
            "It listens beyond this machine, where anyone who reaches it can read: set CLOSING_BELL_READ_TOKEN, and --tls-certificate and --tls-key.",
        );
    }
    Ok(listener)
}

/// Answers until it is stopped; then the clock is stopped too, and requests under way are answered first.
async fn answer(
    listener: Bounded,
    router: Router,
    mut stopped: watch::Receiver<()>,
    stop: watch::Sender<()>,
) -> Result<ExitCode, Failure> {
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { drop(stopped.changed().await) });
    let server = tokio::spawn(server.into_future());
    super::stop::asked().await;
    output::remark("Stopping: requests under way are answered first.");
    let _ = stop.send(());
    // A client that reads for ever does not keep the service from stopping.
    if tokio::time::timeout(PATIENCE, server).await.is_err() {
        output::remark("Some requests were cut off.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The threads of the nights. They are not waited for: a night that is cut off goes on where it was when it is started again.
struct Work(Option<Runtime>);

impl Work {
    fn new() -> Result<Work, Failure> {
        let runtime = Builder::new_multi_thread().enable_all().thread_name("night").build();
        let runtime = runtime.map_err(|error| Failure::Failed(format!("no threads for the nights: {error}")))?;
        Ok(Work(Some(runtime)))
    }

    fn handle(&self) -> Handle {
        self.0.as_ref().expect("it is there until it is dropped").handle().clone()
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Both stores for reading. The first of all nights finds an empty ledger, and what an earlier release left is brought up to date before
/// anyone reads it, where it can be written.
async fn stores(place: &PlaceArguments) -> Result<Stores, Failure> {
    if !place.in_cloud() {
        let made = Stores::write(place).await;
        if !ledger_path(&place.data).exists() {
            made?;
        }
    }
    Stores::read(place).await
}

/// The token that starts runs, and whether it was made up.
fn token() -> Result<(String, bool), Failure> {
    if let Some(token) = token_of(TOKEN_VARIABLE)? {
        return Ok((token, false));
    }
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| Failure::Failed(format!("no random numbers: {error}")))?;
    Ok((Digest::of(&bytes).as_str()[..32].to_owned(), true))
}

/// A token in the environment.
fn token_of(variable: &str) -> Result<Option<String>, Failure> {
    let Some(token) = std::env::var(variable).ok().filter(|token| !token.trim().is_empty()) else { return Ok(None) };
    let token = token.trim().to_owned();
    if token.len() < MIN_TOKEN {
        let what = format!("{variable} has {} characters, and needs {MIN_TOKEN}: it could be guessed", token.len());
        return Err(Failure::Usage(what));
    }
    Ok(Some(token))
}
