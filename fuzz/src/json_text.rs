//! JSON text: windows of any size give the same as one, and each event gets the verdict of the oracle on what serde_json
//! reads.
//!
//! The input is the text, or the text, the byte FF and what the settings and windows are made of: so that a file of JSON
//! is an input as it is.

use mixpress::batch::{Batcher, Format, Origin, Verdict};
use mixpress::encoder::Settings;
use mixpress::rules::{Action, Rule};
use mixpress::source::json::{Broken, JsonReader, Next, Window};

use crate::draw::Draw;
use crate::oracle::judge;
use crate::parsed;
use crate::settings::{NOW, settings, without_additions};
use crate::walk::check_verdict;

/// The reader takes so many bytes as text at a time.
const PART: usize = 1 << 16;

pub fn check(data: &[u8]) {
    let split = data.iter().rposition(|&byte| byte == 0xFF).unwrap_or(data.len());
    let (text, choices) = (&data[..split], data.get(split + 1..).unwrap_or_default());
    let mut draw = Draw::new(choices);
    let mut settings = settings(&mut draw);
    settings.format = Format::Ndjson;
    let whole = read(text, &settings, || text.len());
    check_windows(text, &settings, &whole, &mut draw);
    check_behind_a_part(text, &settings, &whole);
    check_places(text, &whole);
    check_output(&whole);
    check_events(text, without_additions(&settings));
}

/// What became of a text: its events and what could not be read, in order, and the lines written.
#[derive(Debug, PartialEq)]
struct Read {
    found: Vec<Piece>,
    json: Vec<u8>,
}

#[derive(Debug, PartialEq)]
enum Piece {
    /// On a line, and what became of it.
    Event(usize, Verdict),
    Broken(Broken),
}

/// Reads a text in windows that each add as many bytes as `size` says.
fn read(text: &[u8], settings: &Settings, mut size: impl FnMut() -> usize) -> Read {
    let mut batcher = settings.batcher();
    batcher.set_now(NOW);
    let mut read = Read { found: Vec::new(), json: Vec::new() };
    let (mut reader, mut window, mut fed) = (JsonReader::new(), Vec::new(), 0);
    while !read_window(&mut reader, &mut Window::new(&window, fed == text.len()), &mut batcher, &mut read) {
        assert!(fed < text.len(), "wants more than there is");
        window.drain(..reader.release(&window));
        let more = &text[fed..text.len().min(fed + size())];
        window.extend_from_slice(more);
        fed += more.len();
    }
    read.json.extend(batcher.finish().into_iter().flat_map(|packed| packed.json));
    read
}

/// Reads what is in a window. True: that was the end of the text.
fn read_window(reader: &mut JsonReader, window: &mut Window<'_>, batcher: &mut Batcher, read: &mut Read) -> bool {
    loop {
        let index = read.found.len();
        let next = reader.next(window, |event, line| {
            batcher.add(Origin { index, line: Some(line) }, event).map(|added| (line, added))
        });
        match next {
            Next::Event((line, added)) => read.found.push(Piece::Event(line, added)),
            Next::Broken(broken) => read.found.push(Piece::Broken(broken)),
            Next::End => return true,
            Next::MoreText => return false,
        }
        read.json.extend(batcher.take_full().into_iter().flat_map(|packed| packed.json));
    }
}

fn check_windows(text: &[u8], settings: &Settings, whole: &Read, draw: &mut Draw<'_>) {
    let size = 1 + text.len() / 256; // an event is walked again in each window until it is whole
    assert_eq!(read(text, settings, || size + draw.below(24)), *whole);
    assert_eq!(read(text, settings, || size), *whole);
}

/// The same behind a long string and a newline, so that the end of a part falls into the text.
fn check_behind_a_part(text: &[u8], settings: &Settings, whole: &Read) {
    let begins_with_mark = text.starts_with(b"\xEF\xBB\xBF"); // passed over at the beginning alone
    if begins_with_mark || !text.len().is_multiple_of(8) {
        return; // it takes longer than all else, so once in a while is enough
    }
    let before = PART - text.len() / 2 % PART;
    let padded = [&b"\""[..], &vec![b'x'; before - 3], b"\"\n", text].concat();
    let mut moved = read(&padded, settings, || padded.len());
    let string = moved.found.remove(0);
    assert!(matches!(string, Piece::Event(1, Verdict::Rejected(_))), "{string:?}");
    for found in &mut moved.found {
        match found {
            Piece::Event(line, added) => {
                *line -= 1;
                move_back(added);
            }
            Piece::Broken(broken) => {
                broken.line -= 1;
                broken.offset -= before;
            }
        }
    }
    assert_eq!(moved, *whole);
}

fn move_back(added: &mut Verdict) {
    let (found, truncations) = match added {
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

/// Lines and columns are those of the byte, counted anew.
fn check_places(text: &[u8], whole: &Read) {
    for found in &whole.found {
        let Piece::Broken(broken) = found else { continue };
        let before = &text[..broken.offset];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let characters = before[line_start..].iter().filter(|&&byte| !(0x80..0xC0).contains(&byte)).count();
        assert_eq!(broken.line, 1 + before.iter().filter(|&&byte| byte == b'\n').count());
        assert_eq!(broken.column, 1 + characters);
    }
}

/// One line of JSON for each event that was accepted.
fn check_output(whole: &Read) {
    let accepted =
        whole.found.iter().filter(|found| matches!(found, Piece::Event(_, Verdict::Plain | Verdict::Accepted { .. })));
    let lines: Vec<_> = whole.json.split_inclusive(|&byte| byte == b'\n').collect();
    assert_eq!(lines.len(), accepted.count());
    for line in lines {
        let parsed = serde_json::from_slice::<serde_json::Value>(line);
        assert!(parsed.is_ok_and(|event| event.is_object()), "{}", String::from_utf8_lossy(line));
    }
}

/// Where the text is JSON through and through, each event is judged by what serde_json reads.
fn check_events(text: &[u8], mut settings: Settings) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(events) = parsed::events(text) else { return };
    // The values in memory have neither.
    settings.limits.set_action(Rule::DuplicateKey, Action::Off);
    settings.limits.set_action(Rule::InvalidUnicode, Action::Off);
    let read = read(text.as_bytes(), &settings, || text.len());
    assert_eq!(read.found.len(), events.len());
    let mut expected = Vec::new();
    for (index, ((offset, event), found)) in events.iter().zip(&read.found).enumerate() {
        let Piece::Event(line, added) = found else { panic!("JSON that can't be read: {found:?}") };
        assert_eq!(*line, 1 + text[..*offset].matches('\n').count());
        let verdict = judge(event, &settings);
        check_verdict(index, added, &verdict);
        if !verdict.is_rejected {
            expected.push(verdict.json);
        }
    }
    check_lines(&read.json, &expected);
}

/// The same values: how a string is spelled is the text's own affair.
fn check_lines(json: &[u8], expected: &[String]) {
    let written = std::str::from_utf8(json).expect("UTF-8");
    assert_eq!(written.lines().count(), expected.len());
    for (line, expected) in written.lines().zip(expected) {
        assert_eq!(parsed::events(line).expect("JSON"), parsed::events(expected).expect("JSON"));
    }
}
