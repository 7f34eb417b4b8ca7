//! The open games, live.

use std::sync::Arc;
use std::time::Duration;

use bellhop_proto::v1;
use futures_util::Stream;
use futures_util::stream;

use super::desk::Desk;
use super::fault::Fault;

/// A watcher gets the list at most four times a second.
const AT_MOST_EVERY: Duration = Duration::from_millis(250);
/// The list is told again after this even without a change: the ages in it grow.
const AT_LEAST_EVERY: Duration = Duration::from_secs(10);

/// The first page at once, and again after each change.
///
/// # Errors
/// If more than a page is asked for.
pub(crate) fn watch(
    desk: Arc<Desk>,
    request: v1::ListOpenGamesRequest,
) -> Result<impl Stream<Item = Result<v1::ListOpenGamesResponse, Fault>> + Send + 'static, Fault> {
    if !request.page_token.is_empty() {
        return Err(Fault::field("page_token", "only the first page is live: leave it empty"));
    }
    let changes = desk.core.open_games.clone();
    Ok(stream::unfold(Some((desk, request, changes, true)), |state| async {
        let (desk, request, mut changes, first) = state?;
        if !first {
            tokio::time::sleep(AT_MOST_EVERY).await;
            let changed = tokio::time::timeout(AT_LEAST_EVERY, changes.changed());
            if matches!(changed.await, Ok(Err(_))) {
                return None;
            }
        }
        changes.mark_unchanged();
        match desk.open_games(&request).await {
            Ok(list) => Some((Ok(list), Some((desk, request, changes, false)))),
            Err(fault) => Some((Err(fault), None)),
        }
    }))
}
