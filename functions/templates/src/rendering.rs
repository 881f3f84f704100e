//! A template's content made ready to be rendered, and a client's context made into what its variables hold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use romashka_domain::Timestamp;
use romashka_domain::template::{Content, DateStyle, Format, Rules, Typed, Variable, VariableType, Violation};
use romashka_http::{Problem, invalid_field};
use romashka_liquid::{
    Channel, Definition, Kind, Limits, Locale, Missing, Object, Place, RenderError, Rendering, Shown, Style, Template,
    Value,
};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::markup::deed;

/// What every template may use though it does not define it: what help desks know of a conversation, and some of the names
/// that redaction gives to what it hides.
const KNOWN: &[&str] = &[
    "agent.email",
    "agent.first_name",
    "agent.last_name",
    "agent.name",
    "agent.signature",
    "company.name",
    "conversation.channel",
    "conversation.id",
    "conversation.status",
    "conversation.subject",
    "conversation.url",
    "customer.address",
    "customer.company",
    "customer.email",
    "customer.first_name",
    "customer.iban",
    "customer.language",
    "customer.last_name",
    "customer.name",
    "customer.phone",
    "order.number",
];

/// A template that can be rendered again and again.
pub struct Ready<'content> {
    template: Template,
    locale: Locale,
    channel: Channel,
    rules: Vec<Rules<'content>>,
    now: jiff::Zoned,
}

/// What a template and a context became.
#[derive(Debug, Serialize, ToSchema)]
pub struct Processed {
    /// The text.
    pub text: String,
    /// Variables that had no value where they were shown, each once.
    pub missing: Vec<MissingVariable>,
}

/// A variable without a value.
#[derive(Debug, Serialize, ToSchema)]
pub struct MissingVariable {
    /// Its name, as the template writes it.
    variable: String,
    /// Where it is shown first.
    #[serde(flatten)]
    place: Place,
}

impl From<Missing> for MissingVariable {
    fn from(missing: Missing) -> Self {
        Self { variable: missing.variable, place: missing.place }
    }
}

/// Why a template and a context do not become text.
#[derive(Debug)]
pub enum Refusal {
    /// Values break the rules of their variables.
    Context(Vec<Violation>),
    /// The template meets a bound, or a value that it cannot work on.
    Render(RenderError),
    /// What would become of it does something by itself, in words.
    Active(String),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Context(violations) => {
                let messages: Vec<_> = violations.iter().map(|violation| &*violation.message).collect();
                let first =
                    violations.first().map(|violation| violation.variable.replace('.', "/")).unwrap_or_default();
                invalid_field(format!("/context/{first}"), "invalid_context", messages.join("; "))
            }
            Refusal::Render(error) => invalid_field("/context", "cannot_render", error.to_string()),
            Refusal::Active(what) => invalid_field("/context", "active_markup", what),
        }
    }
}

impl<'content> Ready<'content> {
    /// The content, read; it was checked before it was kept.
    pub fn of(content: &'content Content, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self {
            template: crate::content::readable(&content.source)?,
            locale: content.language.parse().unwrap_or_default(),
            channel: match content.format {
                Format::Text => Channel::Text,
                Format::Html => Channel::Html,
            },
            rules: content.variables.iter().map(Variable::rules).collect(),
            now: now.to_zoned(TimeZone::UTC),
        })
    }

    /// The template with these values.
    pub fn render(&self, context: Map<String, Json>) -> Result<Processed, Refusal> {
        let context = self.context(context).map_err(Refusal::Context)?;
        let begun = Instant::now();
        let elapsed: &dyn Fn() -> Duration = &|| begun.elapsed();
        let (limits, channel) = (Limits::default(), self.channel);
        let rendering = Rendering { limits, channel, locale: &self.locale, now: self.now.clone(), elapsed };
        let rendered = self.template.render(&context, &rendering).map_err(Refusal::Render)?;
        // Branches and values make HTML that nobody could see when the template was written.
        if let Some(what) = (channel == Channel::Html).then(|| deed(&rendered.text)).flatten() {
            return Err(Refusal::Active(format!("with these values {what}")));
        }
        Ok(Processed { text: rendered.text, missing: rendered.missing.into_iter().map(Into::into).collect() })
    }

    /// What the variables hold: each value under the rules of its variable, or its default; the rest as it came.
    fn context(&self, given: Map<String, Json>) -> Result<Object, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut typed = Vec::new();
        for rules in &self.rules {
            let variable = rules.variable;
            let path: Vec<&str> = variable.name.split('.').collect();
            let value = find(&given, &path).filter(|value| !is_nothing(value)).or(variable.default.as_ref());
            match value.map(|value| rules.check(value)) {
                Some(Ok(value)) => typed.push((path, self.shown(variable, value))),
                Some(Err(violation)) => violations.push(violation),
                None if variable.required => violations.push(variable.is_missing()),
                None => {}
            }
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let mut object: Object = given.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        for (path, value) in typed {
            put(&mut object, &path, value);
        }
        Ok(object)
    }

    /// A value as the language of the template writes it.
    fn shown(&self, variable: &Variable, value: Typed) -> Value {
        let locale = &self.locale;
        let (value, text) = match value {
            Typed::Text(text) => return Value::text(text),
            Typed::Integer(integer) => (Value::Integer(integer), locale.show_integer(integer, variable.decimals)),
            Typed::Float(float) => (Value::Float(float), locale.show_number(float, variable.decimals)),
            Typed::Date(date) => {
                let style = match variable.style.unwrap_or(DateStyle::Long) {
                    DateStyle::Short => Style::Short,
                    DateStyle::Medium => Style::Medium,
                    DateStyle::Long => Style::Long,
                    DateStyle::Full => Style::Full,
                };
                (Value::Date(date), locale.date(date, style))
            }
        };
        Value::Shown(Arc::new(Shown { value, text: text.into(), channel: Channel::Text }))
    }
}

/// The variables as the language's own checks know them.
pub fn definitions(variables: &[Variable]) -> Vec<Definition<'_>> {
    variables
        .iter()
        .map(|variable| Definition {
            name: &variable.name,
            kind: match variable.kind {
                VariableType::Text => Kind::Text,
                VariableType::Number => Kind::Number,
                VariableType::Date => Kind::Date,
                VariableType::Select => Kind::Select(&variable.options),
            },
        })
        .collect()
}

/// What every template may use.
pub fn known() -> Vec<Definition<'static>> {
    KNOWN.iter().map(|name| Definition { name, kind: Kind::Any }).collect()
}

/// Whether every template may use this though it does not define it.
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

fn find<'json>(object: &'json Map<String, Json>, path: &[&str]) -> Option<&'json Json> {
    let (first, rest) = path.split_first()?;
    let value = object.get(*first)?;
    if rest.is_empty() { Some(value) } else { find(value.as_object()?, rest) }
}

/// What a form sends for a field that nobody filled in.
fn is_nothing(value: &Json) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn put(object: &mut Object, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        object.insert((*first).into(), value);
        return;
    }
    let mut inner = match object.remove(*first) {
        Some(Value::Object(inner)) => Arc::unwrap_or_clone(inner),
        _ => Object::new(),
    };
    put(&mut inner, rest, value);
    object.insert((*first).into(), Value::Object(Arc::new(inner)));
}

#[cfg(test)]
mod tests {
    use romashka_domain::template::Visibility;
    use serde_json::json;

    use super::*;

    fn content(language: &str, source: &str, variables: Json) -> Content {
        Content {
            name: "Refund".to_owned(),
            source: source.to_owned(),
            format: Format::Text,
            language: language.to_owned(),
            category: Vec::new(),
            tags: Vec::new(),
            visibility: Visibility::Private,
            team: None,
            intents: Vec::new(),
            shortcut: None,
            variables: serde_json::from_value(variables).unwrap(),
        }
    }

    fn render(content: &Content, context: Json) -> Result<String, String> {
        let Json::Object(context) = context else { panic!("a context is an object") };
        let ready = Ready::of(content, Timestamp::UNIX_EPOCH).map_err(|problem| problem.body("c").detail)?;
        ready.render(context).map(|processed| processed.text).map_err(|refusal| Problem::from(refusal).body("c").detail)
    }

    #[test]
    fn values_are_written_as_the_language_of_the_template_has_it() {
        let source = "{{ order.total }} € {{ order.sent }} {{ order.count | plus: 1 }}";
        let variables = json!([
            { "name": "order.total", "type": "number", "decimals": 2 },
            { "name": "order.sent", "type": "date" },
            { "name": "order.count", "type": "number" },
        ]);
        let order = json!({ "order": { "total": 1234.5, "sent": "2026-11-27", "count": 1000 } });
        let german = render(&content("de", source, variables.clone()), order.clone());
        assert_eq!(german.as_deref(), Ok("1.234,50 € 27. November 2026 1001"));
        let english = render(&content("en-GB", source, variables), order);
        assert_eq!(english.as_deref(), Ok("1,234.50 € 27 November 2026 1001"));
    }

    #[test]
    fn what_is_missing_has_a_default_or_stops_it_by_name() {
        let variables = json!([
            { "name": "customer.name", "type": "text", "default": "there" },
            { "name": "order.number", "type": "text", "required": true },
            { "name": "n", "type": "number", "max": 3 },
        ]);
        let content = content("en", "Hello {{ customer.name }}, about {{ order.number }}", variables);
        let context = json!({ "customer": { "name": " " }, "order": { "number": 7 } });
        assert_eq!(render(&content, context).as_deref(), Ok("Hello there, about 7"));
        assert_eq!(
            render(&content, json!({ "n": "4111" })).unwrap_err(),
            "`order.number` is required, and no value was given; `n` must be at most 3; a text was given"
        );
    }

    #[test]
    fn html_that_branches_or_values_would_make_run_is_not_rendered() {
        for (source, context) in [
            ("{% if a %}<!--{% endif %}<script>alert(1)</script>", json!({})),
            ("<scr{% if a %}x{% endif %}ipt>alert(1)</script>", json!({})),
            ("<scr{% capture c %}x{% endcapture %}ipt>alert(1)</script>", json!({})),
            ("<scr{{ '' }}ipt>alert(1)</script>", json!({})),
            ("<img src='x' {% if a %}x{% endif %}onerror=alert(1)>", json!({})),
            ("<a href=\"java{{ '' }}script:alert(1)\">x</a>", json!({})),
            ("<a href=\"{{ url }}\">x</a>", json!({ "url": "JavaScript:alert(1)" })),
            ("<p title={{ t }}>x</p>", json!({ "t": "x onclick=alert(1)" })),
        ] {
            let content = Content { format: Format::Html, ..content("en", source, json!([])) };
            let said = render(&content, context).expect_err(source);
            assert!(said.starts_with("with these values the "), "{source}: {said}");
        }
        let link = "<a href=\"{{ url }}\">{{ t }}</a>";
        let content = Content { format: Format::Html, ..content("en", link, json!([])) };
        let context = json!({ "url": "https://example.com?a=1&b=2", "t": "<script>" });
        let text = "<a href=\"https://example.com?a=1&amp;b=2\">&lt;script&gt;</a>";
        assert_eq!(render(&content, context).as_deref(), Ok(text));
    }

    #[test]
    fn a_choice_that_is_shown_is_its_option() {
        let variables = json!([{ "name": "plan", "type": "select", "options": ["free", "pro"], "default": "free" }]);
        let content = content("en", "{% if plan == 'pro' %}Pro{% else %}{{ plan | capitalize }}{% endif %}", variables);
        assert_eq!(render(&content, json!({})).as_deref(), Ok("Free"));
        assert_eq!(render(&content, json!({ "plan": "pro" })).as_deref(), Ok("Pro"));
    }
}
