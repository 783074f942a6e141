//! Tests of reading a text in windows.

use super::reader::PART;
use super::*;
use crate::batch::{Batcher, Format, Origin, Verdict};
use crate::rules::limits::{Endpoint, Limits};

/// What becomes of a text that comes in windows of a size: each event as accepted or rejected, or what is broken.
fn read(text: &[u8], size: usize) -> (Vec<String>, Vec<u8>) {
    let mut batcher = Batcher::new(Limits::documented(), Endpoint::Import, Format::Ndjson, None);
    let (mut reader, mut window, mut fed, mut seen) = (JsonReader::new(), Vec::new(), 0, Vec::new());
    loop {
        let index = seen.len();
        let add = |event: &JsonEvent<'_>, line| {
            batcher.add(Origin { index, line: Some(line) }, event).map(|added| (added, line))
        };
        match reader.next(&mut Window::new(&window, fed == text.len()), add) {
            Next::Event((Verdict::Plain | Verdict::Accepted { .. }, line)) => seen.push(format!("{line} accepted")),
            Next::Event((Verdict::Rejected(found), line)) => {
                seen.push(format!("{line} {}", found.findings[0].rule.id()));
            }
            Next::Broken(broken) => seen.push(format!("{broken:?}")),
            Next::MoreText => {
                window.drain(..reader.release(&window));
                let more = &text[fed..text.len().min(fed + size)];
                window.extend_from_slice(more);
                fed += more.len();
            }
            Next::End => return (seen, batcher.finish().map_or(Vec::new(), |packed| packed.json)),
        }
    }
}

#[test]
fn windows_of_any_size_give_the_same() {
    let good =
        r#"{"event":"é","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i","a":[1,{"b":"\n"}]}}"#;
    let texts = [
        format!("{good}\n{good}\n"),
        format!("\u{feff} [{good},\n{good} , 123,tru,{good}]{good}"),
        format!("{good}\n{{\"event\": \"cut\n{good}\n  {{\n  \"event\": 5,\n  x\n  }}\n{good}\n-Infinity\nnull\n12"),
        format!("[{good}, {good}"),
        format!("{good} [] [1,] [,] {{\"a\":1,\"a\":2}}"),
    ];
    for text in texts.iter().map(|text| text.as_bytes().to_vec()).chain([b"{\"event\":\"\xff\"}\n1\n\xe2\x82".to_vec()])
    {
        let whole = read(&text, text.len());
        for size in 1..40 {
            assert_eq!(read(&text, size), whole, "{size} {}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn a_broken_line_costs_no_other() {
    let good = r#"{"event":"e","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i"}}"#;
    let (seen, json) = read(format!("{good}\n{}\n{good}\n", &good[..40]).as_bytes(), usize::MAX);
    assert_eq!(seen.len(), 3);
    assert!(seen[1].contains("line: 2, column: 41") || seen[1].contains("line: 3"), "{}", seen[1]);
    assert_eq!(json, format!("{good}\n{good}\n").as_bytes());
}

#[test]
fn lines_are_counted_wherever_an_event_may_break() {
    let tokens = [
        "{",
        "\"event\"",
        ":",
        "\"e\"",
        ",",
        "\"a\"",
        ":",
        "[",
        "1",
        ",",
        "{",
        "\"b\"",
        ":",
        "[",
        "]",
        "}",
        "]",
        ",",
        "\"a\"",
        ":",
        "{",
        "}",
        "}",
    ];
    for kept in [tokens.len(), 17] {
        // With the second `a` and without: names that repeat are read in another way.
        let tokens = [&tokens[..kept], &["}"][..usize::from(kept == 17)]].concat();
        for at in 1..tokens.len() {
            for break_ in ["", " ", "\n", " \r\n\t\n"] {
                let event = [&tokens[..at], &[break_], &tokens[at..]].concat().concat();
                let line = 1 + break_.matches('\n').count();
                let seen = read(format!("{event}\n{event}").as_bytes(), usize::MAX).0;
                assert!(seen[0].starts_with("1 "), "{event} {}", seen[0]);
                assert!(seen[1].starts_with(&format!("{} ", line + 1)), "{event} {}", seen[1]);
            }
        }
    }
}

#[test]
fn an_event_longer_than_a_part_is_read_whole() {
    let long = "x".repeat(3 * PART);
    let text = format!(
        r#"{{"event":"e","properties":{{"time":1700000000,"distinct_id":"u","$insert_id":"i","a":"{long}"}}}} 5"#
    );
    assert_eq!(read(text.as_bytes(), usize::MAX).0, ["1 accepted", "1 event-not-object"]);
    assert_eq!(read(text.as_bytes(), 1000).0, ["1 accepted", "1 event-not-object"]);
}
