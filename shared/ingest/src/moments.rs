//! Times as exports write them, to put messages in order.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::Regex;

use crate::quotes::expression;

/// Longest text that is looked at, in bytes.
const LONGEST: usize = 64;

/// A time, as far as a file tells it: `03/01/2026` is a day of March or of January.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    day_first: Option<i64>,
    month_first: Option<i64>,
}

impl Moment {
    /// That of these milliseconds.
    pub(crate) fn at(milliseconds: i64) -> Self {
        Self { day_first: Some(milliseconds), month_first: Some(milliseconds) }
    }

    /// That of a date and a time of day, which may stand in one cell.
    pub(crate) fn of(date: Option<&str>, time: Option<&str>) -> Self {
        let both = date.and_then(|date| Some(format!("{date} {}", time?)));
        let parsed = |order| {
            let both = both.as_deref().and_then(|both| parse(both, Some(order)));
            both.or_else(|| parse(date.or(time)?, Some(order)))
        };
        Self { day_first: parsed(Order::DayFirst), month_first: parsed(Order::MonthFirst) }
    }

    /// The milliseconds of moments that one file writes alike; `None` where one of them has none. Of two readings the one
    /// that all can have is taken, then the one by which they never go back, or never forth.
    pub(crate) fn milliseconds(all: &[Self]) -> Option<Vec<i64>> {
        let read = |by: fn(&Self) -> Option<i64>| all.iter().map(by).collect::<Option<Vec<i64>>>();
        let (days, months) = (read(|it| it.day_first), read(|it| it.month_first));
        let is_steady = |times: &Vec<i64>| times.is_sorted() || times.is_sorted_by(|a, b| a >= b);
        match (days, months) {
            (Some(days), Some(months)) => Some(if is_steady(&months) && !is_steady(&days) { months } else { days }),
            (days, months) => days.or(months),
        }
    }
}

/// Order of a date of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    DayFirst,
    MonthFirst,
}

/// Milliseconds since 1970, where the text is a time: seconds, milliseconds or microseconds since then, days as spreadsheets
/// count them, ISO 8601, or a date in numbers or words with a clock. A time without a zone counts as UTC: messages of one file
/// are compared with each other alone.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    parse(text, None)
}

/// As [`milliseconds`], with the order of a date that leaves it open.
fn parse(text: &str, order: Option<Order>) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    since_1970(text).or_else(|| in_scientific_notation(text)).or_else(|| iso(text)).or_else(|| written(text, order))
}

/// `1.77236E+12`, as spreadsheets show large numbers.
fn in_scientific_notation(text: &str) -> Option<i64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'e' | b'E'));
    let value: f64 = text.parse().ok().filter(|_| is_number && text.contains(['e', 'E']))?;
    since_1970(&format!("{value:.0}"))
}

fn since_1970(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let count: i64 = whole.parse().ok()?;
    match whole.len() {
        5 if SHEET_DAYS.contains(&count) => {
            let days: f64 = text.parse().ok()?;
            Some(((days - DAYS_TO_1970) * 86_400.0).round() as i64 * 1_000)
        }
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

/// A date in numbers or with the name of a month, and a clock: `01.03.2026 10:00:05`, `Mar 1, 2026 at 10:00 AM`,
/// `1 марта 2026 г. 10:00`. Where two numbers may be the month, a point or a clock of 24 hours puts the day first.
fn written(text: &str, order: Option<Order>) -> Option<i64> {
    let lower = text.to_lowercase();
    let found = CLOCK.captures(&lower);
    let number = |name| found.as_ref()?.name(name)?.as_str().parse::<i8>().ok();
    let (mut hour, minute, second) =
        (number("hour").unwrap_or(0), number("minute").unwrap_or(0), number("second").unwrap_or(0));
    let half = found.as_ref().and_then(|clock| clock.name("half")).map(|half| half.as_str().starts_with('p'));
    if let Some(is_afternoon) = half {
        hour = hour % 12 + if is_afternoon { 12 } else { 0 };
    }
    let (before, after) = found
        .as_ref()
        .and_then(|clock| clock.get(0))
        .map_or((lower.as_str(), ""), |clock| (&lower[..clock.start()], &lower[clock.end()..]));
    let zone = ZONE.captures(after).map(|zone| {
        let part = |name| zone.name(name).and_then(|part| part.as_str().parse::<i64>().ok()).unwrap_or(0);
        let minutes = part("hours") * 60 + part("minutes");
        if zone.name("sign").is_some_and(|sign| sign.as_str() == "-") { -minutes } else { minutes }
    });
    let date = if zone.is_some() { before.to_owned() } else { format!("{before} {after}") };
    let (year, month, day) = date_of(&date, half.is_some(), order)?;
    let at = in_utc(DateTime::new(year, month, day, hour, minute, second, 0).ok()?)?;
    Some(at - zone.unwrap_or(0) * 60_000)
}

fn date_of(date: &str, has_half: bool, order: Option<Order>) -> Option<(i16, i8, i8)> {
    let numbers: Vec<i16> = date
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().ok())
        .collect::<Option<_>>()?;
    // Days of the week come before the month, and one of them is called like a month in Spanish.
    let words = date.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= 3);
    let named = words.filter_map(|word| MONTHS.iter().find(|(name, _)| word.starts_with(name))).next_back();
    let (year, month, day) = match (numbers.as_slice(), named) {
        ([day, year], Some((_, month))) if *year >= 1_000 || *day <= 31 => (*year, *month, *day),
        ([year, month, day], None) if *year >= 1_000 => (*year, i8::try_from(*month).ok()?, *day),
        ([first, second, year], None) => {
            let is_month_first = match order {
                Some(order) => order == Order::MonthFirst,
                None => *second > 12 || (date.contains('/') && has_half && *first <= 12),
            };
            let (day, month) = if is_month_first { (*second, *first) } else { (*first, *second) };
            (*year, i8::try_from(month).ok()?, day)
        }
        _ => return None,
    };
    Some((if year < 100 { year + 2_000 } else { year }, month, i8::try_from(day).ok()?))
}

/// Days of spreadsheets that are times: from 1982 to 2064.
const SHEET_DAYS: std::ops::Range<i64> = 30_000..60_000;
/// Days of spreadsheets up to 1970.
const DAYS_TO_1970: f64 = 25_569.0;

/// A clock of twelve or of twenty-four hours.
static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?P<hour>\d{1,2})[:時](?P<minute>\d{2})(?:[:分](?P<second>\d{2}))?(?:[.,]\d+)?(?:[\s\u{202F}\u{A0}]*(?P<half>[ap])\.?[\s\u{202F}\u{A0}]?m\b\.?)?",
    )
});

/// A zone behind a clock.
static ZONE: LazyLock<Regex> =
    LazyLock::new(|| expression(r"^\s*(?:utc|gmt|z\b)?\s*(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?\b"));

/// Beginnings of the names of months, of two that begin alike the longer first.
const MONTHS: &[(&str, i8)] = &[
    ("jan", 1),
    ("янв", 1),
    ("січ", 1),
    ("oca", 1),
    ("ene", 1),
    ("gen", 1),
    ("sty", 1),
    ("feb", 2),
    ("fev", 2),
    ("fév", 2),
    ("фев", 2),
    ("лют", 2),
    ("şub", 2),
    ("lut", 2),
    ("mar", 3),
    ("mär", 3),
    ("mrt", 3),
    ("мар", 3),
    ("бер", 3),
    ("apr", 4),
    ("avr", 4),
    ("abr", 4),
    ("апр", 4),
    ("кві", 4),
    ("nis", 4),
    ("kwi", 4),
    ("may", 5),
    ("mai", 5),
    ("maj", 5),
    ("mag", 5),
    ("mei", 5),
    ("мая", 5),
    ("май", 5),
    ("тра", 5),
    ("jun", 6),
    ("juin", 6),
    ("giu", 6),
    ("июн", 6),
    ("чер", 6),
    ("haz", 6),
    ("cze", 6),
    ("jul", 7),
    ("juil", 7),
    ("lug", 7),
    ("июл", 7),
    ("лип", 7),
    ("tem", 7),
    ("lip", 7),
    ("aug", 8),
    ("aoû", 8),
    ("aou", 8),
    ("ago", 8),
    ("авг", 8),
    ("сер", 8),
    ("ağu", 8),
    ("sie", 8),
    ("sep", 9),
    ("set", 9),
    ("сен", 9),
    ("вер", 9),
    ("eyl", 9),
    ("wrz", 9),
    ("oct", 10),
    ("okt", 10),
    ("out", 10),
    ("ott", 10),
    ("окт", 10),
    ("жов", 10),
    ("eki", 10),
    ("paź", 10),
    ("nov", 11),
    ("ноя", 11),
    ("лис", 11),
    ("kas", 11),
    ("lis", 11),
    ("dec", 12),
    ("dez", 12),
    ("déc", 12),
    ("dic", 12),
    ("дек", 12),
    ("гру", 12),
    ("ara", 12),
    ("gru", 12),
];

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
            "Mar 1, 2026 10:00:05 AM",
            "1. März 2026 10:00:05",
            "1 марта 2026 г. 10:00:05",
            "01-Mar-2026 at 10:00:05",
            "2026年3月1日 10:00:05",
            "dom, 1 mar 2026, 10:00:05 a. m.",
            "Sun, 01 Mar 2026 12:00:05 +0200",
            "2026-03-01 10:00:05 +0000 UTC",
            "46082.41672453704",
        ] {
            assert_eq!(milliseconds(text), Some(1_772_359_205_000), "{text}");
        }
        assert_eq!(milliseconds("3/1/2026 10:00 PM"), milliseconds("2026-03-01T22:00:00Z"));
        assert_eq!(milliseconds("13/02/2026 12:05 AM"), milliseconds("2026-02-13T00:05:00Z"));
        for text in ["", "yesterday", "10:00", "1.2", "99/99/2026", "2026"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_a_date_is_that_of_all_dates_together() {
        let read = |dates: &[&str]| {
            let moments: Vec<Moment> = dates.iter().map(|date| Moment::of(Some(date), None)).collect();
            Moment::milliseconds(&moments).map(|times| times.is_sorted())
        };
        assert_eq!(read(&["1/31/2026 14:05", "2/1/2026 9:00"]), Some(true));
        assert_eq!(read(&["12/3/26, 10:15 pm", "13/3/26, 9:00 am"]), Some(true));
        assert_eq!(read(&["30/1/2026 9:00", "1/31/2026 9:00"]), None);
        let noon = |date, time| Moment::of(Some(date), Some(time));
        assert_eq!(noon("01.03.2026", "12:00"), noon("01.03.2026 12:00", ""));
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in "[0-9./:, apmTZ+-]{0,24}") {
            milliseconds(&text);
        }

        #[test]
        fn any_words_are_a_time_or_none(text in "\\PC{0,30}") {
            milliseconds(&text);
        }
    }
}
