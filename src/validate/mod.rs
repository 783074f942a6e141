//! Validate: what `time` and the ids must be.

use crate::rules::limits::DISALLOWED_IDS;
use crate::serialize::{Moment, write_moment};

/// Whether an id is one of [`DISALLOWED_IDS`].
#[inline]
pub fn is_disallowed_id(id: &str) -> bool {
    let Some(&first) = id.as_bytes().first() else { return false };
    // Nearly every id is settled by its first byte and its length.
    DISALLOWED_LENGTHS[usize::from(first)] >> id.len().min(63) & 1 == 1
        && DISALLOWED_IDS.iter().any(|disallowed| disallowed.eq_ignore_ascii_case(id))
}

/// For each first byte, a bit for each length that a disallowed id with it has.
static DISALLOWED_LENGTHS: [u64; 256] = {
    let mut lengths = [0; 256];
    let mut position = 0;
    while position < DISALLOWED_IDS.len() {
        let id = DISALLOWED_IDS[position].as_bytes();
        lengths[id[0] as usize] |= 1 << id.len();
        lengths[id[0].to_ascii_uppercase() as usize] |= 1 << id.len();
        position += 1;
    }
    lengths
};

/// Whether an id has letters and digits of ASCII and hyphens only.
pub(crate) fn has_only_id_characters(id: &[u8]) -> bool {
    // No branch inside, so that the compiler looks at sixteen bytes at once; they may overlap the sixteen before.
    let is_clean = |bytes: &[u8]| {
        bytes.iter().fold(true, |clean, &byte| {
            clean & (((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10) | (byte == b'-'))
        })
    };
    match id.last_chunk::<16>() {
        Some(last) => id.as_chunks::<16>().0.iter().all(|block| is_clean(block)) && is_clean(last),
        None => is_clean(id),
    }
}

/// An integer's value by its digits; one of more than 128 bits as the nearest that fits.
pub(crate) fn saturating_integer(digits: &str) -> i128 {
    digits.parse().unwrap_or(if digits.starts_with('-') { i128::MIN } else { i128::MAX })
}

/// A time for a message, as ` (2023-11-14T22:13:20)`; nothing for one that no calendar reaches.
pub(crate) fn calendar(milliseconds: i128) -> String {
    match i64::try_from(milliseconds.saturating_mul(1000)) {
        Ok(micros) if micros.unsigned_abs() < 250_000_000_000_000_000 => {
            let mut text = Vec::new();
            write_moment(&mut text, Moment { micros, utc: true });
            format!(" ({})", String::from_utf8_lossy(&text))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disallowed_ids_are_matched_whole_and_without_regard_to_case() {
        assert!(DISALLOWED_IDS.into_iter().all(|id| is_disallowed_id(id) && is_disallowed_id(&id.to_uppercase())));
        assert!(is_disallowed_id("NULL") && is_disallowed_id("-1") && is_disallowed_id("N/a"));
        // U+212A lowercases to "k" in Unicode; the list is ASCII, and so is its comparison.
        assert!(!is_disallowed_id("nullx") && !is_disallowed_id("") && !is_disallowed_id("un\u{212a}nown"));
    }
}
