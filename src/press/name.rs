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

/// What became of searches in the values of each name. Random ids and numbers are most of the bytes that no hint
/// covers, and a search of them finds nothing, or what is not worth its bits.
#[derive(Clone)]
pub(super) struct Habits {
    /// Searches that may fail before one is left out; or, below 0, how many are still to be left out.
    patience: [i8; 1 << HABIT_BITS],
}

const HABIT_BITS: u32 = 8;

/// Patience with a name that is new, what a find adds to it, and the most of it.
const FIRST_PATIENCE: i8 = 4;
const FOUND: i8 = 8;
const MOST_PATIENCE: i8 = 64;

/// How many values are not searched when patience is out. Then one is, in case they are of another kind now.
const LEFT_OUT: i8 = 125;

impl Habits {
    pub(super) fn new() -> Habits {
        Habits { patience: [FIRST_PATIENCE; 1 << HABIT_BITS] }
    }

    #[inline(always)]
    fn of(&mut self, name: Name) -> &mut i8 {
        &mut self.patience[(name.hash() >> (32 - HABIT_BITS)) as usize]
    }

    /// Whether this value is not to be searched.
    #[inline(always)]
    pub(super) fn leave_out(&mut self, name: Name) -> bool {
        let patience = self.of(name);
        let is_out = *patience < 0;
        *patience += i8::from(is_out);
        is_out
    }

    /// A search found something.
    #[inline(always)]
    pub(super) fn found(&mut self, name: Name) {
        let patience = self.of(name);
        *patience = (*patience + FOUND).min(MOST_PATIENCE);
    }

    /// A search found nothing.
    #[inline(always)]
    pub(super) fn failed(&mut self, name: Name) {
        let patience = self.of(name);
        *patience = if *patience == 0 { -LEFT_OUT } else { *patience - 1 };
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
        let (mut habits, name) = (Habits::new(), Name::default());
        let tries = |habits: &mut Habits| {
            (0..200).position(|_| {
                let is_out = habits.leave_out(name);
                if !is_out {
                    habits.failed(name);
                }
                is_out
            })
        };
        assert_eq!(tries(&mut habits), Some(5));
        assert_eq!((0..200).position(|_| !habits.leave_out(name)), Some(124));
        assert_eq!(tries(&mut habits), Some(1));
        while habits.leave_out(name) {}
        (0..100).for_each(|_| habits.found(name));
        assert_eq!(tries(&mut habits), Some(65));
    }
}
