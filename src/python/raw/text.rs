//! The characters of a `str`, read in place.

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::types::string::PyStringData;

use crate::vectors::CodePoints;

/// The bits `compact` and `ascii` of the state in a str's header. Before them are `kind`, of 3 bits, and `interned`: 2 bits,
/// or a byte in free-threaded builds. So it is in CPython 3.10 to 3.15 where bit fields begin at the lowest bit.
const COMPACT_ASCII: u32 = 0b11 << (3 + if super::FREE_THREADED { 8 } else { 2 });

/// [`COMPACT_ASCII`] once [`verify`] found the layout that [`in_place`] reads. Before, no text has the bits.
static MASK: AtomicU32 = AtomicU32::new(0);

/// The text in place, if it is ASCII, as most text is. Where the layout is not known, none is.
#[inline(always)]
pub fn ascii<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    // SAFETY: the bytes are ASCII.
    in_place(text).map(|bytes| unsafe { std::str::from_utf8_unchecked(bytes) })
}

/// The bytes of a text whose header says that it is ASCII.
#[inline(always)]
fn in_place<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a [u8]> {
    let header = text.as_ptr().cast::<ffi::PyASCIIObject>();
    // SAFETY: every str has this header. A compact ASCII str has its bytes right after it, one each, and a str is immutable;
    // only `interned`, in the same word, can be written by another thread of a free-threaded interpreter. `verify` compared
    // both with CPython's own functions, or is doing so: then its samples are what is read, and no byte of them.
    unsafe {
        let state = AtomicU32::from_ptr(&raw mut (*header).state).load(Ordering::Relaxed);
        (state & MASK.load(Ordering::Relaxed) == COMPACT_ASCII)
            .then(|| std::slice::from_raw_parts(header.add(1).cast(), (*header).length as usize))
    }
}

/// The bytes of an ASCII text by functions of CPython.
fn by_calls<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a [u8]> {
    // SAFETY: the view ends with the reference to the str, which is immutable.
    match unsafe { text.data() } {
        Ok(PyStringData::Ucs1(codes)) if codes.is_ascii() => Some(codes),
        _ => None,
    }
}

/// Compares what [`in_place`] reads with CPython's own functions. Called once in a process, when the module is imported.
pub fn verify(py: Python<'_>) {
    let ascii = ["", "a", "event", "$insert_id", "\0\x7f", &"long ".repeat(100)];
    let other = ["\u{80}", "é", "\u{ff}x", "naïve ", "日本", "x\u{ffff}", "😀", &"ü".repeat(300)];
    let samples = ascii.into_iter().chain(other);
    MASK.store(COMPACT_ASCII, Ordering::Relaxed);
    let agree = samples.clone().all(|sample| agrees(&PyString::new(py, sample), sample.is_ascii()))
        && samples.into_iter().all(|sample| agrees(&PyString::intern(py, sample), sample.is_ascii()));
    if !agree {
        MASK.store(0, Ordering::Relaxed);
    }
}

fn agrees(text: &Bound<'_, PyString>, is_ascii: bool) -> bool {
    let found = in_place(text).map(|bytes| (bytes.as_ptr(), bytes.len()));
    let expected = by_calls(text).map(|bytes| (bytes.as_ptr(), bytes.len()));
    found == expected && found.is_some() == is_ascii
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
