//! The WebSocket's own frames, as a server sends them: whole, unmasked.

use bellhop_wire::CloseCode;

/// Longest header of a frame that a server sends.
pub(crate) const MAX_HEADER: usize = 10;

const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;

/// A close frame's payload has at most 125 bytes, two of them the code.
const MAX_REASON_BYTES: usize = 123;

/// The header of a binary message of so many bytes, and how much of the array it is.
pub(crate) fn header(len: usize) -> ([u8; MAX_HEADER], usize) {
    let mut bytes = [0; MAX_HEADER];
    bytes[0] = BINARY;
    let used = match len {
        0..126 => {
            bytes[1] = len as u8;
            2
        }
        126..0x1_0000 => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            4
        }
        _ => {
            bytes[1] = 127;
            bytes[2..10].copy_from_slice(&(len as u64).to_be_bytes());
            10
        }
    };
    (bytes, used)
}

/// A whole close frame.
pub(crate) fn close(code: CloseCode, reason: &str) -> Vec<u8> {
    let mut end = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut bytes = vec![CLOSE, (end + 2) as u8];
    bytes.extend_from_slice(&code.code().to_be_bytes());
    bytes.extend_from_slice(&reason.as_bytes()[..end]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_three_forms() {
        for (len, expected) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65_535, &[0x82, 126, 0xff, 0xff]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let (bytes, used) = header(len);
            assert_eq!(&bytes[..used], expected);
        }
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let bytes = close(CloseCode::Flood, &"ü".repeat(100));
        assert_eq!(bytes.len(), 2 + usize::from(bytes[1]));
        assert!(usize::from(bytes[1]) <= 125);
        assert_eq!(&bytes[2..4], &4003_u16.to_be_bytes());
        assert_eq!(std::str::from_utf8(&bytes[4..]).unwrap(), "ü".repeat(61));
    }
}
