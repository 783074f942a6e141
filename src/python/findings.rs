//! `Finding`, `Rejection` and `Truncation`: broken rules and cut strings, as Python classes.

use std::sync::Mutex;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::lock::locked;
use crate::event::{FindingRecord, FoundEvent};
use crate::rules::Rule;
use crate::rules::finding::Origin;
use crate::truncate::{self, Advice};

/// A finding as it is pickled: index, line, insert_id, field, rule, message.
type State = (usize, Option<usize>, Option<String>, String, String, String);
/// A truncation as it is pickled: index, path, length, advice.
type CutState = (usize, String, usize, String);
/// The function that restores an object, and its arguments.
type Reduced<'py, Arguments> = (Bound<'py, PyAny>, Arguments);

#[pyclass(frozen, subclass, module = "mixpress")]
#[derive(Clone)]
pub struct Finding {
    #[pyo3(get)]
    index: usize,
    #[pyo3(get)]
    line: Option<usize>,
    #[pyo3(get)]
    insert_id: Option<String>,
    #[pyo3(get)]
    field: String,
    #[pyo3(get)]
    rule: &'static str,
    #[pyo3(get)]
    message: String,
}

impl Finding {
    /// A finding of an event, with its path and sentence.
    pub fn of(event: &FoundEvent<'_>, finding: &FindingRecord) -> Finding {
        let Origin { index, line } = event.origin();
        let insert_id = event.insert_id().map(str::to_owned);
        let found = event.spell(finding);
        Finding { index, line, insert_id, field: found.field, rule: found.rule.id(), message: found.message }
    }

    fn state(&self) -> State {
        let Finding { index, line, insert_id, field, rule, message } = self;
        (*index, *line, insert_id.clone(), field.clone(), (*rule).to_owned(), message.clone())
    }

    fn from_state(state: State) -> PyResult<Finding> {
        let (index, line, insert_id, field, rule, message) = state;
        let rule = Rule::from_id(&rule)
            .ok_or_else(|| PyValueError::new_err(format!("a pickled finding has the rule {rule:?}, which is unknown")))?
            .id();
        Ok(Finding { index, line, insert_id, field, rule, message })
    }
}

#[pymethods]
impl Finding {
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let record = PyDict::new(py);
        record.set_item("index", self.index)?;
        record.set_item("insert_id", &self.insert_id)?;
        record.set_item("field", &self.field)?;
        record.set_item("message", &self.message)?;
        Ok(record)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        let name = slf.get_type().name()?;
        Ok(format!(
            "{name}(index={}, field={:?}, rule={:?}, message={:?})",
            this.index, this.field, this.rule, this.message
        ))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py, (State,)>> {
        Ok((slf.py().get_type::<Finding>().getattr("_restore")?, (slf.get().state(),)))
    }

    /// The finding that `__reduce__` took apart.
    #[classmethod]
    fn _restore(_class: &Bound<'_, PyType>, state: State) -> PyResult<Finding> {
        Finding::from_state(state)
    }
}

#[pyclass(frozen, extends = Finding, module = "mixpress")]
pub struct Rejection {
    /// None until it is asked for: then it is a list of the finding that the rejection is.
    findings: Mutex<Option<Py<PyList>>>,
}

impl Rejection {
    /// The rejection of an event by the first of its findings. `explain`: it lists all of them.
    pub fn of(py: Python<'_>, event: &FoundEvent<'_>, explain: bool) -> PyResult<Py<Rejection>> {
        let mut findings = None;
        if explain {
            let list = PyList::empty(py);
            for finding in event.findings() {
                list.append(Py::new(py, Finding::of(event, finding))?)?;
            }
            findings = Some(list.unbind());
        }
        let first = event.findings().first().expect("a rejected event has a finding");
        Py::new(py, (Rejection { findings: Mutex::new(findings) }, Finding::of(event, first)))
    }

    fn listed(&self, py: Python<'_>) -> Option<Py<PyList>> {
        locked(&self.findings, py).as_ref().map(|list| list.clone_ref(py))
    }
}

#[pymethods]
impl Rejection {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The lock is held only to copy the reference: what is not visited is not collected.
        self.findings.try_lock().map_or(Ok(()), |findings| visit.call(&*findings))
    }

    #[getter]
    fn findings(slf: &Bound<'_, Self>) -> PyResult<Py<PyList>> {
        let py = slf.py();
        if let Some(list) = slf.get().listed(py) {
            return Ok(list);
        }
        let finding = Py::new(py, slf.as_super().get().clone())?;
        let made = PyList::new(py, [finding])?.unbind();
        // Making it may have run a finalizer that asked for it, or let another thread run that did.
        let mut findings = locked(&slf.get().findings, py);
        let list = findings.get_or_insert_with(|| made.clone_ref(py)).clone_ref(py);
        drop(findings);
        Ok(list)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py, (State, Py<PyList>)>> {
        let state = slf.as_super().get().state();
        Ok((slf.py().get_type::<Rejection>().getattr("_restore")?, (state, Rejection::findings(slf)?)))
    }

    /// The rejection that `__reduce__` took apart.
    #[classmethod]
    fn _restore(class: &Bound<'_, PyType>, state: State, findings: Py<PyList>) -> PyResult<Py<Rejection>> {
        let findings = Mutex::new(Some(findings));
        Py::new(class.py(), (Rejection { findings }, Finding::from_state(state)?))
    }
}

#[pyclass(frozen, module = "mixpress")]
pub struct Truncation {
    #[pyo3(get)]
    index: usize,
    #[pyo3(get)]
    path: String,
    #[pyo3(get)]
    length: usize,
    #[pyo3(get)]
    advice: &'static str,
}

impl From<truncate::Truncation> for Truncation {
    fn from(truncation: truncate::Truncation) -> Truncation {
        let truncate::Truncation { index, path, length, advice } = truncation;
        Truncation { index, path, length, advice: advice.word() }
    }
}

#[pymethods]
impl Truncation {
    fn __repr__(&self) -> String {
        let Truncation { index, path, length, advice } = self;
        format!("Truncation(index={index}, path={path:?}, length={length}, advice={advice:?})")
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py, (CutState,)>> {
        let Truncation { index, path, length, advice } = slf.get();
        let state = (*index, path.clone(), *length, (*advice).to_owned());
        Ok((slf.get_type().getattr("_restore")?, (state,)))
    }

    /// The truncation that `__reduce__` took apart.
    #[classmethod]
    fn _restore(_class: &Bound<'_, PyType>, state: CutState) -> PyResult<Truncation> {
        let (index, path, length, advice) = state;
        let advice = [Advice::Url, Advice::Json, Advice::Text]
            .iter()
            .map(|known| known.word())
            .find(|word| *word == advice)
            .ok_or_else(|| PyValueError::new_err(format!("a pickled truncation has the unknown advice {advice:?}")))?;
        Ok(Truncation { index, path, length, advice })
    }
}
