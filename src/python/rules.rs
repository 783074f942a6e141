//! `Rule` and `rules()`: the table of rules, as Python classes.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::words::{ENDPOINTS, word_of};
use crate::rules::RULES;

#[pyclass(frozen, get_all, module = "mixpress")]
pub struct Rule {
    id: &'static str,
    says: &'static str,
    source: &'static str,
    /// The endpoints for which it is checked, as in `Encoder(endpoint=...)`.
    endpoints: Py<PyTuple>,
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
pub fn rules(py: Python<'_>) -> PyResult<Vec<Rule>> {
    let rule = |info: &crate::rules::RuleInfo| {
        let endpoints = info.endpoints.iter().map(|endpoint| word_of(*endpoint, ENDPOINTS));
        Ok(Rule {
            id: info.id,
            says: info.says,
            source: info.source,
            endpoints: PyTuple::new(py, endpoints.collect::<Vec<_>>())?.unbind(),
            documented: info.documented.word(),
            observed: info.observed.word(),
        })
    };
    RULES.iter().map(rule).collect()
}
