//! Recent: where the first bytes of a value stood the last two times.

use super::name::Name;

/// Values of some hundred events; 16 kB stay in the processor's nearest cache, and more gained nothing.
const SLOT_BITS: u32 = 13;

/// Where words stood behind names.
pub(super) struct Recent {
    /// Two places, the last one lowest, of each of which 16 bits are kept: a match does not reach back further than that.
    places: Box<[u32; 1 << SLOT_BITS]>,
}

impl Recent {
    pub(super) fn new() -> Recent {
        Recent { places: vec![0; 1 << SLOT_BITS].try_into().expect("the size is right") }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.places.fill(0);
    }

    /// How far back four bytes stood in a member of this name, the last time first; or others did, since different ones
    /// may share a slot. From now on they are at `at`.
    #[inline(always)]
    pub(super) fn replace(&mut self, four: u32, name: Name, at: usize) -> [usize; 2] {
        let slot = (four ^ name.hash()).wrapping_mul(0x9E37_79B1) >> (32 - SLOT_BITS);
        let places = &mut self.places[slot as usize];
        let distances = [*places, *places >> 16].map(|place| usize::from((at as u16).wrapping_sub(place as u16)));
        *places = *places << 16 | at as u32 & 0xFFFF;
        distances
    }
}
