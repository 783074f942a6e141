//! Recent: where the first bytes of a value stood last.

use super::habits::Name;

/// Values of some hundred events; 16 kB stay in the processor's nearest cache, and more gained nothing.
const SLOT_BITS: u32 = 13;

/// Where four bytes stood last in a member of a name.
pub(super) struct Recent {
    /// The lowest 16 bits of places: a match does not reach back further than that.
    places: Box<[u16; 1 << SLOT_BITS]>,
}

impl Recent {
    pub(super) fn new() -> Recent {
        Recent { places: vec![0; 1 << SLOT_BITS].try_into().expect("the size is right") }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.places.fill(0);
    }

    /// How far back the four bytes stood last; or others did, since different ones may share a slot. From now on they
    /// stand at `at`.
    #[inline(always)]
    pub(super) fn replace(&mut self, four: u32, name: Name, at: usize) -> usize {
        let slot = (four ^ name.hash()).wrapping_mul(0x9E37_79B1) >> (32 - SLOT_BITS);
        let last = std::mem::replace(&mut self.places[slot as usize], at as u16);
        (at as u16).wrapping_sub(last).into()
    }
}
