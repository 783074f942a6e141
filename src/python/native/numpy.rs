//! The scalars and arrays of numpy. A program that has none of them need not have numpy.

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

use super::dates::{moment_of, push_duration};
use super::library::Library;
use crate::python::raw;
use crate::python::raw::arrays::{Array, Objects};
use crate::python::raw::fields::is_exactly;
use crate::python::raw::numpy::{ArraySample, Arrays, Element, Kind, Scalars, Ticks};
use crate::serialize::Moment;
use crate::source::Sink;
use crate::vectors::Baseline;

/// What is known of numpy's types.
pub struct Numpy {
    scalars: Scalars,
    /// `datetime64`; the other type of ticks is `timedelta64`.
    date: Py<PyType>,
    /// `str_`, a subclass of `str`.
    text: Py<PyType>,
    arrays: Option<Arrays>,
}

pub static NUMPY: Library<Numpy> = Library::new("numpy", |numpy| learn(numpy).map(Some));

/// An array of more arrays and elements is unsupported: it can be without memory for them, by a stride of 0.
const MOST_VALUES: isize = 1_000_000;

/// A type of scalars, the letter and the size of its dtype, the dtype, and samples with their values.
type Form<'py> = (Bound<'py, PyType>, String, usize, Bound<'py, PyAny>, Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>);

fn learn(numpy: &Bound<'_, PyAny>) -> PyResult<Numpy> {
    let source = cr#"
def numbers(kind, dtype):
    if dtype.kind == "b":
        return [False, True]
    if dtype.kind == "f":
        return [0.0, 1.5, -2.25, 1024.0, 2.0**-14, float("inf")]
    limits = numpy.iinfo(kind)
    return [0, 1, 100, int(limits.min), int(limits.max)]
forms = []
for code in "?bhilqBHILQefdg":
    dtype = numpy.dtype(code)
    forms.append((dtype.type, dtype.kind, dtype.itemsize, dtype, [(dtype.type(n), n) for n in numbers(dtype.type, dtype)]))
units = dict(zip("Y M W D h m s ms us ns ps fs as".split(), [0, 1, 2, *range(4, 14)]))
for kind in (numpy.datetime64, numpy.timedelta64):
    samples = [(kind(7 - 2 * number, f"{number + 3}{unit}"), (7 - 2 * number, number, number + 3))
               for unit, number in units.items()]
    forms.append((kind, numpy.dtype(kind).kind, 8, None, samples))
grid = numpy.arange(24.0).reshape(2, 3, 4)
arrays = [grid, grid[0], grid[0, 0], grid[:, ::-1, 1:3], grid.T, grid[:0], numpy.array(5), numpy.array([True, False])]
arrays += [each.astype(object) for each in arrays] + [grid.astype(object)[::-1, :, ::2], numpy.empty(3, object)]
arrays = [(each, each.__array_interface__["data"][0], list(each.shape), list(each.strides)) for each in arrays]
"#;
    let names = PyDict::new(numpy.py());
    names.set_item("numpy", numpy)?;
    numpy.py().run(source, Some(&names), Some(&names))?;
    let names = names.as_any();
    let forms = names.get_item("forms")?.extract::<Vec<Form<'_>>>()?;
    let samples = names.get_item("arrays")?.extract::<Vec<ArraySample<'_>>>()?;
    let mut dtypes = Vec::new();
    let mut types = Vec::new();
    for (scalar, letter, size, dtype, samples) in forms {
        let Some(kind) = Kind::of(&letter, size) else { continue };
        if !dtype.is_none() {
            dtypes.push((dtype.unbind(), kind));
        }
        let expected = samples.into_iter().map(|(sample, value)| Ok((sample, element_of(kind, &value)?)));
        types.push((scalar, kind, expected.collect::<PyResult<Vec<_>>>()?));
    }
    let ndarray = numpy.getattr("ndarray")?.cast_into::<PyType>()?;
    Ok(Numpy {
        scalars: Scalars::verify(types),
        date: numpy.getattr("datetime64")?.cast_into::<PyType>()?.unbind(),
        text: numpy.getattr("str_")?.cast_into::<PyType>()?.unbind(),
        arrays: Arrays::verify(&ndarray, dtypes, numpy.call_method1("dtype", ("O",))?.unbind(), &samples),
    })
}

/// The element of this kind with the value of a sample.
fn element_of(kind: Kind, value: &Bound<'_, PyAny>) -> PyResult<Element> {
    Ok(match kind {
        Kind::Boolean => Element::Boolean(value.extract()?),
        Kind::U64 => Element::Unsigned(value.extract()?),
        Kind::F16 | Kind::F32 | Kind::F64 | Kind::F80 => Element::Float(value.extract()?),
        Kind::Ticks => {
            let (ticks, unit, units_a_tick) = value.extract()?;
            Element::Ticks(Ticks { ticks, unit, units_a_tick })
        }
        _ => Element::Integer(value.extract()?),
    })
}

impl Numpy {
    /// Pushes a scalar or an array. Returns whether it did.
    pub fn push<S: Sink>(&self, value: Borrowed<'_, '_, PyAny>, buffer: &mut String, sink: &mut S) -> bool {
        if let Some(element) = self.scalars.read(value) {
            return push_element(element, is_exactly(value, &self.date), sink);
        }
        if let Some(array) = self.arrays.as_ref().and_then(|arrays| arrays.read(value)) {
            if has_too_many_values(array.lengths()) {
                return false; // `default` may convert it
            }
            push_array(array, sink);
            return true;
        }
        match value.cast::<PyString>() {
            Ok(text) if is_exactly(value, &self.text) => match raw::decode(&text, buffer, Baseline) {
                false => sink.text(buffer),
                true => sink.repaired_text(buffer),
            },
            _ => return false,
        }
        true
    }
}

/// An array of Python objects. None for one without dimensions, of which Python code judges what is in it, and for one of too
/// many.
pub fn objects<'a, 'py>(value: Borrowed<'a, 'py, PyAny>) -> Option<Array<'a, Objects<'a, 'py>>> {
    let array = NUMPY.get()?.arrays.as_ref()?.read_objects(value)?;
    (!array.lengths().is_empty() && !has_too_many_values(array.lengths())).then_some(array)
}

/// Whether the arrays at all levels and the elements are too many.
fn has_too_many_values(lengths: &[isize]) -> bool {
    let (mut level, mut sum) = (1_isize, 0_isize);
    for length in lengths {
        level = level.saturating_mul(*length);
        sum = sum.saturating_add(level);
    }
    sum > MOST_VALUES
}

fn push_array<S: Sink>(array: Array<'_, Kind>, sink: &mut S) {
    let Some(parts) = array.parts() else { return push_number(array, sink) };
    if !sink.begin_array() {
        return;
    }
    match array.lengths().len() {
        1 => parts.for_each(|part| push_number(part, sink)),
        _ => parts.for_each(|part| push_array(part, sink)),
    }
    sink.end_array();
}

/// Pushes the element of an array without dimensions. Inlined into the loop, where a call would cost as much as a number.
#[inline(always)]
fn push_number<S: Sink>(array: Array<'_, Kind>, sink: &mut S) {
    match array.element() {
        Some(Element::Integer(integer)) => sink.integer(integer),
        Some(Element::Float(float)) => sink.float(float),
        Some(Element::Boolean(boolean)) => sink.boolean(boolean),
        Some(Element::Unsigned(integer)) => push_unsigned(integer, sink),
        Some(Element::Ticks(_)) | None => {} // the dtypes of ticks are not among those of `Arrays`
    }
}

fn push_unsigned<S: Sink>(integer: u64, sink: &mut S) {
    match i64::try_from(integer) {
        Ok(integer) => sink.integer(integer),
        Err(_) => sink.number(itoa::Buffer::new().format(integer)),
    }
}

/// Pushes a value. Returns false for ticks that only Python code can judge.
fn push_element<S: Sink>(element: Element, is_date: bool, sink: &mut S) -> bool {
    match element {
        Element::Boolean(boolean) => sink.boolean(boolean),
        Element::Integer(integer) => sink.integer(integer),
        Element::Unsigned(integer) => push_unsigned(integer, sink),
        Element::Float(float) => sink.float(float),
        Element::Ticks(Ticks { ticks: i64::MIN, .. }) => sink.null(), // NaT
        Element::Ticks(ticks) if is_date => match micros_of_date(ticks).and_then(|micros| moment_of(micros, false)) {
            Some(moment) => sink.moment(moment),
            None => return false,
        },
        Element::Ticks(ticks) => match micros_of(ticks) {
            Some(micros) if is_timedelta(micros) => push_duration(micros, sink),
            _ => return false,
        },
    }
    true
}

/// Microseconds since the epoch, rounded down; None for an unknown unit.
fn micros_of_date(ticks: Ticks) -> Option<i128> {
    let count = i64::try_from(i128::from(ticks.ticks) * i128::from(ticks.units_a_tick)).ok()?;
    let months = match ticks.unit {
        0 => count.checked_mul(12)?,
        1 => count,
        _ => return micros_of(ticks),
    };
    let (year, month) = (i32::try_from(1970 + months.div_euclid(12)).ok()?, months.rem_euclid(12) + 1);
    Some(Moment::from_civil((year, month as u8, 1), (0, 0, 0, 0), false).micros.into())
}

/// Microseconds, rounded down; None for years and months, which differ in length, and for an unknown unit.
fn micros_of(ticks: Ticks) -> Option<i128> {
    const SECOND: i128 = 1_000_000;
    let count = i128::from(ticks.ticks) * i128::from(ticks.units_a_tick);
    Some(match ticks.unit {
        2 => count * 7 * 86_400 * SECOND,
        4 => count * 86_400 * SECOND,
        5 => count * 3600 * SECOND,
        6 => count * 60 * SECOND,
        7 => count * SECOND,
        8 => count * 1000,
        9 => count,
        10 => count.div_euclid(1000),
        11 => count.div_euclid(SECOND),
        12 => count.div_euclid(1000 * SECOND),
        13 => count.div_euclid(SECOND * SECOND),
        _ => return None,
    })
}

/// Whether a `timedelta` can be so long: below a billion days.
fn is_timedelta(micros: i128) -> bool {
    const LONGEST: u128 = 999_999_999 * 86_400_000_000;
    micros.unsigned_abs() <= LONGEST
}
