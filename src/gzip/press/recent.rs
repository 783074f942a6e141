//! Where four bytes occurred last in a value of a name.

use super::habits::Name;

/// Enough for the values of some hundred events. 16 kB stay in the L1 cache; more did not compress better.
const SLOT_BITS: u32 = 13;

/// A hash table of where four bytes occurred last in a member of a name.
pub(super) struct Recent {
    /// The lowest 16 bits of each place, as a match does not reach back further.
    places: Box<[u16; 1 << SLOT_BITS]>,
}

impl Recent {
    pub(super) fn new() -> Recent {
        Recent { places: vec![0; 1 << SLOT_BITS].try_into().expect("the size is right") }
    }

    /// Forgets all places.
    pub(super) fn clear(&mut self) {
        self.places.fill(0);
    }

    /// How far back the four bytes occurred last, or others that share their slot. Records them at `at`.
    #[inline(always)]
    pub(super) fn replace(&mut self, four: u32, name: Name, at: usize) -> usize {
        let slot = (four ^ name.hash()).wrapping_mul(0x9E37_79B1) >> (32 - SLOT_BITS);
        let last = std::mem::replace(&mut self.places[slot as usize], at as u16);
        (at as u16).wrapping_sub(last).into()
    }
}
