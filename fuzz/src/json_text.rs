//! JSON text: windows of any size give the same result, and each event gets the oracle's verdict on what serde_json reads.
//!
//! The input is a text, optionally followed by the byte FF and the bytes from which settings and windows are drawn. So any
//! JSON file is an input.

use std::ops::ControlFlow;

use mixpress::batch::{Batcher, Format, Origin, Verdict};
use mixpress::encoder::Settings;
use mixpress::rules::{Action, Rule};
use mixpress::source::json::{Broken, JsonReader, Next, Window};

use crate::draw::Draw;
use crate::oracle::judge;
use crate::parsed;
use crate::settings::{NOW, settings, without_additions};
use crate::walk::check_verdict;

/// Bytes that the reader validates as UTF-8 at a time.
const PART: usize = 1 << 16;

pub fn check(data: &[u8]) {
    let split = data.iter().rposition(|&byte| byte == 0xFF).unwrap_or(data.len());
    let (text, choices) = (&data[..split], data.get(split + 1..).unwrap_or_default());
    let mut draw = Draw::new(choices);
    let mut settings = settings(&mut draw);
    settings.format = Format::Ndjson;
    let whole = read(text, &settings, || text.len());
    check_windows(text, &settings, &whole, &mut draw);
    check_after_a_part(text, &settings, &whole);
    check_places(text, &whole);
    check_output(&whole);
    check_events(text, without_additions(&settings));
}

/// The result of reading a text: its events and broken pieces in order, and the lines written.
#[derive(Debug, PartialEq)]
struct Read {
    pieces: Vec<Piece>,
    json: Vec<u8>,
}

#[derive(Debug, PartialEq)]
enum Piece {
    /// Its line, and its verdict.
    Event(usize, Verdict),
    Broken(Broken),
}

/// Reads a text in windows; `size` returns the bytes that the next one adds.
fn read(text: &[u8], settings: &Settings, mut size: impl FnMut() -> usize) -> Read {
    let mut batcher = settings.batcher();
    batcher.set_now(NOW);
    let mut read = Read { pieces: Vec::new(), json: Vec::new() };
    let (mut reader, mut window, mut fed) = (JsonReader::new(), Vec::new(), 0);
    while read_window(&mut reader, &mut Window::new(&window, fed == text.len()), &mut batcher, &mut read).is_continue()
    {
        assert!(fed < text.len(), "the reader needs more text than there is");
        window.drain(..reader.release(&window));
        let more = &text[fed..text.len().min(fed + size())];
        window.extend_from_slice(more);
        fed += more.len();
    }
    read.json.extend(batcher.finish().into_iter().flat_map(|packed| packed.json));
    read
}

/// Reads the events of a window, and breaks at the end of the text.
fn read_window(
    reader: &mut JsonReader,
    window: &mut Window<'_>,
    batcher: &mut Batcher,
    read: &mut Read,
) -> ControlFlow<()> {
    loop {
        let index = read.pieces.len();
        let next = reader.next(window, |event, line| {
            batcher.add(Origin { index, line: Some(line) }, event).map(|verdict| (line, verdict))
        });
        match next {
            Next::Event((line, verdict)) => read.pieces.push(Piece::Event(line, verdict)),
            Next::Broken(broken) => read.pieces.push(Piece::Broken(broken)),
            Next::End => return ControlFlow::Break(()),
            Next::MoreText => return ControlFlow::Continue(()),
        }
        read.json.extend(batcher.take_full().into_iter().flat_map(|packed| packed.json));
    }
}

fn check_windows(text: &[u8], settings: &Settings, whole: &Read, draw: &mut Draw<'_>) {
    let size = 1 + text.len() / 256; // an event is walked again in each window until it is complete
    assert_eq!(read(text, settings, || size + draw.below(24)), *whole);
    assert_eq!(read(text, settings, || size), *whole);
}

/// Reads the text after a long string and a newline, so that the end of a part falls into the text.
fn check_after_a_part(text: &[u8], settings: &Settings, whole: &Read) {
    let begins_with_mark = text.starts_with(b"\xEF\xBB\xBF"); // skipped only at the start
    if begins_with_mark || !text.len().is_multiple_of(8) {
        return; // slower than all other checks, so not for every text
    }
    let before = PART - text.len() / 2 % PART;
    let pverdict = [&b"\""[..], &vec![b'x'; before - 3], b"\"\n", text].concat();
    let mut moved = read(&pverdict, settings, || pverdict.len());
    let string = moved.pieces.remove(0);
    assert!(matches!(string, Piece::Event(1, Verdict::Rejected(_))), "{string:?}");
    for found in &mut moved.pieces {
        match found {
            Piece::Event(line, verdict) => {
                *line -= 1;
                move_back(verdict);
            }
            Piece::Broken(broken) => {
                broken.line -= 1;
                broken.offset -= before;
            }
        }
    }
    assert_eq!(moved, *whole);
}

fn move_back(verdict: &mut Verdict) {
    let (found, truncations) = match verdict {
        Verdict::Rejected(found) => (Some(found), None),
        Verdict::Plain => return,
        Verdict::Accepted { warnings, truncations } => (warnings.as_mut(), Some(truncations)),
    };
    if let Some(found) = found {
        found.origin.index -= 1;
        found.origin.line = found.origin.line.map(|line| line - 1);
    }
    truncations.into_iter().flatten().for_each(|cut| cut.index -= 1);
}

/// Counts the line and the column of each broken byte again.
fn check_places(text: &[u8], whole: &Read) {
    for found in &whole.pieces {
        let Piece::Broken(broken) = found else { continue };
        let before = &text[..broken.offset];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let characters = before[line_start..].iter().filter(|&&byte| !(0x80..0xC0).contains(&byte)).count();
        assert_eq!(broken.line, 1 + before.iter().filter(|&&byte| byte == b'\n').count());
        assert_eq!(broken.column, 1 + characters);
    }
}

/// Expects one line of JSON for each accepted event.
fn check_output(whole: &Read) {
    let accepted =
        whole.pieces.iter().filter(|found| matches!(found, Piece::Event(_, Verdict::Plain | Verdict::Accepted { .. })));
    let lines: Vec<_> = whole.json.split_inclusive(|&byte| byte == b'\n').collect();
    assert_eq!(lines.len(), accepted.count());
    for line in lines {
        let parsed = serde_json::from_slice::<serde_json::Value>(line);
        assert!(parsed.is_ok_and(|event| event.is_object()), "{}", String::from_utf8_lossy(line));
    }
}

/// If the whole text is JSON, compares each event with the oracle's verdict on what serde_json reads.
fn check_events(text: &[u8], mut settings: Settings) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(events) = parsed::events(text) else { return };
    // Values in memory have neither repeated names nor lone surrogates.
    settings.limits.set_action(Rule::DuplicateKey, Action::Off);
    settings.limits.set_action(Rule::InvalidUnicode, Action::Off);
    let read = read(text.as_bytes(), &settings, || text.len());
    assert_eq!(read.pieces.len(), events.len());
    let mut expected = Vec::new();
    for (index, ((offset, event), found)) in events.iter().zip(&read.pieces).enumerate() {
        let Piece::Event(line, verdict) = found else { panic!("JSON that can't be read: {found:?}") };
        assert_eq!(*line, 1 + text[..*offset].matches('\n').count());
        let judged = judge(event, &settings);
        check_verdict(index, verdict, &judged);
        if !judged.is_rejected {
            expected.push(judged.json);
        }
    }
    check_lines(&read.json, &expected);
}

/// Compares lines by their values, as strings keep the spelling of the text.
fn check_lines(json: &[u8], expected: &[String]) {
    let written = std::str::from_utf8(json).expect("UTF-8");
    assert_eq!(written.lines().count(), expected.len());
    for (line, expected) in written.lines().zip(expected) {
        assert_eq!(parsed::events(line).expect("JSON"), parsed::events(expected).expect("JSON"));
    }
}
