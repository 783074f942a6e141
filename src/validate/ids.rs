//! Check `distinct_id`, `$insert_id`, and the ids that an identity event merges.

use super::Violation;
use crate::rules::Rule;
use crate::rules::finding::{Message, quote};
use crate::rules::limits::DISALLOWED_IDS;

/// An id must not be a placeholder; the rule is that of its property. `before`: the start of the message, which names it.
#[inline(always)]
pub(crate) fn disallowed_id<'a>(
    rule: Rule,
    before: &'static str,
    id: &'a str,
) -> Option<Violation<impl FnOnce() -> Message<'a>>> {
    is_disallowed_id(id).then_some(Violation {
        rule,
        message: move || {
            Message::Quoted(before, id, ", one of the placeholders that the API disallows: send a real id")
        },
    })
}

/// A `$device_id` should not have the prefix that the server puts before it.
#[inline(always)]
pub(crate) fn device_id_prefix<'a>(id: &'a str) -> Option<Violation<impl FnOnce() -> Message<'a>>> {
    id.starts_with("$device:").then_some(Violation {
        rule: Rule::DeviceIdPrefix,
        message: move || {
            Message::Quoted("'$device_id' is ", id, ": leave out '$device:', which the server puts before it")
        },
    })
}

/// An `$insert_id` must not be longer than the limit.
#[inline(always)]
pub(crate) fn insert_id_length(id: &str, max: usize) -> Option<Violation<impl FnOnce() -> String>> {
    (id.len() > max).then_some(Violation {
        rule: Rule::InsertIdTooLong,
        message: move || format!("'$insert_id' has {} bytes, and {max} is the limit: {}", id.len(), quote(id)),
    })
}

/// An `$insert_id` must have one character at least, and only ASCII letters, digits and hyphens.
#[inline(always)]
pub(crate) fn insert_id_characters<'a>(id: &'a str) -> Option<Violation<impl FnOnce() -> Message<'a>>> {
    (id.is_empty() || !has_only_id_characters(id.as_bytes())).then_some(Violation {
        rule: Rule::InsertIdCharset,
        message: move || {
            Message::Quoted("'$insert_id' is ", id, ": use only A-Z, a-z, 0-9 and '-', at least one of them")
        },
    })
}

/// An id that an identity event merges must be text, not empty, and no placeholder. `found`: the value that is no text.
/// Returns the message.
pub(crate) fn merged_id(member: &str, id: Option<&str>, found: impl FnOnce() -> String) -> Option<String> {
    let Some(id) = id else {
        return Some(format!("'{member}' must be text, and is {}: set it to the user's id", found()));
    };
    if id.is_empty() {
        return Some(format!("'{member}' is empty: set it to the user's id"));
    }
    is_disallowed_id(id)
        .then(|| format!("'{member}' is {}, one of the placeholders that the API disallows: send a real id", quote(id)))
}

/// Whether an id is one of [`DISALLOWED_IDS`].
#[inline]
pub fn is_disallowed_id(id: &str) -> bool {
    let Some(&first) = id.as_bytes().first() else { return false };
    // The first byte and the length rule out nearly every id.
    DISALLOWED_LENGTHS[usize::from(first)] >> id.len().min(63) & 1 == 1
        && DISALLOWED_IDS.iter().any(|disallowed| disallowed.eq_ignore_ascii_case(id))
}

/// Indexed by the first byte: a bit for each length of a disallowed id that starts with it.
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

/// Whether an id has only ASCII letters, digits and hyphens.
fn has_only_id_characters(id: &[u8]) -> bool {
    // Without a branch, so that the compiler compares sixteen bytes at once. The last sixteen may overlap those before.
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

    #[test]
    fn one_wrong_character_at_any_place_of_an_id_is_noticed() {
        for length in 1..40 {
            let id = "aZ09-".chars().cycle().take(length).collect::<String>();
            assert!(has_only_id_characters(id.as_bytes()));
            for place in 0..length {
                for wrong in b"/:@[`{,. _\x00\x7f\x80\xff" {
                    let mut id = id.clone().into_bytes();
                    id[place] = *wrong;
                    assert!(!has_only_id_characters(&id), "{}", id.escape_ascii());
                }
            }
        }
    }
}
