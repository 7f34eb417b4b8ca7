//! The rooms that are attached: how the drive speaks to them, and what the doors know of them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bellhop_proto::tokens::{self, Key, Routing, SeatClaim, WatchClaim};
use lobby_core::{Effect, MatchId, Name, PlayerId, Refusal, RoomId};
use tokio::sync::{Notify, mpsc};

use crate::keys::random_bytes;
use crate::players::unix_ms;

/// Orders that may wait for one room's stream. A room gets a handful per match; one that does not read them is cut off.
pub(crate) const ORDERS_WAITING: usize = 256;
/// A join token opens its seat this long.
const JOIN_TOKEN_LIFE_MS: u64 = 30_000;

/// Something for a room's stream.
#[derive(Debug)]
pub(crate) enum Order {
    /// The stream is accepted.
    Welcome(RoomId, Arc<Route>),
    /// It is not, and ends.
    Refused(Refusal),
    /// An effect for this room.
    Effect(Box<Effect>),
}

/// What a room said of itself that the core need not know, and the way to its stream.
#[derive(Debug)]
pub(crate) struct RoomEnd {
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) address: String,
    pub(crate) key: Key,
    /// The hash of each game's bundle.
    pub(crate) bundles: Vec<(Name, String)>,
}

/// What opens a room's seats.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) address: String,
    /// The routing part of its tokens, sealed for the gateways.
    pub(crate) routing: String,
    key: Key,
    bundles: Vec<(Name, String)>,
}

impl Route {
    pub(crate) fn new(gateways: &Key, room: RoomId, end: &RoomEnd) -> Route {
        let to = Routing { room: room.to_string(), address: end.address.clone() };
        Route {
            address: end.address.clone(),
            routing: tokens::seal_routing(gateways, &to),
            key: end.key.clone(),
            bundles: end.bundles.clone(),
        }
    }

    /// A fresh join token: single use, short-lived.
    pub(crate) fn seat_token(&self, match_id: MatchId, epoch: u64, seat: u16, player: PlayerId) -> String {
        let claim = SeatClaim {
            epoch,
            match_id: match_id.to_string(),
            player_id: player.to_string(),
            seat,
            expires_ms: unix_ms() + JOIN_TOKEN_LIFE_MS,
            nonce: u64::from_le_bytes(random_bytes()),
            resume: false,
        };
        tokens::seal_seat(&self.key, &self.routing, &claim)
    }

    /// A fresh watch token: likewise.
    pub(crate) fn watch_token(&self, match_id: MatchId, epoch: u64, viewer: PlayerId) -> String {
        let claim = WatchClaim {
            epoch,
            match_id: match_id.to_string(),
            viewer_id: viewer.to_string(),
            expires_ms: unix_ms() + JOIN_TOKEN_LIFE_MS,
            nonce: u64::from_le_bytes(random_bytes()),
        };
        tokens::seal_watch(&self.key, &self.routing, &claim)
    }

    /// The hash of a game's bundle; empty: none.
    pub(crate) fn bundle(&self, game: &str) -> &str {
        self.bundles.iter().find(|(name, _)| **name == *game).map_or("", |(_, hash)| hash)
    }
}

/// The routes of all rooms, written by the drive and read by the doors.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    routes: RwLock<HashMap<RoomId, Arc<Route>>>,
    /// The addresses by which some of them are reached without a gateway.
    direct: RwLock<HashMap<RoomId, String>>,
    changed: Notify,
}

impl Directory {
    pub(crate) fn get(&self, room: RoomId) -> Option<Arc<Route>> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner).get(&room).cloned()
    }

    pub(crate) fn insert(&self, room: RoomId, route: Arc<Route>) {
        self.routes.write().unwrap_or_else(PoisonError::into_inner).insert(room, route);
        self.changed.notify_waiters();
    }

    pub(crate) fn remove(&self, room: RoomId) {
        self.routes.write().unwrap_or_else(PoisonError::into_inner).remove(&room);
    }

    /// Notes the `host:port` by which a room is reached without a gateway; none, where it is not.
    pub(crate) fn set_direct(&self, room: RoomId, address: Option<&str>) {
        let known =
            self.direct.read().unwrap_or_else(PoisonError::into_inner).get(&room).map(String::as_str) == address;
        if !known {
            let mut direct = self.direct.write().unwrap_or_else(PoisonError::into_inner);
            match address {
                Some(address) => drop(direct.insert(room, address.to_owned())),
                None => drop(direct.remove(&room)),
            }
        }
    }

    /// The WebSocket's address at the room itself; empty: it is reached by a gateway alone.
    pub(crate) fn direct_url(&self, room: RoomId) -> String {
        let direct = self.direct.read().unwrap_or_else(PoisonError::into_inner);
        direct.get(&room).map(|address| format!("ws://{address}/rooms/{room}")).unwrap_or_default()
    }

    /// The route of a room that is about to attach, as after a restart. Waits as long as it must: to be raced against
    /// something that ends.
    pub(crate) async fn wait_for(&self, room: RoomId) -> Arc<Route> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(route) = self.get(room) {
                return route;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_reached_directly_for_as_long_as_it_has_an_address() {
        let rooms = Directory::default();
        assert_eq!(rooms.direct_url(RoomId(7)), "");
        rooms.set_direct(RoomId(7), Some("10.1.2.3:7004"));
        assert_eq!(rooms.direct_url(RoomId(7)), format!("ws://10.1.2.3:7004/rooms/{}", RoomId(7)));
        assert_eq!(rooms.direct_url(RoomId(8)), "");
        rooms.set_direct(RoomId(7), None);
        assert_eq!(rooms.direct_url(RoomId(7)), "");
    }
}
