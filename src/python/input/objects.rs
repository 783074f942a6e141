//! Input of Python objects.

use pyo3::prelude::*;

use super::fill::{Filled, Filling, Step};
use crate::python::engine::Engine;

/// Events after which the time is read, which takes as long as a small value.
const CHECKED_EVERY: usize = 32;

/// Adds the objects of an iterator until a batch is full, there is much to report, or there are no more.
pub fn fill_from_objects<'py>(
    mut events: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>,
    engine: &Engine,
    filling: &mut Filling<'_>,
) -> PyResult<Filled> {
    let filled = filling.add_all(|filling| {
        let Some(event) = events.next().transpose()? else { return Ok(Step::End) };
        let origin = filling.next_origin();
        engine.add(filling.workspace, origin, &event, filling.records)?;
        if origin.index % CHECKED_EVERY == 0 {
            filling.workspace.let_others_run(event.py());
        }
        Ok::<_, PyErr>(Step::Event)
    })?;
    Ok(filled.unwrap_or(Filled::Input))
}
