//! The variables of a template: what each may hold, and what is wrong with a value that it may not.
//!
//! An error names the variable, the rule and what kind of value was given, and never the value: it may be a customer's.

use jiff::civil::Date;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Invalid;

/// Variables of one template.
pub const MAX_VARIABLES: usize = 100;
/// Bytes of the definitions of all its variables, as JSON: an item of the table has 400 KB.
pub const MAX_VARIABLES_BYTES: usize = 128 * 1024;
/// Characters of a name.
pub const MAX_NAME_CHARS: usize = 100;
/// Characters of a text that a variable holds.
pub const MAX_TEXT_CHARS: u32 = 10_000;
/// Options of a choice.
pub const MAX_OPTIONS: usize = 100;
/// Characters of an option, a description and a pattern.
pub const MAX_NOTE_CHARS: usize = 200;
/// Decimals that a number is shown with.
pub const MAX_DECIMALS: u8 = 12;
/// Bytes that a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VariableType {
    /// Words.
    Text,
    /// A number.
    Number,
    /// A day, as `2026-11-27`.
    Date,
    /// One of its options.
    Select,
}

impl VariableType {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Select => "select",
        }
    }
}

/// How a date is written where its format is not said: as the template's language does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateStyle {
    /// Digits: `11/27/26`.
    Short,
    /// The month shortened: `Nov 27, 2026`.
    Medium,
    /// The month in full: `November 27, 2026`.
    Long,
    /// With the day of the week: `Friday, November 27, 2026`.
    Full,
}

/// A variable of a template, and the rules for its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name, such as `customer.name`: parts of letters, digits, `_` and `-` between points; at most 100 characters.
    #[schema(max_length = 100)]
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: VariableType,
    /// Whether a template without a value for it is refused.
    #[serde(default)]
    pub required: bool,
    /// What stands in where there is no value; it follows the rules itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub default: Option<Value>,
    /// What people are told of it, up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub description: Option<String>,
    /// Of a text: the fewest characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Of a text: the most characters, up to 10,000, which holds where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Of a text: a regular expression that the whole of it matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub pattern: Option<String>,
    /// Of a number: the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Of a number: the greatest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Of a number: with how many decimals it is shown, 0 to 12; with those it has where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 12)]
    pub decimals: Option<u8>,
    /// Of a date: the first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date")]
    pub earliest: Option<Date>,
    /// Of a date: the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date")]
    pub latest: Option<Date>,
    /// Of a date: how it is written; `long` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<DateStyle>,
    /// Of a choice: what may be chosen, 1 to 100 texts of up to 200 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub options: Vec<String>,
}

/// A value that follows the rules of its variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// Words, or the option that was chosen.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A day.
    Date(Date),
}

/// The rules of a variable. The pattern is compiled once for all values.
#[derive(Debug)]
pub struct Rules<'variable> {
    /// Whose they are.
    pub variable: &'variable Variable,
    pattern: Option<Regex>,
}

impl Rules<'_> {
    /// The value as its type has it, or the first rule that it breaks.
    pub fn check(&self, value: &Value) -> Result<Typed, Violation> {
        self.variable.check_by(value, self.pattern.as_ref())
    }
}

/// A value that does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, thiserror::Error)]
#[error("{message}")]
pub struct Violation {
    /// The variable.
    pub variable: String,
    /// The rule, by the name of the field that sets it: `required`, `type`, `max_length` and so on.
    pub rule: String,
    /// A sentence that names the variable, the rule and what kind of value was given.
    pub message: String,
}

impl Variable {
    /// A variable without rules.
    pub fn new(name: impl Into<String>, kind: VariableType) -> Self {
        Self {
            name: name.into(),
            kind,
            required: false,
            default: None,
            description: None,
            min_length: None,
            max_length: None,
            pattern: None,
            min: None,
            max: None,
            decimals: None,
            earliest: None,
            latest: None,
            style: None,
            options: Vec::new(),
        }
    }

    /// Whether the definition itself makes sense. The field of an error is below this variable.
    pub fn check_definition(&self) -> Result<(), Invalid> {
        let invalid = |field: &str, why: String| Err(Invalid::new(field, why));
        if !is_name(&self.name) {
            let why = format!(
                "must be 1 to {MAX_NAME_CHARS} characters: letters, digits, `_` and `-`, in parts between points"
            );
            return invalid("/name", why);
        }
        self.check_rules_fit()?;
        if let (Some(least), Some(most)) = (self.min_length, self.max_length)
            && least > most
        {
            return invalid("/min_length", "is greater than `max_length`".to_owned());
        }
        if self.max_length.is_some_and(|most| !(1..=MAX_TEXT_CHARS).contains(&most)) {
            return invalid("/max_length", format!("must be 1 to {MAX_TEXT_CHARS}"));
        }
        if self.min.zip(self.max).is_some_and(|(min, max)| min > max) {
            return invalid("/min", "is greater than `max`".to_owned());
        }
        if self.decimals.is_some_and(|decimals| decimals > MAX_DECIMALS) {
            return invalid("/decimals", format!("must be 0 to {MAX_DECIMALS}"));
        }
        if self.earliest.zip(self.latest).is_some_and(|(earliest, latest)| earliest > latest) {
            return invalid("/earliest", "is later than `latest`".to_owned());
        }
        let note = [("/description", &self.description), ("/pattern", &self.pattern)];
        for (field, text) in note {
            if text.as_ref().is_some_and(|text| text.chars().count() > MAX_NOTE_CHARS) {
                return invalid(field, format!("has more than the {MAX_NOTE_CHARS} characters allowed"));
            }
        }
        if self.pattern.is_some() && self.compiled_pattern().is_none() {
            return invalid("/pattern", "is no regular expression, or one that repeats too much".to_owned());
        }
        self.check_options()?;
        if let Some(default) = &self.default
            && let Err(violation) = self.check(default)
        {
            return invalid("/default", format!("breaks the variable's own rule `{}`", violation.rule));
        }
        Ok(())
    }

    /// Rules of another type have no meaning here.
    fn check_rules_fit(&self) -> Result<(), Invalid> {
        let rules = [
            ("/min_length", self.min_length.is_some(), VariableType::Text),
            ("/max_length", self.max_length.is_some(), VariableType::Text),
            ("/pattern", self.pattern.is_some(), VariableType::Text),
            ("/min", self.min.is_some(), VariableType::Number),
            ("/max", self.max.is_some(), VariableType::Number),
            ("/decimals", self.decimals.is_some(), VariableType::Number),
            ("/earliest", self.earliest.is_some(), VariableType::Date),
            ("/latest", self.latest.is_some(), VariableType::Date),
            ("/style", self.style.is_some(), VariableType::Date),
            ("/options", !self.options.is_empty(), VariableType::Select),
        ];
        match rules.into_iter().find(|(_, is_set, of)| *is_set && *of != self.kind) {
            None => Ok(()),
            Some((field, _, of)) => {
                let why = format!("belongs to the type `{}`, and this variable is `{}`", of.name(), self.kind.name());
                Err(Invalid::new(field, why))
            }
        }
    }

    fn check_options(&self) -> Result<(), Invalid> {
        if self.kind != VariableType::Select {
            return Ok(());
        }
        if !(1..=MAX_OPTIONS).contains(&self.options.len()) {
            return Err(Invalid::new("/options", format!("must be 1 to {MAX_OPTIONS} texts")));
        }
        for (place, option) in self.options.iter().enumerate() {
            let field = format!("/options/{place}");
            if option.is_empty() || option.chars().count() > MAX_NOTE_CHARS {
                return Err(Invalid::new(field, format!("must be 1 to {MAX_NOTE_CHARS} characters")));
            }
            if self.options[..place].contains(option) {
                return Err(Invalid::new(field, "stands there twice"));
            }
        }
        Ok(())
    }

    fn compiled_pattern(&self) -> Option<Regex> {
        let pattern = self.pattern.as_deref()?;
        let compiled = |pattern: &str| RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().ok();
        // By itself first: `a)|(?:b` would open the brackets around it.
        compiled(pattern)?;
        compiled(&format!(r"\A(?:{pattern})\z"))
    }

    /// The value as its type has it, or the first rule that it breaks.
    pub fn check(&self, value: &Value) -> Result<Typed, Violation> {
        self.rules().check(value)
    }

    /// The rules, ready for many values.
    pub fn rules(&self) -> Rules<'_> {
        Rules { variable: self, pattern: self.compiled_pattern() }
    }

    fn check_by(&self, value: &Value, pattern: Option<&Regex>) -> Result<Typed, Violation> {
        match self.kind {
            VariableType::Text => match value {
                Value::String(text) => self.check_text(text, pattern),
                // Help desks send numbers where a text is meant, such as that of an order.
                Value::Number(number) => self.check_text(&number.to_string(), pattern),
                other => Err(self.violates("type", "must be a text", other)),
            },
            VariableType::Number => self.check_number(value),
            VariableType::Date => self.check_date(value),
            VariableType::Select => match value {
                Value::String(chosen) if self.options.contains(chosen) => Ok(Typed::Text(chosen.clone())),
                other => {
                    let rule = format!("must be one of its {} options", self.options.len());
                    Err(self.violates("options", &rule, other))
                }
            },
        }
    }

    fn check_text(&self, text: &str, pattern: Option<&Regex>) -> Result<Typed, Violation> {
        let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let violates = |rule: &str, must: &str| Err(self.violates(rule, must, &Value::String(String::new())));
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            return violates("min_length", &format!("must have at least {least} characters"));
        }
        let most = self.max_length.unwrap_or(MAX_TEXT_CHARS);
        if length > most {
            return violates("max_length", &format!("must have at most {most} characters"));
        }
        if self.pattern.is_some() && !pattern.is_some_and(|pattern| pattern.is_match(text)) {
            return violates("pattern", "must match its pattern");
        }
        Ok(Typed::Text(text.to_owned()))
    }

    fn check_number(&self, value: &Value) -> Result<Typed, Violation> {
        let number = match value {
            Value::Number(number) => Some(number.clone()),
            Value::String(text) => text.trim().parse::<serde_json::Number>().ok(),
            _ => None,
        };
        let typed = number.as_ref().and_then(|number| {
            let integer = number.as_i64().map(Typed::Integer);
            integer.or_else(|| number.as_f64().filter(|float| float.is_finite()).map(Typed::Float))
        });
        let (Some(typed), Some(float)) = (typed, number.and_then(|number| number.as_f64())) else {
            return Err(self.violates("type", "must be a number", value));
        };
        if let Some(min) = self.min.filter(|min| float < *min) {
            return Err(self.violates("min", &format!("must be at least {min}"), value));
        }
        if let Some(max) = self.max.filter(|max| float > *max) {
            return Err(self.violates("max", &format!("must be at most {max}"), value));
        }
        Ok(typed)
    }

    fn check_date(&self, value: &Value) -> Result<Typed, Violation> {
        let day = match value {
            // A moment counts as the day that it names.
            Value::String(text) => text.trim().get(..10).and_then(|day| day.parse::<Date>().ok()),
            _ => None,
        };
        let is_whole = |text: &str| text.trim().len() == 10 || text.trim()[10..].starts_with(['T', ' ', 't']);
        let day = day.filter(|_| value.as_str().is_some_and(is_whole));
        let Some(day) = day else {
            return Err(self.violates("type", "must be a date, written as `2026-11-27`", value));
        };
        if let Some(earliest) = self.earliest.filter(|earliest| day < *earliest) {
            return Err(self.violates("earliest", &format!("must be {earliest} or later"), value));
        }
        if let Some(latest) = self.latest.filter(|latest| day > *latest) {
            return Err(self.violates("latest", &format!("must be {latest} or earlier"), value));
        }
        Ok(Typed::Date(day))
    }

    /// The violation of a value that is not there.
    pub fn is_missing(&self) -> Violation {
        let message = format!("`{}` is required, and no value was given", self.name);
        Violation { variable: self.name.clone(), rule: "required".to_owned(), message }
    }

    fn violates(&self, rule: &str, must: &str, value: &Value) -> Violation {
        let given = match value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let message = format!("`{}` {must}; {given} was given", self.name);
        Violation { variable: self.name.clone(), rule: rule.to_owned(), message }
    }
}

/// Whether a text names a variable as templates write it.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && part.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-'))
    };
    name.chars().count() <= MAX_NAME_CHARS && name.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn variable(json: Value) -> Variable {
        serde_json::from_value(json).unwrap()
    }

    fn message(variable: &Variable, value: Value) -> String {
        variable.check(&value).unwrap_err().message
    }

    #[test]
    fn a_pattern_holds_for_the_whole_value_and_cannot_reach_out_of_its_brackets() {
        let whole = variable(json!({ "name": "w", "type": "text", "pattern": "a|ab" }));
        assert!(whole.check(&json!("ab")).is_ok() && whole.check(&json!("abc")).is_err());
        for pattern in ["a)|(?:b", "(?x)a #", ")"] {
            assert!(variable(json!({ "name": "w", "type": "text", "pattern": pattern })).compiled_pattern().is_none());
        }
    }

    #[test]
    fn a_violation_names_the_variable_the_rule_and_the_kind_of_value() {
        let text =
            variable(json!({ "name": "a.b", "type": "text", "min_length": 2, "max_length": 3, "pattern": "[A-Z]+" }));
        let number = variable(json!({ "name": "n", "type": "number", "min": 1, "max": 9.5 }));
        let date = variable(json!({ "name": "d", "type": "date", "earliest": "2026-01-01", "latest": "2026-12-31" }));
        let select = variable(json!({ "name": "s", "type": "select", "options": ["x", "y"] }));
        insta::assert_snapshot!(
            [
                message(&text, json!("A")),
                message(&text, json!("ABCD")),
                message(&text, json!("Ab")),
                message(&text, json!([])),
                message(&number, json!("many")),
                message(&number, json!(0)),
                message(&number, json!("9.6")),
                message(&date, json!("31.12.2026")),
                message(&date, json!("2027-01-01")),
                message(&date, json!("2025-12-31T23:00:00Z")),
                message(&date, json!("2026-06-061")),
                message(&select, json!("z")),
                message(&select, json!({})),
                select.is_missing().message,
            ]
            .join("\n"),
            @r#"
            `a.b` must have at least 2 characters; a text was given
            `a.b` must have at most 3 characters; a text was given
            `a.b` must match its pattern; a text was given
            `a.b` must be a text; a list was given
            `n` must be a number; a text was given
            `n` must be at least 1; a number was given
            `n` must be at most 9.5; a text was given
            `d` must be a date, written as `2026-11-27`; a text was given
            `d` must be 2026-12-31 or earlier; a text was given
            `d` must be 2026-01-01 or later; a text was given
            `d` must be a date, written as `2026-11-27`; a text was given
            `s` must be one of its 2 options; a text was given
            `s` must be one of its 2 options; an object was given
            `s` is required, and no value was given
            "#
        );
    }

    #[test]
    fn values_are_taken_as_people_and_help_desks_write_them() {
        let check = |kind: &str, value: Value| variable(json!({ "name": "v", "type": kind })).check(&value);
        assert_eq!(check("text", json!(1042)), Ok(Typed::Text("1042".to_owned())));
        assert_eq!(check("number", json!(" 12 ")), Ok(Typed::Integer(12)));
        assert_eq!(check("number", json!(1.5)), Ok(Typed::Float(1.5)));
        let day = jiff::civil::date(2026, 11, 27);
        assert_eq!(check("date", json!("2026-11-27")), Ok(Typed::Date(day)));
        assert_eq!(check("date", json!("2026-11-27T10:00:00Z")), Ok(Typed::Date(day)));
    }

    #[test]
    fn a_definition_that_makes_no_sense_is_refused_with_its_field() {
        for (definition, field) in [
            (json!({ "name": "a..b", "type": "text" }), "/name"),
            (json!({ "name": "1a", "type": "text" }), "/name"),
            (json!({ "name": "x".repeat(101), "type": "text" }), "/name"),
            (json!({ "name": "a", "type": "text", "min": 1 }), "/min"),
            (json!({ "name": "a", "type": "number", "options": ["x"] }), "/options"),
            (json!({ "name": "a", "type": "text", "min_length": 3, "max_length": 2 }), "/min_length"),
            (json!({ "name": "a", "type": "text", "max_length": 10_001 }), "/max_length"),
            (json!({ "name": "a", "type": "text", "pattern": "(" }), "/pattern"),
            (json!({ "name": "a", "type": "text", "pattern": "(a{100}){100}" }), "/pattern"),
            (json!({ "name": "a", "type": "number", "min": 3, "max": 2 }), "/min"),
            (json!({ "name": "a", "type": "number", "decimals": 13 }), "/decimals"),
            (json!({ "name": "a", "type": "date", "earliest": "2026-02-01", "latest": "2026-01-01" }), "/earliest"),
            (json!({ "name": "a", "type": "select" }), "/options"),
            (json!({ "name": "a", "type": "select", "options": ["x", "x"] }), "/options/1"),
            (json!({ "name": "a", "type": "number", "max": 2, "default": 3 }), "/default"),
            (json!({ "name": "a", "type": "text", "description": "x".repeat(201) }), "/description"),
        ] {
            assert_eq!(variable(definition.clone()).check_definition().unwrap_err().field, field, "{definition}");
        }
        assert_eq!(variable(json!({ "name": "клиент.имя", "type": "text", "default": "" })).check_definition(), Ok(()));
    }

    proptest! {
        #[test]
        fn no_message_tells_the_value(text in "[a-z]{12}", kind in prop::sample::select(&["text", "number", "date", "select"][..])) {
            let options = if kind == "select" { json!(["o"]) } else { json!([]) };
            let mut variable = variable(json!({ "name": "v", "type": kind, "options": options }));
            if kind == "text" {
                variable.max_length = Some(3);
            }
            let violation = variable.check(&json!(text)).unwrap_err();
            prop_assert!(!violation.message.contains(&text));
        }
    }
}
