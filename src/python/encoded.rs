//! `Encoded`: the result of one call of an encoder, as a Python class.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::found::{Found, Kind};

/// The lists of an `Encoded`, as it is pickled.
type Lists = (Py<PyList>, Py<PyList>, Py<PyList>, Py<PyList>);

#[pyclass(frozen, module = "mixpress")]
pub struct Encoded {
    #[pyo3(get)]
    pub(super) batches: Py<PyList>,
    pub(super) found: Found,
}

#[pymethods]
impl Encoded {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.batches)?;
        self.found.traverse(&visit)
    }

    #[getter]
    fn rejected(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.found.list(py, Kind::Rejected)
    }

    #[getter]
    fn truncated(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.found.list(py, Kind::Truncated)
    }

    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.found.list(py, Kind::Warned)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (batches, [rejected, truncated, warnings]) = (self.batches.bind(py).len(), self.found.lengths(py));
        format!("Encoded({batches} batches, {rejected} rejected, {truncated} truncated, {warnings} warnings)")
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Lists)> {
        let (py, encoded) = (slf.py(), slf.get());
        let batches = encoded.batches.clone_ref(py);
        let lists = (batches, encoded.rejected(py)?, encoded.truncated(py)?, encoded.warnings(py)?);
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
        Encoded { batches, found: Found::of_lists([rejected, truncated, warnings]) }
    }
}
