//! `derive_insert_id()`: the `$insert_id` that an encoder derives from an event.

use std::cell::RefCell;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::convert::walk_converted;
use super::walk::{GivenEvent, Memory};
use crate::event::derived_id::{Canonical, Fault};
use crate::rules::limits::MAX_LEVELS;
use crate::source::Source;

#[pyfunction]
#[pyo3(signature = (event, fields=None))]
pub fn derive_insert_id(event: &Bound<'_, PyAny>, fields: Option<Vec<String>>) -> PyResult<String> {
    let memory = RefCell::new(Memory::new(event.py()));
    let mut canonical = Canonical::default();
    let given = GivenEvent { event, memory: &memory };
    if given.walk(&mut canonical).is_err() {
        walk_converted(event, None, &memory, |event| {
            canonical = Canonical::default();
            event.walk(&mut canonical)
        })?;
    }
    if !canonical.is_object() {
        return Err(PyTypeError::new_err("event must be an object with 'event' and 'properties'"));
    }
    canonical.insert_id(fields.as_deref(), true).map_err(|fault| match fault {
        Fault::Unsupported(what) => PyTypeError::new_err(format!("no $insert_id can be derived from {what}")),
        Fault::TooDeep => PyValueError::new_err(format!(
            "no $insert_id can be derived from more than {MAX_LEVELS} levels of objects and lists"
        )),
    })
}
