//! Bits: codes are put one behind another, the lowest bit first.

/// Writes bits into a buffer that has room for them.
pub(super) struct Bits<'a> {
    out: &'a mut [u8],
    at: usize,
    held: u64,
    count: u32,
}

/// Bits that a stream ends with, before they fill a byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unfinished {
    held: u64,
    count: u32,
}

impl Unfinished {
    /// How many there are: 0 to 7.
    pub(super) fn count(self) -> usize {
        self.count as usize
    }
}

impl<'a> Bits<'a> {
    /// Bytes that the buffer must have behind the last one that is needed: a flush writes eight, whatever it holds.
    pub(super) const SLACK: usize = 8;

    pub(super) fn new(out: &'a mut [u8], unfinished: Unfinished) -> Bits<'a> {
        Bits { out, at: 0, held: unfinished.held, count: unfinished.count }
    }

    /// Holds the lowest `count` bits of `bits`, the others being 0. Not more than 56 between two flushes.
    #[inline(always)]
    pub(super) fn hold(&mut self, bits: u64, count: u32) {
        debug_assert!(self.count + count < 64 && bits >> count == 0);
        self.held |= bits << self.count;
        self.count += count;
    }

    /// Writes what is held, but for the bits of a byte that is not full.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        self.out[self.at..self.at + 8].copy_from_slice(&self.held.to_le_bytes());
        self.at += (self.count >> 3) as usize;
        self.held >>= self.count & !7;
        self.count &= 7;
    }

    /// Holds and writes a few bits, where no speed is needed.
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.hold(bits.into(), count);
        self.flush();
    }

    /// Fills the last byte with zeros.
    pub(super) fn fill_byte(&mut self) {
        self.put(0, self.count.wrapping_neg() & 7);
    }

    /// Appends bytes; the last one must be full.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        assert_eq!(self.count, 0);
        self.out[self.at..][..bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// How many bytes are full, and the bits behind them.
    pub(super) fn end(self) -> (usize, Unfinished) {
        (self.at, Unfinished { held: self.held, count: self.count })
    }
}
