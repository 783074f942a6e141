//! Recognise names by one comparison each, since events of a kind have the same names in the same order.
//!
//! Each name remembers the one that followed it last. The expected name is copied as it was written before, with quotes and
//! colon, and its meaning to the rules is known. Any other name is looked up by its tag or a hash of its bytes. The names
//! that are remembered are bounded: once they are many, a further one is remembered the second time that it is met in a
//! while, so that names that are met once are cheap and evict none.

mod index;
mod name;
#[cfg(test)]
mod tests;

use crate::vectors::baseline::is_plain;
use index::{Index, Newcomers, SLOTS, START, TagPlaces, hash};
pub(super) use name::KnownName;
use name::LONGEST;

/// The number of tags that are accepted.
const TAGS: u16 = 8192;

/// The names that were written before.
pub(super) struct KnownNames {
    /// Names in the order in which they were met first, up to [`SLOTS`]. It never shrinks, so that each slot that was ever
    /// given to a name can be read.
    slots: Vec<KnownName>,
    /// How many of them are used.
    used: usize,
    index: Index,
    tag_places: TagPlaces,
    newcomers: Newcomers,
    /// The slots of the last name and of the one that is expected next.
    last: u16,
    expected: u16,
    /// How many more tags are accepted, since a source may have to keep an object for each.
    tags_left: u16,
    /// The slot that was evicted last because all were taken.
    hand: u16,
    /// The slots that this event gave to other names, as they were.
    evicted: Vec<(u16, KnownName)>,
    /// The number of used slots and the hand at the start of the event.
    before: (usize, u16),
}

/// The slot of the start. Its tag is no object's address: where no name is expected, tags are looked for.
const NO_NAME: KnownName = KnownName { tag: usize::MAX, ..KnownName::NONE };

impl KnownNames {
    pub(super) fn new() -> KnownNames {
        KnownNames {
            slots: vec![NO_NAME],
            used: 1,
            index: Index::new(),
            tag_places: TagPlaces::new(),
            newcomers: Newcomers::new(),
            last: START,
            expected: START,
            tags_left: TAGS,
            hand: START,
            evicted: Vec::new(),
            before: (1, START),
        }
    }

    /// Forgets all names and tags: what is written from then on is what a new table writes. Takes time for each used slot
    /// only.
    pub(super) fn forget(&mut self) {
        self.begin();
        for known in &self.slots[1..self.used] {
            self.index.clear(hash(known.name()));
            self.tag_places.clear(known.tag);
        }
        self.slots[..self.used].fill(KnownName::NONE);
        self.slots[usize::from(START)] = NO_NAME;
        self.newcomers = Newcomers::new();
        (self.used, self.tags_left) = (1, TAGS);
        (self.last, self.expected, self.hand) = (START, START, START);
    }

    /// Starts an event.
    pub(super) fn begin(&mut self) {
        self.last = START;
        self.expected = self.at(START).next;
        self.before = (self.used, self.hand);
        self.evicted.clear();
        self.index.begin();
        self.newcomers.begin();
    }

    /// Restores where the name at the start of a text was last, if that is still `at`.
    pub(super) fn restore_last(&mut self, text: &[u8], at: u32, before: u32) {
        let name = text.get(1..).unwrap_or_default();
        let name = &name[..name.iter().take(LONGEST + 1).position(|&byte| byte == b'"').unwrap_or(0)];
        let slot = self.slot_of(name);
        if let Some(slot) = slot.filter(|&slot| self.at(slot).last_at == at) {
            self.slots[usize::from(slot)].last_at = before;
        }
    }

    /// Restores the names that the event evicted, and forgets those that it brought. Otherwise, names of rejected events
    /// would cost the others their hints.
    pub(super) fn restore_evicted(&mut self) {
        for (slot, known) in self.evicted.drain(..).rev() {
            self.slots[usize::from(slot)] = known;
        }
        self.index.undo();
        self.newcomers.undo();
        let used = std::mem::replace(&mut self.used, self.before.0);
        self.slots[self.used..used].fill(KnownName::NONE);
        self.hand = self.before.1;
    }

    /// The expected name, if it is the right one. It becomes the last one.
    #[inline(always)]
    pub(super) fn pass_expected(&mut self, is_right: impl FnOnce(&KnownName) -> bool) -> Option<&mut KnownName> {
        let expected = &mut self.slots[usize::from(self.expected)];
        if !is_right(expected) {
            return None;
        }
        self.last = self.expected;
        self.expected = expected.next;
        Some(expected)
    }

    /// Whether the name is known. If so, it becomes the last one.
    pub(super) fn find(&mut self, name: &str) -> bool {
        let name = name.as_bytes();
        let slot = if name.len() > LONGEST { None } else { self.slot_of(name) };
        slot.inspect(|&slot| self.follow(slot)).is_some()
    }

    /// Whether a name has this tag. If so, it becomes the last one.
    pub(super) fn find_tagged(&mut self, tag: usize) -> bool {
        let slot = self.tag_places.slots(tag).into_iter().find(|&slot| self.at(slot).tag == tag);
        slot.inspect(|&slot| self.follow(slot)).is_some()
    }

    #[cfg(test)]
    fn last(&self) -> &KnownName {
        self.at(self.last)
    }

    /// The last name.
    pub(super) fn last_mut(&mut self) -> &mut KnownName {
        &mut self.slots[usize::from(self.last)]
    }

    /// Gives the last name a tag if it was offered with the same one before; returns whether it did. A tag that changes each
    /// time is of no use, so no more are accepted after some tries.
    pub(super) fn tag_last(&mut self, tag: usize) -> bool {
        if self.last_mut().takes_no_tag() {
            return false;
        }
        let (tags_left, slot) = (self.tags_left, self.last);
        let known = self.last_mut();
        if known.tag == tag {
            self.tag_places.add(tag, slot); // another one took its place
            return false;
        }
        known.tag_tries = if tags_left == 0 { 0 } else { known.tag_tries - 1 };
        let bits = (tag >> 4) as u16;
        let is_second = known.tag_offered == bits && tags_left > 0;
        known.tag_offered = bits;
        if is_second {
            known.tag = tag;
            self.tags_left -= 1;
            self.tag_places.add(tag, slot);
        }
        is_second
    }

    #[inline(always)]
    fn at(&self, slot: u16) -> &KnownName {
        &self.slots[usize::from(slot)]
    }

    #[inline(always)]
    fn slot_of(&self, name: &[u8]) -> Option<u16> {
        self.index.find(hash(name), |slot| self.at(slot).is(name))
    }

    fn follow(&mut self, slot: u16) {
        self.slots[usize::from(self.last)].next = slot;
        self.last = slot;
        self.expected = self.at(slot).next;
    }

    /// Remembers an unknown name if it is short, needs no escapes, and evicts no other or was met lately; returns whether it
    /// does.
    #[inline(never)]
    pub(super) fn remember(&mut self, name: &str) -> bool {
        let bytes = name.as_bytes();
        if bytes.len() > LONGEST || bytes.is_empty() {
            return false;
        }
        let evicts = self.used == SLOTS || self.index.is_full(hash(bytes));
        if evicts && self.newcomers.note(hash(bytes)) || !is_plain(bytes) {
            return false;
        }
        self.take_slot(KnownName::of(name));
        true
    }

    /// Whether [`KnownNames::remember`] noted the name as one that was met for the first time.
    pub(super) fn has_noted(&self, name: &str) -> bool {
        (1..=LONGEST).contains(&name.len()) && self.newcomers.has(hash(name.as_bytes()))
    }

    #[cold]
    fn take_slot(&mut self, known: KnownName) {
        let hash = hash(known.name());
        let slot = if self.index.is_full(hash) {
            self.index.replace(hash)
        } else {
            let slot = if self.used == SLOTS { self.next_evicted() } else { self.next_unused() };
            self.index.add(hash, slot);
            slot
        };
        let taken = std::mem::replace(&mut self.slots[usize::from(slot)], known);
        self.evicted.push((slot, taken));
        self.follow(slot);
    }

    fn next_unused(&mut self) -> u16 {
        self.used += 1;
        if self.slots.len() < self.used {
            self.slots.push(KnownName::NONE);
        }
        self.used as u16 - 1
    }

    /// A slot whose name is evicted: the next one in the order of the slots.
    fn next_evicted(&mut self) -> u16 {
        self.hand = self.hand % (SLOTS as u16 - 1) + 1;
        self.index.remove(hash(self.at(self.hand).name()), self.hand);
        self.hand
    }
}
