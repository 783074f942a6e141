//! Turn a text and its hints into tokens.
//!
//! Each step looks only at the places that are most likely to match:
//!
//! 1. At a name, the place of its hint. The match covers the name, and the value as far as that is the same.
//! 2. At the end of a match, usually inside a value, the last place where this member had the same value; if the next member
//!    was the same there too, the last place of both. The match often covers the name too: then it replaces the first one.
//! 3. If there is none, the last place of the next sixteen bytes, or eight, or four: the more bytes are the same, the longer
//!    is the match.
//! 4. The same at each word in the rest of a value.
//!
//! Steps 2 to 4 are skipped for names for which they find little.

use std::hint::select_unpredictable;

use super::alike::{Pair, Place, READ};
use super::habits::{FOR_ENDS, FOR_MEMBERS, FOR_VALUES, Habits, Name};
use super::hint::{Hint, Hints};
use super::recent::{Key, Recent};
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
const INSIDE_VALUE: usize = 2;

/// A match of so many bytes makes it worth searching the values of its name. Digits repeat by chance.
const LONG: usize = 7;
const LONG_OF_DIGITS: usize = 9;

/// The bytes of a value that a match at the end of another one must cover for more of that name to be looked for.
const SAVING: usize = 5;

/// The bytes that such a match must have beyond the end of the other one.
const SHORTEST_FOUND: usize = 4;

/// The longest word that is looked up from its start.
const LONGEST_WORD: usize = 16;

/// A match may end some bytes after the start of a name, as the first ones of two names may be the same.
const SHARED: usize = 3;

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
    /// For which names something is found: in values, at the ends of matches, and for members.
    values: Habits,
    ends: Habits,
    members: Habits,
    /// Whether values are searched, or only hints followed.
    searches: bool,
    /// The member that `at` belongs to.
    name: Name,
    /// Where it starts.
    name_at: usize,
    /// How far the text was examined, and how far it was turned into tokens.
    at: usize,
    done: usize,
}

impl<'a> Matches<'a> {
    pub(super) fn new(text: &'a [u8], hints: &'a [Hint], recent: &'a mut Recent, searches: bool) -> Matches<'a> {
        recent.clear();
        let hints = Hints::new(hints);
        let (values, ends, members) = (Habits::new(FOR_VALUES), Habits::new(FOR_ENDS), Habits::new(FOR_MEMBERS));
        Matches {
            text,
            hints,
            recent,
            values,
            ends,
            members,
            searches,
            name: Name::default(),
            name_at: 0,
            at: 0,
            done: 0,
        }
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
        let found = self.search(end);
        let long = if self.text[self.at].is_ascii_digit() { LONG_OF_DIGITS } else { LONG };
        self.values.learn(self.name, found.is_some_and(|found| found.end - found.start >= long));
        found
    }

    /// The first match that starts at a word before `end`, or in a word where 32 bytes start; or None, and `at` is `end`.
    #[inline(always)]
    fn search(&mut self, end: usize) -> Option<Match> {
        while self.at < end {
            let start = self.at;
            let mut words = Place::new(self.text, start)?.word_starts();
            while words != 0 {
                self.at = start + words.trailing_zeros() as usize;
                if self.at >= end {
                    break;
                }
                let found = self.look_up(self.at).and_then(|found| self.worth(found, INSIDE_VALUE));
                if found.is_some() {
                    return found;
                }
                words &= words - 1;
            }
            self.at = end.min(start + READ);
        }
        None
    }

    /// Follows a match with those that start at its end, or cover it and end later, as long as there are any. Pushes all but
    /// the last, which it returns.
    #[inline(always)]
    fn follow(&mut self, mut found: Match, searched: usize, tokens: &mut Vec<Token>) -> Match {
        while found.end < searched {
            let hinted = self.hinted(found.end).filter(|hinted| hinted.distance != found.distance);
            let next = match hinted {
                Some(hinted) => Some(self.longer(hinted, found.end)),
                None => self.searched(found.end),
            };
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

    /// The match of the last hint up to `at`, if there is one since the last call.
    #[inline(always)]
    fn hinted(&mut self, at: usize) -> Option<Match> {
        if self.hints.next_at() > at {
            return None;
        }
        let (distance, name_at) = self.hints.pass(at);
        (self.name, self.name_at) = (Name::at(self.text, name_at), name_at);
        let pair = Place::new(self.text, at)?.back(distance);
        pair.is_match().then(|| self.extend(pair))
    }

    /// The match of a hint; or, if the names come in another order than before, a longer one with the last place where this
    /// member was followed by the same one.
    #[inline(always)]
    fn longer(&mut self, hinted: Match, at: usize) -> Match {
        if !self.searches || at > self.name_at + SHARED {
            return hinted;
        }
        let found =
            Place::new(self.text, at).zip(self.member()).and_then(|(place, member)| self.look_up_two(place, member));
        found.filter(|found| found.end > hinted.end + SPARED).unwrap_or(hinted)
    }

    /// The match that is looked up at the end of another one: with the last place of this member, or of the same bytes. Each
    /// is skipped for names for which it finds little.
    #[inline(always)]
    fn searched(&mut self, at: usize) -> Option<Match> {
        if !self.searches {
            return None;
        }
        let name = self.name;
        if !self.members.skip(name) {
            let found = self.look_up_member(at);
            self.members.learn(name, found.is_some());
            if found.is_some() {
                return found;
            }
        }
        if self.ends.skip(name) {
            return None;
        }
        let found = self.look_up(self.word_at(at)).filter(|found| found.end >= at + SHORTEST_FOUND);
        let next_at = self.hints.next_at();
        self.ends.learn(name, found.is_some_and(|found| found.end.min(next_at) >= at + SAVING));
        found
    }

    /// The start of the word that `at` is in, as words are what is looked up and recorded. A match ends where two words of
    /// the same start differ.
    #[inline(always)]
    fn word_at(&self, at: usize) -> usize {
        if at < READ {
            return at;
        }
        let Some(before) = Place::new(self.text, at + 1 - READ) else { return at };
        let in_word = before.of_words().leading_ones() as usize;
        // A branch, as its outcome is known before the length is: a choice without one takes a tenth more time.
        if in_word == 0 || in_word > LONGEST_WORD {
            return at;
        }
        (at + 1 - in_word).max(self.done)
    }

    /// The match at `at`, a place in this member, with the last place of the same member; if it was followed by the same
    /// one, with the last place of both.
    #[inline(always)]
    fn look_up_member(&mut self, at: usize) -> Option<Match> {
        crate::steps::count(1);
        let (place, member) = (Place::new(self.text, at)?, self.member()?);
        let pair = place.back(self.recent.replace(member, self.name_at));
        if !pair.is_match() {
            return None;
        }
        self.look_up_two(place, member).or_else(|| Some(self.extend(pair)))
    }

    /// The match at a place in this member with the last place of the same member and the same one after it.
    #[inline(always)]
    fn look_up_two(&mut self, place: Place, member: Key) -> Option<Match> {
        crate::steps::count(1);
        let next = Key::of_member(self.text.get(self.hints.next_at()..self.hints.second_at())?);
        let pair = place.back(self.recent.replace(member.and(next), self.name_at));
        pair.is_match().then(|| self.extend(pair))
    }

    /// The key of this member, if the next one is behind it.
    #[inline(always)]
    fn member(&self) -> Option<Key> {
        self.text.get(self.name_at..self.hints.next_at()).map(Key::of_member)
    }

    /// The match with the last place of the same sixteen bytes, or eight, or four. Records `at` as the last place.
    #[inline(always)]
    fn look_up(&mut self, at: usize) -> Option<Match> {
        crate::steps::count(1);
        let place = Place::new(self.text, at)?;
        let [four, eight, sixteen] =
            [4, 8, 16].map(|length| place.back(self.recent.replace(Key::of_bytes(place, length), at)));
        // Which of them is found is unpredictable: without branches.
        let pair = select_unpredictable(eight.is_match_of(8), eight, four);
        let pair = select_unpredictable(sixteen.is_match_of(16), sixteen, pair);
        pair.is_match().then(|| self.extend(pair))
    }

    /// The longest match of a pair, extended backwards over literals too.
    #[inline(always)]
    fn extend(&self, pair: Pair) -> Match {
        let at = pair.at();
        Match { start: at - pair.alike_before(at - self.done), end: at + pair.alike_after(), distance: pair.distance() }
    }

    /// The match, if it saves at least `saved` more literals than it costs. The part of it that the hint at the next name
    /// covers too saves nothing, as that one costs no search. If that one ends later, the match may end at the name.
    #[inline(always)]
    fn worth(&self, found: Match, saved: usize) -> Option<Match> {
        let saved = saved + usize::from(found.distance >= FAR);
        let next_at = self.hints.next_at();
        let is_worth = |end: usize| end - found.start >= saved + WORTH_A_MATCH;
        if (found.start + 1..found.end).contains(&next_at)
            && self.hints.second_at() > next_at // else this is not the hint that will be followed, and costs time for nothing
            && let Some(place) = Place::new(self.text, next_at)
            && let pair = place.back(self.hints.next_distance())
            && pair.is_match()
        {
            let hinted_end = next_at + pair.alike_after();
            return if found.end >= hinted_end {
                (found.end - hinted_end + next_at - found.start >= saved).then_some(found)
            } else if hinted_end - found.end >= WORTH_A_MATCH {
                is_worth(next_at).then_some(Match { end: next_at, ..found })
            } else {
                is_worth(next_at).then_some(found)
            };
        }
        is_worth(found.end).then_some(found)
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
