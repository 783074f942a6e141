//! Collect the content of an event, value by value.

use std::sync::Arc;

use super::buffer::{Fault, Value};
use super::{Canonical, Field, Open, TIME, place_apart};
use crate::rules::limits::{FIRST_MILLISECONDS, MAX_LEVELS};
use crate::serialize::{Moment, MomentText, is_beyond_double, write_float, write_integer, write_string};
use crate::source::Sink;
use crate::steps;
use crate::validate::float_milliseconds;

impl Canonical {
    /// Whether the next value has a place in the text.
    fn is_wanted(&self) -> bool {
        match self.open.last() {
            Some(Open::Event { field }) => matches!(field, Field::Event),
            Some(_) => !self.skips,
            None => false,
        }
    }

    /// Adds a value that `write` writes, and that has this fault, to the innermost open container.
    #[inline(always)]
    fn add(&mut self, fault: Option<u32>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.is_wanted() {
            let start = self.start();
            write(&mut self.buffer.json);
            self.end(start, fault);
        }
    }

    /// Where the JSON of the next value starts.
    #[inline(always)]
    fn start(&mut self) -> usize {
        if let Some(Open::Array { start, .. }) = self.open.last()
            && self.buffer.json.len() > start + 1
        {
            self.buffer.json.push(b',');
        }
        self.buffer.json.len()
    }

    /// Adds the value that was written from `start` on to the innermost open container.
    #[inline(always)]
    fn end(&mut self, start: usize, fault: Option<u32>) {
        let value = Value { json: start..self.buffer.json.len(), fault };
        match self.open.last_mut() {
            Some(Open::Event { .. }) => self.event = Some(value),
            Some(Open::Properties { name, apart: None }) => self.others.push(self.buffer.member(name.clone(), value)),
            Some(Open::Properties { apart: Some(place), .. }) => {
                if *place == TIME {
                    self.milliseconds = None; // the last of several times counts
                }
                self.apart[*place] = Some(value);
            }
            Some(Open::Object { name, .. }) => self.members.push(self.buffer.member(name.clone(), value)),
            Some(Open::Array { fault: first, .. }) => {
                *first = first.or(fault);
                self.elements += 1;
            }
            None => {}
        }
    }

    /// Sets the time, if the last value is one. It is written only then.
    #[inline(always)]
    fn time(&mut self, milliseconds: impl FnOnce() -> String) {
        if matches!(self.open.last(), Some(Open::Properties { apart: Some(TIME), .. })) && !self.skips {
            self.milliseconds = Some(milliseconds());
        }
    }

    fn add_null(&mut self, fault: Option<u32>) {
        self.add(fault, |json| json.extend_from_slice(b"null"));
    }

    /// Adds null for a container that is not walked: it has no place in the text, or nests too deep.
    fn skip_container(&mut self) {
        let fault = (self.is_too_deep && self.is_wanted()).then(|| self.buffer.add_fault(Fault::TooDeep));
        self.add_null(fault);
    }

    /// Whether to walk the container that starts now.
    fn walks_container(&mut self) -> bool {
        if !self.is_wanted() {
            return false;
        }
        let is_of_event = matches!(self.open.first(), Some(Open::Event { field: Field::Event }));
        let level = self.open.len() - usize::from(!is_of_event);
        self.is_too_deep |= level > MAX_LEVELS;
        !self.is_too_deep
    }
}

impl Sink for Canonical {
    fn begin_object(&mut self) -> bool {
        if self.open.is_empty() {
            self.is_object = true;
            self.open.push(Open::Event { field: Field::Other });
        } else if matches!(self.open.as_slice(), [Open::Event { field: Field::Properties }]) {
            self.clear_properties(); // the last of several counts
            self.open.push(Open::Properties { name: 0..0, apart: None });
        } else if self.walks_container() {
            let (start, first_member) = (self.start(), self.members.len());
            self.open.push(Open::Object { name: 0..0, start, first_member, fault: None });
        } else {
            self.skip_container();
            return false;
        }
        true
    }

    fn end_object(&mut self) {
        if let Some(Open::Object { start, first_member, fault, .. }) = self.open.pop() {
            let of_members = self.buffer.close_object(start, &mut self.members[first_member..]);
            self.members.truncate(first_member);
            self.end(start, fault.or(of_members));
        }
    }

    fn begin_array(&mut self) -> bool {
        if !self.walks_container() {
            self.skip_container();
            return false;
        }
        let start = self.start();
        self.buffer.json.push(b'[');
        self.open.push(Open::Array { start, fault: None });
        true
    }

    fn end_array(&mut self) {
        if let Some(Open::Array { start, fault }) = self.open.pop() {
            self.buffer.json.push(b']');
            steps::count(self.buffer.json.len() - start);
            self.end(start, fault);
        }
    }

    fn key(&mut self, key: &str) {
        // The next field or property may be less deep.
        self.is_too_deep &= self.open.len() > 2;
        match self.open.last_mut() {
            Some(Open::Event { field }) => {
                self.skips = false;
                *field = match key {
                    "event" => Field::Event,
                    "properties" => Field::Properties,
                    _ => Field::Other,
                };
            }
            Some(Open::Properties { name, apart }) => {
                let is_one_of = |wanted: &Arc<[String]>| key == "$insert_id" || wanted.iter().any(|name| name == key);
                self.skips = self.wanted.as_ref().is_some_and(|wanted| !is_one_of(wanted));
                *apart = place_apart(key);
                if apart.is_none() && !self.skips {
                    *name = self.buffer.add_name(key);
                }
            }
            Some(Open::Object { name, .. }) => *name = self.buffer.add_name(key),
            Some(Open::Array { .. }) | None => {}
        }
    }

    fn repaired_key(&mut self, name: &str) {
        self.key(name);
    }

    fn spelled_key(&mut self, name: &str, _spelling: &str) {
        self.key(name);
    }

    fn duplicate_key(&mut self, _times: usize) {}

    fn unsupported_key(&mut self, message: &str) {
        let found = Fault::Unsupported(format!("a name must be text, and one is {message}"));
        let found = self.buffer.add_fault(found);
        let fault = match self.open.last_mut() {
            Some(Open::Object { fault, .. }) => fault,
            _ => &mut self.fault,
        };
        fault.get_or_insert(found);
    }

    fn names_may_repeat(&mut self) {}

    fn is_far_too_large(&self) -> bool {
        self.max_elements.is_some_and(|most| self.elements > most)
    }

    fn text(&mut self, value: &str) {
        self.add(None, |json| write_string(json, value));
    }

    fn repaired_text(&mut self, value: &str) {
        Sink::text(self, value);
    }

    fn spelled_text(&mut self, value: &str, _spelling: &str) {
        Sink::text(self, value);
    }

    fn integer(&mut self, value: i64) {
        self.add(None, |json| write_integer(json, value));
        let is_milliseconds = value.unsigned_abs() >= FIRST_MILLISECONDS.unsigned_abs();
        self.time(|| (if is_milliseconds { value } else { value * 1000 }).to_string());
    }

    fn number(&mut self, spelling: &str) {
        if !self.is_wanted() {
            return;
        }
        if is_beyond_double(spelling) {
            return self.float(f64::INFINITY);
        }
        if spelling.contains(['.', 'e', 'E']) {
            return self.float(spelling.parse().unwrap_or(f64::NAN));
        }
        match spelling.parse() {
            Ok(value) => Sink::integer(self, value),
            Err(_) => {
                self.add(None, |json| json.extend_from_slice(spelling.as_bytes()));
                self.time(|| spelling.to_owned());
            }
        }
    }

    fn float(&mut self, value: f64) {
        if !value.is_finite() {
            return self.add_null(None);
        }
        self.add(None, |json| write_float(json, value));
        self.time(|| format!("{:.0}", float_milliseconds(value) + 0.0));
    }

    fn boolean(&mut self, value: bool) {
        self.add(None, |json| json.extend_from_slice(if value { b"true" } else { b"false" }));
    }

    fn null(&mut self) {
        self.add_null(None);
    }

    fn moment(&mut self, moment: Moment) {
        self.add(None, |json| {
            json.push(b'"');
            json.extend_from_slice(MomentText::of(moment).as_str().as_bytes());
            json.push(b'"');
        });
        if moment.utc {
            self.time(|| moment.milliseconds().to_string());
        }
    }

    fn unsupported(&mut self, message: &str) {
        if self.is_wanted() {
            let fault = self.buffer.add_fault(Fault::Unsupported(message.to_owned()));
            self.add_null(Some(fault));
        }
    }
}
