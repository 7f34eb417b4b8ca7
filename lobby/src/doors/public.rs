//! The players' port: gRPC, gRPC-Web, JSON, page and bundles, told apart by path and type.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use bellhop_proto::v1::matchmaking_server::MatchmakingServer;
use bellhop_proto::v1::players_server::PlayersServer;
use futures_util::future::{Either, ready};
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use hyper::body::Incoming;
use tonic::server::NamedService;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer, Service, ServiceExt};

use super::deadline::asked;
use super::desk::Desk;
use super::fault::Fault;
use super::grpc::Grpc;
use super::listener::Serve;
use super::origin::Origins;
use crate::drive::CallError;

/// The head of every answer leaves within this; streams go on.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Largest gRPC message taken in: the largest request is a password.
const MESSAGE_BYTES: usize = 16 << 10;

/// Native gRPC calls that make a ticket: refused before anything else is done for them, where they are to be refused. A
/// lobby that is offered too much must not spend itself on saying no.
const NEW_TICKETS: [&str; 2] = ["/bellhop.v1.Matchmaking/Play", "/bellhop.v1.Matchmaking/CreateTicket"];

/// Answers what comes to the players' port.
#[derive(Clone)]
pub(crate) struct Public {
    origins: Arc<Origins>,
    desk: Arc<Desk>,
    matchmaking: MatchmakingServer<Grpc>,
    players: PlayersServer<Grpc>,
    web: GrpcWebService<tonic::service::Routes>,
    rest: Router,
}

impl Public {
    /// `health` and `reflection` beside the two services of players; `rest` for everything that is not gRPC.
    pub(crate) fn new(origins: Arc<Origins>, grpc: Grpc, others: tonic::service::Routes, rest: Router) -> Public {
        let desk = grpc.0.clone();
        let matchmaking = MatchmakingServer::new(grpc.clone()).max_decoding_message_size(MESSAGE_BYTES);
        let players = PlayersServer::new(grpc).max_decoding_message_size(MESSAGE_BYTES);
        let routes = others.add_service(matchmaking.clone()).add_service(players.clone()).prepare();
        Public { origins, desk, matchmaking, players, web: GrpcWebLayer::new().layer(routes), rest }
    }
}

impl Serve for Public {
    fn serve(
        mut self,
        peer: IpAddr,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send + 'static {
        if let Some(refused) = self.refuse_unseen(&request) {
            return Either::Left(ready(refused));
        }
        let origin = self.origins.of(peer, request.uri(), request.headers());
        request.extensions_mut().insert(origin);
        let asked = asked(request.headers()).filter(|asked| *asked < ANSWER_WITHIN);
        let is_grpc = is_grpc(&request);
        let desk = self.desk.clone();
        Either::Right(Box::pin(async move {
            match tokio::time::timeout(asked.unwrap_or(ANSWER_WITHIN), self.answer(request)).await {
                Ok(answer) => {
                    if is_unread(&answer) {
                        desk.metrics.refused("bad-message");
                    }
                    answer
                }
                Err(_) if is_grpc => {
                    let fault = if asked.is_some() { Fault::deadline() } else { CallError::Late.into() };
                    desk.metrics.refused(fault.kind);
                    fault.status().into_http()
                }
                Err(_) => Fault::from(CallError::Late).into_response(),
            }
        }))
    }
}

fn content_type(request: &Request<Incoming>) -> &[u8] {
    request.headers().get(CONTENT_TYPE).map_or(&[], |kind| kind.as_bytes())
}

fn is_grpc(request: &Request<Incoming>) -> bool {
    content_type(request).starts_with(b"application/grpc")
}

fn is_native(content_type: &[u8]) -> bool {
    content_type.starts_with(b"application/grpc") && !content_type.starts_with(b"application/grpc-web")
}

/// Whether a message was refused before one of our calls saw it: too long, or none. What we refuse ourselves is counted
/// where it is, and has details.
fn is_unread(answer: &Response<Body>) -> bool {
    let headers = answer.headers();
    headers.get("grpc-status").is_some_and(|status| status != "0") && !headers.contains_key("grpc-status-details-bin")
}

impl Public {
    /// The refusal of a new ticket that would be refused later anyway.
    fn refuse_unseen(&self, request: &Request<Incoming>) -> Option<Response<Body>> {
        if !NEW_TICKETS.contains(&request.uri().path()) || !is_native(content_type(request)) {
            return None;
        }
        let fault = self.desk.admit_new().err()?;
        self.desk.metrics.refused(fault.kind);
        Some(fault.status().into_http())
    }

    async fn answer(&mut self, request: Request<Incoming>) -> Response<Body> {
        let kind = content_type(&request);
        if is_native(kind) {
            let service = request.uri().path().split('/').nth(1).unwrap_or("");
            // The short way for what comes twenty thousand times a second.
            if service == <MatchmakingServer<Grpc> as NamedService>::NAME {
                return sure(self.matchmaking.call(request).await).map(Body::new);
            }
            if service == <PlayersServer<Grpc> as NamedService>::NAME {
                return sure(self.players.call(request).await).map(Body::new);
            }
        }
        if kind.starts_with(b"application/grpc") {
            return sure(self.web.clone().oneshot(request).await).map(Body::new);
        }
        sure(self.rest.clone().oneshot(request).await)
    }
}

fn sure<T>(result: Result<T, std::convert::Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
