//! One message to one client.

use std::sync::Arc;

use bellhop_wire::{StatePrefix, ToClient};

/// Longest head: a byte and two acknowledgement counts.
pub(crate) const HEAD: usize = 14;

/// A message in two parts: a small private head, and a body that other clients may share. Written one after the
/// other, they are the message.
#[derive(Debug, Clone)]
pub struct Frame {
    head: [u8; HEAD],
    head_len: u8,
    body: Option<Arc<[u8]>>,
}

impl Frame {
    /// A state frame.
    pub(crate) fn state(prefix: StatePrefix, body: Option<Arc<[u8]>>) -> Frame {
        let mut head = [0; HEAD];
        let head_len = match prefix.as_byte() {
            Some(byte) => {
                head[0] = byte;
                1
            }
            None => {
                let bytes = prefix.encode();
                head[..bytes.len()].copy_from_slice(&bytes);
                bytes.len() as u8
            }
        };
        Frame { head, head_len, body }
    }

    /// Any other message.
    pub(crate) fn message(message: &ToClient) -> Frame {
        Frame { head: [0; HEAD], head_len: 0, body: Some(message.encode().into()) }
    }

    /// The private part.
    pub fn head(&self) -> &[u8] {
        &self.head[..usize::from(self.head_len)]
    }

    /// The shared part.
    pub fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    /// The shared part, shared.
    pub fn shared_body(&self) -> Option<Arc<[u8]>> {
        self.body.clone()
    }

    /// Bytes of the whole message.
    pub fn len(&self) -> usize {
        self.head().len() + self.body().len()
    }

    /// Whether there is nothing in it; never so for a frame from a room.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole message in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        [self.head(), self.body()].concat()
    }
}
