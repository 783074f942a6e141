//! Compare two places of a text: how many bytes are the same after them, and before them.
//!
//! The only `unsafe` of the press. A place is checked once and the words read from it are not: with slices and eight
//! bytes at a time, compressing takes longer by 14 % (web), 8 % (iot), 14 % (api) and 6 % (flights).

use super::token::WINDOW;
use crate::steps;

/// Bytes that can be read from the later place of a pair.
pub(super) const READ: usize = 32;

/// A place in a text that has at least [`READ`] bytes left there.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Place<'a> {
    /// A place; None near the end of the text.
    #[inline(always)]
    pub(super) fn new(text: &'a [u8], at: usize) -> Option<Place<'a>> {
        (at < text.len() && text.len() - at >= READ).then_some(Place { text, at })
    }

    /// The four bytes here.
    #[inline(always)]
    pub(super) fn four(self) -> u32 {
        self.back(0).four(self.at)
    }

    /// Eight bytes after the next `offset`, of those that can be read.
    #[inline(always)]
    pub(super) fn eight(self, offset: usize) -> u64 {
        assert!(offset + 8 <= READ);
        // SAFETY: the text has READ bytes here.
        u64::from_le(unsafe { self.text.as_ptr().add(self.at + offset).cast::<u64>().read_unaligned() })
    }

    /// A bit for each of the next 32 bytes; 1 if a word starts there. A word is of letters, digits and what is not ASCII.
    #[inline(always)]
    pub(super) fn word_starts(self) -> u32 {
        let of_words = self.of_words();
        of_words & !(of_words << 1)
    }

    /// A bit for each of the next 32 bytes; 1 if it belongs to a word.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn of_words(self) -> u32 {
        use std::arch::x86_64::{
            __m128i, _mm_and_si128, _mm_cmpgt_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
            _mm_set1_epi8,
        };
        let of_words = |offset: usize| {
            // SAFETY: the text has READ bytes here. Every x86-64 has SSE2.
            unsafe {
                let bytes = _mm_loadu_si128(self.text.as_ptr().add(self.at + offset).cast::<__m128i>());
                let within = |bytes, first: u8, last: u8| {
                    let (before, behind) = (_mm_set1_epi8(first as i8 - 1), _mm_set1_epi8(last as i8 + 1));
                    _mm_and_si128(_mm_cmpgt_epi8(bytes, before), _mm_cmplt_epi8(bytes, behind))
                };
                let letters = within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), b'a', b'z');
                let digits = within(bytes, b'0', b'9');
                // What is not ASCII has the highest bit already.
                _mm_movemask_epi8(_mm_or_si128(bytes, _mm_or_si128(letters, digits))) as u32
            }
        };
        of_words(0) | of_words(16) << 16
    }

    /// A bit for each of the next 32 bytes; 1 if it belongs to a word.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn of_words(self) -> u32 {
        let bytes = &self.text[self.at..][..READ];
        bytes.iter().rev().fold(0, |bits, byte| bits << 1 | u32::from(byte.is_ascii_alphanumeric() || !byte.is_ascii()))
    }

    /// The pair with the place so far back, or with the start of the text.
    #[inline(always)]
    pub(super) fn back(self, distance: usize) -> Pair<'a> {
        Pair { text: self.text, at: self.at, like: self.at - distance.min(self.at) }
    }
}

/// A place in a text that has at least [`READ`] bytes left there, and an earlier place or the same.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    text: &'a [u8],
    at: usize,
    like: usize,
}

impl Pair<'_> {
    /// The later place.
    #[inline(always)]
    pub(super) fn at(self) -> usize {
        self.at
    }

    /// The distance between the two.
    #[inline(always)]
    pub(super) fn distance(self) -> usize {
        self.at - self.like
    }

    /// Whether a match may start here: four bytes are the same, and the distance is within the window.
    #[inline(always)]
    pub(super) fn is_match(self) -> bool {
        // One branch for both conditions: which of them fails is unpredictable.
        (self.distance().wrapping_sub(1) < WINDOW) & (self.four(self.at) == self.four(self.like))
    }

    /// Whether the next `length` bytes are likely to be the same, because the first four and the last four are.
    #[inline(always)]
    pub(super) fn is_match_of(self, length: usize) -> bool {
        let [at, like] = [self.at, self.like].map(|at| Place { text: self.text, at }.eight(length - 8) >> 32);
        self.is_match() & (at == like)
    }

    /// How many bytes at both places are the same.
    #[inline(always)]
    pub(super) fn alike_after(self) -> usize {
        let mut length = 0;
        while self.text.len() - self.at - length >= READ {
            steps::count(1);
            // SAFETY: the loop's condition.
            let differing = unsafe { self.differing(length) };
            if differing != 0 {
                return length + differing.trailing_zeros() as usize;
            }
            length += READ;
        }
        let (text, like) = (&self.text[self.at..], &self.text[self.like..]);
        while length < text.len() && text[length] == like[length] {
            length += 1;
        }
        length
    }

    /// How many bytes before both places are the same, at most `most`.
    #[inline(always)]
    pub(super) fn alike_before(self, most: usize) -> usize {
        let most = most.min(self.like);
        let mut length = 0;
        while length < most && self.like - length >= 8 {
            steps::count(1);
            // SAFETY: both places are before the later place of the pair.
            let [at, like] = [self.at, self.like].map(|place| u64::from_le(unsafe { self.read(place - length - 8) }));
            let differing = at ^ like;
            if differing != 0 {
                return most.min(length + (differing.leading_zeros() / 8) as usize);
            }
            length += 8;
        }
        while length < most && self.text[self.at - 1 - length] == self.text[self.like - 1 - length] {
            length += 1;
        }
        length.min(most)
    }

    /// Four bytes of the text at one of the two places.
    #[inline(always)]
    fn four(self, place: usize) -> u32 {
        debug_assert!(place == self.at || place == self.like);
        // SAFETY: the callers, all in this file, pass one of the two places.
        u32::from_le(unsafe { self.read(place) })
    }

    /// A number read from the bytes of the text.
    ///
    /// # Safety
    /// The place is not after the later place of the pair, and the number has at most [`READ`] bytes.
    #[inline(always)]
    unsafe fn read<Number: Copy>(self, place: usize) -> Number {
        debug_assert!(place <= self.at && size_of::<Number>() <= READ);
        // SAFETY: the text has READ bytes at the later place.
        unsafe { self.text.as_ptr().add(place).cast::<Number>().read_unaligned() }
    }

    /// A bit for each of the 32 bytes after `length` bytes; 1 if they differ.
    ///
    /// # Safety
    /// The text has READ bytes after `length` bytes from the later place.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn differing(self, length: usize) -> u32 {
        use std::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8};
        debug_assert!(self.at + length + READ <= self.text.len());
        let same = |offset: usize| {
            // SAFETY: the text has these bytes at the later place, so it has them at the earlier one. Every x86-64 has SSE2.
            unsafe {
                let start = self.text.as_ptr().add(length + offset);
                let at = _mm_loadu_si128(start.add(self.at).cast::<__m128i>());
                let like = _mm_loadu_si128(start.add(self.like).cast::<__m128i>());
                _mm_movemask_epi8(_mm_cmpeq_epi8(at, like)) as u32
            }
        };
        !(same(0) | same(16) << 16)
    }

    /// A bit for each of the 32 bytes after `length` bytes; 1 if they differ.
    ///
    /// # Safety
    /// As above, though this one would panic.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe fn differing(self, length: usize) -> u32 {
        let at = &self.text[self.at + length..][..READ];
        let like = &self.text[self.like + length..][..READ];
        at.iter().zip(like).rev().fold(0, |bits, (at, like)| bits << 1 | u32::from(at != like))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_agree_with_a_byte_by_byte_comparison() {
        let period = 97;
        for (size, other) in [(300, 170), (300, 250), (131, 120), (129, 98), (257, 256), (300, 100), (300, 3)] {
            let mut text: Vec<u8> = (0..size).map(|place| (place % period) as u8).collect();
            text[other] = 0xFF;
            for at in 0..size {
                for distance in [1, period, 2 * period] {
                    if distance > at {
                        continue;
                    }
                    let Some(place) = Place::new(&text, at) else {
                        assert!(at + READ > size);
                        continue;
                    };
                    let pair = place.back(distance);
                    let like = at - distance;
                    let after = (at..size).take_while(|&place| text[place] == text[place - distance]).count();
                    let before = (0..like).rev().take_while(|&place| text[place] == text[place + distance]).count();
                    assert_eq!(pair.alike_after(), after, "{size} {other} {at} {distance}");
                    assert_eq!(pair.is_match(), after >= 4);
                    for most in [0, 1, 5, 7, 8, 9, 1000] {
                        assert_eq!(pair.alike_before(most), before.min(most), "{size} {other} {at} {distance} {most}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_match_reaches_back_one_window() {
        let text = vec![b'a'; WINDOW + 100];
        for (distance, is_match) in [(0, false), (1, true), (WINDOW, true), (WINDOW + 1, false)] {
            assert_eq!(Place::new(&text, WINDOW + 10).unwrap().back(distance).is_match(), is_match);
        }
        assert_eq!(Place::new(&text, 10).unwrap().back(11).distance(), 10);
    }

    #[test]
    fn words_agree_with_a_byte_by_byte_check() {
        let all: Vec<u8> = (0..=255).chain(0..=255).collect();
        let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
        for at in 0..=all.len() - READ {
            let place = Place::new(&all, at).unwrap();
            for offset in 0..READ {
                let of_word = is_of_word(all[at + offset]);
                let starts = of_word && (offset == 0 || !is_of_word(all[at + offset - 1]));
                assert_eq!(place.of_words() >> offset & 1 == 1, of_word, "{at} {offset}");
                assert_eq!(place.word_starts() >> offset & 1 == 1, starts, "{at} {offset}");
            }
        }
    }

    #[test]
    fn a_match_of_some_bytes_has_the_same_first_and_last_four() {
        let mut text = [&[7; 40][..], &[7; 40]].concat();
        for (changed, expected) in [(43, [false, false]), (47, [false, true]), (52, [true, false]), (56, [true, true])]
        {
            text[changed] = 9;
            let pair = Place::new(&text, 40).unwrap().back(40);
            assert_eq!([8, 16].map(|length| pair.is_match_of(length)), expected, "{changed}");
            text[changed] = 7;
        }
    }
}
