//! The source of Python objects: exact dicts, lists and scalars are walked in place, and no Python code runs meanwhile.
//!
//! Any other value (an Enum, a dataclass, an odd mapping, whatever `default` is to convert) needs Python code to be read,
//! which could change the very dict that is being walked. So the walk stops there, and the event is walked again as the
//! snapshot that `mixpress.plain` makes of it.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyTzInfo};

use super::raw;
use crate::serialize::Moment;
use crate::source::{Sink, Source};

/// A number by its spelling, in a snapshot: what a Decimal becomes.
#[pyclass(frozen, module = "mixpress._core")]
pub struct Number {
    spelling: Py<PyString>,
}

#[pymethods]
impl Number {
    #[new]
    fn new(spelling: Py<PyString>) -> Number {
        Number { spelling }
    }
}

/// The members of an object that is no exact dict, in a snapshot: a list of pairs.
#[pyclass(frozen, module = "mixpress._core")]
pub struct Members {
    pairs: Py<PyList>,
}

#[pymethods]
impl Members {
    #[new]
    fn new(pairs: Py<PyList>) -> Members {
        Members { pairs }
    }
}

/// A value that JSON has no form for, in a snapshot, and the sentence that says so.
#[pyclass(frozen, module = "mixpress._core")]
pub struct Unsupported {
    message: Py<PyString>,
}

#[pymethods]
impl Unsupported {
    #[new]
    fn new(message: Py<PyString>) -> Unsupported {
        Unsupported { message }
    }
}

/// A value was met that takes Python code to read.
pub struct NeedsSnapshot;

/// An event as the caller gave it.
pub struct GivenEvent<'a, 'py>(pub &'a Bound<'py, PyAny>);

/// An event that `mixpress.plain` made a snapshot of.
pub struct SnapshotEvent<'a, 'py>(pub &'a Bound<'py, PyAny>);

impl Source for GivenEvent<'_, '_> {
    type Interrupted = NeedsSnapshot;

    #[inline(always)]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), NeedsSnapshot> {
        walk_value(self.0, sink, &|_: &Bound<'_, PyAny>, _: &mut S| Err(NeedsSnapshot))
    }
}

impl Source for SnapshotEvent<'_, '_> {
    type Interrupted = NeedsSnapshot;

    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), NeedsSnapshot> {
        walk_value(self.0, sink, &walk_snapshot_value)
    }
}

/// Pushes a value; `other` is called for one that is neither plain JSON nor a date.
fn walk_value<S: Sink, F>(value: &Bound<'_, PyAny>, sink: &mut S, other: &F) -> Result<(), NeedsSnapshot>
where
    F: Fn(&Bound<'_, PyAny>, &mut S) -> Result<(), NeedsSnapshot>,
{
    if let Ok(text) = value.cast_exact::<PyString>() {
        push_text(text, sink);
    } else if let Ok(integer) = value.cast_exact::<PyInt>() {
        // Only Python code knows the digits of one that has more than 64 bits.
        sink.integer(raw::small_integer(integer).ok_or(NeedsSnapshot)?);
    } else if let Ok(float) = value.cast_exact::<PyFloat>() {
        sink.float(float.value());
    } else if let Ok(boolean) = value.cast_exact::<PyBool>() {
        sink.boolean(boolean.is_true());
    } else if value.is_none() {
        sink.null();
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        return walk_dict(dict, sink, other);
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        return walk_list(list, sink, other);
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        return walk_tuple(tuple, sink, other);
    } else if let Ok(moment) = value.cast_exact::<PyDateTime>() {
        return push_datetime(moment, sink);
    } else if let Ok(date) = value.cast_exact::<PyDate>() {
        push_date(date, sink);
    } else {
        return other(value, sink);
    }
    Ok(())
}

fn walk_dict<S: Sink, F>(dict: &Bound<'_, PyDict>, sink: &mut S, other: &F) -> Result<(), NeedsSnapshot>
where
    F: Fn(&Bound<'_, PyAny>, &mut S) -> Result<(), NeedsSnapshot>,
{
    if !sink.begin_object() {
        return Ok(());
    }
    // SAFETY: neither the sink nor `walk_value` runs Python code, makes an exception or allocates a container.
    unsafe {
        raw::for_each_member(dict, |name, value| {
            let Ok(name) = name.cast_exact::<PyString>() else { return Err(NeedsSnapshot) };
            push_key(&name, sink);
            walk_value(&value, sink, other)
        })?;
    }
    sink.end_object();
    Ok(())
}

fn walk_list<S: Sink, F>(list: &Bound<'_, PyList>, sink: &mut S, other: &F) -> Result<(), NeedsSnapshot>
where
    F: Fn(&Bound<'_, PyAny>, &mut S) -> Result<(), NeedsSnapshot>,
{
    if !sink.begin_array() {
        return Ok(());
    }
    // SAFETY: as in `walk_dict`.
    unsafe { raw::for_each_element(list, |element| walk_value(&element, sink, other))? };
    sink.end_array();
    Ok(())
}

fn walk_tuple<S: Sink, F>(tuple: &Bound<'_, PyTuple>, sink: &mut S, other: &F) -> Result<(), NeedsSnapshot>
where
    F: Fn(&Bound<'_, PyAny>, &mut S) -> Result<(), NeedsSnapshot>,
{
    if !sink.begin_array() {
        return Ok(());
    }
    for element in tuple.iter_borrowed() {
        walk_value(&element, sink, other)?;
    }
    sink.end_array();
    Ok(())
}

/// A value of a snapshot that is neither plain JSON nor a date.
fn walk_snapshot_value<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S) -> Result<(), NeedsSnapshot> {
    let py = value.py();
    if let Ok(number) = value.cast_exact::<Number>() {
        sink.number(&number.get().spelling.bind(py).to_string_lossy());
    } else if let Ok(members) = value.cast_exact::<Members>() {
        walk_members(members.get().pairs.bind(py), sink)?;
    } else if let Ok(unsupported) = value.cast_exact::<Unsupported>() {
        sink.unsupported(&unsupported.get().message.bind(py).to_string_lossy());
    } else {
        sink.unsupported("a value that JSON has no form for");
    }
    Ok(())
}

fn walk_members<S: Sink>(pairs: &Bound<'_, PyList>, sink: &mut S) -> Result<(), NeedsSnapshot> {
    if !sink.begin_object() {
        return Ok(());
    }
    sink.names_may_repeat();
    for pair in pairs.iter() {
        let Ok((name, value)) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() else { continue };
        if let Ok(name) = name.cast_exact::<PyString>() {
            push_key(name, sink);
            walk_value(&value, sink, &walk_snapshot_value)?;
        } else if let Ok(unsupported) = name.cast_exact::<Unsupported>() {
            sink.unsupported_key(&unsupported.get().message.bind(pair.py()).to_string_lossy());
        }
    }
    sink.end_object();
    Ok(())
}

#[inline(always)]
fn push_text<S: Sink>(text: &Bound<'_, PyString>, sink: &mut S) {
    if let Some(text) = raw::ascii(text) {
        return sink.text(text);
    }
    match raw::decode(text) {
        (text, false) => sink.text(&text),
        (text, true) => sink.repaired_text(&text),
    }
}

#[inline(always)]
fn push_key<S: Sink>(name: &Bound<'_, PyString>, sink: &mut S) {
    if let Some(name) = raw::ascii(name) {
        return sink.key(name);
    }
    match raw::decode(name) {
        (name, false) => sink.key(&name),
        (name, true) => sink.repaired_key(&name),
    }
}

fn push_datetime<S: Sink>(moment: &Bound<'_, PyDateTime>, sink: &mut S) -> Result<(), NeedsSnapshot> {
    use pyo3::types::{PyDateAccess, PyTimeAccess, PyTzInfoAccess};
    let utc = match moment.get_tzinfo() {
        None => false,
        Some(zone) if PyTzInfo::utc(moment.py()).is_ok_and(|utc| zone.is(utc)) => true,
        Some(_) => return Err(NeedsSnapshot), // only Python code knows its offset
    };
    let date = (moment.get_year(), moment.get_month(), moment.get_day());
    let clock = (moment.get_hour(), moment.get_minute(), moment.get_second(), moment.get_microsecond());
    sink.moment(Moment::from_civil(date, clock, utc));
    Ok(())
}

fn push_date<S: Sink>(date: &Bound<'_, PyDate>, sink: &mut S) {
    use pyo3::types::PyDateAccess;
    let date = (date.get_year(), date.get_month(), date.get_day());
    sink.moment(Moment::from_civil(date, (0, 0, 0, 0), false));
}
