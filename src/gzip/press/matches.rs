//! Matches: a text and its hints become tokens.
//!
//! Each step looks at the fewest places that are likely to pay:
//!
//! 1. At a name, what its hint points at. The match runs over the name, and into the value as far as that is the same.
//! 2. Where a match ends, usually inside a value, the last place where a value of this name went on so. A match with
//!    it often reaches back over the name, and on over the next one: then it takes the other's place.
//! 3. The rest of a value at each byte, if that was worth it for this name before.

use super::WINDOW;
use super::alike::{Pair, Place, READ};
use super::habits::{FOR_ENDS, FOR_VALUES, Habits, Name};
use super::hint::{Hint, Hints};
use super::recent::Recent;
use super::token::{LONGEST, SHORTEST, Token};

/// A block ends behind so many tokens, or so many bytes.
const BLOCK_TOKENS: usize = 10_000;
const BLOCK_BYTES: usize = 256 << 10;

/// A value is searched, or left out, so many bytes at a time.
const STRETCH: usize = 64;

/// Literals that take about as many bits as a match does, and from how far back on it takes one more.
const WORTH_A_MATCH: usize = 4;
const FAR: usize = 4096;

/// Literals at its start that a match may lose to another one that goes on further, since they take fewer bits than a
/// match.
const SPARED: usize = 3;

/// Literals that a match must save beyond that where another one ends; and inside of a value, to make searching pay.
const BEHIND_MATCH: usize = 1;
const INSIDE_VALUE: usize = 6;

/// The text from `start` to `end` also stands `distance` back.
#[derive(Clone, Copy, Debug)]
struct Match {
    start: usize,
    end: usize,
    distance: usize,
}

/// Makes tokens of a text, from its start to its end.
pub(super) struct Matches<'a> {
    text: &'a [u8],
    hints: Hints<'a>,
    recent: &'a mut Recent,
    /// Whether searching pays, of values and where matches end.
    values: Habits,
    ends: Habits,
    /// Whether values are searched, or hints alone are followed.
    searches: bool,
    /// The member that `at` belongs to.
    name: Name,
    /// How far the text has been looked at, and how far it has become tokens.
    at: usize,
    done: usize,
}

impl<'a> Matches<'a> {
    pub(super) fn new(text: &'a [u8], hints: &'a [Hint], recent: &'a mut Recent, searches: bool) -> Matches<'a> {
        recent.clear();
        let hints = Hints::new(hints);
        let (values, ends) = (Habits::new(FOR_VALUES), Habits::new(FOR_ENDS));
        Matches { text, hints, recent, values, ends, searches, name: Name::default(), at: 0, done: 0 }
    }

    /// Appends the tokens of the next block, and returns what it is made of. The last one ends with the text.
    pub(super) fn next_block(&mut self, tokens: &mut Vec<Token>) -> &'a [u8] {
        let start = self.done;
        let end = self.text.len().min(start + BLOCK_BYTES);
        let searched = end.min(self.text.len().saturating_sub(READ));
        while self.at < searched && tokens.len() < BLOCK_TOKENS {
            if let Some(found) = self.next_match(searched) {
                let last = self.follow(found, searched, tokens);
                self.push(last, tokens);
                self.at = last.end;
            }
        }
        if self.at >= searched {
            self.at = self.at.max(end);
        }
        if self.at > self.done {
            tokens.push(Token { literals: (self.at - self.done) as u32, length: 0, distance: 0 });
            self.done = self.at;
        }
        &self.text[start..self.done]
    }

    /// The next match; or None, some bytes further on.
    #[inline(always)]
    fn next_match(&mut self, searched: usize) -> Option<Match> {
        let hinted = self.hinted(self.at);
        if hinted.is_some() {
            return hinted;
        }
        let end = self.hints.next_at().min(self.at + STRETCH).min(searched);
        if !self.searches || self.values.leave_out(self.name) {
            self.at = end;
            return None;
        }
        while self.at < end {
            if let Some(found) = self.look_up(self.at)
                && let Some(found) = self.worth(found, INSIDE_VALUE)
            {
                self.values.learn(self.name, true);
                return Some(found);
            }
            self.at += 1;
        }
        self.values.learn(self.name, false);
        None
    }

    /// Where a match ends, another one may go on; or cover all of it and reach further, and so on. Pushes those that
    /// are settled, and returns the last.
    #[inline(always)]
    fn follow(&mut self, mut found: Match, searched: usize, tokens: &mut Vec<Token>) -> Match {
        while found.end < searched {
            let hinted = self.hinted(found.end).filter(|hinted| hinted.distance != found.distance);
            let next = if hinted.is_some() { hinted } else { self.searched(found.end) };
            let Some(next) = next else { break };
            if next.start <= found.start + SPARED {
                found = next;
                continue;
            }
            let mut next = Match { start: found.end, ..next };
            if hinted.is_none() {
                let Some(worth) = self.worth(next, BEHIND_MATCH) else { break };
                next = worth;
            }
            self.push(found, tokens);
            found = next;
        }
        found
    }

    /// The match that a look for it finds where another one ends, if that pays for this name.
    #[inline(always)]
    fn searched(&mut self, at: usize) -> Option<Match> {
        let name = self.name;
        if !self.searches || self.ends.leave_out(name) {
            return None;
        }
        let found = self.look_up(at);
        self.ends.learn(name, found.is_some());
        found
    }

    /// The match of the hint for `at`, if one came since the last that was asked for.
    #[inline(always)]
    fn hinted(&mut self, at: usize) -> Option<Match> {
        if self.hints.next_at() > at {
            return None;
        }
        let (distance, name_at) = self.hints.pass(at);
        self.name = Name::at(self.text, name_at);
        let pair = Place::new(self.text, at)?.back(distance);
        pair.is_match().then(|| self.extend(pair))
    }

    /// The last place where this name's value went on as it does at `at`, which is the last from now on.
    #[inline(always)]
    fn look_up(&mut self, at: usize) -> Option<Match> {
        let place = Place::new(self.text, at)?;
        let pair = place.back(self.recent.replace(place.four(), self.name, at));
        pair.is_match().then(|| self.extend(pair))
    }

    /// A match as long as can be, that takes back literals too.
    #[inline(always)]
    fn extend(&self, pair: Pair) -> Match {
        let at = pair.at();
        Match { start: at - pair.alike_before(at - self.done), end: at + pair.alike_after(), distance: pair.distance() }
    }

    /// The match, if it saves so many literals more than it costs. One that ends behind the next name is compared with
    /// what the hint there gives for free.
    #[inline(always)]
    fn worth(&self, found: Match, saved: usize) -> Option<Match> {
        let saved = saved + usize::from(found.distance >= FAR);
        let next_at = self.hints.next_at();
        let mut cut = found;
        if (found.start + 1..found.end).contains(&next_at)
            && let Some(place) = Place::new(self.text, next_at)
            && let pair = place.back(self.hints.next_distance())
            && pair.is_match()
        {
            let hinted_end = next_at + pair.alike_after();
            if found.end >= hinted_end {
                return (found.end - hinted_end + next_at - found.start >= saved).then_some(found);
            }
            cut.end = next_at;
        }
        (cut.end - cut.start >= saved + WORTH_A_MATCH).then_some(cut)
    }

    /// The literals that are left, and the match. One that is too long for a token becomes several.
    #[inline(always)]
    fn push(&mut self, found: Match, tokens: &mut Vec<Token>) {
        let mut literals = (found.start - self.done) as u32;
        let mut left = found.end - found.start;
        debug_assert!(left >= SHORTEST && found.distance <= WINDOW);
        let distance = found.distance as u16;
        while left > LONGEST {
            // What is left must not be too short for one.
            let length = LONGEST.min(left - SHORTEST);
            tokens.push(Token { literals, length: length as u16, distance });
            literals = 0;
            left -= length;
        }
        tokens.push(Token { literals, length: left as u16, distance });
        self.done = found.end;
    }
}
