//! `derive_insert_id()`: the `$insert_id` that an encoder derives from an event.

use std::cell::RefCell;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::native;
use super::snapshot::snapshot;
use super::walk::{GivenEvent, Memory, SnapshotEvent};
use crate::event::derived_id::{Canonical, Fault};
use crate::rules::limits::MAX_LEVELS;
use crate::source::Source;

#[pyfunction]
#[pyo3(signature = (event, fields=None))]
pub fn derive_insert_id(event: &Bound<'_, PyAny>, fields: Option<Vec<String>>) -> PyResult<String> {
    let memory = RefCell::new(Memory::new(event.py()));
    let mut canonical = Canonical::default();
    let given = GivenEvent { event, memory: &memory };
    let mut walked = given.walk(&mut canonical);
    if walked.is_err() && native::resolve(event.py())? {
        canonical = Canonical::default();
        walked = given.walk(&mut canonical);
    }
    if walked.is_err() {
        canonical = Canonical::default();
        let snapshot = snapshot(event, None)?;
        let walked = SnapshotEvent { event: &snapshot, memory: &memory }.walk(&mut canonical);
        walked.map_err(|_| PyTypeError::new_err("the event's snapshot can't be read; please report this"))?;
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
