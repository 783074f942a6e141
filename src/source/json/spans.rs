//! Where the records of a part are, found only when asked.

use super::inside::Next;
use super::part::{Part, Span};
use super::reader::JsonReader;
use super::skip::Skipping;
use super::window::Window;
use crate::source::Source;

impl Part {
    /// Where each record is, broken ones included, as the reader counts them. `wanted` takes the number of a record and
    /// decides whether it is returned; None ends the search.
    pub fn spans(&self, mut wanted: impl FnMut(usize) -> Option<bool>) -> Vec<Span> {
        let (mut reader, mut window, mut spans) =
            (JsonReader::of_part(self), Window::new(&self.text, true), Vec::new());
        for number in 0.. {
            let Some(is_wanted) = wanted(number) else { break };
            match reader.next(&mut window, |event, _| event.walk(&mut Skipping)) {
                Next::Event(()) | Next::Broken(_) => {}
                Next::MoreText | Next::End => break,
            }
            if is_wanted {
                spans.push(reader.last_span());
            }
        }
        spans
    }
}
