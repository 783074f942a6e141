//! Where a text occurred last, by a key: of a member, of two members, or of some bytes.

use super::alike::Place;

/// Enough for the members and words of some hundred events. 64 kB stay in the L2 cache; twice as many did not compress
/// better.
const SLOT_BITS: u32 = 15;

/// A number that the same texts have, and few others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    /// The key of a member: of its first and last eight bytes, and its length. The first ones are of its name.
    #[inline(always)]
    pub(super) fn of_member(member: &[u8]) -> Key {
        match (member.first_chunk(), member.last_chunk()) {
            (Some(&first), Some(&last)) => Key::of(u64::from_le_bytes(first), u64::from_le_bytes(last), member.len()),
            _ => Key::of(0, 0, member.len()),
        }
    }

    /// The key of a member and the one after it.
    #[inline(always)]
    pub(super) fn and(self, next: Key) -> Key {
        Key(self.0.rotate_left(20) ^ next.0)
    }

    /// The key of the `length` bytes at a place: of the first and the last eight, or of four.
    #[inline(always)]
    pub(super) fn of_bytes(place: Place, length: usize) -> Key {
        match length {
            4 => Key::of(place.four().into(), 0, length),
            _ => Key::of(place.eight(0), place.eight(length - 8), length),
        }
    }

    #[inline(always)]
    fn of(first: u64, last: u64, length: usize) -> Key {
        Key((first.rotate_left(29) ^ last ^ length as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

/// A hash table of where a text occurred last.
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

    /// How far back a text with this key occurred last, or another one that shares its slot. Records it at `at`.
    #[inline(always)]
    pub(super) fn replace(&mut self, key: Key, at: usize) -> usize {
        let slot = key.0 >> (u64::BITS - SLOT_BITS);
        let last = std::mem::replace(&mut self.places[slot as usize], at as u16);
        (at as u16).wrapping_sub(last).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_depend_on_the_bytes_they_are_of() {
        let text: Vec<u8> = (0..64).collect();
        for length in [4, 8, 16] {
            for changed in 0..20 {
                let mut other = text.clone();
                other[changed] ^= 0x80;
                let [one, other] = [&text, &other].map(|text| Key::of_bytes(Place::new(text, 0).unwrap(), length));
                assert_eq!(one == other, changed >= length, "{length} {changed}");
            }
        }
        let member = |text: &str| Key::of_member(text.as_bytes());
        assert_eq!(member(r#""city":"Berlin","#), member(r#""city":"Berlin","#));
        assert_ne!(member(r#""city":"Berlin","#), member(r#""city":"Bremen","#));
        assert_ne!(member(r#""city":"Berlin","#), member(r#""town":"Berlin","#));
        assert_ne!(member("1"), member("22"));
        assert_ne!(member("1").and(member("22")), member("22").and(member("1")));
    }

    #[test]
    fn a_place_is_the_last_one_of_its_key() {
        let mut recent = Recent::new();
        let [one, other] = ["one", "other"].map(|text| Key::of_member(text.as_bytes()));
        recent.replace(one, 10);
        recent.replace(other, 12);
        assert_eq!((recent.replace(one, 100_000), recent.replace(one, 100_007)), ((100_000 - 10) & 0xFFFF, 7));
        recent.clear();
        assert_eq!(recent.replace(one, 9), 9);
    }
}
