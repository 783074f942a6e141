//! The characters of a `str`, read in place.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::types::string::PyStringData;

use crate::vectors::CodePoints;

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

/// Calls `take` with the text's characters.
///
/// Unlike `to_str` it caches no UTF-8 copy in the caller's object, and makes no exception for a surrogate.
#[inline(always)]
pub fn with_code_points<T>(text: &Bound<'_, PyString>, take: impl FnOnce(CodePoints<'_>) -> T) -> T {
    // SAFETY: the view is used at once, and a str is immutable.
    take(match unsafe { text.data() } {
        Ok(PyStringData::Ucs1(codes)) => CodePoints::Latin1(codes),
        Ok(PyStringData::Ucs2(codes)) => CodePoints::Ucs2(codes),
        Ok(PyStringData::Ucs4(codes)) => CodePoints::Ucs4(codes),
        Err(_) => {
            debug_assert!(false, "a str of the interpreter is always in its canonical form");
            CodePoints::Latin1(&[])
        }
    })
}
