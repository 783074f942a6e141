//! Matches: a text and its hints become tokens.

use super::WINDOW;
use super::hint::{Hint, Hints};
use super::token::{LONGEST, SHORTEST, Token};

/// A block ends behind so many tokens, or so many bytes.
const BLOCK_TOKENS: usize = 10_000;
const BLOCK_BYTES: usize = 256 << 10;

const RECENT_BITS: u32 = 14;

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
    fn replace(&mut self, word: u32, at: usize) -> usize {
        let slot = word.wrapping_mul(0x9E37_79B1) >> (32 - RECENT_BITS);
        std::mem::replace(&mut self.places[slot as usize], at as u32) as usize
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
const WORD: usize = 4;

/// Behind this many bytes from the end of a text nothing is searched for.
const TAIL: usize = 8;

/// Finds matches from the start of a text to its end.
pub struct Matches<'a> {
    text: &'a [u8],
    hints: Hints<'a>,
    recent: &'a mut Recent,
    at: usize,
}

impl<'a> Matches<'a> {
    pub fn new(text: &'a [u8], hints: &'a [Hint], recent: &'a mut Recent) -> Matches<'a> {
        Matches { text, hints: Hints::new(hints), recent, at: 0 }
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
        while at < searched && tokens.len() < BLOCK_TOKENS {
            let Some(found) = self.match_at(at, run_start) else {
                at += 1;
                continue;
            };
            let (found, next) = self.better(found, run_start);
            push(tokens, run_start, found);
            run_start = found.end;
            at = found.end;
            let _ = next;
        }
        if at < searched {
            self.at = at;
        } else {
            self.at = at.max(block_end);
        }
        if self.at > run_start {
            tokens.push(Token { literals: (self.at - run_start) as u32, length: 0, distance: 0 });
        }
    }

    /// The match of a hint, or else of the words that were seen.
    #[inline(always)]
    fn match_at(&mut self, at: usize, run_start: usize) -> Option<Match> {
        if self.hints.next_at() <= at
            && let Some(distance) = self.hints.pass(at)
            && let Some(found) = self.compare(at, distance, run_start)
        {
            return Some(found);
        }
        let found = self.look_up(at, run_start)?;
        let next_at = self.hints.next_at();
        if found.end <= next_at {
            return (found.end - found.start >= Self::least(found.distance)).then_some(found);
        }
        let Some(distance) = self.hints.next_distance() else { return Some(found) };
        if next_at + TAIL > self.text.len() || next_at < at {
            return Some(found);
        }
        let hinted = next_at + common(self.text, next_at - distance, next_at);
        if found.end > hinted || (found.end == hinted && next_at - at >= 2) {
            return Some(found);
        }
        let cut = Match { end: next_at, ..found };
        (cut.end - cut.start >= Self::least(found.distance)).then_some(cut)
    }

    #[inline(always)]
    fn least(distance: usize) -> usize {
        if distance < 1024 {
            4
        } else if distance < 8192 {
            5
        } else {
            6
        }
    }

    /// A word that was seen where a match ends may belong to a longer match that began before.
    #[inline(always)]
    fn better(&mut self, mut found: Match, run_start: usize) -> (Match, Option<Match>) {
        while found.end + TAIL < self.text.len() {
            let Some(next) = self.look_up(found.end, run_start) else { break };
            if next.start > found.start {
                break;
            }
            found = next;
        }
        (found, None)
    }

    #[inline(always)]
    fn look_up(&mut self, at: usize, run_start: usize) -> Option<Match> {
        let like = self.recent.replace(word(self.text, at), at);
        let distance = at.wrapping_sub(like);
        if distance.wrapping_sub(1) >= WINDOW {
            return None;
        }
        self.compare(at, distance, run_start)
    }

    /// The match that goes over `at`, if there is one.
    #[inline(always)]
    fn compare(&self, at: usize, distance: usize, run_start: usize) -> Option<Match> {
        let like = at - distance;
        if word(self.text, at) != word(self.text, like) {
            return None;
        }
        let end = at + common(self.text, like, at);
        let start = at - common_before(self.text, like, at, at - run_start);
        Some(Match { start, end, distance })
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
    u32::from_le_bytes(text[at..at + 4].try_into().expect("four bytes"))
}

#[inline(always)]
fn long(text: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(text[at..at + 8].try_into().expect("eight bytes"))
}

#[inline(always)]
fn common(text: &[u8], like: usize, at: usize) -> usize {
    let mut length = 0;
    while at + length + 8 <= text.len() {
        let differing = long(text, like + length) ^ long(text, at + length);
        if differing != 0 {
            return length + (differing.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    while at + length < text.len() && text[like + length] == text[at + length] {
        length += 1;
    }
    length
}

#[inline(always)]
fn common_before(text: &[u8], like: usize, at: usize, most: usize) -> usize {
    let mut length = 0;
    while length < most && length < like && text[like - 1 - length] == text[at - 1 - length] {
        length += 1;
    }
    length
}
