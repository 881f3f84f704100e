//! Any text whatever taken for a template: it is read or refused, rendered or stopped, and never more.
//!
//! `PROPTEST_CASES=1000000 cargo test --release -p romashka-liquid --test soup` tries a million.

use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use romashka_liquid::{Channel, Definition, Kind, Limits, Locale, Object, Place, Rendering, Template, Value};

/// What markup is made of.
const PARTS: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{{-",
    "-}}",
    "{%-",
    "-%}",
    "{",
    "}",
    "%",
    "\"",
    "'",
    "|",
    ":",
    ",",
    ".",
    "..",
    "[",
    "]",
    "(",
    ")",
    "=",
    "==",
    "!=",
    "<>",
    "<",
    ">",
    "-",
    "#",
    " ",
    " ",
    " ",
    "\n",
    "if ",
    "elsif ",
    "else",
    "endif",
    "unless ",
    "endunless",
    "case ",
    "when ",
    "endcase",
    "for ",
    " in ",
    "endfor",
    " limit:",
    " offset:",
    " reversed",
    "break",
    "continue",
    "assign ",
    "capture ",
    "endcapture",
    "raw",
    "endraw",
    "comment",
    "endcomment",
    " and ",
    " or ",
    " contains ",
    "nil",
    "true",
    "empty",
    "a",
    "b.c",
    "list",
    "x",
    "1",
    "-2.5",
    "99999999999999999999",
    "é",
    "👩‍👩‍👧",
    "append",
    "replace",
    "split",
    "join",
    "truncate",
    "date",
    "round",
    "number",
    "newline_to_br",
    "escape",
    "slice",
    "sort",
    "map",
    "where",
    "default",
    "size",
    "first",
    // Whole pieces, so that a good part of the templates can be read.
    "{{ a }}",
    "{{ list | join: ', ' }}",
    "{% if a %}",
    "{% endif %}",
    "{% for x in list %}",
    "{% endfor %}",
    "{{ x | times: 3 }}",
    "{% assign a = b.c | split: '' %}",
    "{% capture x %}",
    "{% endcapture %}",
    "{{ x | newline_to_br }}",
    "{% else %}",
];

fn source() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PARTS), 0..40).prop_map(|parts| parts.concat())
}

/// Every value is markup that must not come through.
fn context() -> Object {
    let json = serde_json::json!({ "a": "<script>\n&", "b": { "c": "<script>" }, "list": ["<script>", 2, null, [1], { "k": 1.5 }] });
    match Value::from(json) {
        Value::Object(object) => Object::clone(&object),
        _ => Object::new(),
    }
}

proptest! {
    #[test]
    fn no_text_stops_it(source in prop_oneof![4 => source(), 1 => any::<String>()]) {
        let template = match Template::parse(&source) {
            Ok(template) => template,
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert_eq!(problem.place, Place::of(&source, problem.span.start));
                    prop_assert!(source.is_char_boundary(problem.span.start) && source.is_char_boundary(problem.span.end));
                }
                return Ok(());
            }
        };
        for variable in template.variables() {
            prop_assert!(!variable.name.is_empty() && !variable.places.is_empty());
        }
        let _ = template.lint(&[Definition { name: "b.c", kind: Kind::Number }], &[Definition { name: "list", kind: Kind::Any }]);
        let (locale, limits) = (Locale::default(), Limits { steps: 20_000, output_bytes: 20_000, ..Limits::default() });
        for channel in [Channel::Text, Channel::Html] {
            let now = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
            let rendering = Rendering { limits, channel, locale: &locale, now, elapsed: &|| Duration::ZERO };
            match template.render(&context(), &rendering) {
                Ok(rendered) => {
                    prop_assert!(rendered.text.len() <= limits.output_bytes && rendered.steps <= limits.steps);
                    let is_let_through = channel == Channel::Html && rendered.text.contains("<script>");
                    prop_assert!(!is_let_through, "{} gives {}", source, rendered.text);
                }
                Err(error) => prop_assert!(!error.message.contains("script"), "a value is told: {}", error),
            }
        }
    }
}
