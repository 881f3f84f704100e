//! What a variable is by the values that were seen of it: its type, its default, its examples.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::recognise::Recognised;

/// Examples of a variable.
pub const MAX_EXAMPLES: usize = 5;
/// Characters of an example and of an option.
pub const MAX_VALUE_CHARS: usize = 200;
/// Options of a choice.
pub const MAX_OPTIONS: usize = 8;
/// Values that must be seen before a choice is made of them.
pub const LEAST_OF_CHOICE: usize = 20;

/// Share of the values that must be of a type, or among the options.
const TYPED: f64 = 0.9;
/// Digits from which a whole number without separators is more likely to name something than to count it.
const DIGITS_OF_NAME: usize = 5;

/// What a variable of a proposal holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "options", rename_all = "snake_case")]
pub enum SlotKind {
    /// Words.
    Text,
    /// A number.
    Number,
    /// A day.
    Date,
    /// One of these, the commonest first.
    Select(Vec<String>),
}

/// What the values of a variable tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Typed {
    pub kind: SlotKind,
    pub default: Option<String>,
    pub examples: Vec<String>,
}

impl Typed {
    /// The default, where it is not of one conversation: another customer's name, number or day is none.
    pub(crate) fn default_for_all(&self, name: &str, recognised: Option<Recognised>) -> Option<String> {
        let is_for_all = match recognised {
            None | Some(Recognised::Percent) => true,
            Some(Recognised::Number) => self.kind == SlotKind::Number && name != "order.number",
            _ => false,
        };
        self.default.clone().filter(|_| is_for_all)
    }
}

/// Judges values. In English, `11/12/26` is taken for the twelfth of November.
pub(crate) fn typed(values: &[&str], language: Option<&str>) -> Typed {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    values.iter().filter(|value| value.chars().count() <= MAX_VALUE_CHARS).for_each(|value| {
        *counts.entry(value).or_default() += 1;
    });
    let mut by_count: Vec<(&str, usize)> = counts.into_iter().collect();
    by_count.sort_by_key(|(value, count)| (Reverse(*count), *value));
    let order = DayOrder::of(values, language);
    let is_most = |count: usize| count as f64 >= TYPED * values.len() as f64;
    let count = |is_such: &dyn Fn(&str) -> bool| values.iter().filter(|value| is_such(value)).count();
    let kind = if is_most(count(&|value| date(value, order).is_some())) {
        SlotKind::Date
    } else if is_most(count(&|value| number(value).is_some())) {
        SlotKind::Number
    } else {
        choice(&by_count, values.len()).unwrap_or(SlotKind::Text)
    };
    let clear = by_count.first().filter(|(_, count)| *count > 1 && 2 * count > values.len());
    let default = clear.and_then(|(value, _)| match &kind {
        SlotKind::Date => date(value, order).map(|date| date.to_string()),
        SlotKind::Number => number(value),
        SlotKind::Text | SlotKind::Select(_) => Some((*value).to_owned()),
    });
    let examples = by_count.iter().take(MAX_EXAMPLES).map(|(value, _)| (*value).to_owned()).collect();
    Typed { kind, default, examples }
}

fn choice(by_count: &[(&str, usize)], seen: usize) -> Option<SlotKind> {
    if seen < LEAST_OF_CHOICE {
        return None;
    }
    let mut options = Vec::new();
    let mut covered = 0;
    for (value, count) in by_count.iter().take(MAX_OPTIONS) {
        options.push((*value).to_owned());
        covered += count;
        // What was written once is a slip rather than an option.
        if covered as f64 >= TYPED * seen as f64 {
            let rest = by_count[options.len()..].iter().take(MAX_OPTIONS - options.len());
            options.extend(rest.filter(|(_, count)| *count > 1).map(|(value, _)| (*value).to_owned()));
            return Some(SlotKind::Select(options));
        }
    }
    None
}

/// The number as a program writes it, without what groups its digits; `None` for what is none, or names something.
pub(crate) fn number(text: &str) -> Option<String> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split(['.', ',', '\u{a0}']).collect();
    if parts.len() > 5 || text.len() > 20 || !parts.iter().all(|part| is_digits(part)) {
        return None;
    }
    let first = parts[0];
    let leads_with_zero = first.len() > 1 && first.starts_with('0');
    if leads_with_zero {
        return None;
    }
    let separators: Vec<char> = text.chars().filter(|char| !char.is_ascii_digit()).collect();
    match separators.as_slice() {
        [] => (first.len() < DIGITS_OF_NAME).then(|| first.to_owned()),
        [one] if *one == '\u{a0}' || (first.len() <= 3 && parts[1].len() == 3 && first != "0") => Some(parts.concat()),
        [_] => Some(format!("{first}.{}", parts[1])),
        [groups @ .., last] => {
            let grouped = |parts: &[&str]| first.len() <= 3 && parts[1..].iter().all(|part| part.len() == 3);
            if groups.iter().any(|group| *group != groups[0]) {
                return None;
            }
            if *last == groups[0] {
                return grouped(&parts).then(|| parts.concat());
            }
            let (fraction, whole) = parts.split_last()?;
            grouped(whole).then(|| format!("{}.{fraction}", whole.concat()))
        }
    }
}

/// Which of the first two numbers of a date is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DayOrder {
    DayFirst,
    MonthFirst,
    Unknown,
}

impl DayOrder {
    fn of(values: &[&str], language: Option<&str>) -> Self {
        let numbers = values.iter().filter(|value| value.contains('/')).map(|value| {
            let mut numbers = value.split('/').map(|part| part.parse::<u32>().unwrap_or_default());
            (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
        });
        let (mut first, mut second) = (0, 0);
        for (a, b) in numbers {
            (first, second) = (first.max(a), second.max(b));
        }
        match (first > 12, second > 12, language.map(|language| language.starts_with("en"))) {
            (true, true, _) | (false, false, None) => Self::Unknown,
            (true, false, _) | (false, false, Some(false)) => Self::DayFirst,
            (false, true, _) | (false, false, Some(true)) => Self::MonthFirst,
        }
    }
}

/// Beginnings of the months' names, in English, German, Spanish and Russian.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "янв"],
    &["feb", "фев"],
    &["mar", "mär", "мар"],
    &["apr", "abr", "апр"],
    &["may", "mai", "мая"],
    &["jun", "июн"],
    &["jul", "июл"],
    &["aug", "ago", "авг"],
    &["sep", "сен"],
    &["oct", "okt", "окт"],
    &["nov", "ноя"],
    &["dec", "dez", "dic", "дек"],
];

/// The day, where year, month and day are said and cannot be taken for others.
pub(crate) fn date(text: &str, order: DayOrder) -> Option<Date> {
    if text.len() > 40 {
        return None;
    }
    let lower = text.to_lowercase();
    let mut numbers: Vec<(i16, usize)> = Vec::new();
    let mut month = None;
    for part in lower.split(|char: char| !char.is_alphanumeric()).filter(|part| !part.is_empty()) {
        let digits = part.trim_end_matches(char::is_alphabetic);
        if let Ok(number) = digits.parse() {
            numbers.push((number, digits.len()));
        } else if let Some(at) = MONTHS.iter().position(|names| names.iter().any(|name| part.starts_with(name))) {
            month = Some(i8::try_from(at + 1).ok()?);
        }
    }
    let (year, month, day) = match (month, numbers.as_slice()) {
        (Some(month), [(day, 1 | 2), (year, 4)]) => (*year, month, *day),
        (None, [(year, 4), (month, _), (day, _)]) => (*year, i8::try_from(*month).ok()?, *day),
        (None, [(a, _), (b, _), (year, length @ (2 | 4))]) => {
            let is_day_first = text.contains('.') || order == DayOrder::DayFirst;
            if !is_day_first && (order == DayOrder::Unknown || !text.contains('/')) {
                return None;
            }
            let (day, month) = if is_day_first { (*a, *b) } else { (*b, *a) };
            (year + if *length == 2 { 2000 } else { 0 }, i8::try_from(month).ok()?, day)
        }
        _ => return None,
    };
    Date::new(year, month, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them_and_names_are_none() {
        for (text, read) in [
            ("5", Some("5")),
            ("350", Some("350")),
            ("12.5", Some("12.5")),
            ("12,50", Some("12.50")),
            ("1,299.00", Some("1299.00")),
            ("1.299,00", Some("1299.00")),
            ("1,299", Some("1299")),
            ("0.125", Some("0.125")),
            ("1,2,3", None),
            ("12345", None),
            ("0042", None),
            ("3-5", None),
            ("", None),
        ] {
            assert_eq!(number(text).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn dates_are_read_where_they_cannot_be_mistaken() {
        let expected = Some(jiff::civil::date(2026, 11, 27));
        for text in
            ["2026-11-27", "27.11.2026", "27 November 2026", "Nov 27th, 2026", "27 ноября 2026", "27. Nov. 2026"]
        {
            assert_eq!(date(text, DayOrder::Unknown), expected, "{text}");
        }
        assert_eq!(date("11/27/26", DayOrder::MonthFirst), expected);
        assert_eq!(date("27/11/2026", DayOrder::DayFirst), expected);
        assert_eq!(date("05/06/2026", DayOrder::Unknown), None);
        assert_eq!(date("November 27", DayOrder::Unknown), None);
    }

    #[test]
    fn values_tell_the_type() {
        assert_eq!(typed(&["3", "5", "1,299"], None).kind, SlotKind::Number);
        assert_eq!(typed(&["13/11/2026", "05/06/2026"], None).kind, SlotKind::Date);
        assert_eq!(typed(&["05/06/2026", "06/07/2026"], None).kind, SlotKind::Text);
        assert_eq!(
            typed(&["11/12/2026", "11/12/2026", "01/02/2026"], Some("en")).default.as_deref(),
            Some("2026-11-12")
        );
        let chosen = ["by post", "by courier"].repeat(12);
        let options = vec!["by courier".to_owned(), "by post".to_owned()];
        assert_eq!(
            typed(&chosen, None),
            Typed { kind: SlotKind::Select(options.clone()), default: None, examples: options }
        );
        assert_eq!(typed(&chosen[..19], None).kind, SlotKind::Text);
        let mostly = typed(&["Chat", "Chat", "Phone"], None);
        assert_eq!((mostly.kind, mostly.default.as_deref()), (SlotKind::Text, Some("Chat")));
        assert_eq!(typed(&["A"], None).default, None, "once is no majority");
    }

    proptest! {
        #[test]
        fn nothing_is_read_into_anything(text in "\\PC{0,30}|[0-9.,/ -]{0,20}") {
            date(&text, DayOrder::DayFirst);
            if let Some(number) = number(&text) {
                prop_assert!(number.parse::<f64>().is_ok(), "{}", number);
            }
        }
    }
}
