//! `gzip()`: the core's compression for bodies that are laid out in Python; and the check of a level.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::given::Given;
use crate::gzip::{Gzip, LEVELS};

#[pyfunction]
#[pyo3(signature = (body, level=None))]
pub fn gzip<'py>(py: Python<'py>, body: &[u8], level: Option<Given<i64>>) -> PyResult<Bound<'py, PyBytes>> {
    let level = level.map(level_of).transpose()?;
    let gzipped = py.detach(|| Gzip::new(level).compress(body, &[]).to_vec());
    Ok(PyBytes::new(py, &gzipped))
}

/// A level, or an error that says what it must be.
pub fn level_of(given: Given<i64>) -> PyResult<u8> {
    let must_be = format!("an integer from {} (fastest) to {} (smallest)", LEVELS.start(), LEVELS.end());
    let given = given.or_say("level", &must_be)?;
    let level = u8::try_from(given).ok().filter(|level| LEVELS.contains(level));
    level.ok_or_else(|| PyValueError::new_err(format!("level must be {must_be}, got {given}")))
}
