//! Check `time`: neither too old for the endpoint nor in the future.

use super::Violation;
use crate::rules::Rule;
use crate::rules::finding::{Message, shown_number};
use crate::rules::limits::{Endpoint, FIRST_MILLISECONDS, FUTURE_TOLERANCE_MS, OLDEST_IMPORT_MS, TRACK_WINDOW_MS};
use crate::serialize::{Moment, MomentText};

/// Whether a time breaks no rule. A fast test for the usual time: false where the other functions have to decide.
#[inline]
pub(crate) fn is_usual_time(value: i64, endpoint: Endpoint, now_ms: i64) -> bool {
    let milliseconds = if (0..FIRST_MILLISECONDS).contains(&value) { value * 1000 } else { value };
    let oldest = match endpoint {
        Endpoint::Track => now_ms.saturating_sub(TRACK_WINDOW_MS),
        _ => OLDEST_IMPORT_MS,
    };
    0 <= value && oldest <= milliseconds && milliseconds <= now_ms.saturating_add(FUTURE_TOLERANCE_MS)
}

/// An integer time in milliseconds: a small one is seconds.
pub(crate) fn milliseconds(value: i128) -> i128 {
    let is_milliseconds = value.unsigned_abs() >= FIRST_MILLISECONDS.unsigned_abs().into();
    if is_milliseconds { value } else { value * 1000 }
}

/// A float time in milliseconds, rounded half to even: a small one is seconds. The value must be finite.
pub(crate) fn float_milliseconds(value: f64) -> f64 {
    let is_seconds = value.abs() < FIRST_MILLISECONDS as f64;
    if is_seconds { value * 1000.0 } else { value }.round_ties_even()
}

/// A time must not be older than the endpoint accepts. `spelling` is the time as the event has it.
pub(crate) fn too_old<'s, S: Fn() -> String>(
    milliseconds: i128,
    endpoint: Endpoint,
    now_ms: i64,
    spelling: &'s S,
) -> Option<Violation<impl FnOnce() -> Message<'static> + use<'s, S>>> {
    let oldest = match endpoint {
        Endpoint::Track => i128::from(now_ms) - i128::from(TRACK_WINDOW_MS),
        _ => OLDEST_IMPORT_MS.into(),
    };
    (milliseconds < oldest).then_some(Violation {
        rule: Rule::TimeTooOld,
        message: move || {
            let spell = match endpoint {
                Endpoint::Track => too_old_for_track,
                _ => too_old_for_import,
            };
            Message::Later(spell, shown_number(&spelling()), [saturated(milliseconds), now_ms])
        },
    })
}

fn too_old_for_import(shown: &str, [milliseconds, _]: [i64; 2]) -> String {
    let time = calendar(milliseconds);
    format!("'time' is {shown}{time}, before 1971-01-01 (31536000), the oldest that /import takes")
}

fn too_old_for_track(shown: &str, [milliseconds, _]: [i64; 2]) -> String {
    let time = calendar(milliseconds);
    format!("'time' is {shown}{time}, and /track takes the last 5 days only: send it to /import")
}

/// A time must not be more than an hour ahead of the clock. `spelling` is the time as the event has it.
pub(crate) fn in_future<'s, S: Fn() -> String>(
    milliseconds: i128,
    now_ms: i64,
    spelling: &'s S,
) -> Option<Violation<impl FnOnce() -> Message<'static> + use<'s, S>>> {
    (milliseconds > i128::from(now_ms) + i128::from(FUTURE_TOLERANCE_MS)).then_some(Violation {
        rule: Rule::TimeInFuture,
        message: move || {
            Message::Later(ahead_of_the_clock, shown_number(&spelling()), [saturated(milliseconds), now_ms])
        },
    })
}

fn ahead_of_the_clock(shown: &str, [milliseconds, now]: [i64; 2]) -> String {
    let (time, clock) = (calendar(milliseconds), calendar(now));
    format!("'time' is {shown}{time}, more than an hour ahead of the clock{clock}")
}

/// The nearest number of 64 bits. The calendar ends long before the largest.
fn saturated(milliseconds: i128) -> i64 {
    milliseconds.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// An integer's value by its digits. One of more than 128 bits becomes the nearest that fits.
pub(crate) fn saturating_integer(digits: &str) -> i128 {
    digits.parse().unwrap_or(if digits.starts_with('-') { i128::MIN } else { i128::MAX })
}

/// A time as text for a message, like ` (2023-11-14T22:13:20)`; empty where the calendar ends before it.
fn calendar(milliseconds: i64) -> String {
    match milliseconds.checked_mul(1000) {
        Some(micros) if micros.unsigned_abs() < 250_000_000_000_000_000 => {
            format!(" ({})", MomentText::of(Moment { micros, utc: true }).as_str())
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn the_fast_test_accepts_no_time_that_breaks_a_rule() {
        let near = |time: i64| [time - 1, time, time + 1];
        let seconds = [0, 1, 31_536_000, NOW / 1000, NOW / 1000 + 3600, NOW / 1000 - 432_000, FIRST_MILLISECONDS];
        let times =
            seconds.into_iter().chain([NOW + FUTURE_TOLERANCE_MS, NOW - TRACK_WINDOW_MS, i64::MAX, i64::MIN + 1]);
        for value in times.flat_map(|time| if time == i64::MAX { [time; 3] } else { near(time) }) {
            for endpoint in [Endpoint::Import, Endpoint::Track] {
                let (milliseconds, spelling) = (milliseconds(value.into()), || value.to_string());
                let breaks_none = too_old(milliseconds, endpoint, NOW, &spelling).is_none()
                    && in_future(milliseconds, NOW, &spelling).is_none();
                assert_eq!(is_usual_time(value, endpoint, NOW), breaks_none && value >= 0, "{value} {endpoint:?}");
            }
        }
    }

    #[test]
    fn messages_show_the_time_as_it_was_given_and_as_a_date() {
        let spelling = || "5".to_owned();
        let violation = too_old(5_000, Endpoint::Import, NOW, &spelling).unwrap();
        let expected = "'time' is 5 (1970-01-01T00:00:05), before 1971-01-01 (31536000), the oldest that /import takes";
        let Message::Later(spell, shown, numbers) = (violation.message)() else { panic!("it is spelled later") };
        assert_eq!((violation.rule, spell(&shown, numbers).as_str()), (Rule::TimeTooOld, expected));
    }
}
