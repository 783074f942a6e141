//! The buffers of the canonical text of an event: values as JSON, one after another, and the names of members.

use std::ops::Range;

use crate::serialize::write_name;
use crate::steps;

/// Why a value has no canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It nests deeper than 64 levels, or contains itself.
    TooDeep,
    /// JSON has no form for something in it, which the message names.
    Unsupported(String),
}

/// Where the JSON of a value is in the buffer, and the number of its first fault.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) json: Range<usize>,
    pub(super) fault: Option<u32>,
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member {
    /// Where its name is in the buffer of names.
    pub(super) name: Range<usize>,
    pub(super) value: Value,
    /// The first eight bytes of the name, as a number: it orders most names without a look at the buffer.
    order: u64,
}

/// Values and names of one event.
#[derive(Default)]
pub(super) struct Buffer {
    pub(super) json: Vec<u8>,
    names: String,
    faults: Vec<Fault>,
    /// An object with its members in order, before it takes the place of their values.
    sorted: Vec<u8>,
}

impl Buffer {
    pub(super) fn clear(&mut self) {
        self.json.clear();
        self.names.clear();
        self.faults.clear();
    }

    /// Gives memory back, but for so many bytes of each buffer.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        self.clear();
        self.sorted.clear();
        self.json.shrink_to(bytes);
        self.names.shrink_to(bytes);
        self.faults.shrink_to(0);
        self.sorted.shrink_to(bytes);
    }

    /// Adds a fault, and returns its number.
    pub(super) fn add_fault(&mut self, fault: Fault) -> u32 {
        self.faults.push(fault);
        (self.faults.len() - 1) as u32
    }

    pub(super) fn fault(&self, number: u32) -> &Fault {
        &self.faults[number as usize]
    }

    pub(super) fn add_name(&mut self, name: &str) -> Range<usize> {
        let start = self.names.len();
        self.names.push_str(name);
        start..self.names.len()
    }

    pub(super) fn name(&self, member: &Member) -> &str {
        &self.names[member.name.clone()]
    }

    pub(super) fn member(&self, name: Range<usize>, value: Value) -> Member {
        let bytes = self.names[name.clone()].as_bytes();
        let mut first = [0; 8];
        let length = bytes.len().min(first.len());
        first[..length].copy_from_slice(&bytes[..length]);
        Member { name, value, order: u64::from_be_bytes(first) }
    }

    /// Sorts members by name; those of one name stay in their order. The order of UTF-8 bytes is that of code points.
    pub(super) fn sort(&self, members: &mut [Member]) {
        members.sort_by(|one, other| {
            steps::count(1 + one.name.len().min(other.name.len()));
            one.order.cmp(&other.order).then_with(|| self.name(one).cmp(self.name(other)))
        });
    }

    /// Appends an object of these members to a text, and returns the number of the first fault.
    pub(super) fn write_object(&self, out: &mut Vec<u8>, members: &[Member]) -> Option<u32> {
        let start = out.len();
        let mut fault = None;
        out.push(b'{');
        for member in members {
            if out.len() > start + 1 {
                out.push(b',');
            }
            write_name(out, self.name(member));
            out.extend_from_slice(&self.json[member.value.json.clone()]);
            fault = fault.or(member.value.fault);
        }
        out.push(b'}');
        steps::count(out.len() - start);
        fault
    }

    /// Replaces the values from `start` on, those of these members, by the object. Returns the number of the first fault.
    pub(super) fn close_object(&mut self, start: usize, members: &mut [Member]) -> Option<u32> {
        self.sort(members);
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.clear();
        let fault = self.write_object(&mut sorted, members);
        self.json.truncate(start);
        self.json.extend_from_slice(&sorted);
        self.sorted = sorted;
        if let Some(first) = members.iter().map(|member| member.name.start).min() {
            self.names.truncate(first);
        }
        fault
    }
}
