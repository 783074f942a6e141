//! `Bracket` and `together`: several calls between which no line of Python runs.
//!
//! Python runs signal handlers and trace functions only between bytecodes, and both may raise. Neither a `with` block nor
//! a `finally` protects a lock from that: an exception can come on the line that is about to release it.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};

#[pyclass(frozen, module = "mixpress")]
pub struct Bracket {
    before: Py<PyAny>,
    after: Py<PyAny>,
}

#[pymethods]
impl Bracket {
    #[new]
    fn new(before: Py<PyAny>, after: Py<PyAny>) -> Bracket {
        Bracket { before, after }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.before)?;
        visit.call(&self.after)
    }

    #[pyo3(signature = (step, *values))]
    fn __call__<'py>(&self, step: &Bound<'py, PyAny>, values: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = step.py();
        self.before.call0(py)?;
        let result = step.call1(values);
        let ended = self.after.call0(py);
        result.and_then(|result| ended.map(|_| result))
    }
}

#[pyfunction]
#[pyo3(signature = (*steps))]
pub fn together<'py>(steps: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyTuple>> {
    let results: Vec<_> = steps.iter().map(|step| step.call0()).collect::<PyResult<_>>()?;
    PyTuple::new(steps.py(), results)
}
