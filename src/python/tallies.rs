//! `Tallies`: how often something was found, and the first occurrence of each, as a Python class.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::findings::{Finding, Truncation};
use super::found::{Found, Part, count};
use crate::event::FoundEvent;
use crate::rules::Rule;

/// Where something was found first: the part, the event in it, and the place among those of the event.
type First = (usize, usize, usize);

#[pyclass(frozen, module = "mixpress")]
pub struct Tallies {
    parts: Vec<Part>,
    rejected: Vec<(Rule, usize)>,
    truncated: Vec<(String, usize, First)>,
    /// The position of each path in `truncated`.
    paths: HashMap<String, usize>,
    /// By rule.
    warned: Vec<(Rule, usize, First)>,
}

impl Tallies {
    pub fn of(py: Python<'_>, found: &Found) -> Tallies {
        let (parts, rejected) = found.parts(py);
        let (truncated, paths, warned) = (Vec::new(), HashMap::new(), Vec::new());
        let mut tallies = Tallies { parts: Vec::new(), rejected, truncated, paths, warned };
        for (at_part, part) in parts.iter().enumerate() {
            for (at_event, event) in part.events().enumerate() {
                tallies.add(&event, at_part, at_event);
            }
        }
        tallies.parts = parts;
        tallies
    }

    fn add(&mut self, event: &FoundEvent<'_>, at_part: usize, at_event: usize) {
        if event.is_rejected() {
            event.findings().first().inspect(|finding| count(&mut self.rejected, finding.rule, 1));
            return;
        }
        for (place, cut) in event.cuts().iter().enumerate() {
            let path = event.path(cut);
            match self.paths.get(path) {
                Some(&known) => self.truncated[known].1 += 1,
                None => {
                    self.paths.insert(path.to_owned(), self.truncated.len());
                    self.truncated.push((path.to_owned(), 1, (at_part, at_event, place)));
                }
            }
        }
        for (place, finding) in event.findings().iter().enumerate() {
            match self.warned.iter_mut().find(|(rule, ..)| *rule == finding.rule) {
                Some((_, count, _)) => *count += 1,
                None => self.warned.push((finding.rule, 1, (at_part, at_event, place))),
            }
        }
    }
}

#[pymethods]
impl Tallies {
    #[getter]
    fn rejected<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        self.rejected.iter().try_for_each(|(rule, count)| counts.set_item(rule.id(), count))?;
        Ok(counts)
    }

    #[getter]
    fn truncated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        self.truncated.iter().try_for_each(|(path, count, _)| counts.set_item(path, count))?;
        Ok(counts)
    }

    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        self.warned.iter().try_for_each(|(rule, count, _)| counts.set_item(rule.id(), count))?;
        Ok(counts)
    }

    fn first_truncation(&self, path: &str) -> Option<Truncation> {
        let (.., (part, event, place)) = self.truncated[*self.paths.get(path)?];
        let event = self.parts[part].event(event)?;
        Some(Truncation::from(event.spell_cut(event.cuts().get(place)?)))
    }

    fn first_warning(&self, rule: &str) -> Option<Finding> {
        let (.., (part, event, place)) = *self.warned.iter().find(|(other, ..)| other.id() == rule)?;
        let event = self.parts[part].event(event)?;
        Some(Finding::of(&event, event.findings().get(place)?))
    }

    fn __repr__(&self) -> String {
        let rejected: usize = self.rejected.iter().map(|(_, count)| count).sum();
        let truncated: usize = self.truncated.iter().map(|(_, count, _)| count).sum();
        let warned: usize = self.warned.iter().map(|(_, count, _)| count).sum();
        format!("Tallies({rejected} rejected, {truncated} truncated, {warned} warnings)")
    }
}
