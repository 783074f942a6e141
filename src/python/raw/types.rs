//! What is read of a type and of the slots of its objects.

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The version of a type: another one once the type or one of its bases was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Version {
    tag: u32,
    /// Of the type's flags, those in `FLAGS`.
    flags: std::ffi::c_ulong,
}

/// The address of an object's type. The object owns a reference to it.
#[inline]
pub fn address_of_type(value: Borrowed<'_, '_, PyAny>) -> usize {
    value.get_type_ptr().addr()
}

/// The version of an object's type. None for a type without one, whose changes can't be seen.
#[inline]
pub fn version_of_type(value: Borrowed<'_, '_, PyAny>) -> Option<Version> {
    // SAFETY: an object has a type, and owns a reference to it.
    unsafe { version_at(value.get_type_ptr()) }
}

/// The version of a type.
pub fn version_of(kind: &Bound<'_, PyType>) -> Option<Version> {
    // SAFETY: it is a type.
    unsafe { version_at(kind.as_type_ptr()) }
}

/// # Safety
/// `kind` is a type.
#[cfg(not(feature = "abi3"))]
unsafe fn version_at(kind: *mut ffi::PyTypeObject) -> Option<Version> {
    /// Whether the tag is valid, before CPython 3.13, which has no such flag; and whether `Mapping` or `Sequence` was told of
    /// the type, by `register`, which leaves the tag.
    const FLAGS: std::ffi::c_ulong = 1 << 19 | 1 << 6 | 1 << 5;
    // SAFETY: a type has both fields. The interpreter's lock is held, so nothing writes to them.
    let (tag, flags) = unsafe { ((*kind).tp_version_tag, ffi::PyType_GetFlags(kind)) };
    (tag != 0).then_some(Version { tag, flags: flags & FLAGS })
}

/// The stable ABI hides the version, so no type has one.
///
/// # Safety
/// None is needed.
#[cfg(feature = "abi3")]
unsafe fn version_at(_kind: *mut ffi::PyTypeObject) -> Option<Version> {
    None
}

/// A slot of the objects of a type, by its place in them.
#[derive(Clone, Copy)]
pub struct Slot {
    offset: isize,
}

impl Slot {
    /// The slot that a descriptor of a type reads, if it reads one.
    #[cfg(not(feature = "abi3"))]
    pub fn of(descriptor: &Bound<'_, PyAny>, kind: &Bound<'_, PyType>) -> Option<Slot> {
        let object = descriptor.as_ptr();
        // SAFETY: an object of exactly the type of member descriptors has their fields; its definition lives as long.
        unsafe {
            if ffi::Py_TYPE(object) != &raw mut ffi::PyMemberDescr_Type {
                return None;
            }
            let descriptor = object.cast::<ffi::PyMemberDescrObject>();
            // pyo3 gives the field a wrong type for CPython 3.10.
            let definition = *(*descriptor).d_member.cast::<ffi::PyMemberDef>();
            let is_slot = definition.type_code == ffi::Py_T_OBJECT_EX && definition.offset > 0;
            let is_of_type = ffi::PyType_IsSubtype(kind.as_type_ptr(), (*descriptor).d_common.d_type) != 0;
            (is_slot && is_of_type).then_some(Slot { offset: definition.offset })
        }
    }

    #[cfg(feature = "abi3")]
    pub fn of(_descriptor: &Bound<'_, PyAny>, _kind: &Bound<'_, PyType>) -> Option<Slot> {
        None
    }

    /// What the slot of an object has; None if it is empty.
    ///
    /// # Safety
    /// The slot is of the object's type, and nothing changes the object while the result is used.
    #[inline]
    pub unsafe fn read<'a, 'py>(self, object: Borrowed<'a, 'py, PyAny>) -> Option<Borrowed<'a, 'py, PyAny>> {
        // SAFETY: the object has a reference or null at this place, by the contract.
        unsafe {
            let value = object.as_ptr().byte_offset(self.offset).cast::<*mut ffi::PyObject>().read();
            (!value.is_null()).then(|| Borrowed::from_ptr(object.py(), value))
        }
    }
}
