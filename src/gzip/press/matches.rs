//! Turn a text and its hints into tokens.
//!
//! Each step looks only at the places that are most likely to match:
//!
//! 1. At a name, the place of its hint. The match covers the name, and the value as far as that is the same.
//! 2. At the end of a match, usually inside a value, the last place where a value of this name had the same four bytes. A
//!    match with it often covers the name before and the next one too: then it replaces the first match.
//! 3. At each byte of the rest of a value, if that found matches for this name before.

use super::alike::{Pair, Place, READ};
use super::habits::{FOR_ENDS, FOR_VALUES, Habits, Name};
use super::hint::{Hint, Hints};
use super::recent::Recent;
use super::token::{LONGEST, SHORTEST, Token, WINDOW};

/// The number of tokens, or of bytes, after which a part ends.
const PART_TOKENS: usize = 10_000;
const PART_BYTES: usize = 256 << 10;

/// Bytes of a value that are searched, or skipped, at a time.
const STRETCH: usize = 64;

/// Literals that take about as many bits as a match, and the distance from which on a match takes one more.
const WORTH_A_MATCH: usize = 4;
const FAR: usize = 4096;

/// Replace a match by a longer one if that leaves at most this many leading literals: they take fewer bits than a match.
const SPARED: usize = 3;

/// Literals that a match must save beyond that: at the end of another one, and inside a value, where searching costs time.
const BEHIND_MATCH: usize = 1;
const INSIDE_VALUE: usize = 6;

/// The text from `start` to `end` repeats the text `distance` bytes before it.
#[derive(Clone, Copy, Debug)]
struct Match {
    start: usize,
    end: usize,
    distance: usize,
}

/// Turns a text into tokens, from its start to its end.
pub(super) struct Matches<'a> {
    text: &'a [u8],
    hints: Hints<'a>,
    recent: &'a mut Recent,
    /// For which names searches find matches: of values, and at the ends of matches.
    values: Habits,
    ends: Habits,
    /// Whether values are searched, or only hints followed.
    searches: bool,
    /// The member that `at` belongs to.
    name: Name,
    /// How far the text was examined, and how far it was turned into tokens.
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

    /// Appends the tokens of the next part, and returns its text. The last part ends with the text.
    pub(super) fn next_part(&mut self, tokens: &mut Vec<Token>) -> &'a [u8] {
        let start = self.done;
        let end = self.text.len().min(start + PART_BYTES);
        let searched = end.min(self.text.len().saturating_sub(READ));
        let most = tokens.len() + PART_TOKENS;
        while self.at < searched && tokens.len() < most {
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

    /// The next match; or None, and `at` is some bytes further.
    #[inline(always)]
    fn next_match(&mut self, searched: usize) -> Option<Match> {
        let hinted = self.hinted(self.at);
        if hinted.is_some() {
            return hinted;
        }
        let end = self.hints.next_at().min(self.at + STRETCH).min(searched);
        if !self.searches || self.values.skip(self.name) {
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

    /// Follows a match with those that start at its end, or cover it and end later, as long as there are any. Pushes all but
    /// the last, which it returns.
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

    /// The match that is looked up at the end of another one, unless that is skipped for this name.
    #[inline(always)]
    fn searched(&mut self, at: usize) -> Option<Match> {
        let name = self.name;
        if !self.searches || self.ends.skip(name) {
            return None;
        }
        let found = self.look_up(at);
        self.ends.learn(name, found.is_some());
        found
    }

    /// The match of the last hint up to `at`, if there is one since the last call.
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

    /// The match with the last place where a value of this name had the same four bytes. Records `at` as the last place.
    #[inline(always)]
    fn look_up(&mut self, at: usize) -> Option<Match> {
        crate::steps::count(1);
        let place = Place::new(self.text, at)?;
        let pair = place.back(self.recent.replace(place.four(), self.name, at));
        pair.is_match().then(|| self.extend(pair))
    }

    /// The longest match of a pair, extended backwards over literals too.
    #[inline(always)]
    fn extend(&self, pair: Pair) -> Match {
        let at = pair.at();
        Match { start: at - pair.alike_before(at - self.done), end: at + pair.alike_after(), distance: pair.distance() }
    }

    /// The match, if it saves at least `saved` more literals than it costs. One that ends after the next name is compared
    /// with the match of the hint there, which costs no search.
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

    /// Pushes the literals before a match, and the match. One that is too long for a token becomes several.
    #[inline(always)]
    fn push(&mut self, found: Match, tokens: &mut Vec<Token>) {
        let mut literals = (found.start - self.done) as u32;
        let mut left = found.end - found.start;
        debug_assert!(left >= SHORTEST && found.distance <= WINDOW);
        let distance = found.distance as u16;
        while left > LONGEST {
            // The rest must not be too short for a match.
            let length = LONGEST.min(left - SHORTEST);
            tokens.push(Token { literals, length: length as u16, distance });
            literals = 0;
            left -= length;
        }
        tokens.push(Token { literals, length: left as u16, distance });
        self.done = found.end;
    }
}
