//! Where the journals of matches that are over are kept for longer: in an object store, if one is set.
//!
//! The data directory holds a journal while its match runs, and for a while after. A copy goes to the store as soon as the
//! match is over; who asks for a replay that is here no more gets the copy. Two objects per match, `<match>.journal`, which
//! is what `room replay` reads, and `<match>.bundle` with the hash of its page's part. How long they stay is the store's
//! own matter.

mod client;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use lobby_core::{Call, MatchId, MatchState, Refusal};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::Url;

use self::client::Https;
use super::journals::Journals;
use crate::drive::{CallError, Core};
use crate::metrics::Metrics;

/// How often it is looked for matches that are over.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A store that did not take a replay is asked again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// So many in a row that it does not take, and the others wait as well.
const FAILURES: u32 = 3;
/// An answer of the store takes at most this.
const WITHIN: Duration = Duration::from_secs(20);
/// What a store's client tries again by itself meanwhile.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(2), base: 2.0 },
    max_retries: 3,
    retry_timeout: WITHIN,
};

/// Why a replay does not come from the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// It refuses, or cannot be reached.
    #[error("the store of replays does not answer as it should")]
    Store(#[from] object_store::Error),
    /// It takes too long.
    #[error("the store of replays took longer than {} s", WITHIN.as_secs())]
    Late(#[from] tokio::time::error::Elapsed),
    /// The data directory.
    #[error("the data directory cannot be read")]
    Read(#[from] io::Error),
    /// The core does not answer.
    #[error("the core does not answer")]
    Core(#[from] CallError),
}

/// An object store and a place in it.
#[derive(Debug)]
pub(crate) struct Replays {
    store: Box<dyn ObjectStore>,
    place: Path,
}

impl Replays {
    /// The store that a URL names: `s3://bucket/path`, `gs://bucket/path`, `az://container/path` or `file:///path`. Keys and
    /// region come from the environment: `AWS_REGION`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME` and the like.
    ///
    /// # Errors
    /// If it names none, or the environment does not fit.
    pub(crate) fn open(url: &Url) -> anyhow::Result<Replays> {
        let plain = |(key, value): (OsString, OsString)| Some((key.into_string().ok()?, value.into_string().ok()?));
        Replays::open_as_said(url, &std::env::vars_os().filter_map(plain).collect::<Vec<_>>())
    }

    fn open_as_said(url: &Url, said: &[(String, String)]) -> anyhow::Result<Replays> {
        let https = Https::new()?;
        let store: Box<dyn ObjectStore> = match url.scheme() {
            "s3" => {
                let store = set(AmazonS3Builder::new().with_url(url.as_str()), said, AmazonS3Builder::with_config);
                Box::new(store.with_http_connector(https).with_retry(RETRY).build()?)
            }
            "gs" => {
                let store = GoogleCloudStorageBuilder::new().with_url(url.as_str());
                let store = set(store, said, GoogleCloudStorageBuilder::with_config);
                Box::new(store.with_http_connector(https).with_retry(RETRY).build()?)
            }
            "az" => {
                let store = MicrosoftAzureBuilder::new().with_url(url.as_str());
                let store = set(store, said, MicrosoftAzureBuilder::with_config);
                Box::new(store.with_http_connector(https).with_retry(RETRY).build()?)
            }
            "file" => Box::new(LocalFileSystem::new()),
            other => bail!("{other}: is no store: use s3://bucket, gs://bucket, az://container or file:///path"),
        };
        Ok(Replays { store, place: Path::from_url_path(url.path())? })
    }

    fn journal(&self, match_id: MatchId) -> Path {
        self.place.clone().join(format!("{match_id}.journal"))
    }

    fn bundle(&self, match_id: MatchId) -> Path {
        self.place.clone().join(format!("{match_id}.bundle"))
    }

    /// Keeps a replay; one that is there already is replaced.
    async fn put(&self, match_id: MatchId, journal: Vec<u8>, bundle: String) -> Result<(), ReplayError> {
        // The journal last: where it is, the other one is too.
        for (path, bytes) in
            [(self.bundle(match_id), Bytes::from(bundle)), (self.journal(match_id), Bytes::from(journal))]
        {
            tokio::time::timeout(WITHIN, self.store.put(&path, PutPayload::from(bytes))).await??;
        }
        Ok(())
    }

    /// A replay: the journal, and the hash of its game's bundle. `None`: it is not there.
    ///
    /// # Errors
    /// [`ReplayError::Store`], [`ReplayError::Late`].
    pub(crate) async fn get(&self, match_id: MatchId) -> Result<Option<(Vec<u8>, String)>, ReplayError> {
        let read = async |path: Path| match self.store.get(&path).await {
            Ok(found) => found.bytes().await.map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let both = async {
            let Some(journal) = read(self.journal(match_id)).await? else { return Ok(None) };
            let bundle = read(self.bundle(match_id)).await?.unwrap_or_default();
            Ok(Some((journal.to_vec(), String::from_utf8_lossy(&bundle).into_owned())))
        };
        tokio::time::timeout(WITHIN, both).await?.map_err(ReplayError::Store)
    }
}

/// What is said of this kind of store.
fn set<B, K: FromStr>(store: B, said: &[(String, String)], with: impl Fn(B, K, String) -> B) -> B {
    let known = said.iter().filter_map(|(key, value)| Some((key.to_ascii_lowercase().parse().ok()?, value.clone())));
    known.fold(store, |store, (key, value)| with(store, key, value))
}

/// Copies what is over into the store.
pub(crate) struct Keeper {
    pub(crate) replays: Arc<Replays>,
    pub(crate) journals: Arc<Journals>,
    pub(crate) core: Core,
    pub(crate) metrics: Arc<Metrics>,
}

impl Keeper {
    /// Until it is told to stop. What is not in the store by then is found again at the next start.
    ///
    /// # Errors
    /// If the data directory cannot be read.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let journals = self.journals.clone();
        let mut waiting = tokio::task::spawn_blocking(move || journals.unstored()).await??;
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                () = stop.cancelled() => return Ok(()),
            }
            waiting.extend(self.journals.take_opened().into_iter().map(|match_id| (match_id, 0)));
            let pause = tokio::select! {
                pause = self.store_all(&mut waiting) => pause,
                () = stop.cancelled() => return Ok(()),
            };
            if let Some(pause) = pause {
                every.reset_after(pause);
            }
        }
    }

    /// Stores what is over of those that wait; of each it is known how many bytes are in the store. How long to wait, if the
    /// store does not take it.
    async fn store_all(&self, waiting: &mut BTreeMap<MatchId, u64>) -> Option<Duration> {
        let mut failures = 0;
        for (match_id, stored) in waiting.clone() {
            match self.store(match_id, stored).await {
                Ok(Progress::Runs) => {}
                Ok(Progress::Stored(bytes)) => {
                    self.metrics.replays_stored.inc();
                    waiting.insert(match_id, bytes);
                }
                Ok(Progress::Whole) => {
                    waiting.remove(&match_id);
                }
                Err(error) => {
                    self.metrics.replays_failed.inc();
                    let why = anyhow::Error::new(error);
                    let waiting = waiting.len();
                    warn!(%match_id, why = format!("{why:#}"), waiting, "a replay cannot be stored; trying again");
                    failures += 1;
                    if failures == FAILURES {
                        break;
                    }
                }
            }
        }
        (failures > 0).then_some(AGAIN_AFTER)
    }

    async fn store(&self, match_id: MatchId, stored: u64) -> Result<Progress, ReplayError> {
        match self.core.call(Call::GetMatch { match_id }).await {
            Ok(lobby_core::Answer::Match(view)) if !matches!(view.state, MatchState::Ended | MatchState::Lost(_)) => {
                return Ok(Progress::Runs);
            }
            // Over, or long over.
            Ok(_) | Err(CallError::Refused(Refusal::UnknownMatch)) => {}
            Err(error) => return Err(error.into()),
        }
        let journals = self.journals.clone();
        let read = tokio::task::spawn_blocking(move || journals.read(match_id)).await.map_err(io::Error::other)??;
        let Some((journal, bundle)) = read else { return Ok(Progress::Whole) };
        let bytes = journal.len() as u64;
        // The last pieces may come after the end: it is whole when it did not grow since it was last looked at.
        if bytes == stored {
            let journals = self.journals.clone();
            tokio::task::spawn_blocking(move || journals.mark_stored(match_id)).await.map_err(io::Error::other)??;
            return Ok(Progress::Whole);
        }
        self.replays.put(match_id, journal, bundle).await?;
        info!(%match_id, bytes, "the replay is stored");
        Ok(Progress::Stored(bytes))
    }
}

enum Progress {
    Runs,
    Stored(u64),
    Whole,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replays(dir: &std::path::Path) -> Replays {
        Replays::open(&Url::from_directory_path(dir).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn what_is_put_is_there_and_what_is_not_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let replays = replays(dir.path());
        replays.put(MatchId(7), b"once".to_vec(), "hash".into()).await.unwrap();
        replays.put(MatchId(7), b"once upon".to_vec(), "hash".into()).await.unwrap();
        assert_eq!(replays.get(MatchId(7)).await.unwrap(), Some((b"once upon".to_vec(), "hash".to_owned())));
        assert_eq!(replays.get(MatchId(8)).await.unwrap(), None);
        assert_eq!(std::fs::read(dir.path().join(format!("{}.journal", MatchId(7)))).unwrap(), b"once upon");
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_reached_is_an_error_and_no_missing_replay() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let said = [
            ("AWS_ENDPOINT_URL", &*nobody),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "here"),
        ];
        let said = said.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let replays = Replays::open_as_said(&Url::parse("s3://bucket/replays").unwrap(), &said).unwrap();
        let error = replays.get(MatchId(7)).await.unwrap_err();
        assert!(matches!(error, ReplayError::Store(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }

    #[test]
    fn a_url_that_names_no_store_is_refused() {
        for url in ["ftp://host/x", "s3:nothing", "s3:///no-bucket", "az://"] {
            assert!(Replays::open(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }
}
