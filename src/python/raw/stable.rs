//! The characters of a `str` by the stable ABI, which hides the layout: with `abi3` this replaces `text.rs`.
//!
//! `PyUnicode_AsUTF8AndSize` makes an exception for a lone surrogate, and an exception may start a collection. So the
//! characters are copied out first.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::vectors::CodePoints;

/// The text in place, if it is ASCII, as most text is.
#[inline(always)]
pub fn ascii<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    if !codes(text).iter().all(|&code| code < 0x80) {
        return None;
    }
    let mut size = 0;
    // SAFETY: the object is a str, which is immutable and keeps the bytes. Of ASCII text there is no exception; the check
    // for null is for interpreters that copy and have no memory left.
    unsafe {
        let bytes = ffi::PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut size);
        (!bytes.is_null())
            .then(|| std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes.cast(), size as usize)))
    }
}

/// Nothing is read from memory whose layout is private.
pub fn verify(_: Python<'_>) {}

/// Calls `take` with the text's characters.
#[inline(always)]
pub fn with_code_points<T>(text: &Bound<'_, PyString>, take: impl FnOnce(CodePoints<'_>) -> T) -> T {
    take(CodePoints::Ucs4(&codes(text)))
}

/// The text's code points, surrogates included.
fn codes(text: &Bound<'_, PyString>) -> Vec<u32> {
    // SAFETY: the object is a str. Python 3.11 first makes a str of an extension's deprecated call canonical, which allocates
    // no container; the call makes an exception only if that finds no memory, and the vector of -1 elements then panics.
    let length = unsafe { ffi::PyUnicode_GetLength(text.as_ptr()) };
    let mut codes = vec![0; length as usize];
    // SAFETY: the buffer has room for every code point, so the call makes no exception. No room for a final zero is asked for.
    unsafe { ffi::PyUnicode_AsUCS4(text.as_ptr(), codes.as_mut_ptr(), length, 0) };
    codes
}
