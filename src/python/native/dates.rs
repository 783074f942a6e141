//! Dates, times and durations, read in place by their fields.

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{
    PyDate, PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyTime, PyTimeAccess, PyTzInfo, PyTzInfoAccess,
};

use super::library::{Library, Look};
use crate::python::raw::fields::ObjectField;
use crate::python::raw::zones::Zones;
use crate::serialize::Moment;
use crate::source::Sink;

/// The field of a `datetime.timezone` that has its offset.
static TIMEZONES: Library<ObjectField> = Library::new("datetime", |datetime| {
    let timezone = datetime.getattr("timezone")?;
    let mut samples = Vec::new();
    for seconds in [3600, -7 * 3600 - 1, 86_399] {
        let sample = timezone.call1((PyDelta::new(datetime.py(), 0, seconds, 5, true)?,))?;
        let offset = sample.call_method1("utcoffset", (datetime.py().None(),))?;
        samples.push((sample, offset));
    }
    Ok(ObjectField::find(&samples))
});
static ZONES: Library<Zones> = Library::new("zoneinfo", |zoneinfo| Zones::of(zoneinfo.getattr("ZoneInfo")?.cast()?));

/// The microseconds of the years that datetime has.
const DATETIMES: std::ops::Range<i64> = -62_135_596_800_000_000..253_402_300_800_000_000;
const SECOND: i128 = 1_000_000;

/// Imports what pyo3 would import at the first date.
pub fn initialise(py: Python<'_>) -> PyResult<()> {
    let utc = PyTzInfo::utc(py)?;
    let moment = PyDateTime::new(py, 2000, 1, 1, 0, 0, 0, 0, Some(&utc))?;
    let _ = utc_offset(&moment, utc.as_borrowed());
    Ok(())
}

/// As `resolve` of this module's parent.
pub fn resolve(look: &mut Look<'_>) -> PyResult<()> {
    TIMEZONES.resolve(look)?;
    ZONES.resolve(look)
}

/// Pushes a value of exactly the type `datetime`, `date`, `time` or `timedelta`. Returns whether it did.
#[inline(always)]
pub fn push<S: Sink>(value: Borrowed<'_, '_, PyAny>, sink: &mut S) -> bool {
    if let Ok(moment) = value.cast_exact::<PyDateTime>() {
        let Some(moment) = read(&moment) else { return false };
        sink.moment(moment);
    } else if let Ok(date) = value.cast_exact::<PyDate>() {
        sink.moment(Moment::from_civil(date_of(&*date), (0, 0, 0, 0), false));
    } else if let Ok(time) = value.cast_exact::<PyTime>() {
        return push_time(&time, sink);
    } else if let Ok(duration) = value.cast_exact::<PyDelta>() {
        push_duration(micros_of(&duration), sink);
    } else {
        return false;
    }
    true
}

/// The moment of a datetime of any class whose fields are true; None if its offset needs Python code, or if UTC has no
/// such year.
pub fn read(moment: &Bound<'_, PyDateTime>) -> Option<Moment> {
    let clock = (moment.get_hour(), moment.get_minute(), moment.get_second(), moment.get_microsecond());
    let local = Moment::from_civil(date_of(moment), clock, false);
    let Some(zone) = moment.get_tzinfo() else { return Some(local) };
    let micros = i128::from(local.micros) - utc_offset(moment, zone.as_borrowed())?;
    moment_of(micros, true)
}

/// A moment by its microseconds; None if it is outside the years 1 to 9999.
pub fn moment_of(micros: i128, utc: bool) -> Option<Moment> {
    let micros = i64::try_from(micros).ok().filter(|micros| DATETIMES.contains(micros))?;
    Some(Moment { micros, utc })
}

fn date_of(date: &impl PyDateAccess) -> (i32, u8, u8) {
    (date.get_year(), date.get_month(), date.get_day())
}

/// The offset from UTC in microseconds; None if it needs Python code.
fn utc_offset(moment: &Bound<'_, PyDateTime>, zone: Borrowed<'_, '_, PyTzInfo>) -> Option<i128> {
    if PyTzInfo::utc(zone.py()).is_ok_and(|utc| zone.is(utc)) {
        return Some(0);
    }
    if let Some(offset) = fixed_offset(zone) {
        return Some(offset);
    }
    let (zones, zone) = (ZONES.get()?, zone.as_any().as_borrowed());
    if let Some(offset) = zones.offset(zone, moment) {
        return Some(micros_of(&offset));
    }
    // A zone asks no attributes of an exact datetime only. To make one allocates no container.
    let exact = zones.is_one(zone).then(|| exactly(moment))?.ok()?;
    zones.offset(zone, &exact).map(|offset| micros_of(&offset))
}

/// A datetime with the fields of one of a subclass, but for the zone.
fn exactly<'py>(moment: &Bound<'py, PyDateTime>) -> PyResult<Bound<'py, PyDateTime>> {
    let (year, month, day) = date_of(moment);
    let clock = (moment.get_hour(), moment.get_minute(), moment.get_second(), moment.get_microsecond());
    let (hour, minute, second, microsecond) = clock;
    let (py, fold) = (moment.py(), moment.get_fold());
    PyDateTime::new_with_fold(py, year, month, day, hour, minute, second, microsecond, None, fold)
}

/// The offset of an exact `datetime.timezone` in microseconds.
fn fixed_offset(zone: Borrowed<'_, '_, PyTzInfo>) -> Option<i128> {
    let offset = TIMEZONES.get()?.get(zone.as_any().as_borrowed())?;
    Some(micros_of(&*offset.cast_exact::<PyDelta>().ok()?))
}

fn micros_of(duration: &Bound<'_, PyDelta>) -> i128 {
    let seconds = i64::from(duration.get_days()) * 86_400 + i64::from(duration.get_seconds());
    i128::from(seconds) * SECOND + i128::from(duration.get_microseconds())
}

/// Pushes a duration as its seconds: the double that is nearest to them.
pub fn push_duration<S: Sink>(micros: i128, sink: &mut S) {
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    let seconds = if micros.unsigned_abs() <= EXACT {
        micros as f64 / SECOND as f64
    } else {
        // Two roundings could differ from one.
        let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        let second = SECOND as u128;
        format!("{sign}{}.{:06}", size / second, size % second).parse().unwrap_or(f64::NAN)
    };
    sink.float(seconds);
}

/// Pushes a time as its `isoformat()`. A zone other than a `timezone` of whole minutes is left to Python code.
fn push_time<S: Sink>(time: &Bound<'_, PyTime>, sink: &mut S) -> bool {
    const MINUTE: i128 = 60 * SECOND;
    let offset = match time.get_tzinfo() {
        None => None,
        Some(zone) => match fixed_offset(zone.as_borrowed()) {
            Some(offset) if offset % MINUTE == 0 => Some(offset / MINUTE),
            _ => return false,
        },
    };
    let mut text = *b"00:00:00.000000+00:00";
    let mut put = |at: usize, value: u32| {
        text[at] = b'0' + (value / 10) as u8;
        text[at + 1] = b'0' + (value % 10) as u8;
    };
    let micros = time.get_microsecond();
    for (at, value) in [(0, time.get_hour()), (3, time.get_minute()), (6, time.get_second())] {
        put(at, value.into());
    }
    for (at, value) in [(9, micros / 10_000), (11, micros / 100 % 100), (13, micros % 100)] {
        put(at, value);
    }
    let mut length = if micros == 0 { 8 } else { 15 };
    if let Some(minutes) = offset {
        put(16, (minutes.unsigned_abs() / 60) as u32);
        put(19, (minutes.unsigned_abs() % 60) as u32);
        text[15] = if minutes < 0 { b'-' } else { b'+' };
        text.copy_within(15.., length);
        length += 6;
    }
    sink.text(std::str::from_utf8(&text[..length]).expect("digits and signs are ASCII"));
    true
}
