//! The characters of a `str` by the stable ABI, which hides the layout: with `abi3` this replaces `text.rs`.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// The text in place, if it is ASCII, as most text is.
#[inline(always)]
pub fn ascii<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    // SAFETY: the object is a str.
    let characters = unsafe { ffi::PyUnicode_GetLength(text.as_ptr()) };
    utf8(text).filter(|utf8| utf8.len() as ffi::Py_ssize_t == characters)
}

/// Writes any text into `decoded`, with U+FFFD for each lone surrogate. Returns whether there was one.
#[inline(never)]
pub fn decode(text: &Bound<'_, PyString>, decoded: &mut String) -> bool {
    decoded.clear();
    if let Some(utf8) = utf8(text) {
        decoded.push_str(utf8);
        return false;
    }
    let (utf8, errors) = (c"utf-8".as_ptr(), c"surrogatepass".as_ptr());
    // SAFETY: the object is a str. The codec and its error handler are CPython's and run no Python code; a bytes object is
    // not a container.
    let bytes = unsafe {
        let bytes = ffi::PyUnicode_AsEncodedString(text.as_ptr(), utf8, errors);
        Bound::from_owned_ptr_or_opt(text.py(), bytes).and_then(|bytes| bytes.cast_into::<PyBytes>().ok())
    };
    // A surrogate is three bytes, none of which is UTF-8: its first byte stands for it.
    for part in bytes.as_ref().map_or(&b""[..], |bytes| bytes.as_bytes()).utf8_chunks() {
        decoded.push_str(part.valid());
        if part.invalid().first() == Some(&0xED) {
            decoded.push(char::REPLACEMENT_CHARACTER);
        }
    }
    true
}

/// The text as UTF-8; the object caches it where the text is not ASCII. None where it has a lone surrogate.
#[inline(always)]
fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    let mut size = 0;
    // SAFETY: the object is a str, which is immutable and keeps the bytes. A surrogate makes an exception: the collector,
    // which could run Python code meanwhile, is disabled for the call.
    unsafe {
        let collects = ffi::PyGC_Disable();
        let bytes = ffi::PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut size);
        if bytes.is_null() {
            ffi::PyErr_Clear();
        }
        if collects != 0 {
            ffi::PyGC_Enable();
        }
        (!bytes.is_null())
            .then(|| std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes.cast(), size as usize)))
    }
}
