//! The tokens of JSON text, against serde_json.

use mixpress::source::scan::{Scanner, SyntaxError, is_object_or_array, unescape};
use serde::de::IgnoredAny;

use crate::parsed::Wtf8;

pub fn check(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let is_value = serde_json::from_str::<IgnoredAny>(text).is_ok();
    let begin = text.trim_start_matches([' ', '\t', '\n', '\r']);
    assert_eq!(is_object_or_array(text), is_value && begin.starts_with(['{', '[']));
    let mut scanner = Scanner::new(text, 0);
    match scanner.skip_value() {
        Ok(()) => assert!(serde_json::from_str::<IgnoredAny>(&text[..scanner.at()]).is_ok()),
        Err(error) => check_error(text, error),
    }
    check_string(begin);
}

/// Checks that a text can continue as JSON up to the error, and no further. The error of a misspelled word is at its start.
fn check_error(text: &str, error: SyntaxError) {
    assert!(can_become_json(&text[..error.at]), "{error:?}");
    match text[error.at..].chars().next() {
        None | Some('t' | 'f' | 'n') => {}
        // serde_json requires all four digits before it examines one.
        Some(next) if error.wanted.contains("hexadecimal") => assert!(!next.is_ascii_hexdigit(), "{error:?}"),
        Some(next) => assert!(!can_become_json(&text[..error.at + next.len_utf8()]), "{error:?}"),
    }
}

/// Whether a text is JSON or the start of JSON. After a minus, serde_json needs a digit to report the end.
fn can_become_json(text: &str) -> bool {
    let parse = serde_json::from_str::<IgnoredAny>;
    [parse(text), parse(&format!("{text}0"))]
        .into_iter()
        .any(|parsed| parsed.map_or_else(|error| error.is_eof(), |_| true))
}

/// Compares a string with what serde_json reads.
fn check_string(begin: &str) {
    let mut scanner = Scanner::new(begin, 0);
    let Ok(string) = scanner.string("a string") else { return };
    assert_eq!(string.escaped, string.inside.contains('\\'));
    let read = unescape(string.inside);
    let expected: Wtf8 = serde_json::from_str(&begin[..scanner.at()]).expect("a string that was read");
    assert_eq!((read.text, read.repaired), (expected.to_text(), expected.has_surrogates()));
}
