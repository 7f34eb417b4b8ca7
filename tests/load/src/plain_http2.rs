//! A connection of HTTP/2 and nothing around it: for a benchmark whose load runs on the cores of what it measures.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::codegen::Service;

/// Requests go straight to the connection's task: no queue before it, no reconnecting, no time limits.
#[derive(Debug, Clone)]
pub struct PlainHttp2(SendRequest<Body>);

impl PlainHttp2 {
    /// Connects to `address`, as `127.0.0.1:7000`.
    ///
    /// # Errors
    /// If nobody listens there, or speaks something else.
    pub async fn connect(address: &str) -> Result<PlainHttp2> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        let (send, connection) = Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("  a connection ended: {error}");
            }
        });
        Ok(PlainHttp2(send))
    }
}

impl Service<Request<Body>> for PlainHttp2 {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
