//! `gzip()`: the core's compression, for bodies that are laid out in Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::gzip::{Gzip, LEVELS};

#[pyfunction]
#[pyo3(signature = (body, level=None))]
pub fn gzip<'py>(py: Python<'py>, body: &[u8], level: Option<i64>) -> PyResult<Bound<'py, PyBytes>> {
    let level = level.map(|level| u8::try_from(level).unwrap_or(0)); // what does not fit is no level either
    if let Some(level) = level {
        check_level(level).map_err(PyValueError::new_err)?;
    }
    let gzipped = py.detach(|| Gzip::new(level).compress(body, &[]).to_vec());
    Ok(PyBytes::new(py, &gzipped))
}

/// What is wrong with a level that is none.
pub fn check_level(level: u8) -> Result<(), String> {
    if LEVELS.contains(&level) {
        return Ok(());
    }
    Err(format!("level must be {} (fastest) to {} (smallest), and is {level}", LEVELS.start(), LEVELS.end()))
}
