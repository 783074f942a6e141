//! Dates and times: read from a calendar, and written as the text that the API accepts.

/// A moment as the API accepts it: microseconds since the epoch, in UTC or in an unknown zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970-01-01T00:00:00, in UTC or in local time.
    pub micros: i64,
    /// Whether it is UTC.
    pub utc: bool,
}

const DAY_SECONDS: i64 = 86_400;

impl Moment {
    /// The moment of a date and a time of day (proleptic Gregorian, as in Python's datetime).
    pub fn from_civil(date: (i32, u8, u8), clock: (u8, u8, u8, u32), utc: bool) -> Moment {
        let (year, month, day) = (i64::from(date.0), i64::from(date.1), i64::from(date.2));
        // With years that start in March the leap day comes last, and the first day of a month is a linear formula.
        let shifted = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days =
            shifted * 365 + shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400) + day_of_year
                - 719_468;
        let (hour, minute, second, micro) = clock;
        let seconds = days * DAY_SECONDS + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        Moment { micros: seconds * 1_000_000 + i64::from(micro), utc }
    }

    /// Milliseconds since the epoch, rounded half to even.
    pub fn milliseconds(self) -> i64 {
        let (floor, rest) = (self.micros.div_euclid(1000), self.micros.rem_euclid(1000));
        floor + i64::from(rest > 500 || (rest == 500 && floor % 2 != 0))
    }
}

/// `YYYY-MM-DDTHH:MM:SS`, the API's text for a date, without a fraction of a second.
pub(crate) struct MomentText {
    /// Room for the longest year of 64 bits of microseconds.
    bytes: [u8; 24],
    length: usize,
}

impl MomentText {
    #[inline]
    pub(crate) fn of(moment: Moment) -> MomentText {
        let seconds = moment.micros.div_euclid(1_000_000);
        let (days, clock) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS) as u32);
        let (year, month, day) = civil(days);
        let fields = [month, day, clock / 3600, clock / 60 % 60, clock % 60];
        if !(0..=9999).contains(&year) {
            return MomentText::of_long_year(year, fields);
        }
        let mut bytes = *b"0000-00-00T00:00:00     ";
        put_two_digits(&mut bytes, 0, year as u32 / 100);
        put_two_digits(&mut bytes, 2, year as u32 % 100);
        for (number, field) in fields.into_iter().enumerate() {
            put_two_digits(&mut bytes, 5 + 3 * number, field);
        }
        MomentText { bytes, length: 19 }
    }

    #[cold]
    fn of_long_year(year: i64, [month, day, hour, minute, second]: [u32; 5]) -> MomentText {
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        let mut bytes = [0; 24];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        MomentText { bytes, length: text.len() }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).expect("digits and signs are ASCII")
    }
}

/// The year, month and day of a number of days since the epoch.
fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097) as u32;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (i64::from(year_of_era) + era * 400 + i64::from(month <= 2), month, day)
}

#[inline(always)]
fn put_two_digits(text: &mut [u8; 24], at: usize, value: u32) {
    text[at] = b'0' + (value / 10 % 10) as u8;
    text[at + 1] = b'0' + (value % 10) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_written_by_the_calendar() {
        let cases = [
            ((1970, 1, 1), (0, 0, 0, 0), "1970-01-01T00:00:00", 0),
            ((2000, 2, 29), (23, 59, 59, 999_999), "2000-02-29T23:59:59", 951_868_799_999_999),
            ((1, 1, 1), (0, 0, 0, 0), "0001-01-01T00:00:00", -62_135_596_800_000_000),
            ((9999, 12, 31), (23, 59, 59, 0), "9999-12-31T23:59:59", 253_402_300_799_000_000),
            ((1969, 12, 31), (23, 59, 59, 500_000), "1969-12-31T23:59:59", -500_000),
        ];
        for (date, clock, text, micros) in cases {
            let moment = Moment::from_civil(date, clock, true);
            assert_eq!((moment.micros, MomentText::of(moment).as_str()), (micros, text));
        }
    }

    #[test]
    fn years_beyond_four_digits_are_written_in_full() {
        for (year, text) in [(10_000, "10000-01-01T00:00:00"), (-1, "-001-01-01T00:00:00"), (0, "0000-01-01T00:00:00")]
        {
            assert_eq!(MomentText::of(Moment::from_civil((year, 1, 1), (0, 0, 0, 0), true)).as_str(), text);
        }
        for (micros, start) in [(i64::MIN, "-290308-"), (i64::MAX, "294247-")] {
            assert!(MomentText::of(Moment { micros, utc: false }).as_str().starts_with(start));
        }
    }

    #[test]
    fn milliseconds_round_a_half_to_even() {
        for (micros, expected) in [(1499, 1), (1500, 2), (1501, 2), (2500, 2), (-500, 0), (-1500, -2), (-501, -1)] {
            assert_eq!(Moment { micros, utc: true }.milliseconds(), expected, "{micros}");
        }
    }
}
