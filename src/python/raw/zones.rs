//! The UTC offset of a datetime in a `zoneinfo.ZoneInfo`, by the C function of its method.
//!
//! A zone's transitions are private to `_zoneinfo`, and an offset can change at any second. So its own `utcoffset` is asked:
//! a C function that, for exact types, compares the datetime's fields with an array of transitions, or with the zone's
//! rule, and returns a timedelta that the zone keeps. It is called directly: a call of the method may raise RecursionError.

use std::ffi::CStr;
use std::ptr;

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyDelta, PyType};

use super::fields::is_exactly;

/// The right to call the method of zones. A value exists only for the C class.
pub struct Zones {
    kind: Py<PyType>,
    /// Keeps the definition of the function.
    _method: Py<PyAny>,
    function: Function,
}

#[derive(Clone, Copy)]
enum Function {
    /// `METH_O`, until CPython 3.11.
    OfOne(ffi::PyCFunction),
    /// `METH_METHOD | METH_FASTCALL | METH_KEYWORDS`.
    OfMany(ffi::PyCMethod),
}

impl Zones {
    /// The right to call `utcoffset` of this class, if it is a C function with a known signature.
    pub fn of(kind: &Bound<'_, PyType>) -> PyResult<Option<Zones>> {
        let method = kind.getattr("__dict__")?.get_item("utcoffset")?;
        let descriptors = &raw mut ffi::PyMethodDescr_Type;
        if method.get_type_ptr() != descriptors || kind.getattr("__module__")?.extract::<String>()? != "zoneinfo" {
            return Ok(None);
        }
        // SAFETY: it is a method descriptor.
        let function = unsafe { function_of(&method, kind) };
        Ok(function.map(|function| Zones { kind: kind.clone().unbind(), _method: method.unbind(), function }))
    }

    /// Whether a value's type is exactly ZoneInfo.
    pub fn is_one(&self, zone: Borrowed<'_, '_, PyAny>) -> bool {
        is_exactly(zone, &self.kind)
    }

    /// The offset of a moment in an exact ZoneInfo; None for a zone of another class.
    ///
    /// The moment's type must be exactly datetime: of a subclass, the function would ask attributes.
    #[inline]
    pub fn offset<'py>(
        &self,
        zone: Borrowed<'_, 'py, PyAny>,
        moment: &Bound<'py, PyDateTime>,
    ) -> Option<Bound<'py, PyDelta>> {
        if !self.is_one(zone) || !moment.is_exact_instance_of::<PyDateTime>() {
            return None;
        }
        let (py, zone, moment) = (zone.py(), zone.as_ptr(), [moment.as_ptr()]);
        // SAFETY: the function is the method of the zone's exact type, called as its flags say. For an exact datetime it
        // runs no Python code, raises nothing and allocates nothing; it returns a new reference.
        let offset = unsafe {
            let offset = match self.function {
                Function::OfOne(function) => function(zone, moment[0]),
                Function::OfMany(function) => {
                    function(zone, self.kind.as_ptr().cast(), moment.as_ptr(), 1, ptr::null_mut())
                }
            };
            Bound::from_owned_ptr_or_opt(py, offset)?
        };
        offset.cast_into_exact::<PyDelta>().ok()
    }
}

/// The function of a method of this class, if it is `utcoffset` and has a known signature.
///
/// # Safety
/// `method` is a method descriptor.
unsafe fn function_of(method: &Bound<'_, PyAny>, kind: &Bound<'_, PyType>) -> Option<Function> {
    // SAFETY: its layout is in the public header `cpython/descrobject.h`. It keeps its definition, and the union has the
    // pointer that the flags say.
    unsafe {
        let descriptor = &*method.as_ptr().cast::<ffi::PyMethodDescrObject>();
        let definition = &*descriptor.d_method;
        if descriptor.d_common.d_type != kind.as_type_ptr() || CStr::from_ptr(definition.ml_name) != c"utcoffset" {
            return None;
        }
        match definition.ml_flags {
            ffi::METH_O => Some(Function::OfOne(definition.ml_meth.PyCFunction)),
            flags if flags == ffi::METH_METHOD | ffi::METH_FASTCALL | ffi::METH_KEYWORDS => {
                Some(Function::OfMany(definition.ml_meth.PyCMethod))
            }
            _ => None,
        }
    }
}
