//! The tokens that open seats.
//!
//! A seat token is `<routing>~<seat>`. Both parts are PASETO v4.local: sealed, so that who carries one learns
//! nothing from it, and authenticated, so that nobody else can make one.
//!
//! - The *routing* part is sealed by the lobby under the gateways' key. It tells a gateway where the room listens.
//!   It is the same for everybody in the room and opens nothing by itself.
//! - The *seat* part is sealed under a key that only the lobby and that one room know. A room can forge for nobody
//!   but itself, and checks a token without asking anybody.
//!
//! Who watches a match and does not play has a *watch* part in place of the seat part: sealed under the same key for
//! another purpose, so that neither can be taken for the other.
//!
//! v4.local costs some 5 µs where an Ed25519 signature costs 18 to 54 µs.

use std::fmt;

use pasetors::keys::SymmetricKey;
use pasetors::token::UntrustedToken;
use pasetors::version4::{LocalToken, V4};
use pasetors::{Local, keys::Generate};

/// Separates the routing part from the seat part. Both a token character of RFC 9110 and none of PASETO's.
pub const SEPARATOR: char = '~';

/// The WebSocket subprotocol of the game socket. The server answers with this one, never with the token.
pub const SUBPROTOCOL: &str = "bellhop.v1";

/// What stands before a seat token in `Sec-WebSocket-Protocol`.
pub const TOKEN_PREFIX: &str = "bellhop.token.";

/// Longest seat token that is looked at, in bytes. A real one has some 400.
pub const MAX_TOKEN_BYTES: usize = 1024;

const ROUTING: &[u8] = b"bellhop routing 1";
const SEAT: &[u8] = b"bellhop seat 1";
const WATCH: &[u8] = b"bellhop watch 1";

/// Why a token does not open anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not of the form `<routing>~<seat>`, or too long.
    #[error("the token is malformed")]
    Malformed,
    /// Not sealed under this key: forged, or meant for another room.
    #[error("the token was not made for this door")]
    Foreign,
    /// Sealed for here, but too long ago.
    #[error("the token has expired")]
    Expired,
}

impl TokenError {
    /// A fixed word for metrics.
    pub fn kind(self) -> &'static str {
        match self {
            TokenError::Malformed => "malformed",
            TokenError::Foreign => "foreign",
            TokenError::Expired => "expired",
        }
    }
}

/// A key of 32 bytes. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Key(SymmetricKey<V4>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// Draws a key from the operating system.
    ///
    /// # Panics
    /// If the operating system has no randomness to give.
    pub fn generate() -> Key {
        Key(SymmetricKey::generate().expect("the operating system gives random bytes"))
    }

    /// A key from 32 bytes; `None` for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Key> {
        SymmetricKey::from(bytes).ok().map(Key)
    }

    /// The 32 bytes, to be kept or sent to the one who shares the key.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Where a room listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// `r-…`
    pub room: String,
    /// host:port
    pub address: String,
}

/// Which seat a token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatClaim {
    /// The epoch of the match in its room.
    pub epoch: u64,
    /// The match.
    pub match_id: String,
    /// The player.
    pub player_id: String,
    /// The seat.
    pub seat: u16,
    /// Unix time in milliseconds after which the token opens nothing.
    pub expires_ms: u64,
    /// Makes the token single use: the room remembers the ones it has seen until they expire.
    pub nonce: u64,
    /// A resume token: made by the room, lives as long as the seat is held.
    pub resume: bool,
}

/// Which match a token lets somebody watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchClaim {
    /// The epoch of the match in its room.
    pub epoch: u64,
    /// The match.
    pub match_id: String,
    /// Who watches.
    pub viewer_id: String,
    /// Unix time in milliseconds after which the token opens nothing.
    pub expires_ms: u64,
    /// Makes the token single use.
    pub nonce: u64,
}

/// Seals the routing part.
///
/// # Panics
/// If the operating system has no randomness to give.
pub fn seal_routing(key: &Key, routing: &Routing) -> String {
    let message = format!("{}\n{}", routing.room, routing.address);
    LocalToken::encrypt(&key.0, message.as_bytes(), None, Some(ROUTING)).expect("a short message can be sealed")
}

/// Opens the routing part of a seat token.
///
/// # Errors
/// [`TokenError::Malformed`] or [`TokenError::Foreign`].
pub fn open_routing(key: &Key, token: &str) -> Result<Routing, TokenError> {
    let (routing, _) = split(token)?;
    let text = open(key, routing, ROUTING)?;
    let (room, address) = text.split_once('\n').ok_or(TokenError::Malformed)?;
    Ok(Routing { room: room.to_owned(), address: address.to_owned() })
}

/// Makes a whole seat token from a sealed routing part and the claim.
///
/// # Panics
/// If the operating system has no randomness to give.
pub fn seal_seat(key: &Key, routing: &str, claim: &SeatClaim) -> String {
    let message = format!(
        "{}\n{}\n{}\n{}\n{}\n{}\n{}",
        claim.epoch,
        claim.match_id,
        claim.player_id,
        claim.seat,
        claim.expires_ms,
        claim.nonce,
        u8::from(claim.resume)
    );
    let seat =
        LocalToken::encrypt(&key.0, message.as_bytes(), None, Some(SEAT)).expect("a short message can be sealed");
    format!("{routing}{SEPARATOR}{seat}")
}

/// Opens the seat part of a seat token.
///
/// # Errors
/// [`TokenError`], in each of its forms. A token checked at `now_ms == expires_ms` is still good.
pub fn open_seat(key: &Key, token: &str, now_ms: u64) -> Result<SeatClaim, TokenError> {
    let (_, seat) = split(token)?;
    let text = open(key, seat, SEAT)?;
    let claim = parse_claim(&text).ok_or(TokenError::Malformed)?;
    if now_ms > claim.expires_ms {
        return Err(TokenError::Expired);
    }
    Ok(claim)
}

/// Makes a whole watch token from a sealed routing part and the claim.
///
/// # Panics
/// If the operating system has no randomness to give.
pub fn seal_watch(key: &Key, routing: &str, claim: &WatchClaim) -> String {
    let WatchClaim { epoch, match_id, viewer_id, expires_ms, nonce } = claim;
    let message = format!("{epoch}\n{match_id}\n{viewer_id}\n{expires_ms}\n{nonce}");
    let watch =
        LocalToken::encrypt(&key.0, message.as_bytes(), None, Some(WATCH)).expect("a short message can be sealed");
    format!("{routing}{SEPARATOR}{watch}")
}

/// Opens the watch part of a watch token.
///
/// # Errors
/// [`TokenError`], in each of its forms: a seat token is foreign here.
pub fn open_watch(key: &Key, token: &str, now_ms: u64) -> Result<WatchClaim, TokenError> {
    let (_, watch) = split(token)?;
    let text = open(key, watch, WATCH)?;
    let claim = parse_watch(&text).ok_or(TokenError::Malformed)?;
    if now_ms > claim.expires_ms {
        return Err(TokenError::Expired);
    }
    Ok(claim)
}

fn parse_watch(text: &str) -> Option<WatchClaim> {
    let mut lines = text.split('\n');
    let claim = WatchClaim {
        epoch: lines.next()?.parse().ok()?,
        match_id: lines.next()?.to_owned(),
        viewer_id: lines.next()?.to_owned(),
        expires_ms: lines.next()?.parse().ok()?,
        nonce: lines.next()?.parse().ok()?,
    };
    lines.next().is_none().then_some(claim)
}

fn split(token: &str) -> Result<(&str, &str), TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed);
    }
    token.split_once(SEPARATOR).ok_or(TokenError::Malformed)
}

fn open(key: &Key, sealed: &str, purpose: &[u8]) -> Result<String, TokenError> {
    let token = UntrustedToken::<Local, V4>::try_from(sealed).map_err(|_| TokenError::Malformed)?;
    let opened = LocalToken::decrypt(&key.0, &token, None, Some(purpose)).map_err(|_| TokenError::Foreign)?;
    Ok(opened.payload().to_owned())
}

fn parse_claim(text: &str) -> Option<SeatClaim> {
    let mut lines = text.split('\n');
    let claim = SeatClaim {
        epoch: lines.next()?.parse().ok()?,
        match_id: lines.next()?.to_owned(),
        player_id: lines.next()?.to_owned(),
        seat: lines.next()?.parse().ok()?,
        expires_ms: lines.next()?.parse().ok()?,
        nonce: lines.next()?.parse().ok()?,
        resume: match lines.next()? {
            "0" => false,
            "1" => true,
            _ => return None,
        },
    };
    lines.next().is_none().then_some(claim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> SeatClaim {
        SeatClaim {
            epoch: 7,
            match_id: "m-1".into(),
            player_id: "p-1".into(),
            seat: 3,
            expires_ms: 1_000,
            nonce: 99,
            resume: false,
        }
    }

    fn token(gateways: &Key, room: &Key) -> String {
        let routing = seal_routing(gateways, &Routing { room: "r-1".into(), address: "127.0.0.1:9".into() });
        seal_seat(room, &routing, &claim())
    }

    #[test]
    fn each_door_opens_its_own_part() {
        let (gateways, room) = (Key::generate(), Key::generate());
        let token = token(&gateways, &room);
        assert_eq!(open_routing(&gateways, &token).unwrap().address, "127.0.0.1:9");
        assert_eq!(open_seat(&room, &token, 1_000).unwrap(), claim());
        assert_eq!(open_seat(&room, &token, 1_001), Err(TokenError::Expired));
        assert_eq!(open_seat(&gateways, &token, 0), Err(TokenError::Foreign));
        assert_eq!(open_routing(&room, &token), Err(TokenError::Foreign));
    }

    #[test]
    fn who_watches_takes_no_seat_and_who_sits_needs_no_other_door() {
        let (gateways, room) = (Key::generate(), Key::generate());
        let seat = token(&gateways, &room);
        let claim =
            WatchClaim { epoch: 7, match_id: "m-1".into(), viewer_id: "p-9".into(), expires_ms: 1_000, nonce: 98 };
        let routing = seat.split(SEPARATOR).next().unwrap();
        let watch = seal_watch(&room, routing, &claim);
        assert_eq!(open_watch(&room, &watch, 1_000), Ok(claim));
        assert_eq!(open_watch(&room, &watch, 1_001), Err(TokenError::Expired));
        assert_eq!(open_seat(&room, &watch, 0), Err(TokenError::Foreign));
        assert_eq!(open_watch(&room, &seat, 0), Err(TokenError::Foreign));
        assert_eq!(open_routing(&gateways, &watch).unwrap().room, "r-1");
        assert!(watch.len() < 512, "{}", watch.len());
    }

    #[test]
    fn the_written_token_opens_its_seat() {
        let written = include_str!("../../docs/vectors/tokens.txt");
        let value = |name: &str| written.lines().find_map(|line| line.strip_prefix(name)).expect("it is written");
        let hex = value("key: ");
        let key: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("it is hex")).collect();
        let claim = open_seat(&Key::from_bytes(&key).unwrap(), value("token: "), 0).unwrap();
        let shown = [
            claim.epoch.to_string(),
            claim.match_id,
            claim.player_id,
            claim.seat.to_string(),
            claim.expires_ms.to_string(),
            claim.nonce.to_string(),
            u8::from(claim.resume).to_string(),
        ];
        assert_eq!(shown.join(" "), value("claim: "));
    }

    #[test]
    fn a_changed_token_opens_nothing() {
        let (gateways, room) = (Key::generate(), Key::generate());
        let token = token(&gateways, &room);
        for at in token.find(SEPARATOR).unwrap() + 10..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(changed == token || open_seat(&room, &changed, 0).is_err(), "byte {at}");
        }
        for bad in ["", "~", "a~b", "v4.local.~v4.local.", &"x".repeat(2_000)] {
            assert_eq!(open_seat(&room, bad, 0), Err(TokenError::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_token_fits_the_header_it_travels_in() {
        let token = token(&Key::generate(), &Key::generate());
        assert!(token.len() < 512, "{}", token.len());
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)));
    }
}
