//! Everything that is not gRPC: JSON, events, page, bundles.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;

use super::desk::Desk;
use super::fault::Fault;
use crate::rooms::bundles::Bundles;

/// The routes.
pub(crate) fn router(desk: Arc<Desk>, page: Option<PathBuf>, bundles: Arc<Bundles>) -> Router {
    let _ = (page, bundles, desk);
    Router::new().fallback(|| async { Fault::no_such_path() })
}
