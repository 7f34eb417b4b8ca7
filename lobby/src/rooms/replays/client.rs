//! How an object store is reached: HTTPS by the libraries that the lobby has anyway.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use http::Response;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::{Client, Error as CallError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use rustls::{ClientConfig, RootCertStore};

/// Connects to a store. It believes the authorities that browsers believe: an image with nothing but the lobby in it has
/// no list of its own. Times are the caller's.
#[derive(Debug, Clone)]
pub(super) struct Https(Client<HttpsConnector<Tcp>, HttpRequestBody>);

impl Https {
    /// # Errors
    /// If this build cannot speak TLS.
    pub(super) fn new() -> Result<Https, rustls::Error> {
        let mut roots = RootCertStore::empty();
        let _all = roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Whether a URL without TLS is good the store's own settings say: AWS_ALLOW_HTTP and the like.
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
        Ok(Https(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector)))
    }
}

impl HttpConnector for Https {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Https {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = self.0.request(request).await.map_err(failed)?.into_parts();
        Ok(Response::from_parts(head, HttpResponseBody::new(body.map_err(cut))))
    }
}

fn failed(error: CallError) -> HttpError {
    let kind = if error.is_connect() { HttpErrorKind::Connect } else { of(error.source()) };
    HttpError::new(kind, error)
}

fn cut(error: hyper::Error) -> HttpError {
    HttpError::new(of(Some(&error)), error)
}

/// What may be tried again, the store's client decides by this.
fn of(error: Option<&(dyn Error + 'static)>) -> HttpErrorKind {
    match error.and_then(|error| error.downcast_ref::<hyper::Error>()) {
        Some(error) if error.is_timeout() => HttpErrorKind::Timeout,
        Some(error) if error.is_incomplete_message() => HttpErrorKind::Interrupted,
        Some(error) if error.is_closed() || error.is_body_write_aborted() => HttpErrorKind::Request,
        Some(_) | None => HttpErrorKind::Unknown,
    }
}
