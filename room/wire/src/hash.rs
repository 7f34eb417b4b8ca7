//! A small stable hash: for schemas and for checking that two sides hold the same view.

/// FNV-1a, 64 bits. Not for secrets.
#[derive(Debug, Clone, Copy)]
pub struct Fnv(pub u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv::new()
    }
}

impl Fnv {
    /// The empty hash.
    pub const fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    /// With these bytes added.
    #[must_use]
    pub const fn bytes(self, bytes: &[u8]) -> Fnv {
        let mut hash = self.0;
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            at += 1;
        }
        Fnv(hash)
    }

    /// With this number added.
    #[must_use]
    pub const fn number(self, number: u64) -> Fnv {
        self.bytes(&number.to_le_bytes())
    }

    /// Folded to 16 bits.
    pub const fn short(self) -> u16 {
        (self.0 ^ (self.0 >> 16) ^ (self.0 >> 32) ^ (self.0 >> 48)) as u16
    }
}

/// The hash of a named shape made of parts.
pub const fn schema_of(name: &str, parts: &[u64]) -> u64 {
    let mut hash = Fnv::new().bytes(name.as_bytes());
    let mut at = 0;
    while at < parts.len() {
        hash = hash.number(parts[at]);
        at += 1;
    }
    hash.0
}
