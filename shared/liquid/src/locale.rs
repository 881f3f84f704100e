//! Numbers and dates as the reader's country writes them, by the Unicode CLDR.

use std::fmt;
use std::str::FromStr;

use fixed_decimal::{Decimal, FloatPrecision, SignedRoundingMode, UnsignedRoundingMode};
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::{YMD, YMDE};
use icu_decimal::DecimalFormatter;
use icu_locale_core as icu;

use crate::value::Number;

/// A language and a country, such as `ru` or `en-GB`.
pub struct Locale {
    tag: icu::Locale,
    numbers: DecimalFormatter,
}

/// How much of a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Digits: `11/27/26`.
    Short,
    /// The month shortened: `Nov 27, 2026`.
    Medium,
    /// The month in full: `November 27, 2026`.
    Long,
    /// With the day of the week: `Friday, November 27, 2026`.
    Full,
}

impl Style {
    /// The style of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "short" => Self::Short,
            "medium" => Self::Medium,
            "long" => Self::Long,
            "full" => Self::Full,
            _ => return None,
        })
    }
}

/// A tag that names no locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the locale is no language tag; write one such as `en`, `de-AT` or `ru`")]
pub struct UnknownLocale;

impl FromStr for Locale {
    type Err = UnknownLocale;

    fn from_str(tag: &str) -> Result<Self, UnknownLocale> {
        let tag: icu::Locale = tag.parse().map_err(|_| UnknownLocale)?;
        let numbers = DecimalFormatter::try_new((&tag).into(), Default::default()).map_err(|_| UnknownLocale)?;
        Ok(Self { tag, numbers })
    }
}

impl Default for Locale {
    /// English, as in the United States.
    fn default() -> Self {
        "en".parse().expect("English is compiled in")
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locale").field(&self.tag.to_string()).finish()
    }
}

impl Locale {
    /// A number with its groups and its decimal sign, rounded half away from zero to so many decimals, or with those it has.
    pub(crate) fn number(&self, number: Number, decimals: Option<u8>) -> String {
        let mut decimal = match number {
            Number::Integer(integer) => Decimal::from(integer),
            // The shortest digits that are this float and no other.
            Number::Float(float) => {
                Decimal::try_from_f64(float, FloatPrecision::RoundTrip).unwrap_or_else(|_| Decimal::from(0))
            }
        };
        if let Some(decimals) = decimals {
            let half = SignedRoundingMode::Unsigned(UnsignedRoundingMode::HalfExpand);
            decimal.round_with_mode(-i16::from(decimals), half);
            decimal.pad_end(-i16::from(decimals));
        }
        self.numbers.format(&decimal).to_string()
    }

    /// A number, whole or not, shown with so many decimals, or with those it has.
    #[must_use]
    pub fn show_number(&self, number: f64, decimals: Option<u8>) -> String {
        self.number(Number::Float(number), decimals)
    }

    /// A whole number, with its groups, shown with so many decimals, or with none.
    #[must_use]
    pub fn show_integer(&self, number: i64, decimals: Option<u8>) -> String {
        self.number(Number::Integer(number), decimals)
    }

    /// A day.
    #[must_use]
    pub fn date(&self, date: jiff::civil::Date, style: Style) -> String {
        let (year, month, day) = (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs());
        let Ok(day) = Date::try_new_gregorian(year, month, day) else { return date.to_string() };
        let length = match style {
            Style::Short => YMD::short(),
            Style::Medium => YMD::medium(),
            Style::Long => YMD::long(),
            Style::Full => return self.full(&day).unwrap_or_else(|| date.to_string()),
        };
        FixedCalendarDateTimeFormatter::<Gregorian, _>::try_new((&self.tag).into(), length)
            .map_or_else(|_| date.to_string(), |formatter| formatter.format(&day).to_string())
    }

    fn full(&self, day: &Date<Gregorian>) -> Option<String> {
        let formatter = FixedCalendarDateTimeFormatter::<Gregorian, _>::try_new((&self.tag).into(), YMDE::long());
        Some(formatter.ok()?.format(day).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        tag.parse().unwrap()
    }

    /// Spaces that do not break, made visible as plain ones.
    fn plain(text: &str) -> String {
        text.replace(['\u{a0}', '\u{202f}'], " ")
    }

    #[test]
    fn each_country_writes_a_number_its_own_way() {
        let written = |tag: &str| plain(&locale(tag).show_number(1_234_567.891, Some(2)));
        assert_eq!(
            ["en", "de", "ru", "es", "en-IN", "de-CH"].map(written),
            ["1,234,567.89", "1.234.567,89", "1 234 567,89", "1.234.567,89", "12,34,567.89", "1'234'567.89"]
        );
        assert_eq!(locale("en").show_number(2.675, Some(2)), "2.68");
        assert_eq!(locale("en").show_number(5.0, Some(2)), "5.00");
        assert_eq!(locale("en").show_number(-0.1, None), "-0.1");
        assert_eq!(locale("de").show_integer(-1_000_000, None), "-1.000.000");
    }

    #[test]
    fn each_country_writes_a_day_its_own_way() {
        let day = jiff::civil::date(2026, 11, 27);
        let written = |tag: &str, style| plain(&locale(tag).date(day, style));
        assert_eq!(written("en", Style::Long), "November 27, 2026");
        assert_eq!(written("en-GB", Style::Full), "Friday, 27 November 2026");
        assert_eq!(written("ru", Style::Long), "27 ноября 2026 г.");
        assert_eq!(written("es", Style::Long), "27 de noviembre de 2026");
        assert_eq!(written("de", Style::Short), "27.11.26");
        assert_eq!(written("de", Style::Medium), "27.11.2026");
    }

    #[test]
    fn a_tag_that_nobody_knows_is_written_plainly_and_no_tag_is_refused() {
        assert_eq!(locale("xx").show_integer(1, None), "1");
        assert!("".parse::<Locale>().is_err());
        assert!("not a tag".parse::<Locale>().is_err());
    }
}
