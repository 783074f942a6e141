//! Append bits to a buffer, the lowest bit first.

/// Bytes that the buffer has after the last one that is needed: a flush always writes eight.
const SLACK: usize = 8;

/// Writes bits to the end of a stream.
pub(super) struct Bits<'a> {
    out: &'a mut [u8],
    at: usize,
    held: u64,
    count: u32,
    /// The counts at all flushes, combined.
    counts: u32,
}

/// The end of a stream: its full bytes, and the bits that do not fill a byte yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    pub(super) bytes: usize,
    held: u64,
    count: u32,
}

impl End {
    /// The end of a stream of full bytes.
    pub(super) fn after(bytes: usize) -> End {
        End { bytes, held: 0, count: 0 }
    }
}

impl<'a> Bits<'a> {
    /// Continues a stream that ends at `end`, with room for `most` bits.
    pub(super) fn new(out: &'a mut Vec<u8>, end: End, most: usize) -> Bits<'a> {
        let needed = end.bytes + (end.count as usize + most).div_ceil(8) + SLACK;
        if out.len() < needed {
            out.resize(needed, 0);
        }
        Bits { out: &mut out[..needed], at: end.bytes, held: end.held, count: end.count, counts: 0 }
    }

    /// Holds the lowest `count` bits of `bits`; the others must be 0. Up to 63 bits can be held, up to 7 of them left by the
    /// last flush.
    /// If there are more, what is written is wrong, and `is_overfull` says so.
    #[inline(always)]
    pub(super) fn hold(&mut self, bits: u64, count: u32) {
        self.held |= bits.wrapping_shl(self.count);
        self.count += count;
    }

    /// Whether so many bits can be held before the next flush.
    #[inline(always)]
    pub(super) fn can_hold(&self, count: u32) -> bool {
        self.count + count < 64
    }

    /// Writes the full bytes that are held. Returns None if there is no room.
    #[inline(always)]
    pub(super) fn flush(&mut self) -> Option<()> {
        let room = self.out.get_mut(self.at..self.at + 8)?;
        room.copy_from_slice(&self.held.to_le_bytes());
        self.counts |= self.count;
        self.at += (self.count >> 3) as usize;
        self.held = self.held.wrapping_shr(self.count & !7);
        self.count &= 7;
        Some(())
    }

    /// Whether more than 63 bits were held at a flush.
    pub(super) fn is_overfull(&self) -> bool {
        self.counts >= 64
    }

    /// Holds and writes a few bits, where speed does not matter.
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        debug_assert!(u64::from(bits) >> count == 0);
        self.hold(bits.into(), count);
        self.flush().expect("there is room for the bits that were announced");
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

    /// Sets the first bit after an earlier end of the stream to 0. Its byte must be full by now.
    pub(super) fn clear(&mut self, end: End) {
        assert!(end.bytes < self.at);
        self.out[end.bytes] &= !(1 << end.count);
    }

    /// A writer to the same end. What it writes counts if this one goes on from its end.
    pub(super) fn branch(&mut self) -> Bits<'_> {
        Bits { out: self.out, at: self.at, held: self.held, count: self.count, counts: 0 }
    }

    pub(super) fn go_on_from(&mut self, end: End) {
        (self.at, self.held, self.count) = (end.bytes, end.held, end.count);
    }

    /// The end of what was written.
    pub(super) fn end(&self) -> End {
        End { bytes: self.at, held: self.held, count: self.count }
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
        let (mut out, mut expected, mut end) = (Vec::new(), Vec::new(), End::default());
        for round in 0..40 {
            let mut bits = Bits::new(&mut out, end, 20 * 56);
            let mut branch = bits.branch();
            let before = expected.len();
            for _ in 0..chance.below(20) {
                let count = chance.below(29) as u32;
                let number = chance.below(1 << count) as u64;
                branch.hold(number, count);
                assert!(branch.can_hold(56 - count) && !branch.can_hold(64 - count));
                branch.hold(number, count);
                branch.flush().unwrap();
                for _ in 0..2 {
                    expected.extend((0..count).map(|bit| number >> bit & 1 == 1));
                }
            }
            assert!(!branch.is_overfull());
            let branch_end = branch.end();
            if round % 3 > 0 {
                bits.go_on_from(branch_end);
            } else {
                expected.truncate(before);
            }
            end = bits.end();
        }
        let mut bits = Bits::new(&mut out, end, 7 + 3 * 8);
        bits.fill_byte();
        bits.append(b"end");
        let end = bits.end();
        assert_eq!(out[..end.bytes], [naive::bytes(&expected), b"end".to_vec()].concat());
    }

    #[test]
    fn a_bit_is_cleared_where_the_stream_ended() {
        for first in 0..20 {
            let mut out = Vec::new();
            let mut bits = Bits::new(&mut out, End::default(), 80);
            for _ in 0..first {
                bits.put(1, 1);
            }
            let end = bits.end();
            bits.put(0xFFFF, 16);
            bits.clear(end);
            bits.fill_byte();
            let expected: Vec<_> = (0..first + 16).map(|bit| bit != first).collect();
            let end = bits.end();
            assert_eq!(out[..end.bytes], naive::bytes(&expected));
        }
    }

    #[test]
    fn too_little_room_and_too_many_bits_are_noticed() {
        let mut out = Vec::new();
        let mut bits = Bits::new(&mut out, End::default(), 80);
        let flushes = std::iter::from_fn(|| {
            bits.hold(0, 40);
            bits.flush()
        });
        assert_eq!(flushes.count(), 3, "10 bytes, and 8 as slack");
        assert!(!bits.is_overfull());
        for counts in [[14, 14, 14, 64], [64, 0, 0, 0], [64, 64, 64, 64], [14, 14, 14, 22]] {
            let mut bits = Bits::new(&mut out, End::default(), 800);
            counts.iter().for_each(|&count| bits.hold(0, count));
            bits.flush().unwrap();
            bits.put(0, 1);
            assert!(bits.is_overfull());
        }
    }
}
