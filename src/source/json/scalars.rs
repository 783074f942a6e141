//! Push texts, numbers and words by their spelling.

use crate::scan::{Scanner, SyntaxError, unescape};
use crate::source::Sink;
use crate::vectors::Vectors;

/// Pushes the text at the scanner.
#[inline(always)]
pub(super) fn push_text<S: Sink>(
    scanner: &mut Scanner<'_>,
    sink: &mut S,
    vectors: impl Vectors,
) -> Result<(), SyntaxError> {
    let text = scanner.string_with("a value", vectors)?;
    if text.escaped {
        push_escaped_text(text.inside, sink);
    } else {
        sink.plain_text(text.inside, vectors);
    }
    Ok(())
}

#[inline(never)]
fn push_escaped_text<S: Sink>(inside: &str, sink: &mut S) {
    let unescaped = unescape(inside);
    if unescaped.repaired { sink.repaired_text(&unescaped.text) } else { sink.spelled_text(&unescaped.text, inside) }
}

#[inline(never)]
pub(super) fn push_escaped_key<S: Sink>(inside: &str, sink: &mut S) {
    let unescaped = unescape(inside);
    if unescaped.repaired { sink.repaired_key(&unescaped.text) } else { sink.spelled_key(&unescaped.text, inside) }
}

/// Pushes a number or a word.
#[inline(always)]
pub(super) fn push_scalar<S: Sink>(
    scanner: &mut Scanner<'_>,
    sink: &mut S,
    vectors: impl Vectors,
) -> Result<(), SyntaxError> {
    match scanner.peek() {
        Some(b'-'..=b'9') if scanner.is_at_number() => sink.number_with(scanner.number()?, vectors),
        Some(b't') => {
            scanner.word("true")?;
            sink.boolean(true);
        }
        Some(b'f') => {
            scanner.word("false")?;
            sink.boolean(false);
        }
        Some(b'n') => {
            scanner.word("null")?;
            sink.null();
        }
        // Not JSON, but Python's json writes it.
        _ => {
            let (word, value) = scanner.not_a_number()?;
            scanner.word(word)?;
            sink.float(value);
        }
    }
    Ok(())
}
