//! HTML that does something by itself, and places of HTML where a value could make it do so.
//!
//! What comes of variables is escaped, which keeps values from being markup. It does not keep them from being what a browser obeys
//! as it is: the address of a link, a style, a further attribute where quotation marks are missing.

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span as Range, Tokenizer};
use romashka_domain::template::{Content, Format};
use romashka_http::{Problem as Refusal, invalid_field};
use romashka_liquid::{Code, Piece, Problem, Severity, Span, Template};

/// Elements that run, load or send something.
const ACTIVE: &[&str] =
    &["script", "iframe", "object", "embed", "form", "meta", "base", "link", "svg", "math", "style"];
/// Attributes that hold an address.
const ADDRESSES: &[&str] =
    &["action", "background", "cite", "data", "formaction", "href", "poster", "src", "srcset", "xlink:href"];
/// What stands for a value while the HTML around it is read.
const STAND_IN: &str = "value";

/// Why a content is not kept: it does something by itself.
pub fn active(content: &Content, template: &Template) -> Option<Refusal> {
    if content.format != Format::Html {
        return None;
    }
    let problem = unsafe_markup(template).into_iter().find(|problem| problem.severity == Severity::Error)?;
    Some(invalid_field("/source", "active_markup", problem.to_string()))
}

/// What is unsafe in a template for HTML, in the order of the source: errors are what does something by itself, warnings what a value
/// could do.
pub fn unsafe_markup(template: &Template) -> Vec<Problem> {
    let mut html = Html { template, text: String::new(), parts: Vec::new() };
    html.take(&template.pieces());
    let mut problems = Vec::new();
    let mut tag = Tag::default();
    let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, range: Range<usize>| -> Option<()> {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                tag = Tag { start: range.start, ..Tag::default() };
                let name = String::from_utf8_lossy(name);
                if ACTIVE.contains(&&*name) {
                    let what = format!("the element `{name}` does something by itself; take it out");
                    problems.push(Problem::error(template.source(), html.source_of(range), Code::Unsafe, what));
                }
            }
            CallbackEvent::AttributeName { name } => tag.attribute = String::from_utf8_lossy(name).into_owned(),
            CallbackEvent::AttributeValue { value } => {
                tag.values.push(range);
                problems.extend(html.attribute(&tag.attribute, value, range));
            }
            CallbackEvent::CloseStartTag { .. } => {
                let is_outside = |part: &&Part| tag.values.iter().all(|value| !contains(value, part));
                for part in html.values().filter(|part| (tag.start..range.end).contains(&part.start)).filter(is_outside)
                {
                    let what = "a value stands in a tag outside of the attributes' values, where it can be anything";
                    problems.push(Problem::warning(template.source(), part.span, Code::Unsafe, what));
                }
            }
            _ => {}
        }
        None
    });
    for token in Tokenizer::new_with_emitter(&html.text, emitter) {
        let Ok(()) = token;
    }
    problems.sort_by_key(|problem| problem.span);
    problems
}

/// The start tag that is being read.
#[derive(Default)]
struct Tag {
    start: usize,
    attribute: String,
    /// Where values of its attributes stand.
    values: Vec<Range<usize>>,
}

/// What a template says as HTML, one branch after another, with something in the place of each value.
struct Html<'template> {
    template: &'template Template,
    text: String,
    parts: Vec<Part>,
}

/// A part of it.
struct Part {
    /// Where it begins in the HTML.
    start: usize,
    /// Where it stands in the template.
    span: Span,
    is_value: bool,
}

fn contains(range: &Range<usize>, part: &Part) -> bool {
    (range.start..range.end).contains(&part.start)
}

impl Html<'_> {
    fn take(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            let start = self.text.len();
            match piece {
                Piece::Text(span) => {
                    self.text.push_str(span.of(self.template.source()));
                    self.parts.push(Part { start, span: *span, is_value: false });
                }
                Piece::Value { span, .. } => {
                    self.text.push_str(STAND_IN);
                    self.parts.push(Part { start, span: *span, is_value: true });
                }
                Piece::Choice(parts) => parts.iter().for_each(|part| self.take(part)),
                Piece::Loop(body) | Piece::Aside(body) => self.take(body),
            }
        }
    }

    fn values(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.is_value)
    }

    /// Where in the template a range of the HTML begins.
    fn source_of(&self, range: Range<usize>) -> Span {
        let part = self.parts.partition_point(|part| part.start <= range.start).checked_sub(1);
        part.and_then(|part| self.parts.get(part)).map_or_else(Span::default, |part| {
            let within = if part.is_value { 0 } else { range.start - part.start };
            Span::new(part.span.start + within, part.span.end)
        })
    }

    fn attribute(&self, name: &str, value: &[u8], range: Range<usize>) -> Vec<Problem> {
        let source = self.template.source();
        let value = String::from_utf8_lossy(value).to_lowercase();
        let value: String = value.chars().filter(|char| !char.is_whitespace() && !char.is_control()).collect();
        if name.starts_with("on") || value.starts_with("javascript:") || value.starts_with("data:text") {
            let what = format!("the attribute `{name}` does something by itself; take it out");
            return vec![Problem::error(source, self.source_of(range), Code::Unsafe, what)];
        }
        let before = self.text[..range.start].chars().next_back();
        let warn = |part: &Part| {
            let leads = &self.text[range.start..part.start];
            let what = if !matches!(before, Some('"' | '\'')) {
                format!("a value with a space in it goes beyond the attribute `{name}`; put quotation marks around it")
            } else if name == "style" {
                "a value decides how the message looks; write the style out".to_owned()
            } else if ADDRESSES.contains(&name) && leads.trim().is_empty() {
                format!("a value decides where `{name}` leads, and may be `javascript:`; begin it with `https://`")
            } else {
                return None;
            };
            Some(Problem::warning(source, part.span, Code::Unsafe, what))
        };
        self.values().filter(|part| contains(&range, part)).filter_map(warn).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(source: &str) -> Vec<String> {
        let template = Template::parse(source).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
        unsafe_markup(&template).iter().map(|problem| format!("{:?} {problem}", problem.severity)).collect()
    }

    #[test]
    fn what_does_something_by_itself_is_an_error_where_it_stands() {
        for (source, at, what) in [
            ("Hi <script>alert(1)</script>", 4, "the element `script`"),
            ("<p>{{ a }}</p>\n<IFRAME src='x'>", 1, "the element `iframe`"),
            ("{% if a %}<a href=\" java\nscript:x\">{% endif %}", 20, "the attribute `href`"),
            ("<img src='x' onerror='x'>", 23, "the attribute `onerror`"),
            ("<b onclick={{ a }}>", 15, "the attribute `onclick`"),
        ] {
            let said = said(source);
            let expected = format!("column {at}: {what} does something by itself; take it out");
            assert!(
                said.len() == 1 && said[0].starts_with("Error") && said[0].ends_with(&expected),
                "{source}: {said:?}"
            );
        }
    }

    #[test]
    fn a_value_that_a_browser_would_obey_is_a_warning() {
        for (source, what) in [
            ("<a href=\"{{ url }}\">x</a>", "where `href` leads"),
            ("<img src='{{ url | escape }}'>", "where `src` leads"),
            ("<p title={{ name }}>x</p>", "quotation marks"),
            ("<p style=\"color: {{ color }}\">x</p>", "how the message looks"),
            ("<p {{ name }}>x</p>", "outside of the attributes' values"),
            ("<p {% if a %}class='b'{% else %}class={{ c }}{% endif %}>x</p>", "quotation marks"),
        ] {
            let said = said(source);
            assert!(said.len() == 1 && said[0].starts_with("Warning") && said[0].contains(what), "{source}: {said:?}");
        }
    }

    #[test]
    fn what_values_may_be_is_let_through() {
        for source in [
            "Hello {{ customer.name }}, <b>{{ order }}</b>",
            "<a href=\"https://example.com/{{ order.number | url_encode }}\" title='{{ name }}'>x</a>",
            "<a href=\"mailto:{{ agent.email }}\">x</a>",
            "5 < 6 and {{ a }} > 3 <!-- {{ b }} -->",
            "{% comment %}<script>{% endcomment %}",
            "",
        ] {
            assert!(said(source).is_empty(), "{source}: {:?}", said(source));
        }
    }

    proptest! {
        #[test]
        fn any_markup_is_looked_through(parts in prop::collection::vec(prop_oneof![
            Just("<a href="), Just("\""), Just("'"), Just(">"), Just("{{ x }}"), Just("{% if x %}"), Just("{% endif %}"),
            Just("</"), Just("<!--"), Just("&amp;"), Just("é\r\n"), Just(" onclick="), Just("<svg "), Just("\0"),
        ], 0..24)) {
            if let Ok(template) = Template::parse(&parts.concat()) {
                let problems = unsafe_markup(&template);
                prop_assert!(problems.iter().all(|problem| problem.span.end <= template.source().len()));
            }
        }
    }
}
