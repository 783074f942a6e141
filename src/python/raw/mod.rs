//! What the walk reads from CPython's objects without a reference count, an exception or a copy.
//!
//! All of the walk's `unsafe` is here. It holds because of one thing: **while a walk reads an object no Python code
//! runs, no exception is made and no container is allocated** (which could start a collection, and so a finalizer), with
//! the interpreter's lock held throughout. So nothing can change or free what is read. It was bought with a measured
//! figure: see "What `unsafe` buys" in `benches/README.md`.

mod dict;

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::string::PyStringData;
use pyo3::types::{PyInt, PyList, PyString};

pub use dict::{Entries, for_each_member};

/// Calls `visit` with each element of a list.
///
/// # Safety
/// `visit` must not run Python code, make an exception, or allocate a Python container.
#[inline(always)]
pub unsafe fn for_each_element<'py, E>(
    list: &Bound<'py, PyList>,
    mut visit: impl FnMut(Borrowed<'_, 'py, PyAny>) -> Result<(), E>,
) -> Result<(), E> {
    for position in 0..list.len() {
        // SAFETY: the position is within the list, which owns the element and by the contract of `visit` keeps it.
        visit(unsafe {
            Borrowed::from_ptr(list.py(), ffi::PyList_GET_ITEM(list.as_ptr(), position as ffi::Py_ssize_t))
        })?;
    }
    Ok(())
}

/// The text where it lies, if it is ASCII, as most is.
#[inline(always)]
pub fn ascii<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    let object = text.as_ptr();
    // SAFETY: a compact ASCII str has its bytes right behind its header, one each, and a str never changes.
    unsafe {
        if ffi::PyUnicode_IS_COMPACT_ASCII(object) == 0 {
            return None;
        }
        let length = ffi::PyUnicode_GET_LENGTH(object) as usize;
        let bytes = std::slice::from_raw_parts(ffi::PyUnicode_1BYTE_DATA(object), length);
        Some(std::str::from_utf8_unchecked(bytes))
    }
}

/// Writes a text of any kind into `decoded`, with U+FFFD for each lone surrogate. True: there was one.
///
/// Unlike `to_str` it leaves no UTF-8 copy behind in the caller's object, and makes no exception of a surrogate.
#[inline(never)]
pub fn decode(text: &Bound<'_, PyString>, decoded: &mut String) -> bool {
    let mut repaired = false;
    let mut scalar = |code: u32| {
        char::from_u32(code).unwrap_or_else(|| {
            repaired = true;
            char::REPLACEMENT_CHARACTER
        })
    };
    decoded.clear();
    // SAFETY: the view is used before anything else happens to the str, which never changes.
    match unsafe { text.data() } {
        Ok(PyStringData::Ucs1(codes)) => decoded.extend(codes.iter().map(|&code| char::from(code))),
        Ok(PyStringData::Ucs2(codes)) => decoded.extend(codes.iter().map(|&code| scalar(code.into()))),
        Ok(PyStringData::Ucs4(codes)) => decoded.extend(codes.iter().map(|&code| scalar(code))),
        Err(_) => decoded.push_str(&text.to_string_lossy()),
    }
    repaired
}

/// An int's value, if 64 bits hold it.
#[inline(always)]
pub fn small_integer(integer: &Bound<'_, PyInt>) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: the object is an int, so the call makes no exception.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(integer.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(value)
}

/// Whether the interpreter that runs is the process's first, and not a subinterpreter.
pub fn is_main_interpreter() -> bool {
    // SAFETY: an interpreter runs, as this is called while a module is made; the first one has the number 0.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) == 0 }
}
