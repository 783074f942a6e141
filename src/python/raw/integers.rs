//! The digits of an int of any size, read in place, and the value of one that has few.
//!
//! CPython has no call for them that can neither allocate nor raise in all versions. An int is an array of digits of 30 bits
//! after a header, which has the number of digits and the sign: until 3.11 as a number with this sign, from 3.12 on as a
//! number shifted by 3, with the sign in the lowest two bits. Both are tried on samples.

use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt};

use super::fields::size_of_instances;

/// The right to read an int's digits. A value exists only where the layout was verified.
#[derive(Clone, Copy)]
pub struct Digits {
    layout: Layout,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// CPython 3.10 and 3.11.
    SignedCount = 1,
    /// CPython 3.12 and later.
    Tag = 2,
}

/// The layout that [`verify`] found, as a number; 0 if it found none.
static LAYOUT: AtomicU8 = AtomicU8::new(0);

/// The first fields of CPython's `PyLongObject`.
#[repr(C)]
struct Long {
    object: ffi::PyObject,
    count: isize,
    digits: [u32; 0],
}

/// An int, its type, its bytes in memory, whether it is negative, and its digits.
type Sample<'py> = (Bound<'py, PyInt>, usize, bool, Vec<u32>);

impl Digits {
    pub const BITS: u32 = 30;

    /// The right to read digits, if a layout agrees with all samples. It runs Python code.
    pub fn verify(py: Python<'_>) -> PyResult<Option<Digits>> {
        if size_of_instances(&py.get_type::<PyInt>()) != size_of::<Long>() {
            return Ok(None); // a free-threaded interpreter has a longer header
        }
        let samples = samples(py)?;
        let layouts = [Layout::SignedCount, Layout::Tag];
        let verified = layouts.into_iter().map(|layout| Digits { layout }).find(|digits| {
            samples.iter().all(|(integer, size, is_negative, expected)| {
                let (is_negative_here, count) = digits.sign_and_count(integer);
                // Only if the count is right, the digits are within the object.
                size_of::<Long>() + 4 * count <= *size
                    && count == expected.len()
                    && digits.of(integer) == (*is_negative && is_negative_here, expected.as_slice())
            })
        });
        Ok(verified)
    }

    /// Whether an int is negative, and its digits of 30 bits with the lowest first.
    #[inline]
    pub fn of<'a>(self, integer: &'a Bound<'_, PyInt>) -> (bool, &'a [u32]) {
        let (is_negative, count) = self.sign_and_count(integer);
        // SAFETY: `self` proves the layout: that many digits follow the header. An int is immutable.
        let digits = unsafe {
            let first = (&raw const (*integer.as_ptr().cast::<Long>()).digits).cast::<u32>();
            std::slice::from_raw_parts(first, count)
        };
        (is_negative, digits)
    }

    #[inline]
    fn sign_and_count(self, integer: &Bound<'_, PyInt>) -> (bool, usize) {
        // SAFETY: an int is at least as long as its header.
        let count = unsafe { (*integer.as_ptr().cast::<Long>()).count };
        match self.layout {
            Layout::SignedCount => (count < 0, count.unsigned_abs()),
            Layout::Tag => (count & 3 == 2, count as usize >> 3),
        }
    }
}

/// The value of an int of up to two digits, which are 60 bits. None for another, or where the layout is not known.
#[inline(always)]
pub fn in_place(integer: &Bound<'_, PyInt>) -> Option<i64> {
    let layout = match LAYOUT.load(Ordering::Relaxed) {
        1 => Layout::SignedCount,
        2 => Layout::Tag,
        _ => return None,
    };
    let long = integer.as_ptr().cast::<Long>();
    // SAFETY: the layout is known. Every int that code can reach has room for a digit: from 3.11 on all have. In 3.10 a zero
    // is the shared one, which was made with a digit, or of a subclass, which is allocated with one to spare.
    let (count, digit) = unsafe { ((*long).count, (&raw const (*long).digits).cast::<u32>().read()) };
    // Nearly every int has at most one digit. There is no branch for its sign, which can often not be predicted.
    let (is_short, sign) = match layout {
        Layout::SignedCount => ((-1..=1).contains(&count), count),
        Layout::Tag => (count < 2 << 3, 1 - (count & 3)),
    };
    if is_short { Some(sign as i64 * i64::from(digit)) } else { shorter_than_three_digits(Digits { layout }, integer) }
}

/// The same for any sign and number of digits.
#[inline(always)]
fn shorter_than_three_digits(digits: Digits, integer: &Bound<'_, PyInt>) -> Option<i64> {
    let (is_negative, digits) = digits.of(integer);
    let size = match *digits {
        [low] => i64::from(low),
        [low, high] => i64::from(high) << Digits::BITS | i64::from(low),
        [] => 0,
        _ => return None,
    };
    Some(if is_negative { -size } else { size })
}

/// Lets [`in_place`] read, if it reads what CPython's own function returns. Called once in a process, when the module is
/// imported: it runs Python code.
pub fn verify(py: Python<'_>) {
    let Ok(Some(Digits { layout })) = Digits::verify(py) else { return };
    LAYOUT.store(layout as u8, Ordering::Relaxed);
    let edges = [0, 1, 29, 30, 31, 59, 60, 61, 62].map(|bits| 1_i64 << bits);
    let values = edges.into_iter().flat_map(|edge| [edge - 1, edge, edge + 1, i64::MAX]);
    let agree = values.flat_map(|value| [value, -value]).all(|value| {
        let is_short = value.unsigned_abs() < 1 << (2 * Digits::BITS);
        in_place(&PyInt::new(py, value)) == is_short.then_some(value)
    });
    if !agree {
        LAYOUT.store(0, Ordering::Relaxed);
    }
}

/// Ints of many sizes, with what Python says of them.
fn samples(py: Python<'_>) -> PyResult<Vec<Sample<'_>>> {
    let source = cr"
import sys
assert sys.int_info.bits_per_digit == 30 and int.__itemsize__ == 4
def digits(value):
    value = abs(value)
    found = []
    while value:
        found.append(value & (1 << 30) - 1)
        value >>= 30
    return found
powers = [1 << bits for bits in (1, 29, 30, 31, 59, 60, 62, 63, 64, 89, 90, 127, 128, 1000)] + [10**40, 3**200, 7**300]
values = [value + off for value in powers for off in (-1, 0, 1)]
samples = [(value, sys.getsizeof(value), value < 0, digits(value)) for value in values + [-value for value in values]
           if value]
";
    let names = PyDict::new(py);
    py.run(source, Some(&names), Some(&names))?;
    names.as_any().get_item("samples")?.extract()
}
