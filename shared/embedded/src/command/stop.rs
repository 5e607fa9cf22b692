//! When whoever started a command wants it to end.

use tokio::signal;

/// Waits for an interrupt, or to be terminated.
pub(super) async fn asked() {
    let interrupt = async { drop(signal::ctrl_c().await) };
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! { () = interrupt => {}, () = terminate => {} }
}
