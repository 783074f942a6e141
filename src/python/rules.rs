//! `rules()` and `derive_insert_id()`: the functions beside the classes.

use std::cell::RefCell;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::encoder::snapshot;
use super::walk::{GivenEvent, Memory, SnapshotEvent};
use crate::event::derived_id::{Canonical, Fault};
use crate::rules::RULES;
use crate::rules::limits::MAX_LEVELS;
use crate::source::Source;

#[pyclass(frozen, get_all, module = "mixpress")]
pub struct Rule {
    id: &'static str,
    says: &'static str,
    source: &'static str,
    documented: &'static str,
    observed: &'static str,
}

#[pymethods]
impl Rule {
    fn __repr__(&self) -> String {
        let Rule { id, documented, observed, .. } = self;
        format!("Rule(id={id:?}, documented={documented:?}, observed={observed:?})")
    }
}

#[pyfunction]
pub fn rules() -> Vec<Rule> {
    let rule = |info: &crate::rules::RuleInfo| Rule {
        id: info.id,
        says: info.says,
        source: info.source,
        documented: info.documented.word(),
        observed: info.observed.word(),
    };
    RULES.iter().map(rule).collect()
}

#[pyfunction]
#[pyo3(signature = (event, fields=None))]
pub fn derive_insert_id(event: &Bound<'_, PyAny>, fields: Option<Vec<String>>) -> PyResult<String> {
    let memory = RefCell::new(Memory::new(event.py()));
    let mut canonical = Canonical::default();
    let given = GivenEvent { event, memory: &memory };
    if given.walk(&mut canonical).is_err() {
        canonical = Canonical::default();
        let snapshot = snapshot(event, None)?;
        let walked = SnapshotEvent { event: &snapshot, memory: &memory }.walk(&mut canonical);
        walked.map_err(|_| PyTypeError::new_err("the event can't be read"))?;
    }
    if !canonical.is_object() {
        return Err(PyTypeError::new_err("an event is an object with 'event' and 'properties'"));
    }
    canonical.insert_id(fields.as_deref(), true).map_err(|fault| match fault {
        Fault::Unsupported(what) => PyTypeError::new_err(format!("no $insert_id can be derived from {what}")),
        Fault::TooDeep => PyValueError::new_err(format!(
            "no $insert_id can be derived from more than {MAX_LEVELS} levels of objects and lists"
        )),
    })
}
