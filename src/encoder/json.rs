//! Encode JSON text from any reader into bodies and findings, in memory bounded by one batch and one event.

use std::io::{Read, Result};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::batch::{Batcher, Origin, Packed, Verdict};
use crate::encoder::{Batch, Settings};
use crate::gzip::Gzip;
use crate::rules::finding::EventFindings;
use crate::source::json::{JsonReader, Next, Window};
use crate::truncate::Truncation;

/// Bytes to read at a time.
const WINDOW: usize = 1 << 18;

/// A result of encoding a text.
#[derive(Debug)]
pub enum Output<'a> {
    /// A body to send, and what it contains. Its events are in the order of the text.
    Batch(Batch<'a>),
    /// An event that is in no body, and every rule that it breaks.
    Rejected(EventFindings),
    /// An event that is in a body, and every rule that it breaks and that only warns.
    Warned(EventFindings),
    /// A string that was truncated.
    Truncated(Truncation),
}

impl Settings {
    /// Encodes JSON text: NDJSON, an array of events, or objects one after another. Returns the number of events, bad ones
    /// included.
    ///
    /// `now` is the clock that decides whether a time is in the future. `take` receives the results: the findings of an
    /// event when it was read, and a body when it is full or the text ends. A line that is not JSON is one
    /// [`Output::Rejected`], and encoding continues after it.
    ///
    /// # Errors
    /// Errors of reading `text`, and errors returned by `take`, which end the encoding. A bad event is never an error.
    ///
    /// # Panics
    /// If the level is not one of [`LEVELS`](crate::gzip::LEVELS).
    pub fn encode_json(
        &self,
        text: impl Read,
        now: SystemTime,
        mut take: impl FnMut(Output<'_>) -> Result<()>,
    ) -> Result<usize> {
        let mut batcher = self.batcher();
        batcher.set_now(milliseconds(now));
        let mut stream = Stream { settings: self, batcher, gzip: Gzip::new(self.level), index: 0 };
        stream.read(text, &mut take)?;
        if let Some(packed) = stream.batcher.finish() {
            stream.seal(packed, &mut take)?;
        }
        Ok(stream.index)
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What is needed to continue after a window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    MoreText,
    /// The text has ended.
    Nothing,
}

struct Stream<'s> {
    settings: &'s Settings,
    batcher: Batcher,
    gzip: Gzip,
    index: usize,
}

impl Stream<'_> {
    fn read(&mut self, mut text: impl Read, take: &mut impl FnMut(Output<'_>) -> Result<()>) -> Result<()> {
        let (mut reader, mut bytes, mut is_last) = (JsonReader::new(), Vec::new(), false);
        while self.read_window(&mut reader, &mut Window::new(&bytes, is_last), take)? == Needs::MoreText {
            bytes.drain(..reader.release(&bytes));
            // At least as many as are left: an event may be longer than a window.
            let size = WINDOW.max(bytes.len()) as u64;
            is_last = text.by_ref().take(size).read_to_end(&mut bytes)? == 0;
        }
        Ok(())
    }

    /// Encodes the events of a window.
    fn read_window(
        &mut self,
        reader: &mut JsonReader,
        window: &mut Window<'_>,
        take: &mut impl FnMut(Output<'_>) -> Result<()>,
    ) -> Result<Needs> {
        loop {
            let index = self.index;
            let next = reader.next(window, |event, line| self.batcher.add(Origin { index, line: Some(line) }, event));
            match next {
                Next::Event(verdict) => pass_on(verdict, take)?,
                Next::Broken(broken) => take(Output::Rejected(broken.found(index)))?,
                Next::MoreText => return Ok(Needs::MoreText),
                Next::End => return Ok(Needs::Nothing),
            }
            self.index += 1;
            if let Some(packed) = self.batcher.take_full() {
                self.seal(packed, take)?;
            }
        }
    }

    fn seal(&mut self, mut packed: Packed, take: &mut impl FnMut(Output<'_>) -> Result<()>) -> Result<()> {
        take(Output::Batch(self.settings.seal(&mut packed, &mut self.gzip)))?;
        self.batcher.reuse(packed);
        Ok(())
    }
}

fn pass_on(verdict: Verdict, take: &mut impl FnMut(Output<'_>) -> Result<()>) -> Result<()> {
    match verdict {
        Verdict::Plain => Ok(()),
        Verdict::Rejected(found) => take(Output::Rejected(found)),
        Verdict::Accepted { warnings, truncations } => {
            warnings.map_or(Ok(()), |found| take(Output::Warned(found)))?;
            truncations.into_iter().try_for_each(|truncation| take(Output::Truncated(truncation)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::batch::Format;
    use crate::rules::limits::Endpoint;

    /// Returns one byte at a time, as a slow pipe does.
    struct Dripping<'t>(&'t [u8]);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    fn text(events: usize) -> String {
        let good = |index| {
            format!(r#"{{"event":"e","properties":{{"time":1700000000,"distinct_id":"u","$insert_id":"i{index}"}}}}"#)
        };
        (0..events).map(|index| if index % 3 == 2 { "{]\n".to_owned() } else { good(index) + "\n" }).collect()
    }

    /// The bodies before gzip, the lines of the rejected events, and the number of events.
    fn encode(text: impl Read, settings: &Settings) -> (Vec<Vec<u8>>, Vec<usize>, usize) {
        let (mut bodies, mut rejected) = (Vec::new(), Vec::new());
        let total = settings.encode_json(text, SystemTime::now(), |output| {
            match output {
                Output::Batch(batch) => {
                    bodies.push(crate::gzip::decompress(&batch.body, batch.contents.raw_size).unwrap());
                }
                Output::Rejected(found) => rejected.push(found.origin.line.unwrap()),
                other => panic!("{other:?}"),
            }
            Ok(())
        });
        (bodies, rejected, total.unwrap())
    }

    #[test]
    fn a_text_read_byte_by_byte_gives_the_same() {
        let mut settings = Settings::new(Endpoint::Import);
        settings.format = Format::Ndjson;
        settings.limits.max_batch_events = 5;
        let text = text(30);
        let whole = encode(text.as_bytes(), &settings);
        assert_eq!(whole, encode(Dripping(text.as_bytes()), &settings));
        let (bodies, rejected, total) = whole;
        assert_eq!((bodies.len(), total), (4, 30));
        assert_eq!(rejected, (1..=10).map(|third| third * 3).collect::<Vec<_>>());
        let good: String = text.lines().filter(|line| *line != "{]").map(|line| format!("{line}\n")).collect();
        assert_eq!(bodies.concat(), good.as_bytes());
    }

    #[test]
    fn an_error_of_the_receiver_ends_the_reading() {
        let ended = Settings::new(Endpoint::Import)
            .encode_json(text(30).as_bytes(), SystemTime::now(), |_| Err(ErrorKind::BrokenPipe.into()));
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn warnings_and_truncations_are_passed_on() {
        let long = format!(
            r#"{{"event":"e","properties":{{"time":1700000000,"distinct_id":"u","$insert_id":"i","a":"{}","b":1,"b":2}}}}"#,
            "x".repeat(300)
        );
        let mut seen = Vec::new();
        let total = Settings::new(Endpoint::Import).encode_json(
            long.as_bytes(),
            UNIX_EPOCH + std::time::Duration::from_secs(1),
            |output| {
                seen.push(match output {
                    Output::Batch(batch) => format!("batch of {:?}", batch.contents.indexes),
                    Output::Rejected(found) => format!("rejected {}", found.findings[0].message),
                    Output::Warned(found) => {
                        found.findings.iter().map(|finding| finding.rule.id()).collect::<Vec<_>>().join(" ")
                    }
                    Output::Truncated(truncation) => format!("{} {}", truncation.path, truncation.length),
                });
                Ok(())
            },
        );
        assert_eq!(total.unwrap(), 1);
        assert_eq!(seen, ["time-in-future duplicate-key", "properties.a 300", "batch of [0]"]);
    }
}
