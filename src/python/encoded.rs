//! `Encoded`: the result of one call of an encoder, as a Python class.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use pyo3::{PyTraverseError, PyVisit};

/// The lists of an `Encoded`, as it is pickled.
type Lists = (Py<PyList>, Py<PyList>, Py<PyList>, Py<PyList>);

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

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Lists)> {
        let copy = |list: &Py<PyList>| list.clone_ref(slf.py());
        let Encoded { batches, rejected, truncated, warnings } = slf.get();
        let lists = (copy(batches), copy(rejected), copy(truncated), copy(warnings));
        Ok((slf.get_type().getattr("_restore")?, lists))
    }

    /// The result that `__reduce__` took apart.
    #[classmethod]
    fn _restore(
        _class: &Bound<'_, PyType>,
        batches: Py<PyList>,
        rejected: Py<PyList>,
        truncated: Py<PyList>,
        warnings: Py<PyList>,
    ) -> Encoded {
        Encoded { batches, rejected, truncated, warnings }
    }
}
