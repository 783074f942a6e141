//! A name that was written before.

use crate::event::place::Meaning;

/// The longest name that is remembered.
pub(super) const LONGEST: usize = 38;

/// Bytes that are copied for a name of any length: quotes, colon and the longest name.
pub(super) const BLOCK: usize = LONGEST + 3;

/// The occurrences of a name after which no tag is accepted for it.
pub(super) const TAG_TRIES: u8 = 20;

/// A name that was written before, in one cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(in crate::event) struct KnownName {
    /// `"name":`, followed by arbitrary bytes.
    pub(in crate::event) written: [u8; BLOCK],
    /// By which a source recognises it; 0 if there is none.
    pub(in crate::event) tag: usize,
    /// Where its quote was in the JSON when it was written last, perhaps in another batch.
    pub(in crate::event) last_at: u32,
    /// Some bits of the last tag that was offered: a tag is accepted the second time in a row.
    pub(super) tag_offered: u16,
    /// How many more tags may be offered.
    pub(super) tag_tries: u8,
    /// Bytes of the name; 0 if there is none.
    pub(in crate::event) length: u8,
    /// The slot of the name that followed.
    pub(super) next: u16,
    /// What it means to the rules.
    pub(in crate::event) meaning: Meaning,
}

const _: () = assert!(size_of::<KnownName>() == 64);

impl KnownName {
    /// No name.
    pub(super) const NONE: KnownName = KnownName {
        written: [0; BLOCK],
        tag: 0,
        last_at: u32::MAX,
        tag_offered: 0,
        tag_tries: TAG_TRIES,
        length: 0,
        next: 0,
        meaning: Meaning::NONE,
    };

    /// A name of at most [`LONGEST`] bytes that needs no escapes.
    pub(super) fn of(name: &str) -> KnownName {
        let bytes = name.as_bytes();
        let mut known = KnownName { length: bytes.len() as u8, meaning: Meaning::of(name), ..KnownName::NONE };
        known.written[0] = b'"';
        known.written[1..][..bytes.len()].copy_from_slice(bytes);
        known.written[1 + bytes.len()..][..2].copy_from_slice(b"\":");
        known
    }

    /// The name without quotes.
    pub(super) fn name(&self) -> &[u8] {
        &self.written[1..][..usize::from(self.length)]
    }

    /// The length of `"name":`.
    #[inline(always)]
    pub(in crate::event) fn written_length(&self) -> usize {
        usize::from(self.length) + 3
    }

    /// Whether no more tags may be offered.
    #[inline(always)]
    pub(in crate::event) fn takes_no_tag(&self) -> bool {
        self.tag_tries == 0
    }

    #[inline(always)]
    pub(in crate::event) fn is(&self, name: &[u8]) -> bool {
        // An empty name is never known.
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
