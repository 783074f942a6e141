//! The parts of numpy's arrays, and the objects of those that have Python objects.

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;

use super::{FREE_THREADED, VisitElement, has_exception};

/// An array, or a part of it with one dimension less. What it has at each position is said by `kind`.
#[derive(Clone, Copy)]
pub struct Array<'a, K> {
    pub(super) data: *const u8,
    pub(super) lengths: &'a [isize],
    pub(super) strides: &'a [isize],
    pub(super) kind: K,
}

/// The kind of an array that has a reference to a Python object at each position, or null for None.
#[derive(Clone, Copy)]
pub struct Objects<'a, 'py> {
    owner: Borrowed<'a, 'py, PyAny>,
}

impl<'a, 'py> Objects<'a, 'py> {
    /// The kind of this array.
    pub(super) fn of(owner: Borrowed<'a, 'py, PyAny>) -> Objects<'a, 'py> {
        Objects { owner }
    }
}

impl<'a, K: Copy> Array<'a, K> {
    /// The length of each dimension.
    pub fn lengths(&self) -> &'a [isize] {
        self.lengths
    }

    /// Whether these are its lengths and its strides in bytes.
    pub(super) fn is_shaped(&self, lengths: &[isize], strides: &[isize]) -> bool {
        self.lengths == lengths && self.strides == strides
    }

    /// The parts along the first dimension; None for a single element.
    #[inline(always)]
    pub fn parts(self) -> Option<impl Iterator<Item = Array<'a, K>>> {
        let (&length, &stride) = (self.lengths.first()?, self.strides.first()?);
        let (lengths, strides) = (&self.lengths[1..], &self.strides[1..]);
        let part = move |position: isize| Array {
            data: self.data.wrapping_offset(position * stride),
            lengths,
            strides,
            kind: self.kind,
        };
        Some((0..length).map(part))
    }
}

impl<'a, 'py> Array<'a, Objects<'a, 'py>> {
    /// The reference of an array without dimensions: null counts as None.
    #[inline(always)]
    fn address(self) -> *mut ffi::PyObject {
        debug_assert!(self.lengths.is_empty());
        // SAFETY: numpy's arrays guarantee that there is a reference or null at each position within the lengths, by the
        // strides, aligned or not. A position is never outside, see `parts`.
        let address = unsafe { self.data.cast::<*mut ffi::PyObject>().read_unaligned() };
        // SAFETY: None lives as long as the interpreter.
        if address.is_null() { unsafe { ffi::Py_None() } } else { address }
    }

    /// The references of all elements, in the order of the dimensions.
    pub(super) fn addresses(self) -> Vec<*mut ffi::PyObject> {
        match self.parts() {
            Some(parts) => parts.flat_map(Array::addresses).collect(),
            None => vec![self.address()],
        }
    }

    /// Visits each object of an array of one dimension.
    ///
    /// # Safety
    /// As for [`super::for_each_element`].
    #[inline(always)]
    pub unsafe fn for_each_object<V: VisitElement<'py>>(self, mut visitor: V) -> Result<(), V::Stop> {
        let owner = self.kind.owner;
        if FREE_THREADED {
            for object in self.held() {
                visitor.visit(object.as_borrowed())?;
            }
            return Ok(());
        }
        for part in self.parts().into_iter().flatten() {
            // SAFETY: the array owns a reference to the object and, by the contract of `visitor`, keeps it.
            visitor.visit(unsafe { Borrowed::from_ptr(owner.py(), part.address()) })?;
            debug_assert!(!has_exception(), "`visitor` must keep its contract");
        }
        Ok(())
    }

    /// The objects of an array of one dimension, each held, as the elements of a list are in a free-threaded interpreter. numpy
    /// has no lock for an array, and says that another thread must not change one of objects while it is read.
    fn held(self) -> Vec<Bound<'py, PyAny>> {
        let owner = self.kind.owner;
        with_critical_section(&owner, || {
            // SAFETY: the array owns a reference to the object until one is counted here.
            let object = |part: Self| unsafe { Borrowed::from_ptr(owner.py(), part.address()) }.to_owned();
            self.parts().into_iter().flatten().map(object).collect()
        })
    }
}
