//! HTML that does something by itself, and places of HTML where a value could make it do so.
//!
//! What comes of variables is escaped, which keeps values from being markup. It does not keep them from being what a browser obeys
//! as it is: the address of a link, a style, a further attribute where quotation marks are missing. A template has branches, too,
//! that are HTML only together. So a template is looked through when it is written, to tell the writer; and **what becomes of it is
//! looked through each time**, to be sure.

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Error, Span as Range, Tokenizer};
use romashka_domain::template::{Content, Format};
use romashka_http::{Problem as Refusal, invalid_field};
use romashka_liquid::{Code, MAX_PROBLEMS, Piece, Problem, Span, Template};

/// Elements that run, load or send something, and those whose content a browser reads by rules of their own.
const ACTIVE: &[&str] = &[
    "applet",
    "base",
    "embed",
    "form",
    "frame",
    "frameset",
    "iframe",
    "link",
    "math",
    "meta",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "plaintext",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "xmp",
];
/// Attributes that hold an address.
const ADDRESSES: &[&str] =
    &["action", "background", "cite", "data", "formaction", "href", "poster", "src", "srcset", "xlink:href"];
/// Addresses that are programs or whole documents.
const PROGRAMS: &[&str] = &["javascript:", "vbscript:", "data:"];
/// The one kind of `data:` that is only shown.
const PICTURES: &str = "data:image/";
/// What stands for a value while the HTML around it is read.
const STAND_IN: &str = "value";

/// Why a content is not kept: it does something by itself.
pub fn active(content: &Content, template: &Template) -> Option<Refusal> {
    if content.format != Format::Html {
        return None;
    }
    let html = Html::of(template);
    let mut first = None;
    read(&html.text, |part| {
        if let (None, Part::Active { range, what }) = (&first, part) {
            first = Some(html.problem(range, &what));
        }
    });
    first.map(|problem| invalid_field("/source", "active_markup", problem.to_string()))
}

/// What HTML does by itself, the first of it.
pub fn deed(html: &str) -> Option<String> {
    let mut first = None;
    read(html, |part| {
        if let (None, Part::Active { what, .. }) = (&first, part) {
            first = Some(what);
        }
    });
    first
}

/// What is unsafe in a template for HTML, in the order of the source: errors are what does something by itself, warnings what a value
/// could do.
pub fn unsafe_markup(template: &Template) -> Vec<Problem> {
    let html = Html::of(template);
    let mut problems: Vec<Problem> = Vec::new();
    read(&html.text, |part| match part {
        // One more tells that there are too many.
        _ if problems.len() > MAX_PROBLEMS => {}
        Part::Active { range, what } => problems.push(html.problem(range, &what)),
        Part::Attribute { name, range } => problems.extend(html.warnings(&name, range)),
        Part::Tag { range, attributes } => {
            let is_outside =
                |value: &&Value| attributes.iter().all(|range| !(range.start..range.end).contains(&value.start));
            for value in html.values(range).iter().filter(is_outside) {
                let what = "a value stands in a tag outside of the attributes' values, where it can be anything";
                problems.push(Problem::warning(template.source(), value.span, Code::Unsafe, what));
            }
        }
    });
    problems.sort_by_key(|problem| problem.span);
    problems
}

/// A part of HTML that matters here.
enum Part {
    /// It does something by itself.
    Active { range: Range<usize>, what: String },
    /// The value of an attribute.
    Attribute { name: String, range: Range<usize> },
    /// A whole start tag with the values of its attributes.
    Tag { range: Range<usize>, attributes: Vec<Range<usize>> },
}

/// Reads HTML as browsers do (WHATWG HTML, 13.2.5).
fn read(html: &str, mut tell: impl FnMut(Part)) {
    let mut start = None;
    let mut attribute = String::new();
    let mut attributes = Vec::new();
    let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, range: Range<usize>| -> Option<()> {
        let mut active =
            |what: String| tell(Part::Active { range, what: format!("{what} does something by itself; take it out") });
        match event {
            CallbackEvent::OpenStartTag { name } => {
                start = Some(range.start);
                attributes.clear();
                let name = String::from_utf8_lossy(name);
                if ACTIVE.contains(&&*name) {
                    active(format!("the element `{name}`"));
                }
            }
            CallbackEvent::AttributeName { name } => {
                attribute = String::from_utf8_lossy(name).into_owned();
                // Attributes of an end tag mean nothing.
                if start.is_some() && attribute.starts_with("on") {
                    active(format!("the attribute `{attribute}`"));
                }
            }
            CallbackEvent::AttributeValue { value } if start.is_some() => {
                attributes.push(range);
                if is_program(&attribute, value) {
                    active(format!("the attribute `{attribute}`"));
                }
                tell(Part::Attribute { name: attribute.clone(), range });
            }
            CallbackEvent::CloseStartTag { .. } => {
                if let Some(start) = start.take() {
                    let range = Range { start, end: range.end };
                    tell(Part::Tag { range, attributes: std::mem::take(&mut attributes) });
                }
            }
            CallbackEvent::EndTag { .. } => start = None,
            // What comes after it on a page would be taken for more of it.
            CallbackEvent::Error(Error::EofInTag) => {
                tell(Part::Active { range, what: "a tag is not closed; close it by `>`".to_owned() });
            }
            _ => {}
        }
        None
    });
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(()) = token;
    }
}

fn is_program(attribute: &str, value: &[u8]) -> bool {
    if !ADDRESSES.contains(&attribute) {
        return false;
    }
    let value = String::from_utf8_lossy(value).to_lowercase();
    let value: String = value.chars().filter(|char| !char.is_whitespace() && !char.is_control()).collect();
    PROGRAMS.iter().any(|program| value.starts_with(program)) && !value.starts_with(PICTURES)
}

/// What a template says as HTML, one branch after another, with something in the place of each value.
struct Html<'template> {
    template: &'template Template,
    text: String,
    /// Where each part begins in the HTML, and where it stands in the template.
    parts: Vec<(usize, Span)>,
    values: Vec<Value>,
}

/// A value in it.
struct Value {
    start: usize,
    span: Span,
}

impl<'template> Html<'template> {
    fn of(template: &'template Template) -> Self {
        let mut html = Self { template, text: String::new(), parts: Vec::new(), values: Vec::new() };
        html.take(&template.pieces());
        html
    }

    fn take(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            let start = self.text.len();
            match piece {
                Piece::Text(span) => {
                    self.text.push_str(span.of(self.template.source()));
                    self.parts.push((start, *span));
                }
                Piece::Value { span, .. } => {
                    self.text.push_str(STAND_IN);
                    self.parts.push((start, *span));
                    self.values.push(Value { start, span: *span });
                }
                Piece::Choice(parts) => parts.iter().for_each(|part| self.take(part)),
                Piece::Loop(body) | Piece::Aside(body) => self.take(body),
            }
        }
    }

    /// Values that begin in a range.
    fn values(&self, range: Range<usize>) -> &[Value] {
        let before = |end: usize| self.values.partition_point(|value| value.start < end);
        &self.values[before(range.start)..before(range.end.max(range.start))]
    }

    fn problem(&self, range: Range<usize>, what: &str) -> Problem {
        let part = self.parts.partition_point(|(start, _)| *start <= range.start).checked_sub(1);
        let span = part.map_or_else(Span::default, |part| {
            let (start, span) = self.parts[part];
            Span::new((span.start + range.start - start).min(span.end), span.end)
        });
        Problem::error(self.template.source(), span, Code::Unsafe, what)
    }

    fn warnings(&self, name: &str, range: Range<usize>) -> Vec<Problem> {
        let before = self.text[..range.start].chars().next_back();
        let warn = |value: &Value| {
            let leads = &self.text[range.start..value.start];
            let is_led = leads.starts_with(['/', '#', '?']) || leads.contains(':');
            let what = if !matches!(before, Some('"' | '\'')) {
                format!("a value with a space in it goes beyond the attribute `{name}`; put quotation marks around it")
            } else if name == "style" {
                "a value decides how the message looks; write the style out".to_owned()
            } else if ADDRESSES.contains(&name) && !is_led {
                format!("a value decides where `{name}` leads, and may be `javascript:`; begin it with `https://`")
            } else {
                return None;
            };
            Some(Problem::warning(self.template.source(), value.span, Code::Unsafe, what))
        };
        self.values(range).iter().filter_map(warn).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use romashka_liquid::Severity;

    use super::*;

    fn said(source: &str) -> Vec<String> {
        let template = Template::parse(source).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
        unsafe_markup(&template).iter().map(|problem| format!("{:?} {problem}", problem.severity)).collect()
    }

    #[test]
    fn what_does_something_by_itself_is_an_error_where_it_stands() {
        for (source, at, what) in [
            ("Hi <script>alert(1)</script>", 4, "the element `script`"),
            ("<p>{{ a }}</p>\n<IFRAME src='x'></IFRAME>", 1, "the element `iframe`"),
            ("{% if a %}<a href=\" java\nscript:x\">{% endif %}", 20, "the attribute `href`"),
            ("<a href='&#106;avascript:x'>", 10, "the attribute `href`"),
            ("<img src='data:text/html,x'>", 11, "the attribute `src`"),
            ("<img src='x' onerror='x'>", 14, "the attribute `onerror`"),
            ("<textarea><p title='</textarea><img onerror=x>'>", 1, "the element `textarea`"),
        ] {
            let said = said(source);
            let expected = format!("column {at}: {what} does something by itself; take it out");
            assert!(
                said.len() == 1 && said[0].starts_with("Error") && said[0].ends_with(&expected),
                "{source}: {said:?}"
            );
        }
        assert!(said("Hello <img src='x' ")[0].contains("a tag is not closed"));
    }

    #[test]
    fn a_value_that_a_browser_would_obey_is_a_warning() {
        for (source, what) in [
            ("<a href=\"{{ url }}\">x</a>", "where `href` leads"),
            ("<a href=\"java{{ url }}\">x</a>", "where `href` leads"),
            ("<img src='{{ url | escape }}'>", "where `src` leads"),
            ("<p title={{ name }}>x</p>", "quotation marks"),
            ("<p style=\"color: {{ color }}\">x</p>", "how the message looks"),
            ("<p {{ name }}>x</p>", "outside of the attributes' values"),
            ("<scr{{ '' }}ipt>x", "outside of the attributes' values"),
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
            "<a href=\"mailto:{{ agent.email }}\">x</a><a href='/orders/{{ order.number }}'>y</a>",
            "<img alt=\"JavaScript: how to switch it on\" src='data:image/png;base64,AAAA'></b onclick>",
            "5 < 6 and {{ a }} > 3, I <3 you <!-- {{ b }} -->",
            "{% comment %}<script>{% endcomment %}",
            "",
        ] {
            assert!(said(source).is_empty(), "{source}: {:?}", said(source));
        }
    }

    #[test]
    fn what_many_of_are_wrong_is_cut() {
        let many = "<svg>".repeat(10_000);
        assert_eq!(said(&many).len(), MAX_PROBLEMS + 1);
        assert_eq!(deed(&many).as_deref(), Some("the element `svg` does something by itself; take it out"));
        assert_eq!(deed("<b>Hello</b>"), None);
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
                let is_error = problems.iter().any(|problem| problem.severity == Severity::Error);
                prop_assert_eq!(is_error, deed(&Html::of(&template).text).is_some());
            }
        }
    }
}
