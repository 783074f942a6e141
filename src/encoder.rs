//! Encoder: what a body is made with, and the body that comes of it.

use std::borrow::Cow;

use crate::batch::{Batcher, Format, Packed};
use crate::gzip::{Gzip, decompress};
use crate::limits::{Endpoint, Limits};
use crate::source::scan::Scanner;

/// What an encoder is told once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the bodies go.
    pub endpoint: Endpoint,
    /// How they are laid out.
    pub format: Format,
    /// Whether they are gzipped.
    pub gzip: bool,
    /// The gzip level, 1 to 9; None is the default.
    pub level: Option<u8>,
    /// Becomes `properties.token` where an event has none.
    pub token: Option<String>,
    /// The numbers, and what each rule does.
    pub limits: Limits,
}

/// A request body and what is in it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The bytes to send.
    pub body: Vec<u8>,
    /// Position in the batch -> position in the input; ascending.
    pub indexes: Vec<usize>,
    /// Bytes of the body before gzip.
    pub raw_size: usize,
    /// How the body is laid out.
    pub format: Format,
    /// Whether it is gzipped.
    pub gzip: bool,
}

impl Settings {
    /// A batcher for these settings.
    pub fn batcher(&self) -> Batcher {
        Batcher::new(self.limits.clone(), self.endpoint, self.format, self.token.clone())
    }

    /// Makes the body of a batch: percent-encoded for a form, then gzipped.
    pub fn seal(&self, packed: &Packed, gzip: &mut Gzip) -> Batch {
        Batch::of(&packed.json, packed.indexes.clone(), self.format, self.gzip.then_some(gzip))
    }
}

impl Batch {
    /// The body of some JSON: percent-encoded for a form, then gzipped.
    fn of(json: &[u8], indexes: Vec<usize>, format: Format, gzip: Option<&mut Gzip>) -> Batch {
        let raw = if format == Format::Form { Cow::Owned(form(json)) } else { Cow::Borrowed(json) };
        let (raw_size, is_gzipped) = (raw.len(), gzip.is_some());
        let body = gzip.map_or_else(|| raw.to_vec(), |gzip| gzip.compress(&raw));
        Batch { body, indexes, raw_size, format, gzip: is_gzipped }
    }

    /// The value of the Content-Type header.
    pub fn content_type(&self) -> &'static str {
        match self.format {
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Form => "application/x-www-form-urlencoded",
        }
    }

    /// The JSON of each event as it was written. None where the body is not one that an encoder made.
    pub fn events(&self) -> Option<Vec<Vec<u8>>> {
        let raw = if self.gzip { &decompress(&self.body, self.raw_size)? } else { &self.body };
        let json = if self.format == Format::Form { &unform(raw)? } else { raw };
        let mut scanner = Scanner::new(json, 0);
        if self.format != Format::Ndjson {
            scanner.expect(b'[', "an array").ok()?;
        }
        let mut events = Vec::with_capacity(self.indexes.len());
        while matches!(scanner.peek(), Some(b'{')) {
            let start = scanner.at();
            scanner.skip_value().ok()?;
            events.push(json[start..scanner.at()].to_vec());
            scanner.take(b',');
        }
        (events.len() == self.indexes.len()).then_some(events)
    }

    /// Two batches with half of the events each, as they were written; itself where there is one event alone.
    pub fn split(&self, gzip: &mut Gzip) -> Option<Vec<Batch>> {
        let events = self.events()?;
        if events.len() < 2 {
            return Some(vec![self.clone()]);
        }
        let middle = events.len() / 2;
        let halves = [(&events[..middle], &self.indexes[..middle]), (&events[middle..], &self.indexes[middle..])];
        Some(halves.into_iter().map(|(events, indexes)| self.of_the_same_kind(events, indexes, gzip)).collect())
    }

    fn of_the_same_kind(&self, events: &[Vec<u8>], indexes: &[usize], gzip: &mut Gzip) -> Batch {
        let json = match self.format {
            Format::Ndjson => events.iter().flat_map(|event| [event.as_slice(), b"\n"]).collect::<Vec<_>>().concat(),
            _ => [b"[", events.join(&b',').as_slice(), b"]"].concat(),
        };
        Batch::of(&json, indexes.to_vec(), self.format, self.gzip.then_some(gzip))
    }
}

/// `data=` and the text, with every byte but RFC 3986's unreserved ones percent-encoded.
fn form(json: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(json.len() * 2);
    out.extend_from_slice(b"data=");
    for &byte in json {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
    out
}

/// The text that [`form`] encoded.
fn unform(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body.strip_prefix(b"data=")?;
    let mut json = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        let digits = if byte == b'%' { after.get(..2) } else { None };
        match digits {
            Some(digits) => {
                json.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = &after[2..];
            }
            None => {
                json.push(byte);
                rest = after;
            }
        }
    }
    Some(json)
}
