//! Dates and datetimes, read in place by their fields.
//!
//! The stable ABI hides the fields: with `abi3` every date is read by Python code, in a snapshot.

use pyo3::Borrowed;
use pyo3::prelude::*;

use crate::serialize::Moment;

/// What a value is, as a date.
pub enum Date {
    /// A date, a datetime without a timezone, or one in UTC.
    #[cfg_attr(feature = "abi3", allow(dead_code))]
    Moment(Moment),
    /// A datetime whose offset from UTC needs Python code.
    #[cfg_attr(feature = "abi3", allow(dead_code))]
    OfAnotherZone,
    /// A value of another type.
    Other,
}

/// Reads a value of exactly the type `date` or `datetime`. It runs no Python code after [`initialise`].
#[cfg(not(feature = "abi3"))]
pub fn read(value: Borrowed<'_, '_, PyAny>) -> Date {
    use pyo3::types::{PyDate, PyDateAccess, PyDateTime, PyTimeAccess, PyTzInfo, PyTzInfoAccess};
    if let Ok(moment) = value.cast_exact::<PyDateTime>() {
        let utc = match moment.get_tzinfo() {
            None => false,
            Some(zone) if PyTzInfo::utc(moment.py()).is_ok_and(|utc| zone.is(utc)) => true,
            Some(_) => return Date::OfAnotherZone,
        };
        let date = (moment.get_year(), moment.get_month(), moment.get_day());
        let clock = (moment.get_hour(), moment.get_minute(), moment.get_second(), moment.get_microsecond());
        return Date::Moment(Moment::from_civil(date, clock, utc));
    }
    match value.cast_exact::<PyDate>() {
        Ok(date) => {
            let date = (date.get_year(), date.get_month(), date.get_day());
            Date::Moment(Moment::from_civil(date, (0, 0, 0, 0), false))
        }
        Err(_) => Date::Other,
    }
}

/// The stable ABI has no call that reads a field without allocating a tuple.
#[cfg(feature = "abi3")]
pub fn read(_value: Borrowed<'_, '_, PyAny>) -> Date {
    Date::Other
}

/// Imports what pyo3 would import at the first date.
pub fn initialise(py: Python<'_>) -> PyResult<()> {
    use pyo3::types::{PyDate, PyDateTime, PyTzInfo};
    let utc = PyTzInfo::utc(py)?;
    read(PyDateTime::new(py, 2000, 1, 1, 0, 0, 0, 0, Some(&utc))?.as_any().as_borrowed());
    read(PyDate::new(py, 2000, 1, 1)?.as_any().as_borrowed());
    Ok(())
}
