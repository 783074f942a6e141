//! The Timestamp of pandas, and its two values that say that there is none.

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyDateAccess, PyDateTime, PyType};

use super::dates;
use super::library::Library;
use crate::python::raw::fields::is_exactly;
use crate::source::Sink;

/// What is known of pandas' types.
pub struct Pandas {
    timestamp: Py<PyType>,
    /// `NaT` and `NA`, each the only one of its type.
    nothing: [Py<PyAny>; 2],
}

pub static PANDAS: Library<Pandas> = Library::new("pandas", |pandas| {
    let timestamp = pandas.getattr("Timestamp")?.cast_into::<PyType>()?;
    if !timestamp.is_subclass_of::<PyDateTime>()? {
        return Ok(None);
    }
    let nothing = [pandas.getattr("NaT")?.unbind(), pandas.getattr("NA")?.unbind()];
    Ok(Some(Pandas { timestamp: timestamp.unbind(), nothing }))
});

impl Pandas {
    /// Pushes an exact Timestamp, NaT or NA. Returns whether it did.
    pub fn push<S: Sink>(&self, value: Borrowed<'_, '_, PyAny>, sink: &mut S) -> bool {
        if self.nothing.iter().any(|nothing| value.is(nothing)) {
            sink.null();
            return true;
        }
        let Ok(timestamp) = value.cast::<PyDateTime>() else { return false };
        // The fields are those of a datetime. Beyond the years of datetime, pandas sets one of these years instead and keeps
        // the true one elsewhere.
        if !is_exactly(value, &self.timestamp) || matches!(timestamp.get_year(), 1970 | 1972) {
            return false;
        }
        let Some(moment) = dates::read(&timestamp) else { return false };
        sink.moment(moment);
        true
    }
}
