//! What variables hold and filters make. Values are shared, not copied: a template cannot multiply what it was given.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Zoned;
use jiff::civil::Date;

use crate::render::Channel;

/// A value of the template language.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Nil,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Words.
    Text(Arc<str>),
    /// A day.
    Date(Date),
    /// A moment, in the time zone that it is told in.
    Moment(Arc<Zoned>),
    /// Values one after another.
    List(Arc<[Value]>),
    /// Values under names.
    Object(Arc<Object>),
    /// A value that is shown otherwise than by itself, such as a number as its country writes it. Filters work on the
    /// value, output shows the text.
    Shown(Arc<Shown>),
}

/// Values under names, in the order of the names.
pub type Object = BTreeMap<Arc<str>, Value>;

/// A value and how it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What it is.
    pub value: Value,
    /// How it looks.
    pub text: Arc<str>,
    /// What it is written for: for HTML it is markup, which is not escaped again.
    pub channel: Channel,
}

/// What a value weighs that has no parts.
const SMALL: usize = 8;
/// Bytes of a float, written out, that is very large or very small.
const LONGEST_FLOAT: usize = 330;
/// Bytes of a text that may spell a number.
const MAX_NUMERAL: usize = 400;

/// A number, whole where it can be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Integer(i64),
    Float(f64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "what is compared or multiplied with a float becomes one")]
    pub(crate) fn as_float(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        match number {
            Number::Integer(integer) => Self::Integer(integer),
            Number::Float(float) => Self::Float(float),
        }
    }
}

impl Value {
    /// Words.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// The value itself, however it is shown.
    #[must_use]
    pub fn plain(&self) -> &Self {
        match self {
            Self::Shown(shown) => shown.value.plain(),
            other => other,
        }
    }

    /// Whether it is markup as it stands.
    pub(crate) fn is_markup(&self) -> bool {
        matches!(self, Self::Shown(shown) if shown.channel == Channel::Html)
    }

    /// What conditions ask: everything but `nil` and `false` is true, the empty text and zero too.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        !matches!(self.plain(), Self::Nil | Self::Bool(false))
    }

    /// Whether there is nothing in it: `empty` of the language.
    pub(crate) fn is_empty(&self) -> bool {
        match self.plain() {
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(object) => object.is_empty(),
            _ => false,
        }
    }

    /// Whether there is nothing but white space in it: `blank` of the language.
    pub(crate) fn is_blank(&self) -> bool {
        match self.plain() {
            Self::Nil | Self::Bool(false) => true,
            Self::Text(text) => text.trim().is_empty(),
            other => other.is_empty(),
        }
    }

    /// The number it is, or that its text spells.
    pub(crate) fn number(&self) -> Option<Number> {
        match self.plain() {
            Self::Integer(integer) => Some(Number::Integer(*integer)),
            Self::Float(float) => Some(Number::Float(*float)),
            Self::Text(text) if text.len() <= MAX_NUMERAL => {
                let text = text.trim();
                let is_plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'));
                let integer = text.parse().map(Number::Integer);
                is_plain.then(|| integer.or_else(|_| text.parse().map(Number::Float)).ok()).flatten()
            }
            _ => None,
        }
    }

    /// Its words; `None` for an object, which has none.
    pub(crate) fn words(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Shown(shown) => Cow::Borrowed(&shown.text),
            Self::Nil => Cow::Borrowed(""),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Integer(integer) => Cow::Owned(integer.to_string()),
            Self::Float(float) => Cow::Owned(written(*float)),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Date(date) => Cow::Owned(date.to_string()),
            Self::Moment(moment) => Cow::Owned(moment.strftime("%Y-%m-%d %H:%M:%S %z").to_string()),
            Self::List(items) => {
                let mut words = String::new();
                for item in items.iter() {
                    words.push_str(&item.words()?);
                }
                Cow::Owned(words)
            }
            Self::Object(_) => return None,
        })
    }

    /// How much it holds: bytes of text, items of lists, fields of objects. Beyond `most` it is not counted any further.
    pub(crate) fn weight(&self, most: usize) -> usize {
        let mut weight = 0;
        self.weigh(most, &mut weight);
        weight
    }

    /// Of all of them together.
    pub(crate) fn weight_of(values: &[Self], most: usize) -> usize {
        let mut weight = 0;
        for value in values {
            value.weigh(most, &mut weight);
        }
        weight
    }

    fn weigh(&self, most: usize, weight: &mut usize) {
        if *weight > most {
            return;
        }
        *weight += match self {
            Self::Text(text) => 1 + text.len(),
            Self::Shown(shown) => 1 + shown.text.len(),
            // Written out, it has all of its digits.
            Self::Float(float) if *float != 0.0 && !(1e-5..1e16).contains(&float.abs()) => LONGEST_FLOAT,
            _ => SMALL,
        };
        match self {
            Self::List(items) => {
                for item in items.iter() {
                    item.weigh(most, weight);
                    if *weight > most {
                        break;
                    }
                }
            }
            Self::Object(object) => {
                for (name, value) in object.iter() {
                    *weight += name.len();
                    value.weigh(most, weight);
                    if *weight > most {
                        break;
                    }
                }
            }
            _ => {}
        }
    }

    /// What [`Value::is_same`] goes through. Texts of different lengths are told apart at once, and others many bytes at a time.
    pub(crate) fn cost_of_comparing(&self, other: &Self, most: usize) -> usize {
        match (self.plain(), other.plain()) {
            (Self::Text(one), Self::Text(other)) if one.len() == other.len() => SMALL + one.len() / 16,
            (Self::List(one), Self::List(other)) if one.len() != other.len() => SMALL,
            (Self::Object(one), Self::Object(other)) if one.len() != other.len() => SMALL,
            (one @ (Self::List(_) | Self::Object(_)), other @ (Self::List(_) | Self::Object(_))) => {
                // No further than the lighter of the two, or finding out would cost more than it tells.
                let mut enough = 64 * SMALL;
                loop {
                    let lighter = one.weight(enough).min(other.weight(enough));
                    if lighter <= enough || enough >= most {
                        return lighter;
                    }
                    enough *= 4;
                }
            }
            _ => SMALL,
        }
    }

    /// Whether two are the same: numbers by their worth, all else by kind and content.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self.plain(), other.plain()) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Integer(one), Self::Integer(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::List(one), Self::List(other)) => {
                one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| one.is_same(other))
            }
            (Self::Object(one), Self::Object(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other.iter()).all(|(one, other)| one.0 == other.0 && one.1.is_same(other.1))
            }
            (one, other) => one.order(other) == Some(Ordering::Equal),
        }
    }

    /// Which comes first, where two can be compared.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self.plain(), other.plain()) {
            (Self::Integer(one), Self::Integer(other)) => Some(one.cmp(other)),
            (one @ (Self::Integer(_) | Self::Float(_)), other @ (Self::Integer(_) | Self::Float(_))) => {
                one.number()?.as_float().partial_cmp(&other.number()?.as_float())
            }
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            (Self::Date(one), Self::Date(other)) => Some(one.cmp(other)),
            (Self::Moment(one), Self::Moment(other)) => Some(one.timestamp().cmp(&other.timestamp())),
            // A template writes a day as a text.
            (Self::Date(one), Self::Text(other)) => other.parse().ok().map(|other| one.cmp(&other)),
            (Self::Text(one), Self::Date(other)) => one.parse::<Date>().ok().map(|one| one.cmp(other)),
            _ => None,
        }
    }
}

/// A float as Liquid writes it: always with a point.
fn written(float: f64) -> String {
    let mut text = String::new();
    let is_whole = float.fract() == 0.0 && float.abs() < 1e16;
    let _ = if is_whole { write!(text, "{float:.1}") } else { write!(text, "{float}") };
    text
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(bool) => Self::Bool(bool),
            serde_json::Value::Number(number) => {
                number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or_default()), Self::Integer)
            }
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(fields) => {
                Self::Object(Arc::new(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_point() {
        assert_eq!([1.0, -0.5, 1e21, 12345.678].map(written), ["1.0", "-0.5", "1000000000000000000000", "12345.678"]);
    }

    #[test]
    fn numbers_are_compared_by_worth_and_texts_are_no_numbers() {
        assert!(Value::Integer(1).is_same(&Value::Float(1.0)));
        assert!(!Value::text("1").is_same(&Value::Integer(1)));
        assert_eq!(Value::text("b").order(&Value::text("a")), Some(Ordering::Greater));
        assert_eq!(Value::Nil.order(&Value::Integer(1)), None);
    }

    #[test]
    fn only_plain_numerals_are_numbers() {
        let number = |text: &str| Value::text(text).number().map(Number::as_float);
        assert_eq!([" 12 ", "-1.5", "+3"].map(number), [Some(12.0), Some(-1.5), Some(3.0)]);
        assert_eq!(["", "inf", "NaN", "1e5", "0x1", "1,5", "--1"].map(number), [None; 7]);
    }
}
