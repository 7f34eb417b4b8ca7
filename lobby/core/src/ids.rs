//! Identities: 64-bit names with a text form, drawn from a counted source. An id is a name, never a secret.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Crockford's base32, lower case: no i, l, o, u.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 13 digits of 5 bits hold 64 bits.
const LENGTH: usize = 13;

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// The prefix says what the id names.
    #[error("must begin with `{expected}-`")]
    Prefix {
        /// The letter expected.
        expected: char,
    },
    /// Not the number of digits an id has.
    #[error("must have 13 characters after the prefix")]
    Length,
    /// A character that is no digit of Crockford's base32 in lower case.
    #[error("has a character that is not in 0-9, a-z without i, l, o, u")]
    Digit,
    /// More than 64 bits.
    #[error("is out of range")]
    Range,
}

fn write_id(f: &mut fmt::Formatter<'_>, prefix: char, id: u64) -> fmt::Result {
    let mut text = [0u8; LENGTH];
    for (index, byte) in text.iter_mut().rev().enumerate() {
        *byte = DIGITS[((id >> (5 * index)) & 31) as usize];
    }
    write!(f, "{prefix}-{}", std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn parse_id(prefix: char, text: &str) -> Result<u64, ParseIdError> {
    let digits = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .ok_or(ParseIdError::Prefix { expected: prefix })?;
    if digits.len() != LENGTH {
        return Err(ParseIdError::Length);
    }
    digits.bytes().try_fold(0u64, |id, byte| {
        let digit = DIGITS.iter().position(|&d| d == byte).ok_or(ParseIdError::Digit)? as u64;
        if id >> 59 != 0 {
            return Err(ParseIdError::Range);
        }
        Ok(id << 5 | digit)
    })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_id(f, $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_id(f, $prefix, self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_id($prefix, text).map(Self)
            }
        }
    };
}

id!(
    /// Who plays: `p-…`.
    PlayerId, 'p'
);
id!(
    /// A party in a queue: `t-…`.
    TicketId, 't'
);
id!(
    /// The players who will meet: `m-…`.
    MatchId, 'm'
);
id!(
    /// The process or pod that runs one match at a time: `r-…`.
    RoomId, 'r'
);

/// A queue's place in the settings; never reused for another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueId(pub u16);

/// A fleet's place in the settings; never reused for another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FleetId(pub u16);

/// A call at a door, answered once by [`Effect::Answer`](crate::Effect::Answer). The shell numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// One Attach stream of a room; a later stream has a larger number. The shell numbers them, larger than any
/// before in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// A map by id with a hash that is the same in every run. It is never iterated: its order means nothing.
pub type IdMap<K, V> = hashbrown::HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Inserts, with room to spare: a map near its fullest is made anew every few thousand removals, and this costs milliseconds.
pub(crate) fn put<K: std::hash::Hash + Eq, V>(map: &mut IdMap<K, V>, key: K, value: V) -> Option<V> {
    if map.len() > map.capacity() / 4 * 3 {
        map.reserve(map.capacity());
    }
    map.insert(key, value)
}

/// Mixes the one word of an id. Ids are drawn by us, so nobody can choose colliding ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 =
            (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
}

/// The source of ids: the `n`th id is a bijection of `n`, so none is drawn twice, and the count is all of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ids {
    base: u64,
    drawn: u64,
}

impl Ids {
    pub(crate) fn new(base: u64) -> Self {
        Self { base, drawn: 0 }
    }

    /// The id that comes next, without drawing it: applying the event that carries it does that.
    pub(crate) fn peek(&self) -> u64 {
        // SplitMix64.
        let mut z = self.base.wrapping_add((self.drawn + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn drew(&mut self) {
        self.drawn += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        for id in [0, 1, 31, 32, 0xdead_beef, u64::MAX] {
            let text = RoomId(id).to_string();
            assert_eq!(text.len(), 15);
            assert_eq!(text.parse(), Ok(RoomId(id)), "{text}");
        }
        assert_eq!(TicketId(0).to_string(), "t-0000000000000");
        assert_eq!(TicketId(u64::MAX).to_string(), "t-fzzzzzzzzzzzz");
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_reason() {
        let check = |text: &str, error| assert_eq!(text.parse::<TicketId>(), Err(error), "{text}");
        check("m-0000000000000", ParseIdError::Prefix { expected: 't' });
        check("0000000000000", ParseIdError::Prefix { expected: 't' });
        check("t-000", ParseIdError::Length);
        check("t-000000000000o", ParseIdError::Digit);
        check("t-000000000000A", ParseIdError::Digit);
        check("t-g000000000000", ParseIdError::Range);
    }

    #[test]
    fn no_id_is_drawn_twice() {
        let mut ids = Ids::new(7);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            assert!(seen.insert(ids.peek()));
            ids.drew();
        }
    }
}
