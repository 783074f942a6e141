//! The fields of a `decimal.Decimal`, read in place.
//!
//! `str()` of a Decimal asks for the thread's context, which may run Python code. `_decimal`, the C module, keeps a number
//! in libmpdec's `mpd_t`: a sign, an exponent, and a coefficient in words of 19 decimal digits. The layout is private to
//! both, the same in CPython 3.10 to 3.15, and verified with samples.

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use super::fields::{is_exactly, size_of_instances};

/// The right to read a Decimal's fields. A value exists only where the layout was verified.
pub struct Decimals {
    kind: Py<PyType>,
}

/// CPython's `PyDecObject` with libmpdec's `mpd_t`, on processors of 64 bits.
#[repr(C)]
struct Fields {
    object: ffi::PyObject,
    hash: ffi::Py_hash_t,
    flags: u8,
    exponent: isize,
    digit_count: isize,
    word_count: isize,
    allocated: isize,
    words: *const u64,
    /// The words of a coefficient that is short.
    own_words: [u64; 4],
}

const NEGATIVE: u8 = 1;
/// `MPD_INF`, `MPD_NAN` and `MPD_SNAN`.
const NOT_FINITE: u8 = 2 | 4 | 8;

/// A Decimal's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read<'a> {
    /// The coefficient, in words of 19 decimal digits with the lowest first, times a power of ten.
    Finite { is_negative: bool, words: &'a [u64], exponent: i64 },
    /// An infinity or NaN.
    NotFinite,
}

impl Decimals {
    /// The right to read instances of `decimal.Decimal`, if it is the C module's and its layout is known. It runs Python
    /// code.
    pub fn verify(kind: &Bound<'_, PyType>) -> PyResult<Option<Decimals>> {
        if cfg!(not(target_pointer_width = "64")) || size_of_instances(kind) != size_of::<Fields>() {
            return Ok(None);
        }
        let decimals = Decimals { kind: kind.clone().unbind() };
        let samples = samples(kind)?;
        // The short ones first: that their words are within the object shows that the pointer is where it is expected.
        Ok(samples.iter().all(|sample| decimals.agrees(sample)).then_some(decimals))
    }

    fn agrees(&self, (number, is_short, is_finite, is_negative, digit_count, exponent, words): &Sample<'_>) -> bool {
        let object = number.as_ptr().cast::<Fields>();
        // SAFETY: the size of the instances is that of `Fields`, so these are within the object. No pointer is followed.
        let (fields, own_words) = unsafe { ((&raw const *object).read(), &raw const (*object).own_words) };
        if !number.get_type().is(&self.kind) || *is_finite != (fields.flags & NOT_FINITE == 0) {
            return false;
        }
        let has_fields = *is_short == (fields.words == own_words.cast())
            && fields.digit_count == *digit_count
            && fields.word_count == words.len() as isize
            && fields.word_count <= fields.allocated;
        let expected = Read::Finite { is_negative: *is_negative, words, exponent: *exponent };
        !*is_finite || (has_fields && self.read(number.as_borrowed()) == Some(expected))
    }

    /// The number of an exact Decimal; None for a value of another type.
    #[inline]
    pub fn read<'a>(&self, value: Borrowed<'a, '_, PyAny>) -> Option<Read<'a>> {
        if !is_exactly(value, &self.kind) {
            return None;
        }
        // SAFETY: the samples proved the layout of the type's instances. A Decimal is immutable and keeps its words.
        unsafe {
            let fields = &*value.as_ptr().cast::<Fields>();
            if fields.flags & NOT_FINITE != 0 {
                return Some(Read::NotFinite);
            }
            let words = std::slice::from_raw_parts(fields.words, fields.word_count as usize);
            Some(Read::Finite { is_negative: fields.flags & NEGATIVE != 0, words, exponent: fields.exponent as i64 })
        }
    }
}

/// A Decimal; whether its words are within the object, whether it is finite, whether it is negative, the number of digits,
/// the exponent and the words.
type Sample<'py> = (Bound<'py, PyAny>, bool, bool, bool, isize, i64, Vec<u64>);

fn samples<'py>(kind: &Bound<'py, PyType>) -> PyResult<Vec<Sample<'py>>> {
    let source = cr#"
texts = ["0", "-0", "1", "-1.5", "0E-10", "0E+3", "-123.45", "9" * 19, "1" + "0" * 19, "9" * 38, "-" + "7" * 57 + "E-30",
         "1.50", "1E+400", "-3E-999", "NaN", "sNaN", "-Infinity", "5" * 77, "-" + "6" * 500, "0." + "1" * 1000]
def sample(text):
    number = Decimal(text)
    sign, digits, exponent = number.as_tuple()
    if not number.is_finite():
        return (number, True, False, bool(sign), 0, 0, [])
    whole = int("".join(map(str, digits)))
    words = [whole // 10 ** (19 * position) % 10**19 for position in range((len(digits) + 18) // 19)]
    return (number, len(words) <= 4, True, bool(sign), len(digits), exponent, words)
samples = [sample(text) for text in texts]
"#;
    let names = PyDict::new(kind.py());
    names.set_item("Decimal", kind)?;
    kind.py().run(source, Some(&names), Some(&names))?;
    names.as_any().get_item("samples")?.extract()
}
