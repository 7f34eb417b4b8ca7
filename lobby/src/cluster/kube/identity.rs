//! Who a room is: the pod that its token is bound to, by the word of the API server.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use lobby_core::{Name, RoomId};
use tokio::sync::Semaphore;

use super::pod::AUDIENCE;

/// Reviews under way; the rooms of a whole fleet that come back at once wait for their turn.
const REVIEWS_AT_ONCE: usize = 16;
/// A review is answered within this, or the room tries again.
const REVIEW_WITHIN: Duration = Duration::from_secs(5);
/// A token that was refused is not reviewed again for this long, so that a room that goes on trying costs nothing.
const REFUSED_FOR: Duration = Duration::from_secs(10);
/// Refused tokens that are remembered.
const REFUSED_AT_MOST: usize = 4_096;
/// Where a token says which pod it is bound to.
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
const POD_NAME: &str = "authentication.kubernetes.io/pod-name";

/// Why a token does not open the door.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReviewError {
    /// The API server does not vouch for it.
    #[error("the token is not good for the audience {AUDIENCE}: {0}")]
    NotGood(String),
    /// It is bound to no pod.
    #[error("the token is bound to no pod: rooms need a projected token of their pod")]
    NoPod,
    /// It is another room's.
    #[error("the token is of the pod {pod}, which is not this room")]
    Another {
        /// Whose it is.
        pod: String,
    },
    /// The pod is not one of the lobby's, or not known yet.
    #[error("the pod is not one that this lobby started")]
    Unknown,
    /// The API server was not reached, or has not told its pods yet. To be tried again.
    #[error("the API server does not answer: {0}")]
    Away(String),
}

impl ReviewError {
    /// A fixed word for metrics.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            ReviewError::NotGood(_) => "bad-token",
            ReviewError::NoPod => "no-pod",
            ReviewError::Another { .. } => "another-pod",
            ReviewError::Unknown => "unknown-pod",
            ReviewError::Away(_) => "api-away",
        }
    }
}

/// A pod of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) pod: String,
    pub(super) uid: String,
    pub(super) fleet: Name,
}

/// The pods there are, and who may speak for them.
pub(crate) struct Identity {
    client: Client,
    namespace: String,
    reviews: Semaphore,
    /// By room; nothing before all pods were seen for the first time.
    members: RwLock<Option<HashMap<RoomId, Member>>>,
    refused: Mutex<HashMap<[u8; 32], (Instant, ReviewError)>>,
    /// Rooms that were proved since this lobby started.
    proved: Mutex<HashSet<RoomId>>,
}

impl Identity {
    pub(super) fn new(client: Client, namespace: String) -> Identity {
        Identity {
            client,
            namespace,
            reviews: Semaphore::new(REVIEWS_AT_ONCE),
            members: RwLock::new(None),
            refused: Mutex::default(),
            proved: Mutex::default(),
        }
    }

    /// All pods were seen.
    pub(super) fn synced(&self) {
        self.members.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    pub(super) fn insert(&self, room: RoomId, member: Member) {
        self.members.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(room, member);
    }

    pub(super) fn remove(&self, room: RoomId) {
        if let Some(members) = &mut *self.members.write().unwrap_or_else(PoisonError::into_inner) {
            members.remove(&room);
        }
        self.proved.lock().unwrap_or_else(PoisonError::into_inner).remove(&room);
    }

    /// It is who it says it is.
    pub(crate) fn proved(&self, room: RoomId) {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner).insert(room);
    }

    pub(super) fn is_proved(&self, room: RoomId) -> bool {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner).contains(&room)
    }

    /// Whether the token is this room's. Its hash may then be kept as what proves the room.
    ///
    /// # Errors
    /// [`ReviewError`].
    pub(crate) async fn review(&self, room: RoomId, fleet: &str, token: &str) -> Result<(), ReviewError> {
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        if let Some((at, error)) = self.refused.lock().unwrap_or_else(PoisonError::into_inner).get(&hash)
            && at.elapsed() < REFUSED_FOR
        {
            return Err(error.clone());
        }
        let reviewed = self.ask(room, fleet, token).await;
        if let Err(error) = &reviewed
            && !matches!(error, ReviewError::Away(_) | ReviewError::Unknown)
        {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            if refused.len() >= REFUSED_AT_MOST {
                refused.retain(|_, (at, _)| at.elapsed() < REFUSED_FOR);
            }
            if refused.len() < REFUSED_AT_MOST {
                refused.insert(hash, (Instant::now(), error.clone()));
            }
        }
        reviewed
    }

    async fn ask(&self, room: RoomId, fleet: &str, token: &str) -> Result<(), ReviewError> {
        let away = |error: &dyn std::fmt::Display| ReviewError::Away(error.to_string());
        let member = match &*self.members.read().unwrap_or_else(PoisonError::into_inner) {
            Some(members) => members.get(&room).cloned().ok_or(ReviewError::Unknown)?,
            None => return Err(away(&"the pods are not known yet")),
        };
        let _turn = self.reviews.acquire().await.map_err(|error| away(&error))?;
        let spec = TokenReviewSpec { audiences: Some(vec![AUDIENCE.into()]), token: Some(token.into()) };
        let review = TokenReview { spec, ..TokenReview::default() };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let asked = tokio::time::timeout(REVIEW_WITHIN, api.create(&PostParams::default(), &review)).await;
        let status = asked.map_err(|late| away(&late))?.map_err(|error| away(&error))?.status.unwrap_or_default();
        let for_us = status.audiences.unwrap_or_default().iter().any(|audience| audience == AUDIENCE);
        if status.authenticated != Some(true) || !for_us {
            return Err(ReviewError::NotGood(status.error.unwrap_or_else(|| "it is for another audience".into())));
        }
        let user = status.user.unwrap_or_default();
        let first = |key: &str| user.extra.as_ref().and_then(|extra| extra.get(key)?.first().cloned());
        let (Some(pod), Some(uid)) = (first(POD_NAME), first(POD_UID)) else { return Err(ReviewError::NoPod) };
        let ours = format!("system:serviceaccount:{}:", self.namespace);
        let here = user.username.is_some_and(|name| name.starts_with(&ours));
        if here && (pod.as_str(), uid.as_str(), fleet) == (&*member.pod, &*member.uid, &*member.fleet) {
            Ok(())
        } else {
            Err(ReviewError::Another { pod })
        }
    }
}

/// Whether a token that was proved once has not expired since. Not a proof of anything by itself.
pub(crate) fn is_fresh(token: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Claims {
        exp: u64,
    }
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = claims.and_then(|json| serde_json::from_slice::<Claims>(&json).ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs());
    claims.is_some_and(|claims| claims.exp > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_token_is_not_fresh() {
        let token = |exp: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}")));
        assert!(is_fresh(&token("99999999999")));
        assert!(!is_fresh(&token("1")));
        assert!(!is_fresh(&token("\"x\"")));
        assert!(!is_fresh("no token at all"));
    }
}
