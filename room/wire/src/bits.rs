//! Packing bits, lowest first.

/// Why bytes are no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The message ended in the middle of a value.
    #[error("the message ends too early")]
    Short,
    /// Something is longer than its limit.
    #[error("a length is over its limit")]
    TooLong,
    /// A number that the type does not have.
    #[error("a value is out of range")]
    Range,
    /// Text that is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// Bytes after the end of the message.
    #[error("bytes are left over")]
    Trailing,
    /// A message kind nobody knows.
    #[error("an unknown kind of message")]
    Kind,
}

/// Packs values into bytes.
#[derive(Debug, Default, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Writes the lowest `count` bits of `value`, at most 32 at a time.
    pub fn bits(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32);
        let value = if count == 32 { value } else { value & ((1 << count) - 1) };
        self.pending |= u64::from(value) << self.pending_bits;
        self.pending_bits += count;
        while self.pending_bits >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.pending_bits -= 8;
        }
    }

    /// Writes one bit.
    pub fn bool(&mut self, value: bool) {
        self.bits(u32::from(value), 1);
    }

    /// Writes a number that is usually small: groups of four bits, each with a bit that says whether more follow.
    pub fn varint(&mut self, mut value: u64) {
        loop {
            let group = (value & 15) as u32;
            value >>= 4;
            self.bits(group | if value == 0 { 0 } else { 16 }, 5);
            if value == 0 {
                return;
            }
        }
    }

    /// Writes a number that may be negative and is usually near zero.
    pub fn signed(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)) as u64);
    }

    /// Writes a number below `end`, in as few bits as that takes.
    pub fn below(&mut self, value: u32, end: u32) {
        debug_assert!(value < end);
        self.bits(value, width(end));
    }

    /// Writes all 64 bits.
    pub fn fixed64(&mut self, value: u64) {
        self.bits(value as u32, 32);
        self.bits((value >> 32) as u32, 32);
    }

    /// Writes a length and bytes.
    pub fn blob(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        for &byte in bytes {
            self.bits(u32::from(byte), 8);
        }
    }

    /// Writes text.
    pub fn text(&mut self, text: &str) {
        self.blob(text.as_bytes());
    }

    /// Fills up the last byte, so that what follows starts at a whole one.
    pub fn align(&mut self) {
        if self.pending_bits > 0 {
            self.bits(0, 8 - self.pending_bits);
        }
    }

    /// Bits written so far.
    pub fn len_bits(&self) -> usize {
        self.bytes.len() * 8 + self.pending_bits as usize
    }

    /// The bytes, the last one filled up with zeros.
    pub fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}

/// Bits that a number below `end` takes.
pub(crate) const fn width(end: u32) -> u32 {
    if end <= 1 { 0 } else { 32 - (end - 1).leading_zeros() }
}

/// Unpacks values from bytes. Never reads past the end and never panics.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the first bit of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// Bits not read yet.
    pub fn left(&self) -> usize {
        self.bytes.len() * 8 - self.at
    }

    /// Reads `count` bits, at most 32.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn bits(&mut self, count: u32) -> Result<u32, DecodeError> {
        debug_assert!(count <= 32);
        if self.left() < count as usize {
            return Err(DecodeError::Short);
        }
        let mut value = 0u64;
        let mut got = 0;
        while got < count {
            let shift = self.at % 8;
            let byte = u64::from(self.bytes[self.at / 8] >> shift);
            let take = (8 - shift as u32).min(count - got);
            value |= (byte & ((1 << take) - 1)) << got;
            got += take;
            self.at += take as usize;
        }
        Ok(value as u32)
    }

    /// Reads one bit.
    ///
    /// # Errors
    /// When none is left.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.bits(1)? == 1)
    }

    /// Reads what [`Writer::varint`] wrote.
    ///
    /// # Errors
    /// When it ends early or does not fit 64 bits.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for group in 0..16 {
            let bits = self.bits(5)?;
            value |= u64::from(bits & 15) << (group * 4);
            if bits & 16 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Range)
    }

    /// Reads a varint of at most `max`.
    ///
    /// # Errors
    /// When it ends early or is greater.
    pub fn varint_to(&mut self, max: u64) -> Result<u64, DecodeError> {
        let value = self.varint()?;
        if value > max { Err(DecodeError::Range) } else { Ok(value) }
    }

    /// Reads what [`Writer::signed`] wrote.
    ///
    /// # Errors
    /// As [`Reader::varint`].
    pub fn signed(&mut self) -> Result<i64, DecodeError> {
        let value = self.varint()?;
        Ok(((value >> 1) as i64) ^ -((value & 1) as i64))
    }

    /// Reads a number below `end`.
    ///
    /// # Errors
    /// When it ends early or the number is not below `end`.
    pub fn below(&mut self, end: u32) -> Result<u32, DecodeError> {
        let value = self.bits(width(end))?;
        if value < end { Ok(value) } else { Err(DecodeError::Range) }
    }

    /// Reads 64 bits.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn fixed64(&mut self) -> Result<u64, DecodeError> {
        let low = self.bits(32)?;
        let high = self.bits(32)?;
        Ok(u64::from(low) | (u64::from(high) << 32))
    }

    /// Reads a length of at most `max` whose elements take at least `bits_each` bits.
    ///
    /// # Errors
    /// When it is over `max`, or more than the message can hold.
    pub fn length(&mut self, max: usize, bits_each: usize) -> Result<usize, DecodeError> {
        let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::TooLong)?;
        if length > max {
            return Err(DecodeError::TooLong);
        }
        if length.saturating_mul(bits_each) > self.left() {
            return Err(DecodeError::Short);
        }
        Ok(length)
    }

    /// Reads at most `max` bytes.
    ///
    /// # Errors
    /// When the length is over `max` or over what is left.
    pub fn blob(&mut self, max: usize) -> Result<Vec<u8>, DecodeError> {
        let length = self.length(max, 8)?;
        (0..length).map(|_| Ok(self.bits(8)? as u8)).collect()
    }

    /// Reads text of at most `max` bytes.
    ///
    /// # Errors
    /// As [`Reader::blob`], and when it is not UTF-8.
    pub fn text(&mut self, max: usize) -> Result<String, DecodeError> {
        String::from_utf8(self.blob(max)?).map_err(|_| DecodeError::Text)
    }

    /// Skips to the next whole byte.
    pub fn align(&mut self) {
        self.at = self.at.div_ceil(8) * 8;
    }

    /// The bytes from the next whole one on.
    pub fn rest(mut self) -> &'a [u8] {
        self.align();
        &self.bytes[self.at / 8..]
    }

    /// Checks that nothing but the filling of the last byte is left.
    ///
    /// # Errors
    /// When a whole byte or a set bit is left.
    pub fn end(mut self) -> Result<(), DecodeError> {
        let left = self.left();
        if left >= 8 || self.bits(left as u32)? != 0 { Err(DecodeError::Trailing) } else { Ok(()) }
    }
}
