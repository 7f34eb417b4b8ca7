//! Looks at a request and sends it one of two ways: to a room, or to the lobby.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;

use crate::door::Connection;
use crate::refusal::{Asker, Refusal};
use crate::{proxy, relay};

/// What goes out: a refusal of our own, or the stream that came from behind.
pub(crate) type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// A body that is there at once.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Where game sockets are.
const ROOMS: &str = "/rooms/";

/// Answers one request.
pub(crate) async fn answer(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    connection.asked();
    let asker = Asker::of(&request);
    let answered = if request.method() == Method::CONNECT || !request.uri().path().starts_with('/') {
        Err(Refusal::new(StatusCode::BAD_REQUEST, "bad-request", "Not a request for this server")
            .detail("The request names no path.")
            .hint("Ask for a path, such as GET /."))
    } else if let Some(room) = request.uri().path().strip_prefix(ROOMS) {
        let room = room.to_owned();
        relay::open(&connection, &room, request).await
    } else {
        proxy::pass(&connection, request).await
    };
    Ok(answered.unwrap_or_else(|refusal| {
        connection.shared.metrics.refuse(refusal.kind());
        refusal.into_response(asker)
    }))
}
