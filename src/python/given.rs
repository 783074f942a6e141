//! `Given`: an argument of the right type, or a description of a wrong one for the error message.

use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// Characters of a value that an error shows.
const SHOWN: usize = 100;

pub enum Given<T> {
    Right(T),
    Wrong(Wrong),
}

/// An argument of another type, or a number that its type can't hold.
pub struct Wrong {
    shown: String,
    type_name: String,
    is_type: bool,
}

impl<T> Given<T> {
    /// The argument, or an error that says what it must be and shows the value.
    pub fn or_say(self, name: &str, must_be: &str) -> PyResult<T> {
        self.or_error(|wrong| format!("{name} must be {must_be}, got {}", wrong.shown))
    }

    /// The same for a value that may be a secret: the error names its type alone.
    pub fn or_say_type(self, name: &str, must_be: &str) -> PyResult<T> {
        self.or_error(|wrong| format!("{name} must be {must_be}, got a value of type {}", wrong.type_name))
    }

    fn or_error(self, message: impl FnOnce(&Wrong) -> String) -> PyResult<T> {
        match self {
            Given::Right(value) => Ok(value),
            Given::Wrong(wrong) if wrong.is_type => Err(PyTypeError::new_err(message(&wrong))),
            Given::Wrong(wrong) => Err(PyValueError::new_err(message(&wrong))),
        }
    }
}

impl From<&str> for Given<String> {
    fn from(word: &str) -> Given<String> {
        Given::Right(word.to_owned())
    }
}

impl From<bool> for Given<bool> {
    fn from(value: bool) -> Given<bool> {
        Given::Right(value)
    }
}

impl<'py, T: FromPyObjectOwned<'py>> FromPyObject<'_, 'py> for Given<T> {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Given<T>> {
        let error: PyErr = match given.extract::<T>() {
            Ok(value) => return Ok(Given::Right(value)),
            Err(error) => error.into(),
        };
        Ok(Given::Wrong(Wrong {
            shown: given.repr()?.to_string_lossy().chars().take(SHOWN).collect(),
            type_name: given.get_type().name()?.to_string_lossy().into_owned(),
            is_type: !error.is_instance_of::<PyOverflowError>(given.py()),
        }))
    }
}
