//! The attributes of an object, read in place.
//!
//! Up to 3.13, each call that returns an object's `__dict__` may make one, and a dict is a container. CPython keeps the
//! values of most objects without it: in an array, whose names are an array of the type. Where that array is differs from
//! version to version. So it is read only in versions that are known, and only after [`Instances::verify`] found that it
//! agrees with `__dict__`. Elsewhere Python code converts the object.

use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use super::dict::{Entry, Keys};

/// The right to read attributes. A value exists only where the layout described here was verified.
#[derive(Clone, Copy)]
pub struct Instances {
    layout: Layout,
}

/// Where an object's values are. Its `__dict__`, once it has one, is three words before it.
#[derive(Clone, Copy)]
enum Layout {
    /// Four words before it is a pointer to the values (3.11).
    Apart,
    /// The pointer to the `__dict__` is one to the values, less one, if it is odd (3.12).
    Tagged,
    /// Behind the fields of the object (3.13 to 3.15).
    Inside,
}

/// The start of CPython's `struct _dictvalues` from 3.13 on.
#[repr(C)]
struct InsideValues {
    capacity: u8,
    size: u8,
    embedded: u8,
    is_valid: u8,
}

/// The attributes of one object.
enum Attributes {
    Values { names: *const Entry, count: usize, values: *const *mut ffi::PyObject },
    Members { dict: *mut ffi::PyObject, position: ffi::Py_ssize_t },
    None,
}

const MANAGED_DICT: std::ffi::c_ulong = 1 << 4;
const INLINE_VALUES: std::ffi::c_ulong = 1 << 2;

impl Instances {
    /// Whether the objects of a type have their attributes where this looks for them.
    pub fn reads(self, kind: &Bound<'_, PyType>) -> bool {
        const HEAP_TYPE: std::ffi::c_ulong = 1 << 9;
        // SAFETY: it is a type; the call reads its flags.
        let flags = unsafe { ffi::PyType_GetFlags(kind.as_type_ptr()) };
        flags & MANAGED_DICT != 0 && flags & HEAP_TYPE != 0
    }

    /// Calls `visit` with each name and its value, until one has none. Returns whether all had one. Names are compared by
    /// address.
    ///
    /// # Safety
    /// [`Instances::reads`] is true of the object's type. `visit` must not run Python code, make an exception, or allocate
    /// a Python container.
    pub unsafe fn for_each_attribute<'a, 'py, E>(
        self,
        object: Borrowed<'a, 'py, PyAny>,
        names: &[Py<PyString>],
        mut visit: impl FnMut(&Py<PyString>, Borrowed<'a, 'py, PyAny>) -> Result<(), E>,
    ) -> Result<bool, E> {
        // SAFETY: by the contract.
        let mut attributes = unsafe { self.attributes(object.as_ptr()) };
        for (position, name) in names.iter().enumerate() {
            // SAFETY: nothing changed the object since its attributes were found.
            let value = unsafe { attributes.find(position, name.as_ptr()) };
            if value.is_null() {
                return Ok(false);
            }
            // SAFETY: the object owns the value, and by the contract of `visit` it keeps it.
            visit(name, unsafe { Borrowed::from_ptr(object.py(), value) })?;
        }
        Ok(true)
    }

    /// # Safety
    /// [`Instances::reads`] is true of the object's type.
    #[cfg(not(feature = "abi3"))]
    unsafe fn attributes(self, object: *mut ffi::PyObject) -> Attributes {
        // SAFETY: `self` proves the layout: these words are there for each such object.
        unsafe {
            let words = object.cast::<*mut u8>();
            let kind = ffi::Py_TYPE(object);
            let mut dict = words.sub(3).read();
            let values: *const *mut ffi::PyObject = match self.layout {
                Layout::Apart => words.sub(4).read().cast(),
                Layout::Tagged if dict.addr() & 1 == 1 => dict.add(1).cast(),
                Layout::Tagged => std::ptr::null(),
                Layout::Inside => {
                    let inside = object.byte_offset((*kind).tp_basicsize).cast::<InsideValues>();
                    let has_values = ffi::PyType_HasFeature(kind, INLINE_VALUES) != 0 && (*inside).is_valid != 0;
                    if has_values { inside.byte_add(8).cast() } else { std::ptr::null() }
                }
            };
            let keys = (*kind.cast::<ffi::PyHeapTypeObject>()).ht_cached_keys.cast::<Keys>();
            if !values.is_null() && !keys.is_null() {
                let (names, count) = Keys::entries(keys);
                return Attributes::Values { names, count, values };
            }
            if dict.addr() & 1 == 1 {
                dict = std::ptr::null_mut();
            }
            match dict.is_null() {
                true => Attributes::None,
                false => Attributes::Members { dict: dict.cast(), position: 0 },
            }
        }
    }

    /// The stable ABI hides the fields of types.
    ///
    /// # Safety
    /// None is needed.
    #[cfg(feature = "abi3")]
    unsafe fn attributes(self, _object: *mut ffi::PyObject) -> Attributes {
        Attributes::None
    }

    /// The right to read attributes, if they agree with `__dict__`. Checked once in a process, when the module is imported:
    /// the check runs Python code.
    pub fn verify(py: Python<'_>) -> Option<Instances> {
        const UNSEEN: u8 = 0;
        const AGREE: u8 = 1;
        const DISAGREE: u8 = 2;
        static SEEN: AtomicU8 = AtomicU8::new(UNSEEN);
        let layout = match (py.version_info().major, py.version_info().minor) {
            (3, 11) => Layout::Apart,
            (3, 12) => Layout::Tagged,
            (3, 13..=15) => Layout::Inside,
            _ => return None,
        };
        if cfg!(feature = "abi3") || size_of::<ffi::PyObject>() != 16 || size_of::<Keys>() != 32 {
            return None;
        }
        let instances = Instances { layout };
        if SEEN.load(Ordering::Relaxed) == UNSEEN {
            let agree = instances.agree(py).unwrap_or(false);
            SEEN.store(if agree { AGREE } else { DISAGREE }, Ordering::Relaxed);
        }
        (SEEN.load(Ordering::Relaxed) == AGREE).then_some(instances)
    }

    fn agree(self, py: Python<'_>) -> PyResult<bool> {
        let mut seen = 0;
        for sample in samples(py)?.iter() {
            let (object, names): (Bound<'_, PyAny>, Vec<Py<PyString>>) = sample.extract()?;
            if !self.reads(&object.get_type()) {
                return Ok(false);
            }
            let mut found = Vec::new();
            // SAFETY: the closure only copies references.
            let all = unsafe {
                self.for_each_attribute(object.as_borrowed(), &names, |_, value| {
                    found.push(value.to_owned());
                    Ok::<_, PyErr>(())
                })
            }?;
            seen += usize::from(all);
            // Read last: a `__dict__` is made here.
            let attributes = object.getattr("__dict__")?;
            for (name, value) in names.iter().zip(&found) {
                if !attributes.get_item(name)?.is(value) {
                    return Ok(false);
                }
            }
            if all != (found.len() == names.len()) {
                return Ok(false);
            }
        }
        Ok(seen > 40)
    }
}

impl Attributes {
    /// The value of an attribute that may be anywhere, or null.
    ///
    /// # Safety
    /// Nothing changed the object since its attributes were found.
    unsafe fn search(mut self, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
        let times = if matches!(self, Attributes::Members { .. }) { MOST_SEARCHED } else { 1 };
        // SAFETY: by the contract.
        let mut found = (0..times).map(|_| unsafe { self.find(0, name) });
        found.find(|value| !value.is_null()).unwrap_or(std::ptr::null_mut())
    }

    /// The value of an attribute, or null. The names of a dict are found in its order only.
    ///
    /// # Safety
    /// Nothing changed the object since its attributes were found.
    unsafe fn find(&mut self, position: usize, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
        match self {
            Attributes::None => std::ptr::null_mut(),
            // SAFETY: positions are less than the count of names, for each of which there is a value or null.
            Attributes::Values { names, count, values } => unsafe {
                let is_at = |at: usize| (*names.add(at)).name == name;
                let at = if position < *count && is_at(position) {
                    Some(position)
                } else {
                    (0..*count).find(|&at| is_at(at))
                };
                at.map_or(std::ptr::null_mut(), |at| values.add(at).read())
            },
            Attributes::Members { dict, position } => {
                let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
                // SAFETY: it is the `__dict__` of an object, and the pointers are to local variables.
                let found = unsafe { ffi::PyDict_Next(*dict, position, &raw mut key, &raw mut value) };
                if found != 0 && key == name { value } else { std::ptr::null_mut() }
            }
        }
    }
}

/// The most entries of a `__dict__` that are searched for an attribute.
const MOST_SEARCHED: usize = 64;

#[cfg(not(feature = "abi3"))]
// SAFETY: the declaration is that of CPython's `object.h`, the same in all versions that have it.
unsafe extern "C" {
    /// Where the pointer to an object's `__dict__` is, or null. pyo3-ffi leaves it out. It runs no code, and allocates only
    /// where the type has `MANAGED_DICT`.
    fn _PyObject_GetDictPtr(object: *mut ffi::PyObject) -> *mut *mut ffi::PyObject;
}

/// The value that an object's `__dict__` has for a name, which is compared by its address. None also where that can't be
/// found without making a `__dict__`.
///
/// # Safety
/// Nothing changes the object while the result is used.
pub unsafe fn attribute_in_dict<'a, 'py>(
    instances: Option<Instances>,
    object: Borrowed<'a, 'py, PyAny>,
    name: &Py<PyString>,
) -> Option<Borrowed<'a, 'py, PyAny>> {
    let attributes = attributes_of(instances, object)?;
    // SAFETY: by the contract, the attributes are those of the object, which owns the value.
    unsafe {
        let value = attributes.search(name.as_ptr());
        (!value.is_null()).then(|| Borrowed::from_ptr(object.py(), value))
    }
}

#[cfg(not(feature = "abi3"))]
fn attributes_of(instances: Option<Instances>, object: Borrowed<'_, '_, PyAny>) -> Option<Attributes> {
    if super::FREE_THREADED {
        return None; // another thread may change the dict
    }
    let kind = object.get_type();
    // SAFETY: it is an object; `reads` is true before its attributes are looked for, and without `MANAGED_DICT` no dict is
    // made.
    unsafe {
        if ffi::PyType_GetFlags(kind.as_type_ptr()) & MANAGED_DICT != 0 {
            return instances.filter(|instances| instances.reads(&kind)).map(|each| each.attributes(object.as_ptr()));
        }
        let dict = _PyObject_GetDictPtr(object.as_ptr());
        if dict.is_null() || (*dict).is_null() {
            return None;
        }
        Some(Attributes::Members { dict: *dict, position: 0 })
    }
}

#[cfg(feature = "abi3")]
fn attributes_of(_instances: Option<Instances>, _object: Borrowed<'_, '_, PyAny>) -> Option<Attributes> {
    None
}

/// Objects of all kinds, with the names of attributes: with and without a `__dict__`, changed, with missing attributes.
fn samples(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let source = cr#"
import sys
class Few:
    def __init__(self, count):
        for name in names[:count]:
            setattr(self, name, [name])
class Derived(Few):
    __slots__ = ("own",)
class WithSlots:
    __slots__ = ("first", "__dict__", "__weakref__")
class Reversed:
    def __init__(self):
        for name in reversed(names):
            setattr(self, name, [name])
names = [sys.intern(f"name_{number}") for number in range(12)]
kept = []
def made(kind, *given):
    kept.append(kind(*given))
    return kept[-1]
samples = [(made(kind, count), names[:count]) for kind in (Few, Derived) for count in range(13)]
samples += [(made(kind, 3), names[:5]) for kind in (Few, Derived)]
samples += [(made(Reversed), names), (made(Reversed), names[3:7])]
materialised = [made(Few, count) for count in range(13)]
for each in materialised:
    each.__dict__
samples += [(each, names[:count]) for count, each in enumerate(materialised)]
deleted = [made(Few, 12), made(Few, 12), made(Few, 12)]
for each in deleted:
    del each.name_4
deleted[1].name_4 = ["again"]
deleted[2].__dict__["more"] = 1
samples += [(each, names) for each in deleted] + [(each, names[:4]) for each in deleted]
replaced = made(Few, 12)
replaced.__dict__ = {name: [name, 2] for name in names}
other = made(Few, 5)
other.__class__ = Reversed
many = made(Few, 12)
for number in range(100):
    setattr(many, f"more_{number}", number)
samples += [(replaced, names), (other, names[:5]), (many, names)]
"#;
    let names = PyDict::new(py);
    py.run(source, Some(&names), Some(&names))?;
    Ok(names.as_any().get_item("samples")?.cast_into::<PyList>()?)
}
