//! The private port: rooms, operations, metrics, health.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use lobby_core::Call;
use tower::ServiceExt;

use super::listener::Serve;
use crate::drive::Core;
use crate::metrics::Metrics;

/// Answers what comes to the private port.
#[derive(Clone)]
pub(crate) struct Private {
    grpc: tonic::service::Routes,
    rest: Router,
}

impl Private {
    pub(crate) fn new(grpc: tonic::service::Routes, core: Core, metrics: Arc<Metrics>) -> Private {
        let rest = Router::new()
            .route("/livez", get(live))
            .route("/readyz", get(ready))
            .route("/metrics", get(render))
            .with_state((core, metrics));
        Private { grpc: grpc.prepare(), rest }
    }
}

impl Serve for Private {
    fn serve(self, _peer: IpAddr, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send + 'static {
        let kind = request.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let is_grpc = kind.starts_with(b"application/grpc");
        async move {
            if is_grpc {
                return match self.grpc.oneshot(request).await {
                    Ok(answer) => answer.map(Body::new),
                    Err(never) => match never {},
                };
            }
            match self.rest.oneshot(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            }
        }
    }
}

type Known = State<(Core, Arc<Metrics>)>;

/// Alive: the core answers. A task that died ends the process, so this is not all that watches them.
async fn live(State((core, _)): Known) -> AxumResponse {
    match core.call(Call::GetSettings).await {
        Ok(_) => "alive\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

/// Ready: what was promised is replayed and the journal takes more. The port opens only then.
async fn ready(State((core, _)): Known) -> AxumResponse {
    if core.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the lobby is about to stop\n").into_response();
    }
    match core.call(Call::GetSettings).await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn render(State((core, metrics)): Known) -> AxumResponse {
    match metrics.render(&core).await {
        Ok(text) => {
            ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}
