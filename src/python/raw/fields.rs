//! Fields of the objects of one type, which Python code sees as attributes.
//!
//! Where such a field is in memory is private to its module. It is found by samples: the place that has, in each of them,
//! the very object that the attribute returns.

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// A field that has an object, in the instances of exactly one type.
pub struct ObjectField {
    kind: Py<PyType>,
    offset: usize,
}

impl ObjectField {
    /// Finds the field by instances of one type, each with the object that is in its field.
    pub fn find<'py>(samples: &[(Bound<'py, PyAny>, Bound<'py, PyAny>)]) -> Option<ObjectField> {
        let kind = samples.first()?.0.get_type();
        let size = size_of_instances(&kind);
        if !samples.iter().all(|(instance, _)| instance.get_type().is(&kind)) {
            return None;
        }
        let mut offsets = (size_of::<ffi::PyObject>()..size).step_by(size_of::<usize>());
        let offset = offsets.find(|&offset| {
            samples.iter().all(|(instance, held)| {
                // SAFETY: the word is within the instance, and only its value is compared.
                unsafe { instance.as_ptr().byte_add(offset).cast::<*mut ffi::PyObject>().read() == held.as_ptr() }
            })
        })?;
        Some(ObjectField { kind: kind.unbind(), offset })
    }

    /// The object in the field; None if the value is of another type, or the field is empty.
    #[inline(always)]
    pub fn get<'a, 'py>(&self, value: Borrowed<'a, 'py, PyAny>) -> Option<Borrowed<'a, 'py, PyAny>> {
        if !is_exactly(value, &self.kind) {
            return None;
        }
        // SAFETY: the samples proved that the field is at this offset of the type's instances, and it has an object or null.
        // The instance owns the object; it keeps it while the walk lasts, as no Python code runs.
        unsafe {
            let held = value.as_ptr().byte_add(self.offset).cast::<*mut ffi::PyObject>().read();
            (!held.is_null()).then(|| Borrowed::from_ptr(value.py(), held))
        }
    }
}

/// Whether a value's type is this one, and not a subclass.
#[inline(always)]
pub fn is_exactly(value: Borrowed<'_, '_, PyAny>, kind: &Py<PyType>) -> bool {
    value.get_type_ptr() == kind.as_ptr().cast()
}

/// The bytes of an instance, without those of its items.
pub fn size_of_instances(kind: &Bound<'_, PyType>) -> usize {
    // SAFETY: it is a type.
    unsafe { (*kind.as_type_ptr()).tp_basicsize as usize }
}
