//! The characters of a `str` by the stable ABI, which shows no layout: what takes the place of `text.rs` with `abi3`.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// The text where it lies, if it is ASCII, as most is.
#[inline(always)]
pub fn ascii<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    // SAFETY: the object is a str.
    let characters = unsafe { ffi::PyUnicode_GetLength(text.as_ptr()) };
    utf8(text).filter(|utf8| utf8.len() as ffi::Py_ssize_t == characters)
}

/// Writes a text of any kind into `decoded`, with U+FFFD for each lone surrogate. True: there was one.
#[inline(never)]
pub fn decode(text: &Bound<'_, PyString>, decoded: &mut String) -> bool {
    decoded.clear();
    if let Some(utf8) = utf8(text) {
        decoded.push_str(utf8);
        return false;
    }
    let (utf8, errors) = (c"utf-8".as_ptr(), c"surrogatepass".as_ptr());
    // SAFETY: the object is a str. The codec and its handling of errors are CPython's own and run no Python code; bytes are
    // no container.
    let bytes = unsafe {
        let bytes = ffi::PyUnicode_AsEncodedString(text.as_ptr(), utf8, errors);
        Bound::from_owned_ptr_or_opt(text.py(), bytes).and_then(|bytes| bytes.cast_into::<PyBytes>().ok())
    };
    // Each surrogate is three bytes, none of which is UTF-8: the first says that there was one.
    for part in bytes.as_ref().map_or(&b""[..], |bytes| bytes.as_bytes()).utf8_chunks() {
        decoded.push_str(part.valid());
        if part.invalid().first() == Some(&0xED) {
            decoded.push(char::REPLACEMENT_CHARACTER);
        }
    }
    true
}

/// The text as UTF-8, of which the object keeps a copy where it is not ASCII. None where it has a lone surrogate.
#[inline(always)]
fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    let mut size = 0;
    // SAFETY: the object is a str, which never changes and keeps the bytes. With a surrogate an exception is made: the
    // collector, which might run Python code meanwhile, is switched off for the call.
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
