//! The values of a column of one kind, stored in any width.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, GenericStringArray, LargeBinaryArray, LargeStringArray,
    OffsetSizeTrait, StringArray,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, TimeUnit};

use crate::serialize::Moment;

fn values<T: ArrowPrimitiveType>(array: &dyn Array) -> ScalarBuffer<T::Native> {
    array.as_primitive::<T>().values().clone()
}

/// Integers that fit in 64 bits with a sign.
pub(super) enum Integers {
    Int8(ScalarBuffer<i8>),
    Int16(ScalarBuffer<i16>),
    Int32(ScalarBuffer<i32>),
    Int64(ScalarBuffer<i64>),
    UInt8(ScalarBuffer<u8>),
    UInt16(ScalarBuffer<u16>),
    UInt32(ScalarBuffer<u32>),
}

impl Integers {
    pub(super) fn of(array: &dyn Array) -> Option<Integers> {
        Some(match array.data_type() {
            DataType::Int8 => Integers::Int8(values::<Int8Type>(array)),
            DataType::Int16 => Integers::Int16(values::<Int16Type>(array)),
            DataType::Int32 => Integers::Int32(values::<Int32Type>(array)),
            DataType::Int64 => Integers::Int64(values::<Int64Type>(array)),
            DataType::UInt8 => Integers::UInt8(values::<UInt8Type>(array)),
            DataType::UInt16 => Integers::UInt16(values::<UInt16Type>(array)),
            DataType::UInt32 => Integers::UInt32(values::<UInt32Type>(array)),
            _ => return None,
        })
    }

    #[inline(always)]
    pub(super) fn at(&self, row: usize) -> i64 {
        match self {
            Integers::Int8(values) => values[row].into(),
            Integers::Int16(values) => values[row].into(),
            Integers::Int32(values) => values[row].into(),
            Integers::Int64(values) => values[row],
            Integers::UInt8(values) => values[row].into(),
            Integers::UInt16(values) => values[row].into(),
            Integers::UInt32(values) => values[row].into(),
        }
    }
}

/// Floats, widened to 64 bits.
pub(super) enum Floats {
    Float16(ScalarBuffer<<Float16Type as ArrowPrimitiveType>::Native>),
    Float32(ScalarBuffer<f32>),
    Float64(ScalarBuffer<f64>),
}

impl Floats {
    pub(super) fn of(array: &dyn Array) -> Option<Floats> {
        Some(match array.data_type() {
            DataType::Float16 => Floats::Float16(values::<Float16Type>(array)),
            DataType::Float32 => Floats::Float32(values::<Float32Type>(array)),
            DataType::Float64 => Floats::Float64(values::<Float64Type>(array)),
            _ => return None,
        })
    }

    #[inline(always)]
    pub(super) fn at(&self, row: usize) -> f64 {
        match self {
            Floats::Float16(values) => values[row].to_f64(),
            Floats::Float32(values) => values[row].into(),
            Floats::Float64(values) => values[row],
        }
    }
}

/// Dates and timestamps.
pub(super) struct Moments {
    ticks: Ticks,
    /// Whether they have a timezone: then they are in UTC.
    utc: bool,
}

/// Numbers of a unit since the epoch.
enum Ticks {
    Days(ScalarBuffer<i32>),
    /// Milliseconds of whole days.
    WholeDays(ScalarBuffer<i64>),
    Seconds(ScalarBuffer<i64>),
    Milliseconds(ScalarBuffer<i64>),
    Microseconds(ScalarBuffer<i64>),
    Nanoseconds(ScalarBuffer<i64>),
}

impl Moments {
    pub(super) fn of(array: &dyn Array) -> Option<Moments> {
        let ticks = match array.data_type() {
            DataType::Date32 => Ticks::Days(values::<Date32Type>(array)),
            DataType::Date64 => Ticks::WholeDays(values::<Date64Type>(array)),
            DataType::Timestamp(TimeUnit::Second, _) => Ticks::Seconds(values::<TimestampSecondType>(array)),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                Ticks::Milliseconds(values::<TimestampMillisecondType>(array))
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Ticks::Microseconds(values::<TimestampMicrosecondType>(array))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Ticks::Nanoseconds(values::<TimestampNanosecondType>(array))
            }
            _ => return None,
        };
        Some(Moments { ticks, utc: matches!(array.data_type(), DataType::Timestamp(_, Some(_))) })
    }

    /// The moment, with nanoseconds rounded down to microseconds; None outside the years 1 to 9999, which have no text.
    #[inline(always)]
    pub(super) fn at(&self, row: usize) -> Option<Moment> {
        const FIRST: i64 = -62_135_596_800_000_000; // 0001-01-01T00:00:00
        const LAST: i64 = 253_402_300_799_999_999; // 9999-12-31T23:59:59.999999
        const DAY: i64 = 86_400_000_000;
        let micros = match &self.ticks {
            Ticks::Days(ticks) => i64::from(ticks[row]).checked_mul(DAY),
            Ticks::WholeDays(ticks) => ticks[row].div_euclid(86_400_000).checked_mul(DAY),
            Ticks::Seconds(ticks) => ticks[row].checked_mul(1_000_000),
            Ticks::Milliseconds(ticks) => ticks[row].checked_mul(1000),
            Ticks::Microseconds(ticks) => Some(ticks[row]),
            Ticks::Nanoseconds(ticks) => Some(ticks[row].div_euclid(1000)),
        };
        micros.filter(|micros| (FIRST..=LAST).contains(micros)).map(|micros| Moment { micros, utc: self.utc })
    }
}

/// Texts, which are not trusted to be UTF-8.
pub(super) enum Texts {
    /// Validated as a whole, which is many times faster than one by one.
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    /// To be validated one by one.
    Bytes(BinaryArray),
    LargeBytes(LargeBinaryArray),
    Views(BinaryViewArray),
}

impl Texts {
    pub(super) fn of(array: &dyn Array) -> Option<Texts> {
        match array.data_type() {
            DataType::Utf8 if is_utf8(array.as_string::<i32>()) => Some(Texts::Utf8(array.as_string().clone())),
            DataType::LargeUtf8 if is_utf8(array.as_string::<i64>()) => {
                Some(Texts::LargeUtf8(array.as_string().clone()))
            }
            _ => Texts::one_by_one(array),
        }
    }

    /// Texts that are validated one by one, because only a few of them are read.
    pub(super) fn one_by_one(array: &dyn Array) -> Option<Texts> {
        Some(match array.data_type() {
            DataType::Utf8 => Texts::Bytes(array.as_string::<i32>().clone().into()),
            DataType::LargeUtf8 => Texts::LargeBytes(array.as_string::<i64>().clone().into()),
            DataType::Utf8View => Texts::Views(array.as_string_view().clone().to_binary_view()),
            _ => return None,
        })
    }

    /// A text, or its bytes if they are not UTF-8.
    #[inline(always)]
    pub(super) fn at(&self, row: usize) -> Result<&str, &[u8]> {
        let bytes = match self {
            Texts::Utf8(texts) => return Ok(texts.value(row)),
            Texts::LargeUtf8(texts) => return Ok(texts.value(row)),
            Texts::Bytes(texts) => texts.value(row),
            Texts::LargeBytes(texts) => texts.value(row),
            Texts::Views(texts) => texts.value(row),
        };
        std::str::from_utf8(bytes).map_err(|_| bytes)
    }
}

fn is_utf8<O: OffsetSizeTrait>(texts: &GenericStringArray<O>) -> bool {
    let offsets = texts.offsets();
    let (first, last) = (offsets[0].as_usize(), offsets[offsets.len() - 1].as_usize());
    let Ok(all) = std::str::from_utf8(&texts.values()[first..last]) else { return false };
    all.is_ascii() || offsets.iter().all(|offset| all.is_char_boundary(offset.as_usize() - first))
}

/// The elements that are each row's list.
pub(super) enum Spans {
    /// From one offset to the next, counted from the first offset.
    Offsets(OffsetBuffer<i32>),
    LargeOffsets(OffsetBuffer<i64>),
    /// The same number for each row.
    Fixed(usize),
    /// Offsets and sizes.
    Views(ScalarBuffer<i32>, ScalarBuffer<i32>),
    LargeViews(ScalarBuffer<i64>, ScalarBuffer<i64>),
}

impl Spans {
    /// The spans of an array of lists, and the elements.
    pub(super) fn of(array: &dyn Array) -> Option<(Spans, ArrayRef)> {
        Some(match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                (Spans::Offsets(list.offsets().clone()), elements_of(list.offsets(), list.values()))
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                (Spans::LargeOffsets(list.offsets().clone()), elements_of(list.offsets(), list.values()))
            }
            DataType::FixedSizeList(_, size) => {
                (Spans::Fixed(*size as usize), array.as_fixed_size_list().values().clone())
            }
            DataType::ListView(_) => {
                let list = array.as_list_view::<i32>();
                (Spans::Views(list.offsets().clone(), list.sizes().clone()), list.values().clone())
            }
            DataType::LargeListView(_) => {
                let list = array.as_list_view::<i64>();
                (Spans::LargeViews(list.offsets().clone(), list.sizes().clone()), list.values().clone())
            }
            _ => return None,
        })
    }

    #[inline(always)]
    pub(super) fn at(&self, row: usize) -> Range<usize> {
        let span = |start: i64, end: i64| start as usize..end as usize;
        match self {
            Spans::Offsets(offsets) => {
                let first = offsets[0];
                span((offsets[row] - first).into(), (offsets[row + 1] - first).into())
            }
            Spans::LargeOffsets(offsets) => span(offsets[row] - offsets[0], offsets[row + 1] - offsets[0]),
            Spans::Fixed(size) => row * size..(row + 1) * size,
            Spans::Views(offsets, sizes) => span(offsets[row].into(), i64::from(offsets[row]) + i64::from(sizes[row])),
            Spans::LargeViews(offsets, sizes) => span(offsets[row], offsets[row] + sizes[row]),
        }
    }
}

/// The elements that are in a row: a sliced array still has all elements of the original.
pub(super) fn elements_of<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, elements: &ArrayRef) -> ArrayRef {
    let (first, last) = (offsets[0].as_usize(), offsets[offsets.len() - 1].as_usize());
    elements.slice(first, last - first)
}
