//! Health and metrics, on a port of their own.

use std::sync::Arc;

use bellhop_doorway::private::{self, Answer};
use tokio::net::TcpListener;

use crate::Shared;

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let tasks = shared.tasks.clone();
    private::serve(listener, tasks, move |path| answer(&shared, path)).await;
}

fn answer(shared: &Shared, path: &str) -> Answer {
    let state = shared.board.read().said();
    let unready = if state.ended.is_some() {
        Some("the match thread has ended")
    } else if state.draining {
        Some("draining")
    } else if shared.identity().routing.is_empty() {
        Some("not attached to a lobby yet")
    } else {
        None
    };
    match (path, unready) {
        ("/livez", Some(reason)) if state.ended.is_some() => Answer::unwell(reason),
        ("/livez", _) | ("/readyz", None) => Answer::ok(),
        ("/readyz", Some(reason)) => Answer::unwell(reason),
        ("/metrics", _) => Answer::metrics(shared.metrics.text(&state, shared.settings.max_sockets)),
        (_, _) => Answer::not_found(),
    }
}
