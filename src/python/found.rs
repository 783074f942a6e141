//! `Found`: what was found in the events of a call: records, from which a list of objects is made when it is read.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3::{PyTraverseError, PyVisit};

use super::findings::{Finding, Rejection, Truncation};
use super::lock::locked;
use crate::batch::Records;
use crate::event::FoundEvent;
use crate::rules::Rule;

/// Some of the events of records.
#[derive(Clone)]
pub struct Part {
    pub records: Arc<Records>,
    pub range: Range<usize>,
}

impl Part {
    pub fn events(&self) -> impl Iterator<Item = FoundEvent<'_>> {
        self.records.events(self.range.clone())
    }

    /// The event with this position in the part.
    pub fn event(&self, position: usize) -> Option<FoundEvent<'_>> {
        let at = self.range.start + position;
        (at < self.range.end).then(|| self.records.events(at..at + 1).next()).flatten()
    }
}

/// The list that something is in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rejected,
    Truncated,
    Warned,
}

pub const KINDS: [Kind; 3] = [Kind::Rejected, Kind::Truncated, Kind::Warned];

/// What was found in events. The lock is never held while objects are made, nor while detached.
pub struct Found {
    explain: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    parts: Vec<Part>,
    /// Rejections that were handed over one by one, and are in no list.
    handed_over: Vec<(Rule, usize)>,
    /// The lists that were read, by [`Kind`].
    lists: [Option<Py<PyList>>; 3],
}

impl Found {
    /// Nothing. `explain`: a rejection lists every rule that its event broke.
    pub fn nothing(explain: bool) -> Found {
        Found { explain, state: Mutex::default() }
    }

    /// What these lists have: rejected, truncated, warnings.
    pub fn of_lists(lists: [Py<PyList>; 3]) -> Found {
        let lists = lists.map(Some);
        Found { explain: false, state: Mutex::new(State { lists, ..State::default() }) }
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Where another call holds the lock, the lists are in use: what is not visited is not collected.
        self.state.try_lock().map_or(Ok(()), |state| state.lists.iter().try_for_each(|list| visit.call(list)))
    }

    /// Adds events. A list that was read before gets them too.
    pub fn add(&self, py: Python<'_>, records: Arc<Records>, range: Range<usize>) -> PyResult<()> {
        if range.is_empty() {
            return Ok(());
        }
        let part = Part { records, range };
        let mut state = locked(&self.state, py);
        state.parts.push(part.clone());
        let lists = state.lists.each_ref().map(|list| list.as_ref().map(|list| list.clone_ref(py)));
        drop(state);
        for (kind, list) in KINDS.into_iter().zip(lists) {
            list.map_or(Ok(()), |list| self.append(list.bind(py), kind, &part))?;
        }
        Ok(())
    }

    /// Whether a list was read, which what is found from then on must be added to.
    pub fn is_read(&self, py: Python<'_>) -> bool {
        locked(&self.state, py).lists.iter().any(Option::is_some)
    }

    /// Counts rejections that are in no list.
    pub fn count_handed_over(&self, py: Python<'_>, rule: Rule, more: usize) {
        count(&mut locked(&self.state, py).handed_over, rule, more);
    }

    /// The list of a kind, which is made when it is first read.
    pub fn list(&self, py: Python<'_>, kind: Kind) -> PyResult<Py<PyList>> {
        let (made, mut done) = (PyList::empty(py), 0);
        loop {
            let mut state = locked(&self.state, py);
            // Making an object may have run a finalizer that read the list, or let another thread run that did.
            if let Some(list) = &state.lists[kind as usize] {
                return Ok(list.clone_ref(py));
            }
            if state.parts.len() == done {
                state.lists[kind as usize] = Some(made.clone().unbind());
                return Ok(made.unbind());
            }
            let parts = state.parts[done..].to_vec();
            drop(state);
            for part in &parts {
                self.append(&made, kind, part)?;
            }
            done += parts.len();
        }
    }

    fn append(&self, list: &Bound<'_, PyList>, kind: Kind, part: &Part) -> PyResult<()> {
        let py = list.py();
        for event in part.events() {
            match (kind, event.is_rejected()) {
                (Kind::Rejected, true) => list.append(Rejection::of(py, &event, self.explain)?)?,
                (Kind::Truncated, false) => {
                    for cut in event.cuts() {
                        list.append(Truncation::from(event.spell_cut(cut)))?;
                    }
                }
                (Kind::Warned, false) => {
                    for finding in event.findings() {
                        list.append(Py::new(py, Finding::of(&event, finding))?)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The length of each list. No object is made.
    pub fn lengths(&self, py: Python<'_>) -> [usize; 3] {
        let state = locked(&self.state, py);
        KINDS.map(|kind| match &state.lists[kind as usize] {
            Some(list) => list.bind(py).len(),
            None => state.parts.iter().flat_map(Part::events).map(|event| length_of(&event, kind)).sum(),
        })
    }

    /// The events, and how many were rejected by each rule that are not among them.
    pub fn parts(&self, py: Python<'_>) -> (Vec<Part>, Vec<(Rule, usize)>) {
        let state = locked(&self.state, py);
        (state.parts.clone(), state.handed_over.clone())
    }
}

/// How many an event adds to a list.
fn length_of(event: &FoundEvent<'_>, kind: Kind) -> usize {
    match (kind, event.is_rejected()) {
        (Kind::Rejected, true) => 1,
        (Kind::Truncated, false) => event.cuts().len(),
        (Kind::Warned, false) => event.findings().len(),
        _ => 0,
    }
}

/// Counts so many more of a rule.
pub fn count(counts: &mut Vec<(Rule, usize)>, rule: Rule, more: usize) {
    match counts.iter_mut().find(|(counted, _)| *counted == rule) {
        Some((_, count)) => *count += more,
        None => counts.push((rule, more)),
    }
}
