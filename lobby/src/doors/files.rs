//! Files from disk: the page and the games' bundles.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};

use super::fault::Fault;
use crate::rooms::bundles::is_plain_path;

/// Largest file that is served: a bundle's limit.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// What a hash is in the name of never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, but asked about each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Scripts and art from here alone; WebAssembly; sockets, because a room's address may name the host another way.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self' ws: wss:; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// A file of a bundle.
pub(crate) async fn bundle(path: Option<PathBuf>, headers: &HeaderMap) -> Response {
    match path {
        Some(path) => match file(&path, headers, FOR_EVER).await {
            Some(answer) => answer,
            None => missing(),
        },
        None => missing(),
    }
}

/// A file of the page; its index for every place that it names itself.
pub(crate) async fn page(root: &Path, method: &Method, path: &str, headers: &HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return Fault::no_such_method().into_response();
    }
    let path = path.trim_start_matches('/');
    if is_plain_path(path) {
        // Vite names what lies in assets/ by its content.
        let caching = if path.starts_with("assets/") { FOR_EVER } else { ASK_AGAIN };
        if let Some(answer) = file(&root.join(path), headers, caching).await {
            return answer;
        }
    }
    let names_a_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    if names_a_file || path.starts_with("v1/") {
        return missing();
    }
    file(&root.join("index.html"), headers, ASK_AGAIN).await.unwrap_or_else(missing)
}

fn missing() -> Response {
    Fault::no_such_path().into_response()
}

async fn file(path: &Path, headers: &HeaderMap, caching: HeaderValue) -> Option<Response> {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return None;
    }
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let tag = HeaderValue::from_str(&format!("\"{:x}-{:x}\"", changed.as_nanos(), metadata.len())).ok()?;
    let mut answer = if headers.get(IF_NONE_MATCH) == Some(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = tokio::fs::read(path).await.ok()?;
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        let kind = match kind.type_() {
            mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
            _ => kind.to_string(),
        };
        ([(CONTENT_TYPE, kind)], bytes).into_response()
    };
    let out = answer.headers_mut();
    out.insert(ETAG, tag);
    out.insert(CACHE_CONTROL, caching);
    out.insert(CONTENT_SECURITY_POLICY, POLICY);
    Some(answer)
}
