//! Values of exports, read as far as they can be: an export of another version, or one that a connector wrote, has texts for
//! numbers and for truth values.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::{interpret, moments};

/// A value that should be text and may be anything: numbers are written out, all else is nothing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text<'text>(pub(crate) Option<Cow<'text, str>>);

impl<'text> Text<'text> {
    /// The text, where it says something.
    pub(crate) fn filled(self) -> Option<Cow<'text, str>> {
        self.0.filter(|text| !text.trim().is_empty())
    }
}

impl<'de: 'text, 'text> Deserialize<'de> for Text<'text> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Option<Cow<'de, str>>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(None)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(None)
            }
        }
        json.deserialize_any(Anything).map(Self)
    }
}

impl Text<'_> {
    /// Milliseconds since 1970, where it is a time.
    pub(crate) fn milliseconds(&self) -> Option<i64> {
        moments::milliseconds(self.0.as_deref()?)
    }
}

/// A truth value that may be a word or a number; all else is neither true nor false.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "Loose<'_>")]
pub(crate) struct Truth(Option<bool>);

impl Truth {
    pub(crate) fn is_true(self) -> bool {
        self.0 == Some(true)
    }

    pub(crate) fn is_false(self) -> bool {
        self.0 == Some(false)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose<'text> {
    Truth(bool),
    Number(i64),
    Text(#[serde(borrow)] Cow<'text, str>),
    Other(IgnoredAny),
}

impl From<Loose<'_>> for Truth {
    fn from(value: Loose<'_>) -> Self {
        Self(match value {
            Loose::Truth(truth) => Some(truth),
            Loose::Number(number) => (0..=1).contains(&number).then_some(number == 1),
            Loose::Text(word) => interpret::truth(&word),
            Loose::Other(_) => None,
        })
    }
}

/// Items of a list in one object.
const MOST_ITEMS: usize = 20_000;

/// A list that may be absent, `null` or something else, of objects of which some may be broken.
#[derive(Debug)]
pub(crate) struct Listed<T>(pub(crate) Vec<T>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = Vec<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                    if all.len() > MOST_ITEMS {
                        return Err(serde::de::Error::custom("a list is too long"));
                    }
                }
                Ok(all)
            }
            // The number of a list's items stands under its name, too.
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Vec::new())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
        }
        json.deserialize_any(List(PhantomData)).map(Self)
    }
}
