//! Parts of a JSON text: they leave no gap, a text without errors is read in parts as it is as a whole, and a record's place
//! is found again.
//!
//! The input is a text, optionally followed by the byte FF and the bytes from which layouts and sizes are drawn.

use mixpress::derive::Canonical;
use mixpress::source::Source;
use mixpress::source::json::{Broken, Cutter, JsonEvent, JsonReader, Layout, Next, Part, Span, Start, Window};

use crate::draw::Draw;

pub fn check(data: &[u8]) {
    let split = data.iter().rposition(|&byte| byte == 0xFF).unwrap_or(data.len());
    let (text, choices) = (&data[..split], data.get(split + 1..).unwrap_or_default());
    let mut draw = Draw::new(choices);
    let whole = Part { text: text.to_vec(), start: Start::TEXT, continues: false, dropped: 0 };
    let expected = read(&whole);
    let is_json = expected.iter().all(|record| matches!(record, Record::Event { .. }));
    let one_a_line = expected.windows(2).all(|pair| pair[0].line() < pair[1].line()) && !text.contains(&b'[');
    for layout in [Layout::Values, Layout::Lines] {
        let longest = if draw.once_in(2) { usize::MAX } else { 1 + draw.below(100) };
        let parts = cut(text, layout, longest, &mut draw);
        check_cover(text, &parts);
        parts.iter().for_each(check_spans);
        // An event may be a line of several in NDJSON, which ends where the line does.
        if is_json && longest == usize::MAX && (layout == Layout::Values || one_a_line && is_in_lines(text, &whole)) {
            let read: Vec<Record> = parts.iter().flat_map(read).collect();
            assert_eq!(read, expected);
        }
    }
}

#[derive(Debug, PartialEq)]
enum Record {
    Event { line: usize, id: String, begin: usize, end: usize },
    Broken(Broken),
}

impl Record {
    fn line(&self) -> usize {
        match self {
            Record::Event { line, .. } => *line,
            Record::Broken(broken) => broken.line,
        }
    }
}

fn read(part: &Part) -> Vec<Record> {
    let (mut reader, mut window, mut records) = (JsonReader::of_part(part), Window::new(&part.text, true), Vec::new());
    loop {
        let take = |event: &JsonEvent<'_>, line: usize| {
            let mut canonical = Canonical::default();
            event.walk(&mut canonical)?;
            Ok((line, canonical.insert_id(None, false).unwrap_or_default()))
        };
        match reader.next(&mut window, take) {
            Next::Event((line, id)) => {
                let Span { begin, end, .. } = reader.last_span();
                let offset = part.start.offset;
                records.push(Record::Event { line, id, begin: offset + begin, end: offset + end });
            }
            Next::Broken(broken) => records.push(Record::Broken(broken)),
            Next::MoreText | Next::End => return records,
        }
    }
}

fn cut(text: &[u8], layout: Layout, longest: usize, draw: &mut Draw<'_>) -> Vec<Part> {
    let (mut cutter, mut parts, mut rest) = (Cutter::new(layout, longest), Vec::new(), text);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(1 + draw.below(30)));
        cutter.push(chunk);
        parts.extend(std::iter::from_fn(|| cutter.cut()));
        rest = after;
    }
    parts.extend(std::iter::from_fn(|| cutter.finish()));
    parts
}

fn check_cover(text: &[u8], parts: &[Part]) {
    let mut end = 0;
    for part in parts {
        assert_eq!(part.start.offset, end);
        assert_eq!(part.text, text[end..end + part.text.len()]);
        assert_eq!(part.start.line, text[..end].iter().filter(|&&byte| byte == b'\n').count() + 1);
        end = part.end();
    }
    assert_eq!(end, text.len());
}

fn check_spans(part: &Part) {
    let (spans, records) = (part.spans(|_| Some(true)), read(part));
    assert_eq!(spans.len(), records.len());
    for (span, record) in spans.iter().zip(&records) {
        assert!(span.begin <= span.end && span.end <= part.text.len());
        let newlines = part.text[..span.begin].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(span.line, part.start.line + newlines);
        if let Record::Event { begin, end, .. } = record {
            let offset = part.start.offset;
            assert_eq!(*span, Span { line: span.line, begin: begin - offset, end: end - offset });
        }
    }
}

/// Whether each event is on one line.
fn is_in_lines(text: &[u8], whole: &Part) -> bool {
    whole.spans(|_| Some(true)).iter().all(|span| !text[span.begin..span.end].contains(&b'\n'))
}
