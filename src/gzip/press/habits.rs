//! Name: the member that a place of the text belongs to, and whether its values are worth a search.

/// Stands for the name of a member; different ones may be taken for the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Name(u32);

impl Name {
    /// The name at a hint's place: what stands between its quotes, eight bytes at the most.
    #[inline(always)]
    pub(super) fn at(text: &[u8], at: usize) -> Name {
        let quote = at + usize::from(text.get(at) == Some(&b','));
        let Some(&first) = text.get(quote + 1..).and_then(|name| name.first_chunk()) else { return Name::default() };
        let word = u64::from_le_bytes(first);
        // What the quote is above all other bytes: the lowest byte that is 0 once the quote is taken off each.
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

/// What became of searches in the values of each name. Random ids and numbers are most of the bytes that no hint covers,
/// and a search of them finds nothing, or what is not worth its bits.
pub(super) struct Habits {
    patience: Patience,
    /// Searches that may fail before one is left out; or, below 0, how many are still to be left out.
    left: [i8; 1 << HABIT_BITS],
}

/// How long a search is tried for a name that it does not pay for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// With a name that is new, of which nothing can be found yet.
    first: i8,
    /// What a find adds.
    found: i8,
    /// How many searches are left out when patience is out. Then one is made, in case the values are of another kind now.
    left_out: i8,
}

/// With the search of a whole value, which takes as long as it has bytes.
pub(super) const FOR_VALUES: Patience = Patience { first: 3, found: 3, left_out: 125 };

/// With the one look where a match ends.
pub(super) const FOR_ENDS: Patience = Patience { first: 12, found: 2, left_out: 125 };

const HABIT_BITS: u32 = 8;

/// The most patience that finds can add up to.
const MOST: i8 = 64;

impl Habits {
    pub(super) fn new(patience: Patience) -> Habits {
        Habits { patience, left: [patience.first; 1 << HABIT_BITS] }
    }

    #[inline(always)]
    fn of(&mut self, name: Name) -> &mut i8 {
        &mut self.left[(name.hash() >> (32 - HABIT_BITS)) as usize]
    }

    /// Whether there is to be no search for this name now.
    #[inline(always)]
    pub(super) fn leave_out(&mut self, name: Name) -> bool {
        let left = self.of(name);
        let is_out = *left < 0;
        *left += i8::from(is_out);
        is_out
    }

    /// A search found something, or nothing.
    #[inline(always)]
    pub(super) fn learn(&mut self, name: Name, has_found: bool) {
        let Patience { found, left_out, .. } = self.patience;
        let left = self.of(name);
        *left = match (has_found, *left) {
            (true, left) => (left + found).min(MOST),
            (false, 0) => -left_out,
            (false, left) => left - 1,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_its_quote_and_a_comma_may_come_before() {
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
    fn patience_ends_and_comes_back() {
        let (mut habits, name) = (Habits::new(FOR_VALUES), Name::default());
        let tries = |habits: &mut Habits| {
            (0..200).position(|_| {
                let is_out = habits.leave_out(name);
                if !is_out {
                    habits.learn(name, false);
                }
                is_out
            })
        };
        assert_eq!(tries(&mut habits), Some(1 + FOR_VALUES.first as usize));
        assert_eq!((0..200).position(|_| !habits.leave_out(name)), Some(124));
        assert_eq!(tries(&mut habits), Some(1));
        while habits.leave_out(name) {}
        (0..100).for_each(|_| habits.learn(name, true));
        assert_eq!(tries(&mut habits), Some(65));
    }
}
