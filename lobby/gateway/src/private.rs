//! Health and metrics, on a port of their own.

use std::sync::Arc;

use bellhop_doorway::private::{self, Answer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Shared;

/// Serves until `stop`.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    // Tasks of their own: a scraper holds up no drain.
    let serving = private::serve(listener, TaskTracker::new(), move |path| answer(&shared, path));
    stop.run_until_cancelled(serving).await;
}

fn answer(shared: &Shared, path: &str) -> Answer {
    match path {
        "/readyz" if shared.stop.is_cancelled() => Answer::unwell("draining"),
        "/readyz" if !shared.key.is_there() => Answer::unwell("waiting for the key file"),
        "/livez" | "/readyz" => Answer::ok(),
        "/metrics" => Answer::metrics(shared.metrics.text()),
        _ => Answer::not_found(),
    }
}
