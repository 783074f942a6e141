//! The characters of a `str`, read in place.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::types::string::PyStringData;

/// The text in place, if it is ASCII, as most text is.
#[inline(always)]
pub fn ascii<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    let object = text.as_ptr();
    // SAFETY: a compact ASCII str has its bytes right after its header, one each, and a str is immutable.
    unsafe {
        if ffi::PyUnicode_IS_COMPACT_ASCII(object) == 0 {
            return None;
        }
        let length = ffi::PyUnicode_GET_LENGTH(object) as usize;
        let bytes = std::slice::from_raw_parts(ffi::PyUnicode_1BYTE_DATA(object), length);
        Some(std::str::from_utf8_unchecked(bytes))
    }
}

/// Writes any text into `decoded`, with U+FFFD for each lone surrogate. Returns whether there was one.
///
/// Unlike `to_str` it caches no UTF-8 copy in the caller's object, and makes no exception for a surrogate.
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
    // SAFETY: the view is used at once, and a str is immutable.
    match unsafe { text.data() } {
        Ok(PyStringData::Ucs1(codes)) => decoded.extend(codes.iter().map(|&code| char::from(code))),
        Ok(PyStringData::Ucs2(codes)) => decoded.extend(codes.iter().map(|&code| scalar(code.into()))),
        Ok(PyStringData::Ucs4(codes)) => decoded.extend(codes.iter().map(|&code| scalar(code))),
        Err(_) => debug_assert!(false, "a str of the interpreter is always in its canonical form"),
    }
    repaired
}
