//! A request body: lay it out, gzip it, and read its events back.

use std::borrow::Cow;
use std::ops::Range;

use base64::prelude::{BASE64_STANDARD, Engine};

use super::form::{form, unform};
use crate::batch::Format;
use crate::gzip::press::Hint;
use crate::gzip::{Gzip, decompress};
use crate::scan::Scanner;

/// What a body contains, and how to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// For each event its position in the input; ascending.
    pub indexes: Vec<usize>,
    /// For each event its line in the input, if that is JSON text; otherwise empty.
    pub lines: Vec<usize>,
    /// The size of the body before gzip, in bytes.
    pub raw_size: usize,
    /// The layout of the body.
    pub format: Format,
    /// Whether the body is gzipped.
    pub gzip: bool,
}

/// A body before gzip, to be gzipped later.
#[derive(Debug)]
pub struct Raw {
    pub(super) text: Vec<u8>,
    pub(super) hints: Vec<Hint>,
}

/// A request body and what it contains.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The bytes to send, borrowed from the packed batch or from the compressor.
    pub body: Cow<'a, [u8]>,
    /// What the body contains.
    pub contents: Contents,
}

/// The JSON of a batch in the layout of a body.
pub(super) fn laid_out(json: &[u8], format: Format) -> Cow<'_, [u8]> {
    match format {
        Format::Json | Format::Ndjson => Cow::Borrowed(json),
        Format::Form => Cow::Owned(form(json)),
        Format::FormBase64 => Cow::Owned(form(BASE64_STANDARD.encode(json).as_bytes())),
    }
}

pub(super) fn seal<'a>(
    json: &'a [u8],
    hints: &[Hint],
    (indexes, lines): (Vec<usize>, Vec<usize>),
    format: Format,
    gzip: Option<&'a mut Gzip>,
) -> Batch<'a> {
    let raw = laid_out(json, format);
    let contents = Contents { indexes, lines, raw_size: raw.len(), format, gzip: gzip.is_some() };
    let body = match gzip {
        Some(gzip) => Cow::Borrowed(gzip.compress(&raw, hints)),
        None => raw,
    };
    Batch { body, contents }
}

impl Raw {
    /// The gzipped body.
    pub fn gzip<'a>(&self, gzip: &'a mut Gzip) -> &'a [u8] {
        gzip.compress(&self.text, &self.hints)
    }

    /// The body before gzip.
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

impl Contents {
    /// The value of the Content-Type header.
    pub fn content_type(&self) -> &'static str {
        match self.format {
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Form | Format::FormBase64 => "application/x-www-form-urlencoded",
        }
    }

    /// The JSON of each event of a body, as written. None if no encoder made the body.
    pub fn events(&self, body: &[u8]) -> Option<Vec<Vec<u8>>> {
        if self.gzip { self.events_of_raw(&decompress(body, self.raw_size)?) } else { self.events_of_raw(body) }
    }

    /// The same for a body before gzip.
    pub fn events_of_raw(&self, raw: &[u8]) -> Option<Vec<Vec<u8>>> {
        let json = match self.format {
            Format::Json | Format::Ndjson => Cow::Borrowed(raw),
            Format::Form => Cow::Owned(unform(raw)?),
            Format::FormBase64 => Cow::Owned(BASE64_STANDARD.decode(unform(raw)?).ok()?),
        };
        let json = std::str::from_utf8(&json).ok()?;
        let mut scanner = Scanner::new(json, 0);
        if self.format != Format::Ndjson {
            scanner.expect(b'[', "an array").ok()?;
        }
        let mut events = Vec::with_capacity(self.indexes.len());
        while matches!(scanner.peek(), Some(b'{')) {
            let start = scanner.at();
            scanner.skip_value().ok()?;
            events.push(json.as_bytes()[start..scanner.at()].to_vec());
            scanner.take(b',');
        }
        (events.len() == self.indexes.len()).then_some(events)
    }

    /// Splits the events into two bodies with half of them each; a single event into one body.
    pub fn split(&self, events: &[Vec<u8>], gzip: &mut Gzip) -> Vec<(Vec<u8>, Contents)> {
        let half = events.len().div_ceil(2);
        let parts = [0..half, half..events.len()].into_iter().filter(|part| !part.is_empty());
        parts.map(|part| self.of_the_same_kind(events, part, gzip)).collect()
    }

    fn of_the_same_kind(&self, events: &[Vec<u8>], part: Range<usize>, gzip: &mut Gzip) -> (Vec<u8>, Contents) {
        let lines = self.lines.get(part.clone()).unwrap_or_default().to_vec();
        let (events, indexes) = (&events[part.clone()], self.indexes[part].to_vec());
        let json = match self.format {
            Format::Ndjson => events.iter().flat_map(|event| [event.as_slice(), b"\n"]).collect::<Vec<_>>().concat(),
            _ => [b"[", events.join(&b',').as_slice(), b"]"].concat(),
        };
        let batch = seal(&json, &[], (indexes, lines), self.format, self.gzip.then_some(gzip));
        (batch.body.into_owned(), batch.contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Packed;
    use crate::encoder::Settings;
    use crate::rules::limits::Endpoint;

    fn settings(format: Format, gzip: bool) -> Settings {
        Settings { format, gzip, ..Settings::new(Endpoint::Import) }
    }

    #[test]
    fn events_and_halves_are_read_back_from_every_kind_of_body() {
        let events = [r#"{"event":"a+b & \"c\" é"}"#, r#"{"event":"]}, {"}"#, r#"{"x":[{}]}"#];
        for (format, json) in [
            (Format::Json, format!("[{}]", events.join(","))),
            (Format::Form, format!("[{}]", events.join(","))),
            (Format::FormBase64, format!("[{}]", events.join(","))),
            (Format::Ndjson, events.map(|event| format!("{event}\n")).concat()),
        ] {
            for gzipped in [false, true] {
                let mut gzip = Gzip::new(None);
                let packed = || Packed {
                    json: json.clone().into_bytes(),
                    hints: vec![],
                    indexes: vec![3, 5, 6],
                    lines: vec![1, 1, 4],
                };
                let (mut sealed, settings) = (packed(), settings(format, gzipped));
                let batch = settings.seal(&mut sealed, &mut gzip);
                let (body, contents) = (batch.body.into_owned(), batch.contents);
                let (raw, of_raw) = settings.lay_out(packed());
                assert_eq!(of_raw, contents);
                assert_eq!(if gzipped { raw.gzip(&mut gzip) } else { raw.text() }, body);
                assert_eq!(contents.events_of_raw(raw.text()), contents.events(&body));
                assert_eq!(contents.events(&body).unwrap(), events.map(|event| event.as_bytes().to_vec()));
                let mut split = |contents: &Contents, body| contents.split(&contents.events(body).unwrap(), &mut gzip);
                let halves = split(&contents, &body);
                let indexes: Vec<_> = halves.iter().map(|(_, contents)| contents.indexes.clone()).collect();
                assert_eq!(indexes, [vec![3, 5], vec![6]]);
                assert_eq!(
                    (halves[0].1.lines.as_slice(), halves[1].1.lines.as_slice()),
                    ([1, 1].as_slice(), [4].as_slice())
                );
                let (body, contents) = &halves[1];
                assert_eq!(contents.events(body).unwrap(), [events[2].as_bytes()]);
                assert_eq!(split(contents, body), [(body.clone(), contents.clone())]);
            }
        }
    }

    #[test]
    fn a_foreign_body_has_no_events() {
        let contents = Contents { indexes: vec![0], lines: vec![], raw_size: 10, format: Format::Json, gzip: true };
        assert_eq!(contents.events(b"not gzip"), None);
    }
}
