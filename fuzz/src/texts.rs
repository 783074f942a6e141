//! Draw difficult texts: about as long as the limit, with every kind of escape, URLs, JSON, placeholders.

use mixpress::limits::DISALLOWED_IDS;

use crate::draw::Draw;

const LETTERS: [&str; 16] =
    ["a", "é", "€", "😀", "\"", "\\", "\n", "\0", "\u{7f}", "\u{2028}", "\u{fffd}", " ", "0", "/", "\u{3000}", "."];

/// Draws a text. `around` is the length to which it would be truncated.
pub fn text(draw: &mut Draw<'_>, around: usize) -> String {
    match draw.below(7) {
        0 => letters(draw, 4),
        1 => repeated(draw, around),
        2 => format!("{}{}{}", repeated(draw, around), letters(draw, 3), repeated(draw, 3)),
        3 => String::from_utf8_lossy(some_bytes(draw)).into_owned(),
        4 => url(draw),
        5 => json(draw),
        _ => draw.one_of(&DISALLOWED_IDS).to_owned(),
    }
}

pub fn letters(draw: &mut Draw<'_>, max: usize) -> String {
    (0..draw.below(max + 1)).map(|_| draw.one_of(&LETTERS)).collect()
}

fn repeated(draw: &mut Draw<'_>, around: usize) -> String {
    draw.one_of(&LETTERS).repeat((around + 3).saturating_sub(draw.below(8)))
}

fn some_bytes<'a>(draw: &mut Draw<'a>) -> &'a [u8] {
    let count = draw.below(24);
    draw.bytes(count)
}

fn url(draw: &mut Draw<'_>) -> String {
    let scheme = draw.one_of(&["http", "a+b.c-1", "1a", "é", ""]);
    let mark = draw.one_of(&["://", ":/", ":", "://://"]);
    format!("{scheme}{mark}{}", letters(draw, 12))
}

fn json(draw: &mut Draw<'_>) -> String {
    let before = draw.one_of(&["[", "{\"a\":", " [", "{\"a\":[", "{\"a\":1,\"a\":", "{"]);
    let inside =
        draw.one_of(&["\"long enough\"", "[[[[[[[[]]]]]]]]", "NaN", "01", "", "-1.5e+7 ,\ttrue", "\"\\ud800\""]);
    let after = draw.one_of(&["]", "}", "]}", "] ", "]x", ""]);
    format!("{before}{inside}{after}")
}
