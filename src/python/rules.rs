//! `Rule` and `rules()`: the table of rules, as Python classes.

use pyo3::prelude::*;

use crate::rules::RULES;

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
