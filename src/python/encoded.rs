//! `Encoded`: the result of one call of an encoder, as a Python class.

use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3::{PyTraverseError, PyVisit};

#[pyclass(frozen, get_all, module = "mixpress")]
pub struct Encoded {
    pub(super) batches: Py<PyList>,
    pub(super) rejected: Py<PyList>,
    pub(super) truncated: Py<PyList>,
    pub(super) warnings: Py<PyList>,
}

#[pymethods]
impl Encoded {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        [&self.batches, &self.rejected, &self.truncated, &self.warnings]
            .into_iter()
            .try_for_each(|list| visit.call(list))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let length = |list: &Py<PyList>| list.bind(py).len();
        format!(
            "Encoded({} batches, {} rejected, {} truncated, {} warnings)",
            length(&self.batches),
            length(&self.rejected),
            length(&self.truncated),
            length(&self.warnings),
        )
    }
}
