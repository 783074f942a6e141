//! Values of exact types that are not JSON's, read in place: long ints, UUIDs, Decimals, dates and
//! durations, and the values of numpy and pandas.
//!
//! What a type is called and where its fields are is learned by [`resolve`], which runs Python code and so is called between
//! walks alone. A library that the program has not imported is not imported for it: no value of its types can exist.
//! [`push`] runs no Python code, makes no exception and allocates no Python object but, for a pandas Timestamp, a datetime,
//! which is no container. Whatever it does not know is left to Python code.

mod dates;
mod library;
mod numpy;
mod pandas;
mod spelling;
mod uuids;

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::PyInt;

pub use dates::initialise;
use library::{Library, Look};
use numpy::NUMPY;
pub use numpy::objects;
use pandas::PANDAS;

use super::raw::decimals::{Decimals, Read};
use super::raw::fields::ObjectField;
use super::raw::integers::Digits;
use crate::source::Sink;

static DIGITS: Library<Digits> = Library::new("builtins", |builtins| Digits::verify(builtins.py()));
static UUIDS: Library<ObjectField> = Library::new("uuid", uuids::field_of_int);
static DECIMALS: Library<Decimals> =
    Library::new("decimal", |decimal| Decimals::verify(decimal.getattr("Decimal")?.cast()?));

/// Learns types of libraries that the program has imported since the last call: the next walk may read values in place that
/// were odd before. It runs Python code.
#[cold]
pub fn resolve(py: Python<'_>) -> PyResult<()> {
    let Some(mut look) = Look::at_new_modules(py) else { return Ok(()) };
    DIGITS.resolve(&mut look)?;
    UUIDS.resolve(&mut look)?;
    DECIMALS.resolve(&mut look)?;
    dates::resolve(&mut look)?;
    NUMPY.resolve(&mut look)?;
    PANDAS.resolve(&mut look)?;
    look.end();
    Ok(())
}

/// Pushes a value, if its exact type is one of those that are read in place. Returns whether it did. `buffer` is for texts.
#[inline(never)]
pub fn push<S: Sink>(value: Borrowed<'_, '_, PyAny>, buffer: &mut String, sink: &mut S) -> bool {
    dates::push(value, sink)
        || push_uuid(value, sink)
        || push_decimal(value, buffer, sink)
        || push_integer(value, buffer, sink)
        || NUMPY.get().is_some_and(|numpy| numpy.push(value, buffer, sink))
        || PANDAS.get().is_some_and(|pandas| pandas.push(value, sink))
}

fn push_uuid<S: Sink>(value: Borrowed<'_, '_, PyAny>, sink: &mut S) -> bool {
    let Some(integer) = UUIDS.get().and_then(|field| field.get(value)) else { return false };
    let (Ok(integer), Some(digits)) = (integer.cast_exact::<PyInt>(), DIGITS.get()) else { return false };
    let Some(text) = uuids::text_of(digits.of(&integer)) else { return false };
    sink.text(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"));
    true
}

fn push_decimal<S: Sink>(value: Borrowed<'_, '_, PyAny>, buffer: &mut String, sink: &mut S) -> bool {
    let Some(read) = DECIMALS.get().and_then(|decimals| decimals.read(value)) else { return false };
    match read {
        Read::Finite { is_negative, words, exponent } => {
            spelling::spell_decimal(buffer, is_negative, words, exponent);
            sink.number(buffer);
        }
        Read::NotFinite => sink.float(f64::NAN),
    }
    true
}

/// Pushes an int of more than 64 bits. One that is too long for a double is left to Python code, which cuts it off.
fn push_integer<S: Sink>(value: Borrowed<'_, '_, PyAny>, buffer: &mut String, sink: &mut S) -> bool {
    let (Ok(integer), Some(digits)) = (value.cast_exact::<PyInt>(), DIGITS.get()) else { return false };
    let (is_negative, digits) = digits.of(&integer);
    let is_spelled = spelling::spell_integer(buffer, is_negative, digits);
    if is_spelled {
        sink.number(buffer);
    }
    is_spelled
}
