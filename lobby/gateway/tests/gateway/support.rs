//! What the tests stand on: a gateway on port 0, a lobby that says what it was asked, a room that echoes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::sse::{Event, Sse};
use axum::routing::{any, get};
use bellhop_gateway::{Gateway, Settings};
use bellhop_proto::tokens::{self, Key, Routing, SeatClaim};
use futures_util::stream::{self, StreamExt as _};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite};
use tokio_util::sync::CancellationToken;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct Under {
    pub(crate) address: SocketAddr,
    pub(crate) private: SocketAddr,
    pub(crate) key: Key,
    pub(crate) stop: CancellationToken,
    pub(crate) running: JoinHandle<anyhow::Result<()>>,
    pub(crate) dir: TempDir,
}

impl Under {
    /// A gateway before the given lobby, with more flags.
    pub(crate) async fn start(lobby: SocketAddr, flags: &[&str]) -> Under {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::generate();
        std::fs::write(dir.path().join("gateway.key"), key.as_bytes()).unwrap();
        Under::start_in(dir, key, lobby, flags).await
    }

    pub(crate) async fn start_in(dir: TempDir, key: Key, lobby: SocketAddr, flags: &[&str]) -> Under {
        let file = dir.path().join("gateway.key");
        let lobby = format!("http://{lobby}");
        let mut args = vec!["gateway", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--lobby", &lobby];
        args.extend(["--key-file", file.to_str().unwrap()]);
        args.extend(flags);
        let gateway = Gateway::bind(Settings::read(args).unwrap()).await.unwrap();
        let (address, private) = (gateway.address(), gateway.private_address().unwrap());
        let stop = CancellationToken::new();
        let running = tokio::spawn(gateway.run(stop.clone()));
        Under { address, private, key, stop, running, dir }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn token(&self, room: &str, at: SocketAddr) -> String {
        token(&self.key, room, at)
    }

    /// Opens a game socket.
    pub(crate) async fn dial(&self, room: &str, token: &str) -> Result<Socket, tungstenite::Error> {
        let mut request = format!("ws://{}/rooms/{room}", self.address).into_client_request()?;
        let offered = format!("bellhop.v1, bellhop.token.{token}");
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(&offered).unwrap());
        Ok(tokio_tungstenite::connect_async(request).await?.0)
    }

    pub(crate) async fn metric(&self, line: &str) -> f64 {
        let text = reqwest::get(format!("http://{}/metrics", self.private)).await.unwrap().text().await.unwrap();
        let found = text.lines().find_map(|at| at.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or_default()
    }

    /// Waits until a metric has a value.
    pub(crate) async fn until_metric(&self, line: &str, value: f64) {
        within(async {
            while self.metric(line).await != value {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

pub(crate) fn token(key: &Key, room: &str, at: SocketAddr) -> String {
    let routing = tokens::seal_routing(key, &Routing { room: room.into(), address: at.to_string() });
    let claim = SeatClaim {
        epoch: 1,
        match_id: "m-1".into(),
        player_id: "p-1".into(),
        seat: 0,
        expires_ms: u64::MAX,
        nonce: 1,
        resume: false,
    };
    tokens::seal_seat(&Key::generate(), &routing, &claim)
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

pub(crate) async fn within<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, waiting).await.expect("in time")
}

/// Sends bytes and reads until the other side closes.
pub(crate) async fn raw(at: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an answer too.
    drop(within(stream.read_to_end(&mut answer)).await);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A lobby that tells what it was asked. Dropped, it is dead: its port is closed and its connections are cut.
pub(crate) struct Lobby {
    pub(crate) address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Lobby {
    pub(crate) fn start() -> Lobby {
        // An address from which nothing else of this machine connects, or a connection could take its port while it is dead.
        Lobby::start_at("127.0.0.2:0".parse().unwrap())
    }

    /// On a runtime of its own, so that dropping it cuts everything at once, as a kill would.
    pub(crate) fn start_at(at: SocketAddr) -> Lobby {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let socket = {
            let _inside = runtime.enter();
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(at).unwrap();
            socket.listen(128).unwrap()
        };
        let address = socket.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(socket, doors()).await.unwrap() });
        Lobby { address, runtime: Some(runtime) }
    }
}

impl Drop for Lobby {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Gone when this returns, its listener too; not on this thread, which is one of the test's runtime.
            let ends = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(5)));
            ends.join().unwrap();
        }
    }
}

fn doors() -> Router {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let grpc = tonic::service::Routes::new(health).into_axum_router();
    let events = || async {
        let first = stream::iter([Ok::<_, Infallible>(Event::default().id("1").data("first"))]);
        Sse::new(first.chain(stream::pending()))
    };
    Router::new().route("/echo", any(echo)).route("/events", get(events)).merge(grpc)
}

async fn echo(request: Request) -> String {
    let mut lines: Vec<String> =
        request.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))).collect();
    lines.sort();
    let body = axum::body::to_bytes(request.into_body(), 1 << 24).await.map_or(0, |body| body.len());
    format!("{}\nbody: {body}\n", lines.join("\n"))
}
