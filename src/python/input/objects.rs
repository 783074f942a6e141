//! Input of Python objects.

use pyo3::prelude::*;

use super::fill::{Filled, HANDED_OVER};
use crate::batch::Added;
use crate::python::encoder::Encoder;
use crate::python::engine::Workspace;
use crate::rules::finding::Origin;

pub fn fill_from_objects<'py>(
    events: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>,
    encoder: &Encoder,
    workspace: &mut Workspace,
    index: &mut usize,
    found: &mut Vec<Added>,
) -> PyResult<Filled> {
    for event in events {
        let event = event?;
        let origin = Origin { index: *index, line: None };
        *index += 1;
        encoder.add(workspace, origin, &event, found)?;
        if workspace.is_full() {
            return Ok(Filled::Batch);
        }
        if found.len() >= HANDED_OVER {
            return Ok(Filled::Findings);
        }
    }
    Ok(Filled::Input)
}
