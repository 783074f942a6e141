//! Strings as written by the core, against a character at a time.

use mixpress::serialize::{write_name, write_spelled_name, write_spelled_string, write_string};
use mixpress::source::scan::{string_at, unescape};

use crate::draw::Draw;
use crate::spell;

type Write = fn(&mut Vec<u8>, &str);

pub fn check(data: &[u8]) {
    let mut draw = Draw::new(data);
    let before = draw.below(40);
    let room = draw.below(40);
    let text = String::from_utf8_lossy(draw.rest());
    let spelled = spell::text(&text);
    let inside = &spelled[1..spelled.len() - 1];
    let as_string = [(write_string as Write, &*text), (write_spelled_string, inside)];
    let as_name = [(write_name as Write, &*text), (write_spelled_name, inside)];
    for (write, given) in as_string {
        check_written(write, given, &spelled, before, room);
    }
    for (write, given) in as_name {
        check_written(write, given, &format!("{spelled}:"), before, room);
    }
    check_read(&text, &spelled);
}

/// Writes into a nearly full buffer, so that the address sanitizer notices a write past its end.
fn check_written(write: Write, given: &str, expected: &str, before: usize, room: usize) {
    let mut out = Vec::with_capacity(before + room);
    out.resize(before, b'#');
    write(&mut out, given);
    let written = out.split_off(before);
    assert_eq!(String::from_utf8_lossy(&written), expected);
    assert!(out.iter().all(|&byte| byte == b'#'));
}

fn check_read(text: &str, spelled: &str) {
    let (inside, end) = string_at(spelled.as_bytes(), 0);
    let read = unescape(inside);
    assert_eq!((read.text.as_str(), read.repaired, end), (text, false, spelled.len()));
}
