//! The filters of the language: what each takes, gives and does.

mod dates;
mod lists;
mod numbers;
mod texts;

use std::borrow::Cow;
use std::sync::Arc;

use crate::limits::Meter;
use crate::locale::Locale;
use crate::render::{Fault, Rendering};
use crate::value::{Number, Value};

pub(crate) use texts::escape_into;

/// What a value is, as far as a template tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// Anything.
    Any,
    /// Words.
    Text,
    /// A number.
    Number,
    /// A day or a moment.
    Date,
    /// Values one after another.
    List,
}

/// A filter.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) takes: Type,
    pub(crate) gives: Type,
    /// How many arguments at least and at most.
    pub(crate) arguments: (usize, usize),
    /// What its arguments are.
    pub(crate) of: Type,
    pub(crate) named: &'static [&'static str],
    /// What it makes in HTML of a text that is not yet markup.
    pub(crate) markup: Markup,
    pub(crate) apply: fn(&mut Applied<'_, '_>) -> Result<Value, Fault>,
}

/// Whether what a filter gives is shown in HTML as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Markup {
    /// It is words, which are escaped.
    Words,
    /// It is markup that the filter made itself of words.
    Made,
    /// It is markup if its input was escaped first, and then it is given escaped words.
    AfterEscape,
}

/// A filter with what it is given.
pub(crate) struct Applied<'call, 'run> {
    pub(crate) input: Value,
    pub(crate) arguments: &'call [Value],
    pub(crate) named: &'call [(Arc<str>, Value)],
    pub(crate) meter: &'call mut Meter<'run>,
    pub(crate) rendering: &'call Rendering<'run>,
}

/// Whose value is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// What stands before the filter.
    Input,
    /// An argument, from 0.
    Argument(usize),
}

impl Applied<'_, '_> {
    fn value(&self, whose: Whose) -> Option<&Value> {
        match whose {
            Whose::Input => Some(&self.input),
            Whose::Argument(place) => self.arguments.get(place),
        }
    }

    /// The words of a value, which cost what they are long.
    fn words(&mut self, whose: Whose) -> Result<Arc<str>, Fault> {
        let value = self.value(whose).cloned().unwrap_or_default();
        self.meter.value(&value)?;
        match value {
            Value::Text(text) => Ok(text),
            other => other.words().map(Arc::from).ok_or(Fault::NoWords(whose)),
        }
    }

    fn input(&mut self) -> Result<Arc<str>, Fault> {
        self.words(Whose::Input)
    }

    fn number(&self, whose: Whose) -> Result<Number, Fault> {
        self.value(whose).and_then(Value::number).ok_or(Fault::NoNumber(whose))
    }

    /// A whole number that an argument holds, if it is given.
    fn whole(&self, place: usize) -> Result<Option<i64>, Fault> {
        if self.arguments.len() <= place {
            return Ok(None);
        }
        match self.number(Whose::Argument(place))? {
            Number::Integer(integer) => Ok(Some(integer)),
            Number::Float(_) => Err(Fault::NoWholeNumber(Whose::Argument(place))),
        }
    }

    /// The items of the input.
    fn items(&mut self) -> Result<Arc<[Value]>, Fault> {
        let Value::List(items) = self.input.plain() else { return Err(Fault::NoList(Whose::Input)) };
        let items = Arc::clone(items);
        self.meter.items(items.len())?;
        Ok(items)
    }

    fn locale(&self) -> &Locale {
        self.rendering.locale
    }

    /// A text that the filter makes.
    fn made(&mut self, text: Cow<'_, str>) -> Result<Value, Fault> {
        self.meter.text(text.len())?;
        Ok(Value::text(text))
    }
}

/// A filter of words to words.
const fn words(
    name: &'static str,
    arguments: (usize, usize),
    apply: fn(&mut Applied<'_, '_>) -> Result<Value, Fault>,
) -> Filter {
    filter(name, Type::Text, Type::Text, arguments, Type::Text, apply)
}

/// A filter of a number and numbers to a number.
const fn number(
    name: &'static str,
    arguments: (usize, usize),
    apply: fn(&mut Applied<'_, '_>) -> Result<Value, Fault>,
) -> Filter {
    filter(name, Type::Number, Type::Number, arguments, Type::Number, apply)
}

/// A filter of a list.
const fn list(
    name: &'static str,
    gives: Type,
    arguments: (usize, usize),
    apply: fn(&mut Applied<'_, '_>) -> Result<Value, Fault>,
) -> Filter {
    filter(name, Type::List, gives, arguments, Type::Any, apply)
}

const fn filter(
    name: &'static str,
    takes: Type,
    gives: Type,
    arguments: (usize, usize),
    of: Type,
    apply: fn(&mut Applied<'_, '_>) -> Result<Value, Fault>,
) -> Filter {
    Filter { name, takes, gives, arguments, of, named: &[], markup: Markup::Words, apply }
}

static FILTERS: &[Filter] = &[
    words("append", (1, 1), texts::append),
    words("prepend", (1, 1), texts::prepend),
    words("capitalize", (0, 0), texts::capitalize),
    words("upcase", (0, 0), texts::upcase),
    words("downcase", (0, 0), texts::downcase),
    words("strip", (0, 0), texts::strip),
    words("lstrip", (0, 0), texts::lstrip),
    words("rstrip", (0, 0), texts::rstrip),
    words("strip_html", (0, 0), texts::strip_html),
    words("strip_newlines", (0, 0), texts::strip_newlines),
    Filter { markup: Markup::AfterEscape, ..words("newline_to_br", (0, 0), texts::newline_to_br) },
    Filter { markup: Markup::Made, ..words("escape", (0, 0), texts::escape) },
    Filter { markup: Markup::Made, ..words("escape_once", (0, 0), texts::escape_once) },
    words("url_encode", (0, 0), texts::url_encode),
    words("url_decode", (0, 0), texts::url_decode),
    words("replace", (1, 2), texts::replace),
    words("replace_first", (1, 2), texts::replace_first),
    words("remove", (1, 1), texts::remove),
    words("remove_first", (1, 1), texts::remove_first),
    filter("truncate", Type::Text, Type::Text, (0, 2), Type::Any, texts::truncate),
    filter("truncatewords", Type::Text, Type::Text, (0, 2), Type::Any, texts::truncatewords),
    filter("slice", Type::Any, Type::Any, (1, 2), Type::Number, texts::slice),
    filter("split", Type::Text, Type::List, (1, 1), Type::Text, texts::split),
    filter("size", Type::Any, Type::Number, (0, 0), Type::Any, lists::size),
    list("first", Type::Any, (0, 0), lists::first),
    list("last", Type::Any, (0, 0), lists::last),
    list("join", Type::Text, (0, 1), lists::join),
    list("sort", Type::List, (0, 1), lists::sort),
    list("sort_natural", Type::List, (0, 1), lists::sort_natural),
    list("uniq", Type::List, (0, 1), lists::uniq),
    list("reverse", Type::List, (0, 0), lists::reverse),
    list("map", Type::List, (1, 1), lists::map),
    list("where", Type::List, (1, 2), lists::filtered),
    list("compact", Type::List, (0, 1), lists::compact),
    list("concat", Type::List, (1, 1), lists::concat),
    number("abs", (0, 0), numbers::abs),
    number("ceil", (0, 0), numbers::ceil),
    number("floor", (0, 0), numbers::floor),
    number("round", (0, 1), numbers::round),
    number("plus", (1, 1), numbers::plus),
    number("minus", (1, 1), numbers::minus),
    number("times", (1, 1), numbers::times),
    number("divided_by", (1, 1), numbers::divided_by),
    number("modulo", (1, 1), numbers::modulo),
    number("at_least", (1, 1), numbers::at_least),
    number("at_most", (1, 1), numbers::at_most),
    filter("number", Type::Number, Type::Text, (0, 1), Type::Number, numbers::localised),
    filter("date", Type::Date, Type::Text, (1, 1), Type::Text, dates::date),
    Filter { named: &["allow_false"], ..filter("default", Type::Any, Type::Any, (1, 1), Type::Any, default) },
];

/// The filter of this name.
pub(crate) fn named(name: &str) -> Option<&'static Filter> {
    FILTERS.iter().find(|filter| filter.name == name)
}

/// The names of all filters.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILTERS.iter().map(|filter| filter.name)
}

/// What stands in for a value that is nothing.
fn default(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let may_be_false = call.named.iter().any(|(name, value)| &**name == "allow_false" && value.is_truthy());
    let is_nothing = match call.input.plain() {
        Value::Nil => true,
        Value::Bool(false) => !may_be_false,
        other => other.is_empty(),
    };
    Ok(if is_nothing { call.arguments[0].clone() } else { call.input.clone() })
}
