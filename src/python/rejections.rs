//! `Rejections`: some rejected events in a row, as a Python class. An object is made only for an event that is read.

use std::ops::Range;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::findings::Rejection;
use super::found::Part;
use crate::batch::Records;
use crate::event::FoundEvent;
use crate::rules::Rule;

/// Events that were rejected, and how many by each rule, the first one of each being at that position.
#[pyclass(frozen, module = "mixpress")]
pub struct Rejections {
    events: Part,
    counts: Vec<(Rule, usize, usize)>,
    /// A rejection lists every rule that its event broke.
    explain: bool,
}

impl Rejections {
    /// Those of a range of records whose events were all rejected.
    pub fn of(records: Arc<Records>, range: Range<usize>, explain: bool) -> Rejections {
        let events = Part { records, range };
        let mut counts: Vec<(Rule, usize, usize)> = Vec::new();
        for (position, event) in events.events().enumerate() {
            let Some(rule) = first_rule(&event) else { continue };
            match counts.iter_mut().find(|(counted, ..)| *counted == rule) {
                Some((_, count, _)) => *count += 1,
                None => counts.push((rule, 1, position)),
            }
        }
        Rejections { events, counts, explain }
    }

    /// How many events were rejected by each rule, in the order of the first ones.
    pub fn counts(&self) -> impl Iterator<Item = (Rule, usize)> {
        self.counts.iter().map(|&(rule, count, _)| (rule, count))
    }
}

/// The rule that an event was rejected by.
fn first_rule(event: &FoundEvent<'_>) -> Option<Rule> {
    event.findings().first().map(|finding| finding.rule)
}

#[pymethods]
impl Rejections {
    fn __len__(&self) -> usize {
        self.events.range.len()
    }

    #[getter(rules)]
    fn by_rule<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        self.counts().try_for_each(|(rule, count)| counts.set_item(rule.id(), count))?;
        Ok(counts)
    }

    fn first(&self, py: Python<'_>, rule: &str) -> PyResult<Option<Py<Rejection>>> {
        let position = self.counts.iter().find(|(other, ..)| other.id() == rule).map(|&(.., position)| position);
        let event = position.and_then(|position| self.events.event(position));
        event.map(|event| Rejection::of(py, &event, self.explain)).transpose()
    }

    fn head(&self, most: usize) -> Rejections {
        let mut records = Records::default();
        self.events.events().take(most).for_each(|event| records.add(&event));
        records.shrink();
        let range = 0..records.count();
        Rejections::of(Arc::new(records), range, self.explain)
    }

    fn to_list(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        let list = PyList::empty(py);
        for event in self.events.events() {
            list.append(Rejection::of(py, &event, self.explain)?)?;
        }
        Ok(list.unbind())
    }

    fn __repr__(&self) -> String {
        let by_rule: Vec<String> = self.counts().map(|(rule, count)| format!("{count} {}", rule.id())).collect();
        format!("Rejections({})", by_rule.join(", "))
    }
}
