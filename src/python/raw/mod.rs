//! Reads of CPython's objects without a reference count, an exception or a copy.
//!
//! The walk's `unsafe` reads are here, and the walk promises their contract where it calls them. They rely on one invariant: **while a walk reads an object, no Python code runs, no
//! exception is made and no container is allocated** (which could start a collection, and so a finalizer), and the
//! interpreter's lock is held throughout. So nothing can change or free the objects of the walk. Where the core is built for an
//! interpreter without that lock, references to the members of each container are held instead. "What `unsafe` buys" in
//! `benches/README.md` has the measured gain.

#[cfg_attr(feature = "abi3", allow(dead_code))] // the stable ABI hides all of it
pub mod arrays;
pub mod calls;
pub mod containers;
#[cfg(not(feature = "abi3"))]
pub mod decimals;
mod dict;
#[cfg(not(feature = "abi3"))]
pub mod fields;
#[cfg_attr(feature = "abi3", allow(dead_code))] // the stable ABI hides all of it
pub mod instance;
#[cfg(not(feature = "abi3"))]
pub mod integers;
#[cfg(not(feature = "abi3"))]
pub mod learned;
#[cfg(not(feature = "abi3"))]
pub mod numpy;
#[cfg_attr(feature = "abi3", path = "stable.rs")]
mod text;
pub mod types;
#[cfg(not(feature = "abi3"))]
pub mod zones;

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
#[cfg(not(feature = "abi3"))]
use pyo3::types::PyDict;
use pyo3::types::{PyInt, PyList, PyString};
use pyo3::{Borrowed, PyTypeInfo};

use crate::vectors::Vectors;

pub use dict::{Array, Entries, VisitMember, find_frozen, for_each_entry, for_each_member, frozen};
pub use text::{ascii, verify as verify_texts, with_code_points};

/// Whether the core is built for an interpreter without a lock, whose objects have a longer header. `check_lock` lets it run
/// there only with the lock on.
pub const FREE_THREADED: bool = size_of::<ffi::PyObject>() > 2 * size_of::<usize>();

#[cfg(not(feature = "abi3"))]
use ffi::PyList_GET_ITEM as element_of;
#[cfg(feature = "abi3")]
use ffi::PyList_GetItem as element_of;

/// What is done with each element of a list.
pub trait VisitElement<'py> {
    /// Why no further element is visited.
    type Stop;

    /// Visits an element. Must be marked `#[inline(always)]`, as for [`crate::vectors::Work`].
    fn visit(&mut self, element: Borrowed<'_, 'py, PyAny>) -> Result<(), Self::Stop>;
}

/// Visits each element of a list.
///
/// # Safety
/// `visitor` must not run Python code, make an exception, or allocate a Python container.
#[inline(always)]
pub unsafe fn for_each_element<'py, V: VisitElement<'py>>(
    list: &Bound<'py, PyList>,
    mut visitor: V,
) -> Result<(), V::Stop> {
    if FREE_THREADED {
        for element in held(list) {
            visitor.visit(element.as_borrowed())?;
        }
        return Ok(());
    }
    for position in 0..list.len() {
        // SAFETY: the position is within the list, which owns the element and, by the contract of `visitor`, keeps it.
        let element = unsafe { Borrowed::from_ptr(list.py(), element_of(list.as_ptr(), position as ffi::Py_ssize_t)) };
        visitor.visit(element)?;
        debug_assert!(!has_exception() && position < list.len(), "`visitor` must keep its contract");
    }
    Ok(())
}

/// The element of a list at a position, if there is one.
#[inline(always)]
pub fn element<'py>(list: &Bound<'py, PyList>, at: usize) -> Option<Bound<'py, PyAny>> {
    if at >= list.len() {
        return None;
    }
    if FREE_THREADED {
        return list.get_item(at).ok(); // another thread may shorten the list in between
    }
    // SAFETY: the position is within the list, and the interpreter's lock is held, so the list owns the element meanwhile.
    Some(unsafe { Borrowed::from_ptr(list.py(), element_of(list.as_ptr(), at as ffi::Py_ssize_t)) }.to_owned())
}

/// The elements of a list at one moment, each held: in a free-threaded interpreter another thread may remove it meanwhile.
fn held<'py>(list: &Bound<'py, PyList>) -> Vec<Bound<'py, PyAny>> {
    with_critical_section(list, || {
        // SAFETY: the list is locked, so it owns the element until a reference to it is counted.
        let element = |at| unsafe { Borrowed::from_ptr(list.py(), element_of(list.as_ptr(), at as ffi::Py_ssize_t)) };
        (0..list.len()).map(|at| element(at).to_owned()).collect()
    })
}

/// Replaces `decoded` by a text, with U+FFFD for each lone surrogate. Returns whether there was one.
pub fn decode(text: &Bound<'_, PyString>, decoded: &mut String, vectors: impl Vectors) -> bool {
    with_code_points(text, |codes| {
        let is_repaired = !vectors.decode(decoded, codes);
        if is_repaired {
            *decoded = codes.repaired();
        }
        is_repaired
    })
}

/// Verifies the layout of the ints that [`small_integer`] reads in place.
pub fn verify_integers(py: Python<'_>) {
    #[cfg(not(feature = "abi3"))]
    integers::verify(py);
    let _ = py;
}

/// The value as one of exactly this type. Unlike `Borrowed::cast_exact` it does not read the type object's reference count,
/// which an error would need.
#[inline(always)]
pub fn exact<'a, 'py, T: PyTypeInfo>(value: Borrowed<'a, 'py, PyAny>) -> Option<Borrowed<'a, 'py, T>> {
    // SAFETY: the object is of this type.
    value.is_exact_instance_of::<T>().then(|| unsafe { value.cast_unchecked() })
}

/// Whether an exception is set in this thread.
fn has_exception() -> bool {
    // SAFETY: the interpreter's lock is held; the call only reads a field of the thread.
    unsafe { !ffi::PyErr_Occurred().is_null() }
}

/// The value of an int, if it fits into 64 bits.
#[inline(always)]
pub fn small_integer(integer: &Bound<'_, PyInt>) -> Option<i64> {
    #[cfg(not(feature = "abi3"))]
    if let Some(value) = integers::in_place(integer) {
        return Some(value);
    }
    let mut overflow = 0;
    // SAFETY: the object is an int, so the call makes no exception.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(integer.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(value)
}

/// `sys.modules`, without an import of `sys`, which a program may have hooked.
#[cfg(not(feature = "abi3"))]
pub fn modules(py: Python<'_>) -> Bound<'_, PyDict> {
    // SAFETY: the interpreter owns the dict, and it is a dict.
    unsafe { Bound::from_borrowed_ptr(py, ffi::PyImport_GetModuleDict()).cast_into_unchecked() }
}

/// `ImportError` where the interpreter's lock is off: without it, another thread can free what a walk reads.
pub fn check_lock(py: Python<'_>) -> PyResult<()> {
    let sys = py.import("sys")?;
    let Ok(is_on) = sys.getattr("_is_gil_enabled") else { return Ok(()) }; // before Python 3.13 it can't be off
    if is_on.call0()?.is_truthy()? {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "mixpress needs the interpreter's lock (GIL), which is off: set PYTHON_GIL=1 in the environment, or start Python with \
         `-X gil=1`",
    ))
}

/// Whether the current interpreter is the main one of the process, and not a subinterpreter.
pub fn is_main_interpreter() -> bool {
    // SAFETY: called while a module is initialised, so there is a current interpreter; the main one has the id 0.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) == 0 }
}
