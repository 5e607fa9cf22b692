use std::{fs, path::Path, process::ExitCode, sync::Arc, time::Duration};

use pipeline::{Settings, stream::Format};
use tokio::{net::TcpListener, sync::watch};
use web::Site;

use super::{
    Failure,
    ingest::{Opened, topic},
    output,
    stores::ledger_path,
};
use crate::{
    DirectoryArchive, SqliteLedger,
    kafka::{From, KafkaSettings},
    stream_demo::{self, Live, Progress},
};

/// The recorded sample as a stream, and who takes it in.
pub(super) async fn stream(
    (sessions, seed, pace): (usize, u64, f64),
    data: &Path,
    json: bool,
) -> Result<ExitCode, Failure> {
    if fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::Usage(format!("{} is not empty: name another folder with --data", data.display())));
    }
    let (stop, stopped) = watch::channel(false);
    let folder = data.join("stream");
    let begin = async |brokers: String, name: &str| {
        let in_words = |failure: Failure| failure.text().to_owned();
        let opened = Opened::new(&folder, &Settings::default()).await.map_err(in_words)?;
        let streams = opened.streams.clone();
        let settings = KafkaSettings {
            brokers: vec![brokers],
            topic: name.to_owned(),
            from: From::Beginning,
            tls: None,
            sasl: None,
        };
        let ended = stopped.clone();
        tokio::spawn(opened.clone().look_for_runs());
        tokio::spawn(async move { topic(&opened, &settings, Format::Either, false, ended).await });
        page(&folder, streams.clone()).await.map_err(in_words)?;
        Ok(Live { streams, source: format!("kafka:{name}") })
    };
    let report = |progress: Progress<'_>| {
        output::remark(&format!("{}: {}; {} to be taken in.", progress.session, progress.counts, progress.lag));
    };
    let pace = Duration::from_secs_f64(pace);
    let found = stream_demo::run((sessions, seed, pace), data, begin, report).await.map_err(Failure::Failed)?;
    let _ = stop.send(true);
    if json {
        output::json(&found);
    } else {
        output::print(&found.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// The pages, on a port that is free.
async fn page(folder: &Path, streams: Arc<dyn pipeline::stream::Streams>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("the page cannot be served: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let ledger = SqliteLedger::open_existing(&ledger_path(folder))?;
    let site = Site::new(Arc::new(DirectoryArchive::read_only(folder)), Arc::new(ledger)).streaming(streams);
    tokio::spawn(async move { axum::serve(listener, site.router()).await });
    output::remark(&format!("The stream is at http://{address}/stream"));
    Ok(())
}
