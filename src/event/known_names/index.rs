//! Tables from a name's hash, or its tag, to its slot. Each is bounded, and what an event changed can be undone.

/// The number of names that are remembered; a power of two.
pub(super) const SLOTS: usize = 8192;

/// The slot of the start of an event, which has no name. It is expected after a name that was always the last one.
pub(super) const START: u16 = 0;

/// The names whose hashes lead to the same place.
const WAYS: usize = 4;

/// The number of places for names: with one for each two slots, few places are full before the slots are.
const PLACES: usize = SLOTS / 2;

/// The number of places for tags: few tags share one.
const TAG_PLACES: usize = 2 * SLOTS;

/// The number of names that were met lately; a power of two.
const NEWCOMERS: usize = 256;

/// The slots at a place, each below a mark of its name's hash; 0 is none, as the slot [`START`] is no name's.
type Place = [u32; WAYS];

/// The slots of names by their hashes.
pub(super) struct Index {
    places: Box<[Place; PLACES]>,
    /// The places that this event changed, as they were.
    changed: Vec<(u16, Place)>,
}

impl Index {
    pub(super) fn new() -> Index {
        Index { places: filled([0; WAYS]), changed: Vec::new() }
    }

    /// The slot of a name with this hash that `is` accepts.
    #[inline(always)]
    pub(super) fn find(&self, hash: u64, is: impl Fn(u16) -> bool) -> Option<u16> {
        for entry in self.places[place_of(hash)] {
            if entry >> 16 == mark_of(hash) && is(entry as u16) {
                return Some(entry as u16);
            }
        }
        None
    }

    /// Whether a further name with this hash replaces one.
    pub(super) fn is_full(&self, hash: u64) -> bool {
        self.places[place_of(hash)][WAYS - 1] != 0
    }

    /// Adds the slot of a name, whose place is not full.
    pub(super) fn add(&mut self, hash: u64, slot: u16) {
        let place = self.change(hash);
        if let Some(way) = place.iter().position(|&entry| entry == 0) {
            place[way] = mark_of(hash) << 16 | u32::from(slot);
        }
    }

    /// Gives the slot of the name that was added first to another name, whose place is full; returns the slot.
    pub(super) fn replace(&mut self, hash: u64) -> u16 {
        let place = self.change(hash);
        let slot = place[0] as u16;
        place.rotate_left(1);
        place[WAYS - 1] = mark_of(hash) << 16 | u32::from(slot);
        slot
    }

    /// Removes the slot of a name.
    pub(super) fn remove(&mut self, hash: u64, slot: u16) {
        let place = self.change(hash);
        if let Some(way) = place.iter().position(|&entry| entry as u16 == slot) {
            place[way..].rotate_left(1);
            place[WAYS - 1] = 0;
        }
    }

    /// Removes the slots at the place of this hash.
    pub(super) fn clear(&mut self, hash: u64) {
        self.places[place_of(hash)] = [0; WAYS];
    }

    fn change(&mut self, hash: u64) -> &mut Place {
        let place = &mut self.places[place_of(hash)];
        self.changed.push((place_of(hash) as u16, *place));
        place
    }

    pub(super) fn begin(&mut self) {
        self.changed.clear();
    }

    /// Undoes what was changed since `begin`.
    pub(super) fn undo(&mut self) {
        for (place, before) in self.changed.drain(..).rev() {
            self.places[usize::from(place)] = before;
        }
    }
}

/// The slots of names by their tags: a slot is at one of two places, unless others took both.
pub(super) struct TagPlaces(Box<[u16; TAG_PLACES]>);

impl TagPlaces {
    pub(super) fn new() -> TagPlaces {
        TagPlaces(filled(START))
    }

    #[inline(always)]
    pub(super) fn slots(&self, tag: usize) -> [u16; 2] {
        tag_places_of(tag).map(|place| self.0[place])
    }

    pub(super) fn add(&mut self, tag: usize, slot: u16) {
        let places = tag_places_of(tag);
        let is_free = |place: &usize| self.0[*place] == START;
        self.0[places.into_iter().find(is_free).unwrap_or(places[0])] = slot;
    }

    /// Removes the slots at the places of this tag.
    pub(super) fn clear(&mut self, tag: usize) {
        tag_places_of(tag).into_iter().for_each(|place| self.0[place] = START);
    }
}

/// Names that were met lately and not remembered.
pub(super) struct Newcomers {
    /// Some bits of the hash of each, at the place that other bits give.
    bits: [u16; NEWCOMERS],
    /// What this event replaced.
    replaced: Vec<(u16, u16)>,
}

impl Newcomers {
    pub(super) fn new() -> Newcomers {
        Newcomers { bits: [0; NEWCOMERS], replaced: Vec::new() }
    }

    /// Notes a name; returns whether it was not noted lately.
    pub(super) fn note(&mut self, hash: u64) -> bool {
        let (place, bits) = (hash as usize % NEWCOMERS, (hash >> 16) as u16);
        let before = std::mem::replace(&mut self.bits[place], bits);
        if before != bits {
            self.replaced.push((place as u16, before));
        }
        before != bits
    }

    /// Whether a name was noted, and no other at its place since.
    pub(super) fn has(&self, hash: u64) -> bool {
        self.bits[hash as usize % NEWCOMERS] == (hash >> 16) as u16
    }

    pub(super) fn begin(&mut self) {
        self.replaced.clear();
    }

    /// Undoes what was noted since `begin`.
    pub(super) fn undo(&mut self) {
        for (place, before) in self.replaced.drain(..).rev() {
            self.bits[usize::from(place)] = before;
        }
    }
}

/// A cheap hash of a name's ends and its length.
#[inline(always)]
pub(super) fn hash(name: &[u8]) -> u64 {
    let word = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let mixed = if let (Some(first), Some(last)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29)
    } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        word(first) << 32 | word(last)
    } else {
        name.iter().fold(0, |mixed, &byte| mixed << 8 | u64::from(byte))
    };
    let spread = (mixed ^ name.len() as u64).wrapping_mul(SPREAD);
    spread ^ spread >> 47 // the low bits of the product depend on few of the name's
}

/// An odd number whose product spreads low bits over the high ones.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline(always)]
fn place_of(hash: u64) -> usize {
    (hash >> 32) as usize % PLACES
}

#[inline(always)]
fn mark_of(hash: u64) -> u32 {
    (hash >> 48) as u32
}

/// The places that a tag's slot can be at.
#[inline(always)]
fn tag_places_of(tag: usize) -> [usize; 2] {
    let place = ((tag as u64).wrapping_mul(SPREAD) >> (64 - TAG_PLACES.ilog2())) as usize % TAG_PLACES;
    [place, place ^ 1]
}

/// An array of the same value, which for zeros takes no memory before it is written to.
fn filled<T: Copy, const COUNT: usize>(value: T) -> Box<[T; COUNT]> {
    match vec![value; COUNT].into_boxed_slice().try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("the count is that of the array"),
    }
}
