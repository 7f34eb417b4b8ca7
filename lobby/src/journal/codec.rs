//! How a batch of events lies in the journal: one version byte, then postcard.
//!
//! The version is of the frame, not of the events: events grow by new variants at the end, which an older program
//! cannot read and says so.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the frame this program writes. Older ones it reads, newer ones it refuses.
pub const VERSION: u8 = 1;

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer program.
    #[error("the record has version {found}, this program knows versions up to {VERSION}: run the newer program again")]
    Newer {
        /// The record's version.
        found: u8,
    },
    /// Empty, cut, or of an unknown variant.
    #[error("the record is damaged or has events this program does not know")]
    Damaged(#[source] postcard::Error),
    /// No byte at all.
    #[error("the record is empty")]
    Empty,
}

/// Events that were decided together, and when.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch<E> {
    /// Core time of the decision, in microseconds since the journal's epoch.
    pub time: u64,
    /// What was decided, in order.
    pub events: Vec<E>,
}

/// Writes a batch.
///
/// # Panics
/// Never for events that serde can describe without a failure of its own, which is all of the core's.
pub fn encode<E: Serialize>(time: u64, events: &[E]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + events.len() * 32);
    bytes.push(VERSION);
    let bytes = postcard::to_extend(&time, bytes).expect("a number can be written");
    postcard::to_extend(events, bytes).expect("core events can be written")
}

/// Reads a batch.
///
/// # Errors
/// [`DecodeError`].
pub fn decode<E: DeserializeOwned>(bytes: &[u8]) -> Result<Batch<E>, DecodeError> {
    let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if version > VERSION {
        return Err(DecodeError::Newer { found: version });
    }
    let (time, rest) = postcard::take_from_bytes(rest).map_err(DecodeError::Damaged)?;
    let (events, rest) = postcard::take_from_bytes(rest).map_err(DecodeError::Damaged)?;
    if !rest.is_empty() {
        return Err(DecodeError::Damaged(postcard::Error::DeserializeBadEncoding));
    }
    Ok(Batch { time, events })
}

/// How many events a batch has, without reading them.
///
/// # Errors
/// [`DecodeError`].
pub fn count(bytes: &[u8]) -> Result<u64, DecodeError> {
    let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if version > VERSION {
        return Err(DecodeError::Newer { found: version });
    }
    let (_time, rest) = postcard::take_from_bytes::<u64>(rest).map_err(DecodeError::Damaged)?;
    // A sequence begins with its length, written like a number.
    let (count, _) = postcard::take_from_bytes::<u64>(rest).map_err(DecodeError::Damaged)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let bytes = encode(7, &["a".to_owned(), "b".to_owned()]);
        assert_eq!(count(&bytes).unwrap(), 2);
        assert_eq!(decode::<String>(&bytes).unwrap(), Batch { time: 7, events: vec!["a".into(), "b".into()] });
    }

    #[test]
    fn what_is_newer_or_damaged_is_refused_by_name() {
        let mut bytes = encode(7, &[1_u64, 2, 300]);
        for cut in 1..bytes.len() {
            assert!(matches!(decode::<u64>(&bytes[..cut]), Err(DecodeError::Damaged(_))), "{cut}");
        }
        bytes.push(0);
        assert!(matches!(decode::<u64>(&bytes), Err(DecodeError::Damaged(_))));
        bytes[0] = VERSION + 1;
        assert!(matches!(decode::<u64>(&bytes), Err(DecodeError::Newer { found: 2 })));
        assert!(matches!(decode::<u64>(&[]), Err(DecodeError::Empty)));
    }
}
