//! Matches: a text and its hints become tokens.

use super::WINDOW;
use super::hint::{Hint, Hints};
use super::token::{LONGEST, SHORTEST, Token};

/// A block ends behind so many tokens, or so many bytes.
const BLOCK_TOKENS: usize = 10_000;
const BLOCK_BYTES: usize = 256 << 10;

const RECENT_BITS: u32 = 13;

/// Where words stood last.
pub struct Recent {
    places: Box<[u32; 1 << RECENT_BITS]>,
}

impl Recent {
    pub fn new() -> Recent {
        Recent { places: vec![0; 1 << RECENT_BITS].try_into().expect("the size is right") }
    }

    pub fn clear(&mut self) {
        self.places.fill(0);
    }

    /// Where the word at `at` stood last, or another one did; from now on it is `at`.
    #[inline(always)]
    fn replace(&mut self, word: u32, key: u32, at: usize) -> usize {
        let slot = (word ^ key).wrapping_mul(0x9E37_79B1) >> (32 - RECENT_BITS);
        {
            let p = &mut self.places[slot as usize];
            let old = *p;
            *p = old << 16 | at as u32 & 0xFFFF;
            old as usize
        }
    }
}

/// The same bytes in two places.
#[derive(Clone, Copy, Debug)]
struct Match {
    start: usize,
    end: usize,
    distance: usize,
}

/// Bytes that a match is found by.
const FIRST: usize = 1;
const TOKEN: usize = 4;
const NEAR: usize = 4096;
const REST: usize = 6;
const START: i8 = 4;
const GAIN: i8 = 8;
const WAIT: i8 = -125;

/// Behind this many bytes from the end of a text nothing is searched for.
const TAIL: usize = 8;

/// Finds matches from the start of a text to its end.
pub struct Matches<'a> {
    text: &'a [u8],
    hints: Hints<'a>,
    recent: &'a mut Recent,
    at: usize,
    key: u32,
    habits: [i8; 256],
}

impl<'a> Matches<'a> {
    pub fn new(text: &'a [u8], hints: &'a [Hint], recent: &'a mut Recent) -> Matches<'a> {
        Matches { text, hints: Hints::new(hints), recent, at: 0, key: 0, habits: [START; 256] }
    }

    /// How far the text has become tokens.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Appends the tokens of a block.
    pub fn find(&mut self, tokens: &mut Vec<Token>) {
        let block_end = self.text.len().min(self.at + BLOCK_BYTES);
        let searched = block_end.min(self.text.len().saturating_sub(TAIL));
        let mut run_start = self.at;
        let mut at = self.at;
        let mut key = self.key;
        let mut is_searched = false;
        while at < searched && tokens.len() < BLOCK_TOKENS {
            // 1. a hint
            let mut found = None;
            if self.hints.next_at() <= at {
                let (distance, name) = self.hints.pass(at);
                key = self.name_key(name);
                if let Some(distance) = distance {
                    found = self.compare(at, distance, run_start);
                }
            }
            if found.is_none() {
                if !is_searched {
                    found = self.search::<FIRST>(at, run_start, key);
                }
                is_searched = false;
                if found.is_none() {
                    // 3. the rest of the value
                    let next_at = self.hints.next_at().min(searched).min(at + 64);
                    at += 1;
                    let habit = &mut self.habits[(key >> 24) as usize];
                    if *habit < 0 {
                        *habit += 1;
                        at = at.max(next_at);
                        continue;
                    }
                    while at < next_at {
                        found = self.search::<REST>(at, run_start, key);
                        if found.is_some() {
                            break;
                        }
                        at += 1;
                    }
                    let habit = &mut self.habits[(key >> 24) as usize];
                    if found.is_none() {
                        *habit -= 1;
                        if *habit < 0 {
                            *habit = WAIT;
                        }
                        continue;
                    }
                    *habit = (*habit + GAIN).min(64);
                }
            }
            // 2. chain
            let mut found = found.expect("it is");
            while found.end < searched {
                if self.hints.next_at() <= found.end {
                    let (distance, name) = self.hints.pass(found.end);
                    key = self.name_key(name);
                    if let Some(distance) = distance
                        && distance != found.distance
                        && let Some(other) = self.compare(found.end, distance, run_start)
                    {
                        if other.start <= found.start {
                            found = other;
                        } else {
                            push(tokens, run_start, found);
                            run_start = found.end;
                            found = Match { start: found.end, ..other };
                        }
                        continue;
                    }
                }
                let Some(other) = self.look_up2(found, run_start, key) else { break };
                if other.start <= found.start {
                    found = other;
                } else {
                    let rest = Match { start: found.end, ..other };
                    let Some(rest) = self.judge::<FIRST>(rest) else { break };
                    push(tokens, run_start, found);
                    run_start = found.end;
                    found = rest;
                }
            }
            push(tokens, run_start, found);
            run_start = found.end;
            at = found.end;
            is_searched = true;
        }
        self.key = key;
        if at < searched {
            self.at = at;
        } else {
            self.at = at.max(block_end);
        }
        if self.at > run_start {
            tokens.push(Token { literals: (self.at - run_start) as u32, length: 0, distance: 0 });
        }
    }

    #[inline(always)]
    fn name_key(&self, at: usize) -> u32 {
        if at + 10 > self.text.len() {
            return 0;
        }
        let word = long(self.text, at + 1 + usize::from(self.text[at] == b','));
        const ONES: u64 = u64::MAX / 255;
        let differing = word ^ (ONES * b'"' as u64);
        let quotes = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        let word = word & (quotes & quotes.wrapping_neg()).wrapping_sub(1);
        (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
    }

    #[inline(always)]
    fn search<const LEAST: usize>(&mut self, at: usize, run_start: usize, key: u32) -> Option<Match> {
        let found = self.look_up(at, run_start, key)?;
        self.judge::<LEAST>(found)
    }

    #[inline(always)]
    fn judge<const LEAST: usize>(&self, found: Match) -> Option<Match> {
        let next_at = self.hints.next_at();
        let far = usize::from(found.distance >= NEAR);
        if found.end <= next_at {
            return (found.end - found.start >= LEAST + TOKEN + far).then_some(found);
        }
        let Some(distance) = self.hints.next_distance() else { return Some(found) };
        if next_at + TAIL > self.text.len() || next_at <= found.start {
            return Some(found);
        }
        let hinted = next_at + common(self.text, next_at - distance, next_at);
        if found.end >= hinted  {
            return ((found.end - hinted + next_at - found.start) >= LEAST + far).then_some(found);
        }
        let cut = Match { end: next_at, ..found };
        (cut.end - cut.start >= LEAST + TOKEN + far).then_some(cut)
    }

    #[inline(always)]
    fn look_up(&mut self, at: usize, run_start: usize, key: u32) -> Option<Match> {
        let like = self.recent.replace(word(self.text, at), key, at);
        let distance = at.wrapping_sub(like) & 0xFFFF;
        let like = at - distance;
        if (word(self.text, at) != word(self.text, like)) | (distance.wrapping_sub(1) >= WINDOW) {
            return None;
        }
        Some(self.extend(at, distance, run_start))
    }

    #[inline(always)]
    fn look_up2(&mut self, found: Match, run_start: usize, key: u32) -> Option<Match> {
        let at = found.end;
        let like2 = self.recent.replace(word(self.text, at), key, at);
        let [one, two] = [like2, like2 >> 16].map(|like| at.wrapping_sub(like) & 0xFFFF);
        let [is_one, is_two] = [one, two].map(|distance| {
            (word(self.text, at) == word(self.text, at - distance)) & (distance.wrapping_sub(1) < WINDOW)
        });
        if !(is_one | is_two) { return None; }
        let mut best = None;
        if is_one {
            let first = self.extend(at, one, run_start);
            if first.start <= found.start { return Some(first); }
            best = Some(first);
        }
        if is_two {
            let second = self.extend(at, two, run_start);
            if second.start <= found.start { return Some(second); }
            if best.is_none_or(|b| b.end + 1 < second.end) { best = Some(second); }
        }
        best
    }

    /// The match that goes over `at`, if there is one.
    #[inline(always)]
    fn compare(&self, at: usize, distance: usize, run_start: usize) -> Option<Match> {
        let like = at - distance;
        if word(self.text, at) != word(self.text, like) {
            return None;
        }
        Some(self.extend(at, distance, run_start))
    }

    #[inline(always)]
    fn extend(&self, at: usize, distance: usize, run_start: usize) -> Match {
        let like = at - distance;
        let end = at + common(self.text, like, at);
        let start = at - common_before(self.text, like, at, at - run_start);
        Match { start, end, distance }
    }
}

#[inline(always)]
fn push(tokens: &mut Vec<Token>, run_start: usize, found: Match) {
    let mut literals = (found.start - run_start) as u32;
    let mut left = found.end - found.start;
    let distance = found.distance as u16;
    while left > LONGEST {
        let length = if left - LONGEST < SHORTEST { LONGEST - SHORTEST } else { LONGEST };
        tokens.push(Token { literals, length: length as u16, distance });
        literals = 0;
        left -= length;
    }
    tokens.push(Token { literals, length: left as u16, distance });
}

#[inline(always)]
fn word(text: &[u8], at: usize) -> u32 {
    unsafe { text.as_ptr().add(at).cast::<u32>().read_unaligned() }
}

#[inline(always)]
fn long(text: &[u8], at: usize) -> u64 {
    unsafe { text.as_ptr().add(at).cast::<u64>().read_unaligned() }
}

#[inline(always)]
fn common(text: &[u8], like: usize, at: usize) -> usize {
    let mut length = 0;
    while at + length + 32 <= text.len() {
        use std::arch::x86_64::*;
        let mask = unsafe {
            let a = text.as_ptr().add(at + length).cast::<__m128i>();
            let b = text.as_ptr().add(like + length).cast::<__m128i>();
            let x = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b))) as u32;
            let y = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(a.add(1)), _mm_loadu_si128(b.add(1)))) as u32;
            !(x | y << 16)
        };
        if mask != 0 {
            return length + mask.trailing_zeros() as usize;
        }
        length += 32;
    }
    while at + length < text.len() && text[like + length] == text[at + length] {
        length += 1;
    }
    length
}

#[inline(always)]
fn common_before(text: &[u8], like: usize, at: usize, most: usize) -> usize {
    let most = most.min(like);
    let mut length = 0;
    while length < most && like >= length + 8 {
        let differing = long(text, like - length - 8) ^ long(text, at - length - 8);
        if differing != 0 {
            return most.min(length + (differing.leading_zeros() / 8) as usize);
        }
        length += 8;
    }
    while length < most && text[like - 1 - length] == text[at - 1 - length] {
        length += 1;
    }
    length.min(most)
}

#[inline(always)]
fn longer(text: &[u8], at: usize) -> u128 {
    u128::from_le_bytes(text[at..at + 16].try_into().expect("sixteen bytes"))
}
