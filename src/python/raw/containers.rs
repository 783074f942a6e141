//! The dict of a `MappingProxyType`, and whether an `OrderedDict` has the order of its dict.
//!
//! Both are fields that are private to CPython. They are read only in versions that are known, and only after a check with
//! Python's own answers.

use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// CPython's `mappingproxyobject`.
#[repr(C)]
struct Proxy {
    object: ffi::PyObject,
    mapping: *mut ffi::PyObject,
}

/// CPython's `struct _odictnode`.
#[repr(C)]
struct Node {
    key: *mut ffi::PyObject,
    hash: isize,
    next: *const Node,
    previous: *const Node,
}

/// The mapping of a proxy.
///
/// # Safety
/// The object is a `MappingProxyType`, and [`read_proxies`] is true.
#[inline]
pub unsafe fn mapping_of<'a, 'py>(proxy: Borrowed<'a, 'py, PyAny>) -> Borrowed<'a, 'py, PyAny> {
    // SAFETY: the proxy owns its mapping, and has it for as long as it lives.
    unsafe { Borrowed::from_ptr(proxy.py(), (*proxy.as_ptr().cast::<Proxy>()).mapping) }
}

/// Whether an `OrderedDict` has its members in the order of its dict: not where one was moved to an end.
///
/// # Safety
/// The object is exactly an `OrderedDict`, and [`read_ordered`] is true.
pub unsafe fn is_in_order(dict: &Bound<'_, PyDict>) -> bool {
    let (mut key, mut value, mut position) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
    // SAFETY: the first node follows the fields of the dict. Nothing changes the dict meanwhile.
    unsafe {
        let mut node = *dict.as_ptr().byte_add(size_of_dict()).cast::<*const Node>();
        while ffi::PyDict_Next(dict.as_ptr(), &raw mut position, &raw mut key, &raw mut value) != 0 {
            if node.is_null() || (*node).key != key {
                return false;
            }
            node = (*node).next;
        }
        node.is_null()
    }
}

/// The size of CPython's `PyDictObject`.
fn size_of_dict() -> usize {
    const WORDS: usize = 4;
    size_of::<ffi::PyObject>() + WORDS * size_of::<usize>()
}

fn is_known_version(py: Python<'_>) -> bool {
    let version = py.version_info();
    !cfg!(feature = "abi3")
        && size_of::<ffi::PyObject>() == 16
        && ((3, 11)..=(3, 15)).contains(&(version.major, version.minor))
}

const UNSEEN: u8 = 0;

/// What a check says, which runs Python code. It is repeated only where several threads come to it at once.
fn once(seen: &AtomicU8, check: impl FnOnce() -> bool) -> bool {
    const AGREE: u8 = 1;
    const DISAGREE: u8 = 2;
    if seen.load(Ordering::Relaxed) == UNSEEN {
        let agrees = check();
        seen.store(if agrees { AGREE } else { DISAGREE }, Ordering::Relaxed);
    }
    seen.load(Ordering::Relaxed) == AGREE
}

/// Whether the mapping of a proxy is read where it is.
pub fn read_proxies(py: Python<'_>) -> bool {
    let check = || {
        let dict = PyDict::new(py);
        let proxy = py.import("types")?.getattr("MappingProxyType")?.call1((&dict,))?;
        // SAFETY: it is a proxy. The pointer in its place is only compared.
        let found = unsafe { (*proxy.as_ptr().cast::<Proxy>()).mapping };
        Ok::<_, PyErr>(found == dict.as_ptr())
    };
    static SEEN: AtomicU8 = AtomicU8::new(UNSEEN);
    is_known_version(py) && once(&SEEN, || check().unwrap_or(false))
}

/// Whether the order of an `OrderedDict` is read as Python says it is.
pub fn read_ordered(py: Python<'_>) -> bool {
    let check = || {
        let size: usize = py.get_type::<PyDict>().getattr("__basicsize__")?.extract()?;
        if size != size_of_dict() {
            return Ok(false);
        }
        let source = cr#"
from collections import OrderedDict
made = [OrderedDict((str(number), number) for number in range(count)) for count in (0, 1, 2, 9, 100)]
moved = [each.copy() for each in made[2:]]
for each in moved:
    each.move_to_end("0")
deleted = made[4].copy()
for number in range(0, 100, 3):
    del deleted[str(number)]
samples = [(each, True) for each in [*made, deleted]] + [(each, False) for each in moved]
"#;
        let names = PyDict::new(py);
        py.run(source, Some(&names), Some(&names))?;
        let samples: Vec<(Bound<'_, PyDict>, bool)> = names.as_any().get_item("samples")?.extract()?;
        // SAFETY: each is exactly an `OrderedDict` of a known version.
        Ok::<_, PyErr>(samples.iter().all(|(dict, expected)| unsafe { is_in_order(dict) } == *expected))
    };
    static SEEN: AtomicU8 = AtomicU8::new(UNSEEN);
    is_known_version(py) && once(&SEEN, || check().unwrap_or(false))
}
