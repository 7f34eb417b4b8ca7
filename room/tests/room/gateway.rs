//! With a gateway in between.

use bellhop_gateway::{Gateway, Settings};
use bellhop_proto::v1::seat_report::Presence;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::games::Pulse;
use crate::lobby::{FalseLobby, OPENED_AGAIN};
use crate::support::{Player, Under};

/// Longest for what runs in it to end.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

struct Front {
    address: std::net::SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Front {
    /// On a runtime of its own, so that dropping it cuts everything at once, as a kill would.
    fn start(at: &str, lobby: &FalseLobby, dir: &TempDir) -> Front {
        let key = dir.path().join("gateway.key");
        std::fs::write(&key, lobby.key.as_bytes()).unwrap();
        let flags = ["gateway", "--listen", at, "--private-listen", "off", "--key-file", key.to_str().unwrap()];
        let settings = Settings::read(flags).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (send, receive) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let gateway = Gateway::bind(settings).await.unwrap();
            send.send(gateway.address()).unwrap();
            gateway.run(CancellationToken::new()).await
        });
        Front { address: receive.recv().unwrap(), runtime: Some(runtime) }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Gone when this returns, its listener too; not on this thread, which is one of the test's runtime.
            let ends = std::thread::spawn(move || runtime.shutdown_timeout(PATIENCE));
            ends.join().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_killed_breaks_the_sockets_and_the_next_one_brings_everybody_back() {
    let (lobby, _under, mut line) = Under::hosting("pulse", "{}", 2).await;
    let dir = tempfile::tempdir().unwrap();
    let front = Front::start(OPENED_AGAIN, &lobby, &dir);
    let at = front.address;
    let mut ann = Player::<Pulse>::join(at, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Pulse>::join(at, &line.token(&lobby, 1, 1)).await;
    ann.until_state().await;
    bob.until_state().await;
    drop(front);
    let all = |presence: Presence| {
        move |report: &bellhop_proto::v1::Report| {
            report.seats.iter().filter(|seat| seat.presence() == presence).count() == 2
        }
    };
    line.report(all(Presence::Dropped)).await;
    let step = ann.client.view().unwrap().step;

    let _next = Front::start(&at.to_string(), &lobby, &dir);
    ann.resume().await;
    bob.resume().await;
    ann.until(|ann| ann.client.view().unwrap().step > step).await;
    bob.until(|bob| bob.client.view().unwrap().step > step).await;
    line.report(all(Presence::Live)).await;
}
