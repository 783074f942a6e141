//! The members of a dict, read in place.
//!
//! `PyDict_Next` searches for its position at every member, which takes longer than writing the member. In CPython 3.11 to
//! 3.15 the members of an ordinary dict (all names are text, and it is not the `__dict__` of an object) are an array of
//! names and values in insertion order. The array is private to CPython. So it is read only in those versions, and only
//! after [`Entries::verify`] found that it agrees with `PyDict_Next`. Otherwise, and for every other dict, `PyDict_Next`
//! is called. See "What `unsafe` buys" in `benches/README.md`.

use std::convert::Infallible;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyDict, PyType};

/// The right to read a dict's entries. A value exists only where the layout described here was verified.
#[derive(Clone, Copy)]
pub struct Entries {
    _verified: (),
}

/// The first fields of CPython's `PyDictObject`.
#[repr(C)]
struct Dict {
    object: ffi::PyObject,
    used: isize,
    version_tag: u64,
    keys: *const Keys,
    /// Null except for the `__dict__` of an object, whose values are stored apart.
    values: *const u8,
}

/// CPython's `struct _dictkeysobject`.
#[repr(C)]
pub(super) struct Keys {
    reference_count: isize,
    log2_size: u8,
    /// The binary logarithm of the number of bytes of indices before the entries.
    log2_index_bytes: u8,
    kind: u8,
    version: u32,
    usable: isize,
    /// Entries in use, or deleted.
    entry_count: isize,
}

/// `DICT_KEYS_UNICODE`: an entry is a name, which is text, and a value.
const KIND_OF_TEXT: u8 = 1;

/// CPython's `PyDictUnicodeEntry`.
#[repr(C)]
pub(super) struct Entry {
    pub(super) name: *mut ffi::PyObject,
    /// Null where the member was deleted.
    value: *mut ffi::PyObject,
}

impl Keys {
    /// The entries, and how many are in use or deleted.
    ///
    /// # Safety
    /// The pointer is to the keys of a dict or type with this layout, whose names are all text.
    #[inline(always)]
    pub(super) unsafe fn entries(keys: *const Keys) -> (*const Entry, usize) {
        // SAFETY: the entries follow the indices, which follow the keys' fields.
        unsafe {
            let indices = keys.add(1).cast::<u8>();
            (indices.add(1 << (*keys).log2_index_bytes).cast::<Entry>(), (*keys).entry_count as usize)
        }
    }
}

/// What is done with each member of a dict.
pub trait VisitMember<'py> {
    /// Why no further member is visited.
    type Stop;

    /// Visits a member. Must be marked `#[inline(always)]`, as for [`crate::vectors::Work`].
    fn visit(&mut self, name: Borrowed<'_, 'py, PyAny>, value: Borrowed<'_, 'py, PyAny>) -> Result<(), Self::Stop>;
}

/// Visits each name and value of a dict, in its order.
///
/// # Safety
/// `visitor` must not run Python code, make an exception, or allocate a Python container.
#[inline(always)]
pub unsafe fn for_each_member<'py, V: VisitMember<'py>>(
    dict: &Bound<'py, PyDict>,
    mut visitor: V,
) -> Result<(), V::Stop> {
    if super::FREE_THREADED {
        for (name, value) in held(dict) {
            visitor.visit(name.as_borrowed(), value.as_borrowed())?;
        }
        return Ok(());
    }
    let size = dict.len();
    let mut position = 0;
    // SAFETY: by the contract of `visitor` nothing changes the dict meanwhile.
    while let Some((name, value)) = unsafe { next_member(dict, &mut position) } {
        // SAFETY: the dict owns both, and by the contract of `visitor` it keeps them.
        let (name, value) = unsafe { (Borrowed::from_ptr(dict.py(), name), Borrowed::from_ptr(dict.py(), value)) };
        visitor.visit(name, value)?;
        debug_assert!(!super::has_exception() && dict.len() == size, "`visitor` must keep its contract");
    }
    Ok(())
}

/// Does what [`for_each_member`] does, by the dict's array.
///
/// # Safety
/// `visitor` must not run Python code, make an exception, or allocate a Python container. The dict has not changed since it
/// was given to [`Entries::of`].
#[inline(always)]
pub unsafe fn for_each_entry<'py, V: VisitMember<'py>>(
    dict: &Bound<'py, PyDict>,
    array: Array,
    mut visitor: V,
) -> Result<(), V::Stop> {
    let size = dict.len();
    let Array { mut next, end } = array;
    while next != end {
        // SAFETY: it is before the end of the array.
        let Entry { name, value } = unsafe { next.read() };
        // SAFETY: as before.
        next = unsafe { next.add(1) };
        // SAFETY: the dict owns both, and by the contract of `visitor` it keeps them. Of a deleted member both are null.
        let members =
            unsafe { (Borrowed::from_ptr_or_opt(dict.py(), name), Borrowed::from_ptr_or_opt(dict.py(), value)) };
        if let (Some(name), Some(value)) = members {
            visitor.visit(name, value)?;
            debug_assert!(!super::has_exception() && dict.len() == size, "`visitor` must keep its contract");
        }
    }
    Ok(())
}

/// The members of a dict at one moment, each held: in a free-threaded interpreter another thread may remove it meanwhile.
fn held<'py>(dict: &Bound<'py, PyDict>) -> Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    with_critical_section(dict, || {
        let (py, mut position, mut held) = (dict.py(), 0, Vec::with_capacity(dict.len()));
        // SAFETY: the dict is locked, and the loop runs no Python code.
        while let Some((name, value)) = unsafe { next_member(dict, &mut position) } {
            // SAFETY: so the dict owns both until references to them are counted.
            held.push(unsafe { (Borrowed::from_ptr(py, name).to_owned(), Borrowed::from_ptr(py, value).to_owned()) });
        }
        held
    })
}

/// The array of a dict's members.
#[derive(Clone, Copy)]
pub struct Array {
    next: *const Entry,
    end: *const Entry,
}

/// # Safety
/// The dict has not changed since the position was 0.
#[inline(always)]
unsafe fn next_member(
    dict: &Bound<'_, PyDict>,
    position: &mut ffi::Py_ssize_t,
) -> Option<(*mut ffi::PyObject, *mut ffi::PyObject)> {
    let (mut name, mut value) = (ptr::null_mut::<ffi::PyObject>(), ptr::null_mut::<ffi::PyObject>());
    // SAFETY: `dict` is a dict, and the three pointers are to local variables.
    let found = unsafe { ffi::PyDict_Next(dict.as_ptr(), position, &raw mut name, &raw mut value) };
    (found != 0).then_some((name, value))
}

impl Entries {
    /// The array of an ordinary dict's members, until the dict changes.
    #[inline(always)]
    pub fn of(self, dict: &Bound<'_, PyDict>) -> Option<Array> {
        let dict = dict.as_ptr().cast::<Dict>();
        // SAFETY: `self` proves the layout.
        unsafe {
            let keys = (*dict).keys;
            ((*keys).kind == KIND_OF_TEXT && (*dict).values.is_null()).then(|| {
                let (next, count) = Keys::entries(keys);
                Array { next, end: next.add(count) }
            })
        }
    }

    /// The right to read entries, if they agree with `PyDict_Next`. Checked once in a process, when the module is imported:
    /// the check runs Python code.
    pub fn verify(py: Python<'_>) -> Option<Entries> {
        const UNSEEN: u8 = 0;
        const AGREE: u8 = 1;
        const DISAGREE: u8 = 2;
        static SEEN: AtomicU8 = AtomicU8::new(UNSEEN);
        let is_known_version = ((3, 11)..=(3, 15)).contains(&{
            let version = py.version_info();
            (version.major, version.minor)
        });
        let is_known_header = !super::FREE_THREADED && size_of::<Keys>() == 32;
        if cfg!(feature = "abi3") || !is_known_version || !is_known_header {
            return None;
        }
        let entries = Entries { _verified: () };
        if SEEN.load(Ordering::Relaxed) == UNSEEN {
            let agree = samples(py).is_ok_and(|dicts| dicts.iter().all(|dict| entries.agree(dict)));
            SEEN.store(if agree { AGREE } else { DISAGREE }, Ordering::Relaxed);
        }
        (SEEN.load(Ordering::Relaxed) == AGREE).then_some(entries)
    }

    /// Whether both ways find the same members in a dict.
    fn agree(self, dict: &Bound<'_, PyDict>) -> bool {
        addresses(dict, Some(self)) == addresses(dict, None)
    }
}

/// The addresses of each name and value.
fn addresses(dict: &Bound<'_, PyDict>, entries: Option<Entries>) -> Vec<(*mut ffi::PyObject, *mut ffi::PyObject)> {
    let mut addresses = Addresses(Vec::new());
    // SAFETY: the visitor only stores addresses.
    let Ok(()) = unsafe {
        match entries.and_then(|entries| entries.of(dict)) {
            Some(array) => for_each_entry(dict, array, &mut addresses),
            None => for_each_member(dict, &mut addresses),
        }
    };
    addresses.0
}

struct Addresses(Vec<(*mut ffi::PyObject, *mut ffi::PyObject)>);

impl<'py> VisitMember<'py> for &mut Addresses {
    type Stop = Infallible;

    #[inline(always)]
    fn visit(&mut self, name: Borrowed<'_, 'py, PyAny>, value: Borrowed<'_, 'py, PyAny>) -> Result<(), Infallible> {
        self.0.push((name.as_ptr(), value.as_ptr()));
        Ok(())
    }
}

/// The type `frozendict`, which CPython has from 3.15 on. Null where there is none that is read like a dict.
static FROZEN: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(ptr::null_mut());

/// A value of exactly the type `frozendict`, as a dict: an object of it begins with the fields of a dict.
#[inline(always)]
pub fn frozen<'a, 'py>(value: Borrowed<'a, 'py, PyAny>) -> Option<Borrowed<'a, 'py, PyDict>> {
    // SAFETY: the type is only compared. `find_frozen` found that an object of it is read as a dict is.
    unsafe {
        (ffi::Py_TYPE(value.as_ptr()) == FROZEN.load(Ordering::Relaxed)).then(|| value.cast_unchecked::<PyDict>())
    }
}

/// Finds the type for [`frozen`]. Called once in a process, when the module is imported: it runs Python code.
pub fn find_frozen(py: Python<'_>) {
    let Ok(found) = py.import("builtins").and_then(|builtins| builtins.getattr("frozendict")) else { return };
    let Ok(kind) = found.cast_into::<PyType>() else { return };
    // SAFETY: it is a type. A library that puts a type into `builtins` has one on the heap, or of another module.
    let is_of_cpython = unsafe { ffi::PyType_GetFlags(kind.as_type_ptr()) & ffi::Py_TPFLAGS_HEAPTYPE == 0 }
        && kind.module().is_ok_and(|module| module == "builtins");
    if is_of_cpython && samples(py).is_ok_and(|dicts| dicts.iter().all(|dict| freezes(&kind, dict))) {
        FROZEN.store(kind.as_type_ptr(), Ordering::Relaxed);
    }
}

/// Whether a frozen copy of a dict is read as the dict.
fn freezes(kind: &Bound<'_, PyType>, dict: &Bound<'_, PyDict>) -> bool {
    let Ok(copy) = kind.call1((dict,)) else { return false };
    // SAFETY: by the type's definition in CPython it begins with a dict; `PyDict_Next` checks what it is given.
    let frozen = unsafe { copy.cast_unchecked::<PyDict>() };
    let expected = addresses(dict, None);
    addresses(frozen, None) == expected && addresses(frozen, Entries::verify(dict.py())) == expected
}

/// Dicts of all kinds: many sizes, deleted members, names that are not text, the `__dict__` of objects, copied, cleared.
fn samples(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let source = cr#"
sizes = [{f"name {i}": i for i in range(count)} for count in (*range(20), 50, 84, 85, 86, 100, 170, 171, 300, 700)]
deleted = [{name: value for name, value in sizes[15].items()} for _ in range(15)]
for position, sample in enumerate(deleted):
    for name in list(sample)[position::3]:
        del sample[name]
class Thing:
    def __init__(self):
        self.a, self.b, self.c = 1, "2", None
things = [Thing(), Thing()]
del things[1].b
other = [{1: 2, "a": 3}, {"a": 1, 2: 3}, {("t",): 1}, {None: 1}, sizes[9].copy(), dict(sizes[9]), {**sizes[9]}, {"a": {"b": 1}}]
cleared = dict(sizes[9])
cleared.clear()
samples = [*sizes, *deleted, *(thing.__dict__ for thing in things), *other, cleared]
"#;
    let names = PyDict::new(py);
    py.run(source, Some(&names), Some(&names))?;
    names.as_any().get_item("samples")?.extract()
}
