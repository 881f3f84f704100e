//! Times as exports write them, to put messages in order.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Longest text that is looked at, in bytes.
const LONGEST: usize = 64;

/// Milliseconds since 1970, where the text is a time: seconds, milliseconds or microseconds since then, ISO 8601 with a zone
/// or without, or day, month and year with points or slashes. A time without a zone counts as UTC: messages of one file are
/// compared with each other alone.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    since_1970(text).or_else(|| iso(text)).or_else(|| day_first(text))
}

fn since_1970(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let count: i64 = whole.parse().ok()?;
    match whole.len() {
        9..=11 => {
            let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
            Some(count * 1_000 + thousandths.parse::<i64>().ok()?)
        }
        12..=14 => Some(count),
        15..=17 => Some(count / 1_000),
        _ => None,
    }
}

fn iso(text: &str) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    // `2026-03-01 10:00:00 UTC`, as databases write it.
    let text = text.strip_suffix("UTC").unwrap_or(text).trim_end();
    in_utc(text.parse().ok()?)
}

fn in_utc(at: DateTime) -> Option<i64> {
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// `01.03.2026 10:00:05`, `3/1/2026, 10:00 AM`. Where both numbers may be the month, a point or a clock of 24 hours puts the
/// day first.
fn day_first(text: &str) -> Option<i64> {
    let (date, time) = text.split_once([' ', ',']).unwrap_or((text, ""));
    let separator = date.chars().find(|c| matches!(c, '.' | '/' | '-'))?;
    let mut numbers = date.split(separator).map(|part| part.parse::<i16>().ok());
    let (first, second, year) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let (clock, half) = clock(time.trim_matches([' ', ',']))?;
    let is_month_first = second > 12 || (separator == '/' && half && first <= 12);
    let (day, month) = if is_month_first { (second, first) } else { (first, second) };
    let year = if year < 100 { year + 2_000 } else { year };
    let [hour, minute, second] = clock;
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    in_utc(DateTime::new(year, month, day, hour, minute, second, 0).ok()?)
}

/// Hour, minute and second, and whether the clock has twelve hours.
fn clock(time: &str) -> Option<([i8; 3], bool)> {
    let lower = time.to_lowercase().replace(['.', '\u{202F}', '\u{A0}'], "");
    let (digits, half) = match lower.strip_suffix("am").or_else(|| lower.strip_suffix("pm")) {
        Some(digits) => (digits.trim(), true),
        None => (lower.trim(), false),
    };
    let mut clock = [0_i8; 3];
    if !digits.is_empty() {
        for (at, part) in digits.split(':').enumerate() {
            *clock.get_mut(at)? = part.parse().ok()?;
        }
    }
    if half {
        clock[0] = clock[0] % 12 + if lower.ends_with("pm") { 12 } else { 0 };
    }
    Some((clock, half))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_moment_is_written_in_many_ways() {
        for text in [
            "1772359205",
            "1772359205.0",
            "1772359205000",
            "1772359205000000",
            "2026-03-01T10:00:05Z",
            "2026-03-01T12:00:05+02:00",
            "2026-03-01 10:00:05",
            "2026-03-01 10:00:05 UTC",
            "01.03.2026 10:00:05",
            "01.03.26, 10:00:05",
            "3/1/2026, 10:00:05 AM",
        ] {
            assert_eq!(milliseconds(text), Some(1_772_359_205_000), "{text}");
        }
        assert_eq!(milliseconds("3/1/2026 10:00 PM"), milliseconds("2026-03-01T22:00:00Z"));
        assert_eq!(milliseconds("13/02/2026 12:05 AM"), milliseconds("2026-02-13T00:05:00Z"));
        for text in ["", "yesterday", "10:00", "1.2", "99/99/2026", "2026"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in "[0-9./:, apmTZ+-]{0,24}") {
            milliseconds(&text);
        }
    }
}
