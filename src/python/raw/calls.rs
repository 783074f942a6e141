//! `bracket` and `together`: several calls between which no line of Python runs.
//!
//! Python runs signal handlers and trace functions only between bytecodes, and both may raise. Neither a `with` block nor
//! a `finally` protects a lock from that: an exception can come on the line that is about to release it.
//!
//! The functions that run the steps are plain C functions, without the wrapper that pyo3 puts around others: until 3.13, an
//! interpreter that ends unwinds each daemon thread out of the step that it is in, and that wrapper would abort the process.
//! So these functions own nothing that must be dropped: what they hold is leaked when a thread is unwound.

use std::cell::Cell;
use std::ffi::CStr;
use std::ptr;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A function for CPython, which reads it only.
struct Definition(ffi::PyMethodDef);

// SAFETY: it has pointers to constants and functions alone, and nothing writes to it.
unsafe impl Sync for Definition {}

const fn define(
    name: &'static CStr,
    doc: &'static CStr,
    run: unsafe extern "C" fn(*mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject,
) -> Definition {
    Definition(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: run },
        ml_flags: ffi::METH_VARARGS,
        ml_doc: doc.as_ptr(),
    })
}

static BRACKETED: Definition =
    define(c"bracketed", c"bracketed(step, *values): call step(*values) between two other calls.", bracketed);
static TOGETHER: Definition =
    define(c"together", c"together(*steps)\n--\n\nCall each step, and return their results.", together_);

thread_local! {
    /// How many steps of brackets this thread is in.
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is in a step of a bracket, so that it may hold a lock.
#[pyfunction]
pub fn in_bracket() -> bool {
    STEPS.get() > 0
}

/// Forgets the steps of brackets that this thread is in, in a child after a fork: the locks are those of the parent.
#[pyfunction]
pub fn forget_brackets() {
    STEPS.set(0);
}

/// A function that calls `before`, then a step, then `after`, however the step ends.
#[pyfunction]
pub fn bracket<'py>(before: &Bound<'py, PyAny>, after: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    for (name, given) in [("before", before), ("after", after)] {
        if !given.is_callable() {
            return Err(PyTypeError::new_err(format!("{name} must be a function, got {}", given.repr()?)));
        }
    }
    let both = PyTuple::new(before.py(), [before, after])?;
    // SAFETY: `bracketed` reads a tuple of two functions.
    unsafe { function(&BRACKETED, both.as_any()) }
}

/// The function `together`.
pub fn together(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: `together_` does not use its object.
    unsafe { function(&TOGETHER, py.None().bind(py)) }
}

/// A Python function that gets `object` as its first argument.
///
/// # Safety
/// The object must be one that the function accepts.
unsafe fn function<'py>(definition: &'static Definition, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let definition = ptr::from_ref(&definition.0).cast_mut();
    // SAFETY: the definition lives as long as the process, and CPython only reads it; a new reference, or null and an
    // exception, is returned.
    unsafe {
        let made = ffi::PyCFunction_NewEx(definition, object.as_ptr(), ptr::null_mut());
        Bound::from_owned_ptr_or_err(object.py(), made)
    }
}

/// # Safety
/// Called by CPython with a tuple of two functions and a tuple of arguments.
#[allow(deprecated, reason = "PyErr_GetRaisedException is new in 3.12, and this is in every version")]
unsafe extern "C" fn bracketed(both: *mut ffi::PyObject, values: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: both tuples are borrowed for the call, and so are their items; each new reference is given away once. The
    // exception of the step is put aside while `after` runs.
    unsafe {
        let count = ffi::PyTuple_Size(values);
        if count < 1 {
            ffi::PyErr_SetString(ffi::PyExc_TypeError, c"a step to call is missing".as_ptr());
            return ptr::null_mut();
        }
        let rest = ffi::PyTuple_GetSlice(values, 1, count);
        if rest.is_null() {
            return ptr::null_mut();
        }
        let begun = ffi::PyObject_CallNoArgs(ffi::PyTuple_GetItem(both, 0));
        if begun.is_null() {
            ffi::Py_DECREF(rest);
            return ptr::null_mut();
        }
        STEPS.set(STEPS.get() + 1);
        let result = ffi::PyObject_Call(ffi::PyTuple_GetItem(values, 0), rest, ptr::null_mut());
        let (mut kind, mut value, mut traceback) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        ffi::PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
        let ended = ffi::PyObject_CallNoArgs(ffi::PyTuple_GetItem(both, 1));
        STEPS.set(STEPS.get().saturating_sub(1)); // 0 in a child of a fork within this step
        if result.is_null() {
            ffi::PyErr_Restore(kind, value, traceback); // in place of one that `after` raised
        }
        ffi::Py_DECREF(begun);
        ffi::Py_DECREF(rest);
        ffi::Py_XDECREF(ended);
        if !result.is_null() && ended.is_null() {
            ffi::Py_DECREF(result);
            return ptr::null_mut();
        }
        result
    }
}

/// # Safety
/// Called by CPython with a tuple of functions.
unsafe extern "C" fn together_(_: *mut ffi::PyObject, steps: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the tuple is borrowed for the call, and so are its items. The new tuple is filled from its start, and freed
    // when a step raises; SetItem takes the reference to a result.
    unsafe {
        let count = ffi::PyTuple_Size(steps);
        let results = ffi::PyTuple_New(count);
        if results.is_null() {
            return results;
        }
        for place in 0..count {
            let result = ffi::PyObject_CallNoArgs(ffi::PyTuple_GetItem(steps, place));
            if result.is_null() || ffi::PyTuple_SetItem(results, place, result) != 0 {
                ffi::Py_DECREF(results);
                return ptr::null_mut();
            }
        }
        results
    }
}
