//! Converts the odd values of an event by Python code, so that the event can be walked.

use std::cell::RefCell;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::snapshot::snapshot;
use super::walk::{Interrupted, Memory, RepeatedEvent, note_odd};

/// Rounds of conversions: in each, the values lie at least a level deeper.
const MAX_ROUNDS: usize = 70;
/// How often an event is walked again whose objects change while Python code converts others.
const MAX_REPEATS: usize = 8;
/// More values than fit into an event of 1 MB.
const MAX_VALUES: usize = 1_000_000;

/// Walks an event in which a walk of `GivenEvent` found an odd value: converts its odd values, then calls `walk`. At the
/// latest after some repeats, `walk` gets a copy of the event that no other code can change.
pub fn walk_converted<T>(
    event: &Bound<'_, PyAny>,
    default: Option<Py<PyAny>>,
    memory: &RefCell<Memory>,
    mut walk: impl FnMut(&RepeatedEvent<'_, '_>) -> Result<T, Interrupted>,
) -> PyResult<T> {
    let walked = walk_repeatedly(event, default.as_ref(), memory, &mut walk);
    // What is dropped here may run Python code, which the memory must not be borrowed for.
    let odd = std::mem::take(&mut memory.borrow_mut().odd);
    drop(odd);
    if let Some(walked) = walked? {
        return Ok(walked);
    }
    let snapshot = snapshot(event, default)?;
    walk(&RepeatedEvent::snapshot(&snapshot, memory))
        .map_err(|_| PyTypeError::new_err("an event's snapshot can't be read; please report this"))
}

fn walk_repeatedly<T>(
    event: &Bound<'_, PyAny>,
    default: Option<&Py<PyAny>>,
    memory: &RefCell<Memory>,
    walk: &mut impl FnMut(&RepeatedEvent<'_, '_>) -> Result<T, Interrupted>,
) -> PyResult<Option<T>> {
    let mut values = MAX_VALUES;
    for _ in 0..MAX_REPEATS {
        convert(event, default, memory, &mut values)?;
        if let Ok(walked) = walk(&RepeatedEvent::converted(event, memory)) {
            return Ok(Some(walked));
        }
        if values == 0 {
            break;
        }
    }
    Ok(None)
}

/// Converts the odd values of an event, then those within what they were converted to, and so on.
fn convert(
    event: &Bound<'_, PyAny>,
    default: Option<&Py<PyAny>>,
    memory: &RefCell<Memory>,
    values: &mut usize,
) -> PyResult<()> {
    let py = event.py();
    let mut unread = vec![event.clone()];
    for round in 0..MAX_ROUNDS {
        for value in &unread {
            note_odd(value, round > 0, memory, values);
        }
        let noted = memory.borrow_mut().odd.take_noted();
        if noted.is_empty() {
            break;
        }
        let noted = PyList::new(py, noted)?;
        let results = converted(&noted, default, memory)?;
        unread.clear();
        let odd = &mut memory.borrow_mut().odd;
        for (value, result) in noted.iter().zip(results.iter()) {
            odd.convert(&value, &result);
            unread.push(result);
        }
    }
    Ok(())
}

/// What each of the values is converted to.
fn converted<'py>(
    values: &Bound<'py, PyList>,
    default: Option<&Py<PyAny>>,
    memory: &RefCell<Memory>,
) -> PyResult<Bound<'py, PyList>> {
    let py = values.py();
    let imported = memory.borrow().conversion.as_ref().map(|module| module.clone_ref(py));
    let module = match imported {
        Some(module) => module,
        None => {
            let module = py.import("mixpress.snapshot")?.unbind();
            memory.borrow_mut().conversion = Some(module.clone_ref(py));
            module
        }
    };
    Ok(module.bind(py).getattr("converted")?.call1((values, default))?.cast_into::<PyList>()?)
}
