//! Tests of cutting a text into parts.

use super::*;
use crate::event::derived_id::Canonical;
use crate::source::Source;
use crate::source::json::{JsonEvent, JsonReader, Next, Part, Span, Window};

const GOOD: &str = r#"{"event":"é","properties":{"a":[1,{"b":"\n\"}{\\"}],"c":{"d":[]}}}"#;

/// What is in a part: where each event starts and its derived id, or what is broken.
fn seen(part: &Part) -> Vec<String> {
    let (mut reader, mut window, mut seen) = (JsonReader::of_part(part), Window::new(&part.text, true), Vec::new());
    loop {
        let take = |event: &JsonEvent<'_>, line: usize| {
            let mut canonical = Canonical::default();
            event.walk(&mut canonical)?;
            Ok((line, canonical.insert_id(None, false)))
        };
        match reader.next(&mut window, take) {
            Next::Event(event) => {
                seen.push(format!("{event:?} ends at {}", part.start.offset + reader.last_span().end))
            }
            Next::Broken(broken) => seen.push(format!("{broken:?}")),
            Next::MoreText | Next::End => return seen,
        }
    }
}

fn whole(text: &[u8]) -> Part {
    Part { text: text.to_vec(), start: Start::TEXT, continues: false, dropped: 0 }
}

fn parts(layout: Layout, longest: usize, text: &[u8], size: usize) -> Vec<Part> {
    let (mut cutter, mut parts) = (Cutter::new(layout, longest), Vec::new());
    for chunk in text.chunks(size) {
        cutter.push(chunk);
        while let Some(part) = cutter.cut() {
            parts.push(part);
        }
    }
    while let Some(part) = cutter.finish() {
        parts.push(part);
        if cutter.held() == 0 {
            break;
        }
    }
    parts
}

/// The parts without a gap, and the places after them by a count of each byte.
fn check_cover(text: &[u8], parts: &[Part]) {
    let (mut end, mut joined) = (0, Vec::new());
    for part in parts {
        assert_eq!(part.start.offset, end);
        let before = &text[..end];
        let row = before.iter().rposition(|byte| b"\r\n".contains(byte)).map_or(0, |at| at + 1);
        let line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let characters = before[line..].iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        let lines = before.iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!((part.start.line, part.start.column, part.start.row), (lines + 1, characters, end - row));
        joined.extend_from_slice(&part.text);
        joined.extend_from_slice(&text[end + part.text.len()..part.end()]);
        end = part.end();
    }
    assert_eq!(joined, text);
}

fn valid_texts() -> Vec<(Layout, String)> {
    let spread = GOOD.replace(":{", ": {\r\n  ").replace(",\"", ",\n \"").replace("}}", "\n}\n}");
    vec![
        (Layout::Lines, format!("\u{feff}{GOOD}\n\n{GOOD}\r\n1\n{GOOD}")),
        (Layout::Values, format!("{GOOD}\n{GOOD}\r\n\n{GOOD}")),
        (Layout::Values, format!("\u{feff} [{GOOD},\n{GOOD} , 123,{GOOD}]\n")),
        (Layout::Values, format!("[\n  {spread} ,\n  {spread},{spread}\n]\n{spread}\n{spread}{spread} [] [{GOOD}]")),
        (Layout::Values, format!("[{GOOD},\n{GOOD},")),
        (Layout::Values, format!("[{GOOD}")),
    ]
}

#[test]
fn parts_are_read_like_the_whole_text() {
    for (layout, text) in valid_texts() {
        let text = text.as_bytes();
        let expected = seen(&whole(text));
        for size in 1..text.len() + 1 {
            let parts = parts(layout, 10_000, text, size);
            check_cover(text, &parts);
            let found: Vec<String> = parts.iter().flat_map(seen).collect();
            assert_eq!(found, expected, "{size} {}", String::from_utf8_lossy(text));
        }
    }
}

/// The last place where a part may end, found by looking at each byte.
fn naive_end(text: &[u8]) -> Option<(usize, bool)> {
    let (mut depth, mut in_array, mut in_string, mut escaped, mut last) = (0, false, false, false, None);
    for (at, &byte) in text.iter().enumerate() {
        if in_string && !b"\r\n".contains(&byte) {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        (in_string, escaped) = (byte == b'"', false);
        let was = depth;
        match byte {
            b'[' if depth == 0 && !in_array => in_array = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b']' => in_array = false,
            _ => {}
        }
        let closes_record = was == 1 && depth == 0 && !in_array;
        let closes_array = was == 0 && byte == b']' && in_array != was_in_array(text, at);
        if closes_record || closes_array || was == 0 && byte == if in_array { b',' } else { b'\n' } {
            last = Some((at + 1, in_array));
        }
    }
    last
}

/// Whether the outermost array is open before a byte.
fn was_in_array(text: &[u8], at: usize) -> bool {
    let mut scan = Scan::default();
    scan.last_end(&text[..at]);
    scan.in_array
}

fn random_texts(count: usize) -> Vec<Vec<u8>> {
    let tokens: [&[u8]; 16] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"\"",
        b"\\",
        b"\n",
        b"\r\n",
        b" ",
        b"a",
        b":1",
        b"\"x\"",
        b"\xff",
        b"\0",
        b"{\"a\":1}",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    (0..count)
        .map(|_| {
            let length = next(40);
            (0..length).flat_map(|_| tokens[next(tokens.len())]).copied().collect()
        })
        .collect()
}

#[test]
fn a_part_ends_where_a_look_at_each_byte_says() {
    for text in random_texts(20_000) {
        let expected = naive_end(&text);
        assert_eq!(Scan::default().last_end(&text), expected, "{}", String::from_utf8_lossy(&text));
        for size in [1, 2, 3, 7] {
            let mut cutter = Cutter::new(Layout::Values, 10_000);
            text.chunks(size).for_each(|chunk| cutter.push(chunk));
            assert_eq!(cutter.end, expected, "{size} {}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn parts_of_any_text_leave_no_gap() {
    for text in random_texts(5_000) {
        for (layout, longest, size) in [(Layout::Lines, 10, 3), (Layout::Values, 10, 3), (Layout::Values, 1000, 8)] {
            let parts = parts(layout, longest, &text, size);
            check_cover(&text, &parts);
            for part in &parts {
                let counted = seen(part).len();
                assert_eq!(part.spans(|_| Some(true)).len(), counted);
            }
        }
    }
}

#[test]
fn the_spans_of_some_records_are_those_of_all() {
    let text = format!("\n{GOOD}\n{{\"event\": \"cut\n 5 {GOOD}\n[1, {GOOD}]");
    let part = Part { start: Start { offset: 100, line: 7, ..Start::TEXT }, ..whole(text.as_bytes()) };
    let all = part.spans(|_| Some(true));
    let shown: Vec<_> = all.iter().map(|&Span { line, begin, end }| (line, text[begin..end].trim())).collect();
    assert_eq!(shown, [(8, GOOD), (9, "{\"event\": \"cut"), (10, "5"), (10, GOOD), (11, "1"), (11, GOOD)]);
    let some = part.spans(|number| if number < 4 { Some(number % 2 == 1) } else { None });
    assert_eq!(some, [all[1], all[3]]);
}

#[test]
fn a_broken_record_over_lines_costs_no_other() {
    let record = |name: &str| format!("  {{\n    \"event\": \"{name}\"\n  }}");
    let cut = "  {\n    \"event\": {\"cut";
    let records: Vec<String> = (0..40).map(|number| record(&number.to_string())).collect();
    let text = format!("[\n{cut},\n{}\n]\n", records.join(",\n"));
    let parts = parts(Layout::Values, 400, text.as_bytes(), 50);
    check_cover(text.as_bytes(), &parts);
    assert!(parts.iter().all(|part| part.dropped == 0 && part.text.len() < 400));
    let seen: Vec<String> = parts.iter().flat_map(seen).collect();
    assert_eq!(seen.len(), 41, "{seen:?}");
    assert!(seen[0].starts_with("Broken") && seen[1..].iter().all(|event| event.contains("Ok(")), "{seen:?}");
}

#[test]
fn a_record_that_is_too_long_is_skipped() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5000));
    for (layout, text, lengths) in [
        (Layout::Lines, format!("1\n{long}\n2\n{long}"), [5009, 5008]),
        (Layout::Values, format!("[1,{long},2,{long}]"), [5009, 5009]),
        (Layout::Values, format!("1\n{long}\n2\n{long}"), [5008, 5008]),
    ] {
        let parts = parts(layout, 2000, text.as_bytes(), 100);
        check_cover(text.as_bytes(), &parts);
        let long: Vec<&Part> = parts.iter().filter(|part| part.dropped > 0).collect();
        assert_eq!(long.iter().map(|part| part.text.len() + part.dropped).collect::<Vec<_>>(), lengths, "{text:.9}");
        assert!(long.iter().all(|part| part.text.len() == KEPT && part.text.starts_with(b"{\"a\":\"xxx")));
        let others: usize = parts.iter().filter(|part| part.dropped == 0).map(|part| seen(part).len()).sum();
        assert_eq!(others, 2);
    }
}

#[test]
fn the_work_grows_with_the_text() {
    let work = |layout, text: &str| steps::of(|| drop(parts(layout, 4096, text.as_bytes(), 64)));
    let inputs =
        ["{", "}", "[", "\"", "\\", "\n{", "{\n", "\n {\"a\":", "x", "[1,", "\n", " ", "{\"a\":1}", "\r{\"", "],"];
    for layout in [Layout::Lines, Layout::Values] {
        for input in inputs {
            let (once, twice) = (work(layout, &input.repeat(20_000)), work(layout, &input.repeat(40_000)));
            assert!(2 * twice <= 5 * once, "{layout:?} {input:?}: {once} steps, then {twice}");
        }
    }
}
