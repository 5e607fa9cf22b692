//! Connections, of which there are no more than leave nights the files that they need, and which nobody keeps for nothing.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// A connection on which nothing comes and nothing goes for so long is closed.
const IDLE: Duration = Duration::from_mins(1);
/// No service has more.
const MAX_CONNECTIONS: u64 = 4000;
/// For stores, markets and programs.
const KEPT_BACK: u64 = 256;

/// Who has not agreed on TLS by then is nobody.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A listener that has so many connections at once.
pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    tls: Option<TlsAcceptor>,
    /// Those that have agreed on TLS.
    agreed: (mpsc::Sender<Accepted>, mpsc::Receiver<Accepted>),
}

type Accepted = (Connection, SocketAddr);

impl Bounded {
    /// As many as there are descriptors for, beside those of a night: as many as the system allows without being asked for more.
    pub(super) fn new(listener: TcpListener, tls: Option<TlsAcceptor>) -> Bounded {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = MAX_CONNECTIONS + KEPT_BACK;
        let possible = maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let mut now = current.unwrap_or(wanted);
        if now < possible && setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum }).is_ok() {
            now = possible;
        }
        // At least a few, however little there is.
        let places = now.saturating_sub(KEPT_BACK).max(now / 4 + 1).min(MAX_CONNECTIONS);
        let places = Arc::new(Semaphore::new(usize::try_from(places).unwrap_or(1)));
        Bounded { listener, places, tls, agreed: mpsc::channel(16) }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let next = async {
                let place = self.places.clone().acquire_owned().await.ok();
                (place, Listener::accept(&mut self.listener).await)
            };
            let (place, (stream, address)) = tokio::select! {
                next = next => next,
                Some(agreed) = self.agreed.1.recv() => return agreed,
            };
            // Answers are small, and nobody waits for them to fill a packet.
            let _ = stream.set_nodelay(true);
            let Some(tls) = self.tls.clone() else { return (Connection::new(Box::new(stream), place), address) };
            // Beside the others: who takes his time holds up nobody.
            let agreed = self.agreed.0.clone();
            tokio::spawn(async move {
                if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await {
                    let _ = agreed.send((Connection::new(Box::new(stream), place), address)).await;
                }
            });
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// With or without TLS.
trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// One of them.
pub(super) struct Connection {
    stream: Box<dyn Transport>,
    idle: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn new(stream: Box<dyn Transport>, place: Option<OwnedSemaphorePermit>) -> Connection {
        Connection { stream, idle: Box::pin(sleep(IDLE)), _place: place }
    }

    fn alive<T>(&mut self, polled: Poll<T>) -> Poll<T> {
        if polled.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE);
        }
        polled
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if read.is_pending() && self.idle.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.alive(read)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.alive(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.alive(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
