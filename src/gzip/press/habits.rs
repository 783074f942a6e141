//! For which names a search, or a look-up, finds matches.

/// A hash of the name of a member; different names may have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Name(u32);

impl Name {
    /// The name at a hint's place: the text between its quotes, at most eight bytes.
    #[inline(always)]
    pub(super) fn at(text: &[u8], at: usize) -> Name {
        let quote = at + usize::from(text.get(at) == Some(&b','));
        let Some(&first) = text.get(quote + 1..).and_then(|name| name.first_chunk()) else { return Name::default() };
        let word = u64::from_le_bytes(first);
        // The quote is the lowest byte that is 0 after an exclusive or with a quote in each byte.
        const ONES: u64 = u64::MAX / 0xFF;
        let other = word ^ (ONES * b'"' as u64);
        let quotes = other.wrapping_sub(ONES) & !other & (ONES << 7);
        let before_quote = (quotes & quotes.wrapping_neg()).wrapping_sub(1);
        Name(((word & before_quote).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32)
    }

    #[inline(always)]
    pub(super) fn hash(self) -> u32 {
        self.0
    }
}

/// The success of one kind of searches for each name. Random ids and numbers are most of the bytes that no hint covers;
/// a search of them finds nothing that is worth its bits.
pub(super) struct Habits {
    patience: Patience,
    /// Searches that may fail before one is skipped; below 0, how many are still to be skipped.
    left: [i8; 1 << HABIT_BITS],
}

/// How often searches for a name may fail before they are skipped.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// For a new name, for which nothing can be found yet.
    first: i8,
    /// Added for a match.
    found: i8,
    /// Searches to skip after too many failed. Then one is made, in case the values have changed.
    skipped: i8,
}

/// For the search of a whole value, which takes time for each of its words.
pub(super) const FOR_VALUES: Patience = Patience { first: 64, found: 4, skipped: 125 };

/// For the look-up of bytes at the end of a match.
pub(super) const FOR_ENDS: Patience = Patience { first: 24, found: 6, skipped: 125 };

/// For the look-up of a member: one that is found in thirty is worth it.
pub(super) const FOR_MEMBERS: Patience = Patience { first: 60, found: 30, skipped: 125 };

const HABIT_BITS: u32 = 8;

/// The largest number of searches that may fail.
const MAX_PATIENCE: i8 = 64;

impl Habits {
    pub(super) fn new(patience: Patience) -> Habits {
        Habits { patience, left: [patience.first; 1 << HABIT_BITS] }
    }

    #[inline(always)]
    fn of(&mut self, name: Name) -> &mut i8 {
        &mut self.left[(name.hash() >> (32 - HABIT_BITS)) as usize]
    }

    /// Whether to skip the search for this name now.
    #[inline(always)]
    pub(super) fn skip(&mut self, name: Name) -> bool {
        let left = self.of(name);
        let is_skipped = *left < 0;
        *left += i8::from(is_skipped);
        is_skipped
    }

    /// Records whether a search found a match.
    #[inline(always)]
    pub(super) fn learn(&mut self, name: Name, has_found: bool) {
        let Patience { found, skipped, .. } = self.patience;
        let left = self.of(name);
        *left = match (has_found, *left) {
            (true, left) => (left + found).min(MAX_PATIENCE),
            (false, 0) => -skipped,
            (false, left) => left - 1,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_its_quote_and_may_follow_a_comma() {
        let name = |text: &str| Name::at(text.as_bytes(), 0);
        assert_eq!(name(r#""city":"Berlin""#), name(r#""city":12345678"#));
        assert_eq!(name(r#""city":"Berlin""#), name(r#","city":"Berlin""#));
        assert_ne!(name(r#""city":"Berlin""#), name(r#""cite":"Berlin""#));
        assert_ne!(name(r#""city":"Berlin""#), name(r#""cit":"Berlin""#));
        assert_ne!(name(r#""a_long_name":1"#), name(r#""another_name":1"#));
        assert_eq!(name("\"c"), Name::default());
        assert_eq!(Name::at(b"abc", 7), Name::default());
    }

    #[test]
    fn searches_are_skipped_after_failures_and_tried_again() {
        let (mut habits, name) = (Habits::new(FOR_VALUES), Name::default());
        let tries = |habits: &mut Habits| {
            (0..200).position(|_| {
                let is_skipped = habits.skip(name);
                if !is_skipped {
                    habits.learn(name, false);
                }
                is_skipped
            })
        };
        assert_eq!(tries(&mut habits), Some(1 + FOR_VALUES.first as usize));
        assert_eq!((0..200).position(|_| !habits.skip(name)), Some(124));
        assert_eq!(tries(&mut habits), Some(1));
        while habits.skip(name) {}
        (0..100).for_each(|_| habits.learn(name, true));
        assert_eq!(tries(&mut habits), Some(65));
    }
}
