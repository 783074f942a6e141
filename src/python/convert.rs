//! Converts the odd values of an event by Python code, so that the event can be walked.

use std::cell::RefCell;

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::native;
use super::snapshot::{Members, snapshot};
use super::walk::types::{Plan, plan_of};
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
    native::resolve(event.py())?;
    let walked = walk_repeatedly(event, default.as_ref(), memory, &mut walk);
    // What is dropped here may run Python code, which the memory must not be borrowed for.
    let odd = memory.borrow_mut().odd.take_all();
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
    note_odd(event, false, memory, values);
    for _ in 0..MAX_ROUNDS {
        let noted = memory.borrow_mut().odd.take_noted();
        if noted.is_empty() {
            break;
        }
        convert_noted(event.py(), noted, default, memory, values)?;
    }
    Ok(())
}

fn convert_noted(
    py: Python<'_>,
    noted: Vec<Py<PyAny>>,
    default: Option<&Py<PyAny>>,
    memory: &RefCell<Memory>,
    values: &mut usize,
) -> PyResult<()> {
    let (odd, forms) = (PyList::empty(py), PyList::empty(py));
    for value in noted {
        let value = value.into_bound(py);
        match read_by_plan(&value, memory)? {
            Reading::InPlace => {
                memory.borrow_mut().odd.forget(&value);
                note_odd(&value, false, memory, values);
            }
            Reading::Converted(result) => add_conversion(&value, &result, memory, values),
            Reading::ByForm(form) => {
                odd.append(value)?;
                forms.append(form)?;
            }
        }
    }
    if odd.is_empty() {
        return Ok(());
    }
    let results = converted(&odd, &forms, default, memory)?;
    for (value, result) in odd.iter().zip(results.iter()) {
        add_conversion(&value, &result, memory, values);
    }
    Ok(())
}

fn add_conversion(value: &Bound<'_, PyAny>, result: &Bound<'_, PyAny>, memory: &RefCell<Memory>, values: &mut usize) {
    memory.borrow_mut().odd.convert(value, result);
    note_odd(result, true, memory, values);
}

/// How an odd value is read, by the plan of its type.
enum Reading<'py> {
    /// By the next walk.
    InPlace,
    Converted(Bound<'py, PyAny>),
    /// By this function, or by asking what it is where there is none.
    ByForm(Option<Bound<'py, PyAny>>),
}

fn read_by_plan<'py>(value: &Bound<'py, PyAny>, memory: &RefCell<Memory>) -> PyResult<Reading<'py>> {
    let py = value.py();
    let known = memory.borrow().types.find(value.as_borrowed()).cloned();
    let is_new = known.is_none();
    let plan = match known {
        Some(plan) => plan,
        None => {
            let kind = value.get_type();
            let instances = memory.borrow().instances;
            let Some((version, plan)) = caught(py, plan_of(&kind, instances))?.flatten() else {
                return Ok(Reading::ByForm(None));
            };
            let learned = memory.borrow_mut().types.learn(&kind, version, plan.clone());
            drop(caught(py, learned)?);
            plan
        }
    };
    Ok(match plan {
        Plan::Attributes(names) => {
            let pairs = names.iter().map(|name| Ok((name, value.getattr(name)?))).collect::<PyResult<Vec<_>>>();
            match caught(py, pairs)? {
                Some(pairs) => {
                    let pairs = PyList::new(py, pairs)?.unbind();
                    Reading::Converted(Bound::new(py, Members { pairs })?.into_any())
                }
                None => Reading::ByForm(None), // which says what is wrong
            }
        }
        Plan::Form(form) => Reading::ByForm(Some(form.bind(py).clone())),
        Plan::Generic => Reading::ByForm(None),
        // It was read by its plan, and was noted all the same: a slot is empty, a name is no text, or the value of a member
        // is a member.
        _ if !is_new => Reading::ByForm(None),
        _ => Reading::InPlace,
    })
}

/// None for an `Exception`, which only affects the event. What ends the program passes.
fn caught<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_instance_of::<PyException>(py) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What each of the values is converted to.
fn converted<'py>(
    values: &Bound<'py, PyList>,
    forms: &Bound<'py, PyList>,
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
    Ok(module.bind(py).getattr("converted")?.call1((values, forms, default))?.cast_into::<PyList>()?)
}
