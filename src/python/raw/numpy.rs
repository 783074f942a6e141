//! The scalars and arrays of numpy, read in place.
//!
//! A scalar is its value after the header of an object. An array has the address of its first element, and for each
//! dimension a length and a stride in bytes; its first fields are numpy's public binary interface. Both are verified with
//! samples nevertheless.

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::arrays::{Array, Objects};
use super::fields::{is_exactly, size_of_instances};

/// How a value is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
    /// The x87 format of 80 bits.
    F80,
    /// Ticks of a unit: a `datetime64` or `timedelta64`, as a scalar.
    Ticks,
}

/// The value of a scalar, or of an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Element {
    Boolean(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Ticks(Ticks),
}

/// A number of ticks, each of so many units; the unit by its number in numpy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    pub ticks: i64,
    pub unit: i32,
    pub units_a_tick: i32,
}

impl Kind {
    /// The kind of a dtype, by its letter and its size in bytes.
    pub fn of(letter: &str, size: usize) -> Option<Kind> {
        Some(match (letter, size) {
            ("b", 1) => Kind::Boolean,
            ("i", 1) => Kind::I8,
            ("i", 2) => Kind::I16,
            ("i", 4) => Kind::I32,
            ("i", 8) => Kind::I64,
            ("u", 1) => Kind::U8,
            ("u", 2) => Kind::U16,
            ("u", 4) => Kind::U32,
            ("u", 8) => Kind::U64,
            ("f", 2) => Kind::F16,
            ("f", 4) => Kind::F32,
            ("f", 8) => Kind::F64,
            ("f", 16) if cfg!(target_arch = "x86_64") => Kind::F80,
            ("M" | "m", 8) => Kind::Ticks,
            _ => return None,
        })
    }

    /// Bytes of a value, its unit included.
    fn size(self) -> usize {
        match self {
            Kind::Boolean | Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 | Kind::F16 => 2,
            Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::I64 | Kind::U64 | Kind::F64 => 8,
            Kind::F80 | Kind::Ticks => 16,
        }
    }

    /// The value at an address.
    ///
    /// # Safety
    /// A value of this kind is at the address, aligned or not.
    #[inline(always)]
    unsafe fn read(self, at: *const u8) -> Element {
        // SAFETY: by the contract of this function.
        unsafe {
            match self {
                Kind::Boolean => Element::Boolean(at.read() != 0),
                Kind::I8 => Element::Integer(at.cast::<i8>().read().into()),
                Kind::I16 => Element::Integer(at.cast::<i16>().read_unaligned().into()),
                Kind::I32 => Element::Integer(at.cast::<i32>().read_unaligned().into()),
                Kind::I64 => Element::Integer(at.cast::<i64>().read_unaligned()),
                Kind::U8 => Element::Integer(at.read().into()),
                Kind::U16 => Element::Integer(at.cast::<u16>().read_unaligned().into()),
                Kind::U32 => Element::Integer(at.cast::<u32>().read_unaligned().into()),
                Kind::U64 => Element::Unsigned(at.cast::<u64>().read_unaligned()),
                Kind::F16 => Element::Float(from_half(at.cast::<u16>().read_unaligned())),
                Kind::F32 => Element::Float(at.cast::<f32>().read_unaligned().into()),
                Kind::F64 => Element::Float(at.cast::<f64>().read_unaligned()),
                Kind::F80 => {
                    let (mantissa, sign_and_exponent) = (at.cast::<u64>(), at.add(8).cast::<u16>());
                    Element::Float(from_extended(mantissa.read_unaligned(), sign_and_exponent.read_unaligned()))
                }
                Kind::Ticks => {
                    let (ticks, unit) = (at.cast::<i64>(), at.add(8).cast::<i32>());
                    let (ticks, units_a_tick) = (ticks.read_unaligned(), unit.add(1).read_unaligned());
                    Element::Ticks(Ticks { ticks, unit: unit.read_unaligned(), units_a_tick })
                }
            }
        }
    }
}

/// The double of an IEEE half.
#[inline(never)]
fn from_half(bits: u16) -> f64 {
    let (exponent, fraction) = (bits >> 10 & 31, f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// The double that is nearest to a number of the x87 format, halves to even.
#[inline(never)]
fn from_extended(mantissa: u64, sign_and_exponent: u16) -> f64 {
    const BIAS: i32 = 16_383 + 63;
    let exponent = i32::from(sign_and_exponent & 0x7fff);
    let size = if exponent == 0x7fff {
        if mantissa << 1 == 0 { f64::INFINITY } else { f64::NAN }
    } else {
        scaled(mantissa, exponent.max(1) - BIAS)
    };
    if sign_and_exponent >> 15 == 0 { size } else { -size }
}

/// `mantissa * 2^exponent`, rounded once.
fn scaled(mantissa: u64, exponent: i32) -> f64 {
    let bits = 64 - mantissa.leading_zeros() as i32;
    // A double has 53 bits, and fewer below 2^-1022.
    let dropped = (bits - 53).max(-1074 - exponent);
    if mantissa == 0 || dropped > 64 {
        return 0.0;
    }
    let (kept, exponent) = if dropped <= 0 {
        (mantissa, exponent)
    } else {
        let wide = u128::from(mantissa);
        let (kept, rest, half) = (wide >> dropped, wide & ((1 << dropped) - 1), 1 << (dropped - 1));
        let rounds_up = rest > half || (rest == half && kept & 1 == 1);
        (kept as u64 + u64::from(rounds_up), exponent + dropped)
    };
    // Exact in both steps: the first power alone could be out of range.
    let half = exponent.clamp(-2000, 2000) / 2;
    kept as f64 * 2_f64.powi(half) * 2_f64.powi(exponent.clamp(-2000, 2000) - half)
}

/// A type of scalars, what it has, and samples with their values.
pub type ScalarType<'py> = (Bound<'py, PyType>, Kind, Vec<(Bound<'py, PyAny>, Element)>);

/// The types of scalars that can be read.
pub struct Scalars {
    kinds: Vec<(Py<PyType>, Kind)>,
}

impl Scalars {
    /// The right to read instances of types, given with samples and their values; types that differ are left out.
    pub fn verify(types: Vec<ScalarType<'_>>) -> Scalars {
        let verified = types.into_iter().filter(|(kind, form, samples)| {
            size_of_instances(kind) >= size_of::<ffi::PyObject>() + form.size()
                && !samples.is_empty()
                && samples.iter().all(|(sample, expected)| {
                    // SAFETY: the instance is long enough; any bytes are a value.
                    let read = unsafe { read_scalar(*form, sample.as_borrowed()) };
                    sample.get_type().is(kind) && read == *expected
                })
        });
        Scalars { kinds: verified.map(|(kind, form, _)| (kind.unbind(), form)).collect() }
    }

    /// The value of a scalar; None if the value is of another type.
    #[inline]
    pub fn read(&self, value: Borrowed<'_, '_, PyAny>) -> Option<Element> {
        let (_, kind) = self.kinds.iter().find(|(scalar, _)| is_exactly(value, scalar))?;
        // SAFETY: the samples proved where the value is in the type's instances.
        Some(unsafe { read_scalar(*kind, value) })
    }
}

/// # Safety
/// The object's type has a value of this kind after the header.
unsafe fn read_scalar(kind: Kind, scalar: Borrowed<'_, '_, PyAny>) -> Element {
    // SAFETY: by the contract of this function.
    unsafe { kind.read(scalar.as_ptr().cast::<u8>().add(size_of::<ffi::PyObject>())) }
}

/// The first fields of numpy's `PyArrayObject_fields`.
#[repr(C)]
struct Fields {
    object: ffi::PyObject,
    data: *const u8,
    dimensions: i32,
    lengths: *const isize,
    strides: *const isize,
    base: *mut ffi::PyObject,
    dtype: *mut ffi::PyObject,
}

/// The first fields of numpy's `PyArray_Descr`: a dtype.
#[repr(C)]
struct Dtype {
    object: ffi::PyObject,
    scalar: *mut ffi::PyTypeObject,
    letters: [u8; 2],
    byte_order: u8,
}

/// The right to read arrays. A value exists only where the layout was verified.
pub struct Arrays {
    kind: Py<PyType>,
    /// numpy's own object for each of these dtypes in the byte order of the machine.
    dtypes: Vec<(Py<PyAny>, Kind)>,
    /// The same for the dtype of Python objects.
    objects: Py<PyAny>,
    /// Whether each dtype has a class of its own, so that another object for it is known: that of an array that was pickled.
    has_classes: bool,
}

/// An array, the address of its data, its lengths and its strides.
pub type ArraySample<'py> = (Bound<'py, PyAny>, usize, Vec<isize>, Vec<isize>);

impl Arrays {
    /// The right to read instances of `numpy.ndarray`, if its layout agrees with samples.
    pub fn verify(
        kind: &Bound<'_, PyType>,
        dtypes: Vec<(Py<PyAny>, Kind)>,
        objects: Py<PyAny>,
        samples: &[ArraySample<'_>],
    ) -> Option<Arrays> {
        let has_classes = have_classes(kind.py(), dtypes.iter().map(|(dtype, _)| dtype).chain([&objects]));
        let arrays = Arrays { kind: kind.clone().unbind(), dtypes, objects, has_classes };
        let agrees = |(array, data, lengths, strides): &ArraySample<'_>| {
            let fields = array.as_ptr().cast::<Fields>();
            // SAFETY: the type's instances are long enough. No pointer is followed.
            let fields = unsafe { fields.read() };
            array.get_type().is(kind)
                && fields.data.addr() == *data
                && fields.dimensions as usize == lengths.len()
                && array.getattr("dtype").is_ok_and(|dtype| dtype.as_ptr() == fields.dtype)
                && arrays.agrees(array, lengths, strides)
        };
        let is_verified = size_of_instances(kind) >= size_of::<Fields>() && samples.iter().all(agrees);
        is_verified.then_some(arrays)
    }

    /// Whether the shape of a sample is read as it is, and each of its objects where it is.
    fn agrees(&self, array: &Bound<'_, PyAny>, lengths: &[isize], strides: &[isize]) -> bool {
        if let Some(read) = self.read(array.as_borrowed()) {
            return read.is_shaped(lengths, strides);
        }
        let Some(read) = self.read_objects(array.as_borrowed()) else { return false };
        let objects = array.getattr("flat").and_then(|flat| flat.try_iter()?.collect::<PyResult<Vec<_>>>());
        read.is_shaped(lengths, strides)
            && objects.is_ok_and(|objects| read.addresses() == objects.iter().map(Bound::as_ptr).collect::<Vec<_>>())
    }

    /// An exact array with elements of a known kind; None for any other value.
    #[inline]
    pub fn read<'a>(&self, value: Borrowed<'a, '_, PyAny>) -> Option<Array<'a, Kind>> {
        let fields = self.fields(value)?;
        let by_address = self.dtypes.iter().find(|(dtype, _)| dtype.as_ptr() == fields.dtype);
        let (_, kind) = by_address.or_else(|| self.dtypes.iter().find(|(dtype, _)| self.is_same(fields, dtype)))?;
        // SAFETY: `fields` gave them.
        Some(unsafe { array_of(fields, *kind) })
    }

    /// An exact array of Python objects; None for any other value.
    #[inline]
    pub fn read_objects<'a, 'py>(&self, value: Borrowed<'a, 'py, PyAny>) -> Option<Array<'a, Objects<'a, 'py>>> {
        let fields = self.fields(value)?;
        if fields.dtype != self.objects.as_ptr() && !self.is_same(fields, &self.objects) {
            return None;
        }
        // SAFETY: `fields` gave them, and the dtype is that of objects.
        Some(unsafe { array_of(fields, Objects::of(value)) })
    }

    /// Whether the array's dtype is this one, though another object.
    fn is_same(&self, fields: &Fields, dtype: &Py<PyAny>) -> bool {
        // SAFETY: the array owns its dtype. `have_classes` verified the layout of the class's instances.
        self.has_classes
            && unsafe { ffi::Py_TYPE(fields.dtype) == ffi::Py_TYPE(dtype.as_ptr()) && is_native(fields.dtype) }
    }

    #[inline(always)]
    fn fields<'a>(&self, value: Borrowed<'a, '_, PyAny>) -> Option<&'a Fields> {
        // SAFETY: the samples proved the layout of the type's instances.
        is_exactly(value, &self.kind).then(|| unsafe { &*value.as_ptr().cast::<Fields>() })
    }
}

/// Whether the values of a dtype have the machine's byte order, or none.
///
/// # Safety
/// The object has the layout of [`Dtype`].
unsafe fn is_native(dtype: *mut ffi::PyObject) -> bool {
    // SAFETY: by the contract.
    matches!(unsafe { (*dtype.cast::<Dtype>()).byte_order }, b'=' | b'|')
}

/// Whether each dtype has a class of its own, and the byte order is read as Python says it is.
fn have_classes<'a>(py: Python<'_>, dtypes: impl Iterator<Item = &'a Py<PyAny>>) -> bool {
    let mut classes = Vec::new();
    let mut is_known = |dtype: Bound<'_, PyAny>| {
        let class = dtype.get_type();
        let is_new = !classes.contains(&class.as_ptr());
        classes.push(class.as_ptr());
        let swapped = dtype.call_method1("newbyteorder", ("S",))?;
        let mut agrees = size_of_instances(&class) >= size_of::<Dtype>() && swapped.get_type().is(&class);
        for each in [&dtype, &swapped] {
            let order: char = each.getattr("byteorder")?.extract()?;
            // SAFETY: `agrees` says that the instance is long enough.
            agrees = agrees && unsafe { is_native(each.as_ptr()) } == matches!(order, '=' | '|');
        }
        Ok::<_, PyErr>(is_new && agrees)
    };
    dtypes.map(|dtype| is_known(dtype.bind(py).clone())).all(|known| known.unwrap_or(false))
}

/// # Safety
/// The fields are those of an array whose layout was verified, and its elements are of this kind.
#[inline(always)]
unsafe fn array_of<K>(fields: &Fields, kind: K) -> Array<'_, K> {
    let slice = |first: *const isize| match fields.dimensions {
        0 => &[][..],
        // SAFETY: lengths and strides are one array of the object, which only Python code replaces, and none runs while the
        // array is read.
        count => unsafe { std::slice::from_raw_parts(first, count as usize) },
    };
    Array { data: fields.data, lengths: slice(fields.lengths), strides: slice(fields.strides), kind }
}

impl Array<'_, Kind> {
    /// The single element of an array without dimensions.
    #[inline(always)]
    pub fn element(self) -> Option<Element> {
        // SAFETY: numpy's arrays guarantee that there is an element at each position within the lengths, by the strides, and
        // the element's kind is that of the dtype. A position is never outside, see `parts`. Another thread that writes
        // elements meanwhile, without the interpreter's lock, can only give this number another value.
        self.lengths.is_empty().then(|| unsafe { self.kind.read(self.data) })
    }
}
