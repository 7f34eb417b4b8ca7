//! What answers the questions that games ask: a language model behind any OpenAI-compatible endpoint.
//!
//! It is asked off the match's thread, each question once, and everything about it has a limit: how long it takes, how
//! much it says. What goes wrong is counted, logged without the key and without what was said, and the game is told
//! that there is no answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::settings::Settings;
use crate::{Shared, owner};

/// Longest answer that is read, with all that the service wraps around it.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest head of an answer.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Longest key.
const MAX_KEY_BYTES: usize = 4 * 1024;

/// Where it is, and what it is told.
pub(crate) struct Model {
    uri: Uri,
    host: String,
    port: u16,
    name: String,
    key_file: Option<PathBuf>,
    tls: Option<TlsConnector>,
    timeout: Duration,
}

/// Why there is no answer. No text of it holds the key, or what the service said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("the key cannot be read")]
    Key(#[source] anyhow::Error),
    #[error("the service cannot be reached")]
    Reach(#[source] anyhow::Error),
    #[error("the service does not speak HTTP as it should")]
    Http(#[source] anyhow::Error),
    #[error("the service answered with status {0}")]
    Status(StatusCode),
    #[error("the service said more than {MAX_BODY_BYTES} bytes")]
    TooLong,
    #[error("the service's answer is not a chat completion")]
    Form,
    #[error("the service took too long")]
    Slow,
}

impl AskError {
    /// A fixed word for metrics.
    fn kind(&self) -> &'static str {
        match self {
            AskError::Key(_) => "key",
            AskError::Reach(_) => "reach",
            AskError::Http(_) => "http",
            AskError::Status(_) => "status",
            AskError::TooLong => "too_long",
            AskError::Form => "form",
            AskError::Slow => "slow",
        }
    }
}

/// Passes a question to the model, where there is one, and what it says back to the match.
pub(crate) fn ask(shared: &Arc<Shared>, epoch: u64, question: u32, words: String) {
    let asking = Arc::clone(shared);
    let task = async move {
        let begun = Instant::now();
        let Some(model) = &asking.model else { return };
        let asked = model.ask(&words).await;
        let took_ms = begun.elapsed().as_millis() as u64;
        asking.metrics.asked(asked.as_ref().map_or_else(AskError::kind, |_| "answered"));
        let answer = match asked {
            Ok(answer) => {
                tracing::info!(epoch, question, took_ms, bytes = answer.len(), "the model answered");
                Some(answer)
            }
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::from(error));
                tracing::warn!(epoch, question, took_ms, error, "the model gave no answer");
                None
            }
        };
        if asking.inbox.push(owner::ToMatch::Answer { epoch, question, answer }, true).is_err() {
            tracing::warn!(epoch, question, "the match thread takes no answer");
        }
    };
    shared.tasks.spawn_on(task, &shared.runtime);
}

impl Model {
    /// The model that the settings name; none, if they name none.
    ///
    /// # Errors
    /// When the URL is none, or the certificates cannot be read.
    pub(crate) fn from_settings(settings: &Settings) -> anyhow::Result<Option<Model>> {
        let Some(url) = &settings.model_url else { return Ok(None) };
        let problem = || format!("--model-url {url:?} is no address: give one such as https://HOST/v1");
        let base: Uri = url.trim_end_matches('/').parse().with_context(problem)?;
        let secure = match base.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => bail!(problem()),
        };
        let host = base.host().with_context(problem)?.trim_matches(['[', ']']).to_owned();
        let port = base.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let uri = format!("{}/chat/completions", base.path().trim_end_matches('/')).parse().with_context(problem)?;
        let tls = if secure { Some(connector(settings)?) } else { None };
        let timeout = Duration::from_secs(settings.model_timeout_seconds.clamp(1, 60));
        let name = settings.model_name.clone();
        Ok(Some(Model { uri, host, port, name, key_file: settings.model_key_file.clone(), tls, timeout }))
    }

    /// Asks.
    ///
    /// # Errors
    /// [`AskError`], in each of its forms.
    pub(crate) async fn ask(&self, words: &str) -> Result<String, AskError> {
        tokio::time::timeout(self.timeout, self.ask_without_end(words)).await.unwrap_or(Err(AskError::Slow))
    }

    async fn ask_without_end(&self, words: &str) -> Result<String, AskError> {
        let request = self.request(words)?;
        let reached = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            anyhow::Ok(stream)
        };
        let stream = reached.await.map_err(AskError::Reach)?;
        match &self.tls {
            None => speak(stream, request).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone()).map_err(|error| AskError::Reach(error.into()))?;
                let stream = tls.connect(name, stream).await.map_err(|error| AskError::Reach(error.into()))?;
                speak(stream, request).await
            }
        }
    }

    fn request(&self, words: &str) -> Result<Request<Full<Bytes>>, AskError> {
        let body = serde_json::json!({
            "model": self.name,
            "messages": [{ "role": "user", "content": words }],
            "stream": false,
        });
        let mut request = Request::new(Full::new(Bytes::from(body.to_string())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let host = HeaderValue::try_from(format!("{}:{}", self.host, self.port));
        headers.insert(HOST, host.map_err(|error| AskError::Http(error.into()))?);
        if let Some(path) = &self.key_file {
            let mut bearer = key(path).map_err(AskError::Key)?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(request)
    }
}

/// The key, as a header. It is read each time: a secret may be renewed.
fn key(path: &PathBuf) -> anyhow::Result<HeaderValue> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let key = text.trim();
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        bail!("{} holds no key: put it there, alone on one line", path.display());
    }
    // The error would not hold the key, but who knows what a later version of it does.
    HeaderValue::try_from(format!("Bearer {key}"))
        .ok()
        .with_context(|| format!("{} holds more than one line, or signs that no key has", path.display()))
}

fn connector(settings: &Settings) -> anyhow::Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    match &settings.model_ca_file {
        Some(path) => {
            let read = || format!("reading the certificates in {} (from --model-ca-file)", path.display());
            for certificate in CertificateDer::pem_file_iter(path).with_context(read)? {
                // A bundle may hold certificates that are too old to be understood.
                let _skipped = roots.add(certificate.with_context(read)?);
            }
            if roots.is_empty() {
                bail!("{} holds no certificate: name a bundle of trusted ones with --model-ca-file", path.display());
            }
        }
        // An image with nothing but the room in it has no bundle.
        None => {
            let _all = roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("setting up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// One request on one connection, which ends with it.
async fn speak<S>(stream: S, request: Request<Full<Bytes>>) -> Result<String, AskError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let http = |error: hyper::Error| AskError::Http(error.into());
    let mut client = http1::Builder::new();
    client.max_buf_size(MAX_HEAD_BYTES);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(http)?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(http)?;
        if answer.status() != StatusCode::OK {
            return Err(AskError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_BODY_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { AskError::TooLong } else { AskError::Http(anyhow::anyhow!(error)) }
        })?;
        completion(&body.to_bytes()).ok_or(AskError::Form)
    };
    tokio::pin!(connection, exchange);
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        ended = &mut connection => match ended {
            // The answer may lie ready though the connection is over.
            Ok(()) => exchange.await,
            Err(error) => Err(AskError::Http(error.into())),
        },
    }
}

/// What the model says in a chat completion.
fn completion(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = body.get("choices")?.get(0)?.get("message")?.get("content")?.as_str()?;
    (text.len() <= room_core::limits::MAX_ANSWER_BYTES).then(|| text.to_owned())
}
