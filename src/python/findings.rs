//! `Finding`, `Rejection` and `Truncation`: broken rules and cut strings, as Python classes.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::batch::Added;
use crate::rules::Rule;
use crate::rules::finding::{self, Found, Origin};
use crate::truncate::{self, Advice};

/// A finding as it is pickled: index, line, insert_id, field, rule, message.
type State = (usize, Option<usize>, Option<String>, String, String, String);
/// A truncation as it is pickled: index, path, length, advice.
type CutState = (usize, String, usize, String);
/// The function that restores an object, and its arguments.
type Reduced<'py, Arguments> = (Bound<'py, PyAny>, Arguments);

#[pyclass(frozen, subclass, module = "mixpress")]
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
    fn new(origin: Origin, insert_id: Option<String>, found: finding::Finding) -> Finding {
        let Origin { index, line } = origin;
        Finding { index, line, insert_id, field: found.field, rule: found.rule.id(), message: found.message }
    }

    /// The findings of one event, one object each.
    fn each(found: Found) -> impl Iterator<Item = Finding> {
        let Found { origin, insert_id, findings } = found;
        findings.into_iter().map(move |finding| Finding::new(origin, insert_id.clone(), finding))
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
    #[pyo3(get)]
    findings: Py<PyList>,
}

impl Rejection {
    /// The rejection of an event by the first of its findings. `explain`: it lists all of them.
    fn of(py: Python<'_>, found: Found, explain: bool) -> PyResult<Py<Rejection>> {
        let listed = if explain { found.findings.len() } else { 1 };
        let findings = PyList::empty(py);
        for finding in Finding::each(found.clone()).take(listed) {
            findings.append(Py::new(py, finding)?)?;
        }
        let first = Finding::each(found).next().expect("a rejected event has a finding");
        Py::new(py, (Rejection { findings: findings.unbind() }, first))
    }
}

#[pymethods]
impl Rejection {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.findings)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py, (State, Py<PyList>)>> {
        let py = slf.py();
        let state = slf.as_super().get().state();
        Ok((py.get_type::<Rejection>().getattr("_restore")?, (state, slf.get().findings.clone_ref(py))))
    }

    /// The rejection that `__reduce__` took apart.
    #[classmethod]
    fn _restore(class: &Bound<'_, PyType>, state: State, findings: Py<PyList>) -> PyResult<Py<Rejection>> {
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

/// The findings in the events of a call so far.
pub struct Findings {
    pub rejected: Py<PyList>,
    pub truncated: Py<PyList>,
    pub warnings: Py<PyList>,
}

impl Findings {
    pub fn none(py: Python<'_>) -> Findings {
        let list = || PyList::empty(py).unbind();
        Findings { rejected: list(), truncated: list(), warnings: list() }
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        [&self.rejected, &self.truncated, &self.warnings].into_iter().try_for_each(|list| visit.call(list))
    }

    /// Keeps the warnings and truncations of an event. A rejection is returned, and the caller keeps it.
    pub fn take(&self, py: Python<'_>, added: Added, explain: bool) -> PyResult<Option<Py<Rejection>>> {
        match added {
            Added::Rejected(found) => return Rejection::of(py, found, explain).map(Some),
            Added::Plain => {}
            Added::Accepted { warnings, truncations } => {
                for finding in warnings.into_iter().flat_map(Finding::each) {
                    self.warnings.bind(py).append(Py::new(py, finding)?)?;
                }
                for truncation in truncations {
                    self.truncated.bind(py).append(Truncation::from(truncation))?;
                }
            }
        }
        Ok(None)
    }
}
