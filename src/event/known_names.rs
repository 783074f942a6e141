//! Recognise names by one comparison each, since events of a kind have the same names in the same order.
//!
//! Each name remembers the one that followed it last. The expected name is copied as it was written before, with quotes and
//! colon, and its meaning to the rules is known. Any other name is looked up by a hash, and may evict another: the table is
//! bounded.

use std::ops::Range;

use super::place::Meaning;
use crate::vectors::Vectors;
use crate::vectors::baseline::is_plain;

/// The longest name that is remembered.
const LONGEST: usize = 38;

/// The number of tags that are accepted.
const TAGS: u16 = 1024;

/// The occurrences of a name after which no tag is accepted for it.
const TAG_TRIES: u8 = 20;

/// The number of names that are remembered; a power of two.
const SLOTS: usize = 1024;

/// The number of places for tags: a power of two, and a few times the tags.
const TAG_PLACES: usize = 4096;

/// The number of names that were met lately and are remembered only when they are met again; a power of two.
const NEWCOMERS: usize = 256;

/// A name that was written before, in one cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct KnownName {
    /// `"name":`, followed by arbitrary bytes.
    pub(super) written: [u8; BLOCK],
    /// By which a source recognises it; 0 if there is none.
    tag: usize,
    /// Where its quote was in the JSON when it was written last, perhaps in another batch.
    pub(super) last_at: u32,
    /// Some bits of the last tag that was offered: a tag is accepted the second time in a row.
    tag_offered: u16,
    /// How many more tags may be offered.
    tag_tries: u8,
    /// Bytes of the name; 0 if the slot is free.
    length: u8,
    /// The slot of the name that followed.
    next: u16,
    /// What it means to the rules.
    pub(super) meaning: Meaning,
}

/// Bytes that are copied for a name of any length: quotes, colon and the longest name.
const BLOCK: usize = LONGEST + 3;

const _: () = assert!(size_of::<KnownName>() == 64);

impl KnownName {
    const FREE: KnownName = KnownName {
        written: [0; BLOCK],
        tag: 0,
        last_at: u32::MAX,
        tag_offered: 0,
        tag_tries: TAG_TRIES,
        length: 0,
        next: 0,
        meaning: Meaning::NONE,
    };

    /// The length of `"name":`.
    #[inline(always)]
    pub(super) fn written_length(&self) -> usize {
        usize::from(self.length) + 3
    }

    #[inline(always)]
    fn is(&self, name: &[u8]) -> bool {
        // An empty name is never known: free slots have length 0.
        if name.len() != usize::from(self.length) || name.is_empty() {
            return false;
        }
        let known = &self.written[1..][..name.len()];
        // Two words of the same size, which may overlap, cover every byte. The longest and shortest are compared as slices.
        match name.len() {
            8..17 => same_ends::<8>(name, known),
            4..8 => same_ends::<4>(name, known),
            17..33 => same_ends::<16>(name, known),
            _ => name == known,
        }
    }
}

#[inline(always)]
fn same_ends<const SIZE: usize>(name: &[u8], known: &[u8]) -> bool {
    (name.first_chunk::<SIZE>() == known.first_chunk()) & (name.last_chunk::<SIZE>() == known.last_chunk())
}

/// A table of the names that were written before.
pub(super) struct KnownNames {
    slots: Box<[KnownName; SLOTS]>,
    /// Some bits of the hash of each slot's name; 0 if the slot is free. Those of the slots that a name can be in are in one
    /// or two cache lines.
    marks: Box<[u16; SLOTS]>,
    /// The slot of a name with a tag, at one of two places that follow from the tag.
    tag_places: Box<[u16; TAG_PLACES]>,
    /// Some bits of the hash of a name that was met when its slots were taken, at the place that other bits give.
    newcomers: [u16; NEWCOMERS],
    /// What this event replaced among them.
    replaced: Vec<(u16, u16)>,
    /// The slots of the last name and of the one that is expected next.
    last: u16,
    expected: u16,
    /// How many more tags are accepted, since a source may have to keep an object for each.
    tags_left: u16,
    /// The slots that this event gave to other names, as they were.
    evicted: Vec<(u16, KnownName)>,
    /// One bit for each of those slots.
    is_evicted: [u64; SLOTS / 64],
}

/// The slot of the start of an event, which has no name.
const START: u16 = 0;

impl KnownNames {
    pub(super) fn new() -> KnownNames {
        let mut slots = Box::new([KnownName::FREE; SLOTS]);
        slots[usize::from(START)].tag = usize::MAX; // no object's address: where no name is expected, tags are looked for
        KnownNames {
            slots,
            marks: Box::new([0; SLOTS]),
            tag_places: Box::new([START; TAG_PLACES]),
            newcomers: [0; NEWCOMERS],
            replaced: Vec::new(),
            last: START,
            expected: START,
            tags_left: TAGS,
            evicted: Vec::new(),
            is_evicted: [0; SLOTS / 64],
        }
    }

    /// Starts an event.
    pub(super) fn begin(&mut self) {
        self.last = START;
        self.expected = self.at(START).next;
        if !self.evicted.is_empty() {
            self.evicted.clear();
            self.is_evicted = [0; SLOTS / 64];
        }
        self.replaced.clear();
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

    /// Restores the names that the event evicted. Otherwise, names of rejected events would cost the others their hints.
    pub(super) fn restore_evicted(&mut self) {
        for (slot, known) in self.evicted.drain(..) {
            let name = &known.written[1..][..usize::from(known.length)];
            self.marks[usize::from(slot)] = if name.is_empty() { 0 } else { mark_of(hash(name)) };
            self.slots[usize::from(slot)] = known;
        }
        self.is_evicted = [0; SLOTS / 64];
        for (place, newcomer) in self.replaced.drain(..).rev() {
            self.newcomers[usize::from(place)] = newcomer;
        }
    }

    /// Whether the name is known. If so, it becomes the last one.
    #[inline(always)]
    pub(super) fn find(&mut self, name: &str) -> bool {
        if self.at(self.expected).is(name.as_bytes()) {
            self.pass_expected();
            return true;
        }
        self.look_up(name.as_bytes())
    }

    /// Whether a name has this tag. If so, it becomes the last one. Where no tag is expected, the source makes new tags all
    /// the time, and none is looked for.
    #[inline(always)]
    pub(super) fn find_tagged(&mut self, tag: usize) -> bool {
        let expected = self.at(self.expected).tag;
        if expected == tag {
            self.pass_expected();
            return true;
        }
        expected != 0 && self.look_up_tag(tag)
    }

    #[inline(never)]
    fn look_up_tag(&mut self, tag: usize) -> bool {
        let slot =
            tag_places_of(tag).into_iter().map(|place| self.tag_places[place]).find(|&slot| self.at(slot).tag == tag);
        slot.inspect(|&slot| self.follow(slot)).is_some()
    }

    /// Whether a text starts with the expected name as written. If so, it becomes the last one.
    #[inline(always)]
    pub(super) fn find_written(&mut self, text: &[u8], vectors: impl Vectors) -> bool {
        let known = self.at(self.expected);
        let found = known.length != 0 && vectors.begins_with(text, &known.written, known.written_length());
        if found {
            self.pass_expected();
        }
        found
    }

    #[inline(always)]
    fn pass_expected(&mut self) {
        self.last = self.expected;
        self.expected = self.at(self.expected).next;
    }

    /// The last name.
    #[inline(always)]
    pub(super) fn last(&self) -> &KnownName {
        self.at(self.last)
    }

    /// The last name.
    #[inline(always)]
    pub(super) fn last_mut(&mut self) -> &mut KnownName {
        &mut self.slots[usize::from(self.last) % SLOTS]
    }

    /// Gives the last name a tag if it was offered with the same one before; returns whether it did. A tag that changes each
    /// time is of no use, so no more are accepted after some tries.
    #[inline(always)]
    pub(super) fn tag_last(&mut self, tag: usize) -> bool {
        self.last().tag_tries != 0 && self.try_tag(tag)
    }

    #[cold]
    fn try_tag(&mut self, tag: usize) -> bool {
        let (tags_left, slot) = (self.tags_left, self.last);
        let known = self.last_mut();
        if known.tag == tag {
            self.place_tag(tag, slot); // another tag took its places
            return false;
        }
        known.tag_tries -= 1;
        let bits = (tag >> 4) as u16;
        let is_second = known.tag_offered == bits && tags_left > 0;
        known.tag_offered = bits;
        if is_second {
            known.tag = tag;
            self.tags_left -= 1;
            self.place_tag(tag, slot);
        }
        is_second
    }

    fn place_tag(&mut self, tag: usize, slot: u16) {
        let places = tag_places_of(tag);
        let is_free = |place: &usize| self.tag_places[*place] == START;
        self.tag_places[places.into_iter().find(is_free).unwrap_or(places[0])] = slot;
    }

    #[inline(always)]
    fn at(&self, slot: u16) -> &KnownName {
        &self.slots[usize::from(slot) % SLOTS]
    }

    #[inline(never)]
    fn look_up(&mut self, name: &[u8]) -> bool {
        let slot = if name.len() > LONGEST { None } else { self.slot_of(name) };
        slot.inspect(|&slot| self.follow(slot)).is_some()
    }

    #[inline(always)]
    fn slot_of(&self, name: &[u8]) -> Option<u16> {
        let hash = hash(name);
        let is_slot = |slot: &u16| self.marks[usize::from(*slot) % SLOTS] == mark_of(hash) && self.at(*slot).is(name);
        slots_of(hash).find(is_slot)
    }

    fn follow(&mut self, slot: u16) {
        self.slots[usize::from(self.last) % SLOTS].next = slot;
        self.last = slot;
        self.expected = self.at(slot).next;
    }

    /// Remembers an unknown name if it is short and needs no escapes; returns whether it does. If that evicts another name,
    /// it is remembered the second time that it is met, so that names that are met once are cheap and evict none.
    #[inline(never)]
    pub(super) fn remember(&mut self, name: &str) -> bool {
        let bytes = name.as_bytes();
        if bytes.len() > LONGEST || bytes.is_empty() {
            return false;
        }
        let hash = hash(bytes);
        let slots = slots_of(hash);
        let free = slots.clone().find(|&slot| self.marks[usize::from(slot)] == 0);
        if free.is_none() && self.is_newcomer(hash) || !is_plain(bytes) {
            return false;
        }
        self.take_slot(name, free.unwrap_or(slots.start));
        true
    }

    /// Whether a name was not met lately.
    fn is_newcomer(&mut self, hash: u64) -> bool {
        let (place, bits) = (hash as usize % NEWCOMERS, (hash >> 16) as u16);
        let before = std::mem::replace(&mut self.newcomers[place], bits);
        if before != bits {
            self.replaced.push((place as u16, before));
        }
        before != bits
    }

    #[cold]
    fn take_slot(&mut self, name: &str, slot: u16) {
        let bytes = name.as_bytes();
        let mut known = KnownName { length: bytes.len() as u8, meaning: Meaning::of(name), ..KnownName::FREE };
        known.written[0] = b'"';
        known.written[1..][..bytes.len()].copy_from_slice(bytes);
        known.written[1 + bytes.len()..][..2].copy_from_slice(b"\":");
        let evicted = std::mem::replace(&mut self.slots[usize::from(slot)], known);
        self.marks[usize::from(slot)] = mark_of(hash(bytes));
        let (word, bit) = (usize::from(slot) / 64, 1 << (slot % 64));
        if self.is_evicted[word] & bit == 0 {
            self.is_evicted[word] |= bit;
            self.evicted.push((slot, evicted));
        }
        self.follow(slot);
    }
}

/// The number of slots that a name can be in.
const WAYS: u16 = 4;

/// The slots that a name can be in.
fn slots_of(hash: u64) -> Range<u16> {
    let first = 1 + (hash >> 32) as u16 % (SLOTS as u16 - WAYS);
    first..first + WAYS
}

/// The mark of a slot, which is not 0.
fn mark_of(hash: u64) -> u16 {
    (hash >> 48) as u16 | 1
}

/// A cheap hash of a name's ends and its length.
fn hash(name: &[u8]) -> u64 {
    let mixed = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29),
        _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
            }
            _ => name.iter().fold(0, |mixed, &byte| mixed << 8 | u64::from(byte)),
        },
    };
    let spread = (mixed ^ name.len() as u64).wrapping_mul(SPREAD);
    spread ^ spread >> 47 // the low bits of the product have few of the name's
}

/// An odd number whose product spreads low bits over the high ones.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// The places that a tag's slot can be at.
#[inline(always)]
fn tag_places_of(tag: usize) -> [usize; 2] {
    const BITS: u32 = TAG_PLACES.ilog2();
    let place = ((tag as u64).wrapping_mul(SPREAD) >> (64 - BITS)) as usize;
    [place, place ^ 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Baseline;

    fn written(names: &mut KnownNames, name: &str) -> Option<String> {
        let written = |known: &KnownName| known.written[..known.written_length()].to_vec();
        names.find(name).then(|| String::from_utf8(written(names.last())).unwrap())
    }

    #[test]
    fn a_name_of_any_length_is_known_the_second_time_and_no_other_is_mistaken_for_it() {
        for length in 1..=60 {
            let mut names = KnownNames::new();
            let name = "x".repeat(length);
            for round in 0..3 {
                names.begin();
                let expected = (round > 0 && length <= LONGEST).then(|| format!("\"{name}\":"));
                assert_eq!(written(&mut names, &name), expected, "{name}");
                assert_eq!(names.remember(&name), length <= LONGEST);
            }
            for place in 0..length {
                names.begin();
                let mut other = name.clone();
                other.replace_range(place..=place, "y");
                assert_eq!(written(&mut names, &other), None, "{other}");
            }
            names.begin();
            assert_eq!(written(&mut names, &name[1..]), None);
            assert_eq!(written(&mut names, &format!("{name}x")), None);
        }
    }

    #[test]
    fn a_name_at_the_start_of_a_text_is_found_if_it_is_expected() {
        for length in 1..=LONGEST {
            let mut names = KnownNames::new();
            let name = "x".repeat(length);
            assert!(!names.find_written(&[0; BLOCK], Baseline), "no name is expected at first");
            assert!(names.remember(&name) && names.remember("other"));
            for text in [format!("\"{name}\":1"), format!("\"{name}\":{}", "1".repeat(BLOCK))] {
                names.begin();
                assert!(!names.find_written(format!("\"{name}x\":1").as_bytes(), Baseline));
                assert!(!names.find_written(format!("\"{name}\" :1").as_bytes(), Baseline));
                assert!(names.find_written(text.as_bytes(), Baseline));
                assert_eq!(names.last().written_length(), length + 3);
                assert!(!names.find_written(text.as_bytes(), Baseline), "the other name is expected");
                assert!(names.find_written(b"\"other\":", Baseline));
            }
        }
    }

    #[test]
    fn more_names_than_slots_in_any_order_are_never_confused() {
        let mut names = KnownNames::new();
        let mut known = 0;
        for number in 0..20_000_usize {
            if number % 13 == 0 {
                names.begin();
            }
            let name = format!("n{}", number * number % 1009);
            match written(&mut names, &name) {
                Some(member) => {
                    known += 1;
                    assert_eq!(member, format!("\"{name}\":"));
                }
                None => assert!(names.remember(&name) || names.remember(&name)),
            }
        }
        assert!(known > 1000);
    }

    #[test]
    fn a_name_that_would_evict_another_is_remembered_the_second_time_in_a_while() {
        let mut names = KnownNames::new();
        let many: Vec<String> = (0..8 * SLOTS).map(|number| format!("n{number}")).collect();
        let is_kept: Vec<bool> = many.iter().map(|name| names.remember(name)).collect();
        assert!(is_kept[..SLOTS / 8].iter().all(|&kept| kept), "there are free slots");
        assert!(is_kept.iter().filter(|&&kept| kept).count() < SLOTS, "no name was evicted");
        let last = many.last().unwrap();
        assert!(!names.find(last) && names.remember(last) && names.find(last));
        names.begin();
        assert!(!names.find(&many[8 * SLOTS - 2]));
        names.restore_evicted();
        names.begin();
        assert!(!names.remember("another") && !names.find("another"), "it is new");
        names.restore_evicted();
        assert!(!names.remember("another"), "it is still new, as the event was taken back");
        assert!(names.remember("another"));
    }

    #[test]
    fn a_tag_belongs_to_one_name_in_any_order_and_is_evicted_with_it() {
        let mut names = KnownNames::new();
        assert!(!names.find_tagged(0x70));
        for (name, tag) in [("a", 0x70), ("b", 0x80)] {
            assert!(names.remember(name));
            assert!(!names.tag_last(tag) && !names.tag_last(0x90) && !names.tag_last(tag) && names.tag_last(tag));
        }
        (0..=TAG_TRIES).for_each(|number| assert!(!names.tag_last(usize::from(number) << 8)));
        assert!(!names.tag_last(usize::from(TAG_TRIES) << 8));
        for order in [[("a", 0x70), ("b", 0x80)], [("b", 0x80), ("a", 0x70)]] {
            names.begin();
            for (name, tag) in order {
                assert!(!names.find_tagged(0x90) && names.find_tagged(tag));
                assert_eq!(names.last().written[1], name.as_bytes()[0]);
            }
        }
        for number in 0..20_000 {
            let name = format!("n{number}");
            assert!(names.remember(&name) || names.remember(&name));
        }
        for expected in 0..SLOTS {
            names.expected = expected as u16;
            assert!(!names.find_tagged(0x70) && !names.find_tagged(0x80));
        }
    }

    #[test]
    fn as_many_tags_as_are_accepted_are_found_or_placed_again() {
        let mut names = KnownNames::new();
        let tag = |number: usize| 0x7F00_0000_1000 + number * 48;
        let all: Vec<_> = (0..SLOTS / 2).map(|number| (format!("n{number}"), tag(number))).collect();
        for (name, tag) in &all {
            assert!(names.find(name) || names.remember(name) || names.remember(name));
            names.tag_last(*tag);
        }
        for _ in 0..3 {
            names.begin();
            for (name, tag) in all.iter().rev() {
                if names.find_tagged(*tag) {
                    assert_eq!(&names.last().written[1..][..name.len()], name.as_bytes());
                } else if names.find(name) {
                    names.tag_last(*tag);
                }
            }
        }
    }

    #[test]
    fn names_with_escapes_and_empty_ones_are_not_remembered() {
        let mut names = KnownNames::new();
        for name in ["", "a\"", "a\\", "\n"] {
            assert!(!names.remember(name));
            assert_eq!(written(&mut names, name), None);
        }
    }
}
