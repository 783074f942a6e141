//! With `abi3` this replaces the module `native`: the stable ABI hides the fields of all these types, and every such value is
//! read by Python code.

use pyo3::Borrowed;
use pyo3::prelude::*;

use crate::python::raw::arrays::{Array, Objects};
use crate::source::Sink;

/// Imports nothing: no date is read in place.
pub fn initialise(_py: Python<'_>) -> PyResult<()> {
    Ok(())
}

/// Finds nothing new.
pub fn resolve(_py: Python<'_>) -> PyResult<()> {
    Ok(())
}

/// Pushes nothing.
pub fn push<S: Sink>(_value: Borrowed<'_, '_, PyAny>, _buffer: &mut String, _sink: &mut S) -> bool {
    false
}

/// Finds no array of objects.
pub fn objects<'a, 'py>(_value: Borrowed<'a, 'py, PyAny>) -> Option<Array<'a, Objects<'a, 'py>>> {
    None
}
