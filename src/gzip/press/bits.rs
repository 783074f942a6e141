//! Append bits to a buffer, the lowest bit first.

/// Writes bits into a buffer that has room for them.
pub(super) struct Bits<'a> {
    out: &'a mut [u8],
    at: usize,
    held: u64,
    count: u32,
}

/// The bits at the end of a stream that do not fill a byte yet.
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
    /// Bytes that the buffer must have after the last one that is needed: a flush always writes eight.
    pub(super) const SLACK: usize = 8;

    pub(super) fn new(out: &'a mut [u8], unfinished: Unfinished) -> Bits<'a> {
        Bits { out, at: 0, held: unfinished.held, count: unfinished.count }
    }

    /// Holds the lowest `count` bits of `bits`; the others must be 0. At most 56 between two flushes.
    #[inline(always)]
    pub(super) fn hold(&mut self, bits: u64, count: u32) {
        debug_assert!(self.count + count < 64 && bits >> count == 0);
        self.held |= bits << self.count;
        self.count += count;
    }

    /// Writes the full bytes that are held.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        self.out[self.at..self.at + 8].copy_from_slice(&self.held.to_le_bytes());
        self.at += (self.count >> 3) as usize;
        self.held >>= self.count & !7;
        self.count &= 7;
    }

    /// Holds and writes a few bits, where speed does not matter.
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

    /// The number of full bytes, and the bits after them.
    pub(super) fn end(self) -> (usize, Unfinished) {
        (self.at, Unfinished { held: self.held, count: self.count })
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive;
    use super::super::tests::Chance;
    use super::*;

    #[test]
    fn bits_agree_with_one_bit_at_a_time() {
        let mut chance = Chance(1);
        let mut out = vec![0; 4000];
        let (mut expected, mut unfinished, mut end) = (Vec::new(), Unfinished::default(), 0);
        for _ in 0..40 {
            let mut bits = Bits::new(&mut out[end..], unfinished);
            for _ in 0..chance.below(20) {
                let count = chance.below(29) as u32;
                let number = chance.below(1 << count) as u64;
                bits.hold(number, count);
                bits.hold(number, count);
                bits.flush();
                for _ in 0..2 {
                    expected.extend((0..count).map(|bit| number >> bit & 1 == 1));
                }
            }
            let (written, rest) = bits.end();
            (end, unfinished) = (end + written, rest);
        }
        let mut bits = Bits::new(&mut out[end..], unfinished);
        bits.fill_byte();
        bits.append(b"end");
        end += bits.end().0;
        assert_eq!(out[..end], [naive::bytes(&expected), b"end".to_vec()].concat());
    }
}
