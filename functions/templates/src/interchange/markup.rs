//! HTML that does something by itself has no place in a reply.

use html5gum::{Token, Tokenizer};
use romashka_domain::template::{Content, Format};
use romashka_http::{Problem, invalid_field};

/// Elements that run, load or send something.
const ACTIVE: &[&str] =
    &["script", "iframe", "object", "embed", "form", "meta", "base", "link", "svg", "math", "style"];

/// What is wrong with a content that holds such HTML.
pub(super) fn active(content: &Content) -> Option<Problem> {
    if content.format != Format::Html {
        return None;
    }
    let what = Tokenizer::new(&content.source).filter_map(Result::ok).find_map(|token| match token {
        Token::StartTag(tag) => {
            let name = String::from_utf8_lossy(&tag.name).into_owned();
            if ACTIVE.contains(&&*name) {
                return Some(format!("the element `{name}`"));
            }
            tag.attributes.iter().find_map(|(attribute, value)| {
                let attribute = String::from_utf8_lossy(attribute).into_owned();
                let value = String::from_utf8_lossy(value).to_lowercase();
                let value: String = value.chars().filter(|char| !char.is_whitespace() && !char.is_control()).collect();
                let runs =
                    attribute.starts_with("on") || value.starts_with("javascript:") || value.starts_with("data:text");
                runs.then(|| format!("the attribute `{attribute}`"))
            })
        }
        _ => None,
    })?;
    Some(invalid_field(
        "/source",
        "active_markup",
        format!("holds {what}, which does something by itself; take it out"),
    ))
}
