//! The public port: carries game sockets to rooms and everything else to the lobby.
//!
//! The gateway knows no player, no match and no game. It opens the routing part of a seat token, copies bytes
//! between the player and the room it names, and passes every other request on to the lobby. So a lobby that dies
//! or is replaced cuts no game socket, and the page gets "back in a moment" instead of a refused connection.
//!
//! - [`door`] accepts connections: caps, first byte, HTTP/1.1 or HTTP/2, slow headers.
//! - [`serve`] looks at a request and sends it one of two ways.
//! - [`relay`] carries a game socket.
//! - [`proxy`] carries a request to the lobby.
//! - [`private`] answers probes and scrapers.
//! - [`refusal`] says no, in the form the asker understands.

mod door;
mod forwarded;
mod key;
mod metrics;
mod prefixed;
mod private;
mod proxy;
mod refusal;
mod relay;
mod serve;
mod settings;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bellhop_doorway::Full;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use settings::{Cidr, Settings};

/// What all connections of one gateway share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) lobby: proxy::Lobby,
    pub(crate) key: key::KeyFile,
    pub(crate) metrics: metrics::Metrics,
    pub(crate) caps: door::Caps,
    /// What a connection too many is told.
    pub(crate) full: Full,
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the gateway shuts down: no new connection, no new request on an old one.
    pub(crate) stop: CancellationToken,
}

/// A gateway whose ports are open.
pub struct Gateway {
    shared: Arc<Shared>,
    public: TcpListener,
    private: Option<TcpListener>,
    address: SocketAddr,
    private_address: Option<SocketAddr>,
}

impl Gateway {
    /// Opens the ports.
    ///
    /// # Errors
    /// When a port cannot be opened or the lobby's address makes no sense; the message says what to do about it.
    pub async fn bind(settings: Settings) -> anyhow::Result<Gateway> {
        let public = listen(settings.listen, "--listen").await?;
        let address = public.local_addr().context("reading the public address")?;
        let private = match settings.private_listen {
            Some(at) => Some(listen(at, "--private-listen").await?),
            None => None,
        };
        let private_address = match &private {
            Some(private) => Some(private.local_addr().context("reading the private address")?),
            None => None,
        };
        let tasks = TaskTracker::new();
        let shared = Shared {
            lobby: proxy::Lobby::new(&settings, tasks.clone())?,
            key: key::KeyFile::new(settings.key_file.clone()),
            metrics: metrics::Metrics::new(settings.max_connections),
            caps: door::Caps::new(settings.max_connections, settings.max_connections_per_ip),
            full: Full::new("The gateway holds as many connections as it may.", "Try again later."),
            stop: CancellationToken::new(),
            tasks,
            settings,
        };
        Ok(Gateway { shared: Arc::new(shared), public, private, address, private_address })
    }

    /// Where players reach it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where probes and scrapers reach it.
    pub fn private_address(&self) -> Option<SocketAddr> {
        self.private_address
    }

    /// Serves until `stop` is cancelled, then drains: requests and game sockets get `drain_seconds` to end.
    ///
    /// # Errors
    /// When a part that must live as long as the gateway ended by itself.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Gateway { shared, public, private, .. } = self;
        let key = tokio::spawn(key::wait(Arc::clone(&shared)));
        let private_stop = CancellationToken::new();
        let private = private.map(|at| tokio::spawn(private::serve(at, Arc::clone(&shared), private_stop.clone())));

        let accepting = door::accept(public, Arc::clone(&shared));
        tokio::pin!(accepting);
        tokio::select! {
            () = stop.cancelled() => {}
            () = &mut accepting => anyhow::bail!("the public door stopped accepting"),
        }
        tracing::info!(connections = shared.tasks.len(), "draining");
        shared.stop.cancel();
        accepting.await;
        shared.tasks.close();
        let grace = Duration::from_secs(shared.settings.drain_seconds);
        if tokio::time::timeout(grace, shared.tasks.wait()).await.is_err() {
            tracing::warn!(connections = shared.tasks.len(), "the grace is over, cutting what is left");
        }
        key.abort();
        private_stop.cancel();
        if let Some(private) = private {
            private.await.context("the private door")?;
        }
        Ok(())
    }
}

async fn listen(at: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(at).await.map_err(|source| {
        let port = at.port();
        if source.kind() == ErrorKind::AddrInUse {
            anyhow::anyhow!("port {port} is taken: stop what listens on {at}, or choose another with {flag} HOST:PORT")
        } else if source.kind() == ErrorKind::PermissionDenied {
            anyhow::anyhow!(
                "not allowed to listen on {at}: a port below 1024 needs a privilege; choose another with {flag}"
            )
        } else {
            anyhow::Error::new(source).context(format!("cannot listen on {at} (from {flag})"))
        }
    })
}
