//! What a client sends as the content of a template.

use romashka_domain::TeamId;
use romashka_domain::template::{Content, Format, MAX_REASON_CHARS, Shortcut, Variable, Visibility};
use romashka_http::{Problem, invalid_field};
use romashka_liquid::Locale;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::markup;

/// A template as somebody writes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// What it is called, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The text in Liquid, up to 64 KiB.
    source: String,
    /// What the text is for; plain text where it is left out.
    #[serde(default)]
    format: Format,
    /// The language that it is written in, as a language tag; `en` where it is left out. Numbers and dates follow it.
    #[serde(default = "english")]
    language: String,
    /// The categories that it lies in, the outermost first; at most 5.
    #[serde(default)]
    #[schema(max_items = 5)]
    category: Vec<String>,
    /// Up to 20 words to find it by.
    #[serde(default)]
    #[schema(max_items = 20)]
    tags: Vec<String>,
    /// Up to 20 intents of trained models whose messages it answers: while such a model is deployed, it judges suggestions. Where
    /// none is given, an intent that is called like the template is meant.
    #[serde(default)]
    #[schema(max_items = 20)]
    intents: Vec<String>,
    /// Who sees it; only who made it where it is left out. What everybody sees is an admin's to publish.
    #[serde(default = "private")]
    visibility: Visibility,
    /// The team that sees it, where a team does.
    #[serde(default)]
    team: Option<TeamId>,
    /// What agents type to get it, with or without the `/`; unique in the tenant.
    #[serde(default)]
    shortcut: Option<Shortcut>,
    /// The variables that it defines, up to 100.
    #[serde(default)]
    #[schema(max_items = 100)]
    variables: Vec<Variable>,
    /// Why, for those who read its history; up to 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

fn english() -> String {
    "en".to_owned()
}

fn private() -> Visibility {
    Visibility::Private
}

impl NewTemplate {
    /// The content and the reason, if both make sense.
    pub fn check(self) -> Result<(Content, Option<String>), Problem> {
        let reason = reason(self.reason)?;
        let content = Content {
            name: self.name.trim().to_owned(),
            source: self.source,
            format: self.format,
            language: self.language,
            category: self.category,
            tags: self.tags,
            intents: self.intents,
            visibility: self.visibility,
            team: self.team,
            shortcut: self.shortcut,
            variables: self.variables,
        };
        check(&content)?;
        Ok((content, reason))
    }
}

/// Whether a content makes sense: all that is kept for the first time has to.
pub fn check(content: &Content) -> Result<(), Problem> {
    content.check()?;
    if content.language.parse::<Locale>().is_err() {
        return Err(invalid_field("/language", "invalid_template", "must be a language tag, such as `en` or `de-AT`"));
    }
    let template = readable(&content.source)?;
    markup::active(content, &template).map_or(Ok(()), Err)
}

/// Why somebody changes a template, if they say so.
pub fn reason(reason: Option<String>) -> Result<Option<String>, Problem> {
    let reason = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
        let detail = format!("has more than the {MAX_REASON_CHARS} characters allowed");
        return Err(invalid_field("/reason", "too_long", detail));
    }
    Ok(reason)
}

/// The template of a source that can be read.
pub fn readable(source: &str) -> Result<romashka_liquid::Template, Problem> {
    if source.trim().is_empty() {
        return Err(invalid_field("/source", "empty_source", "must hold words"));
    }
    romashka_liquid::Template::parse(source).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        let detail = match problems.len() {
            0 | 1 => first,
            more => format!("{first}; {} more, which `POST /v1/templates/validate` lists", more - 1),
        };
        invalid_field("/source", "invalid_source", detail)
    })
}

/// Why a template is changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In words, up to 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(change: Value) -> (String, String) {
        let mut new = json!({ "name": "Refund", "source": "Hello {{ customer.name }}" });
        new.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let new: NewTemplate = serde_json::from_value(new).unwrap();
        let body = new.check().unwrap_err().body("c-1");
        (body.field.unwrap_or_default(), body.detail)
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_field() {
        assert_eq!(refusal(json!({ "source": " \n" })).0, "/source");
        assert_eq!(refusal(json!({ "language": "zz-zz-zz" })).0, "/language");
        assert_eq!(refusal(json!({ "visibility": "team" })).0, "/team");
        let active = json!({ "source": "Hello <script>x</script>", "format": "html" });
        assert!(refusal(active).1.contains("the element `script` does something by itself"));
        assert_eq!(refusal(json!({ "reason": "x".repeat(501) })).0, "/reason");
        let (field, detail) = refusal(json!({ "source": "{{ a | upcas }}{% if %}" }));
        assert_eq!(field, "/source");
        assert_eq!(
            detail,
            "line 1, column 8: there is no filter `upcas`; did you mean `upcase`?; 2 more, which `POST /v1/templates/validate` lists"
        );
    }
}
