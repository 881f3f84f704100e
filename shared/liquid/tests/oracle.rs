//! Our language beside another implementation of it: what both understand must come out the same.
//!
//! Templates are made from a grammar of the part that both have. Where the two differ on purpose the grammar does not go;
//! `docs/adr/0016-liquid-of-our-own.md` lists those places.

use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use romashka_liquid::{Channel, Limits, Locale, Object, Rendering, Template, Value};

/// The context of every template.
fn context() -> serde_json::Value {
    serde_json::json!({
        "customer": { "name": "Ada Lovelace", "vip": true, "city": "" },
        "order": { "total": 42.5, "count": 3, "items": [{ "sku": "b", "n": 2 }, { "sku": "a", "n": 1 }, { "sku": "c", "n": 3 }] },
        "tags": ["late", "gift", "late"],
        "numbers": [3, 1, 2],
        "bare": [],
        "note": " two\nlines <b> & more ",
        "zero": 0,
        "no": false,
    })
}

fn ours(source: &str, context: &Object) -> Result<String, String> {
    let template = Template::parse(source).map_err(|problems| format!("{problems:?}"))?;
    let rendering = Rendering {
        limits: Limits::default(),
        channel: Channel::Text,
        locale: &Locale::default(),
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC),
        elapsed: &|| Duration::ZERO,
    };
    template.render(context, &rendering).map(|rendered| rendered.text).map_err(|error| error.to_string())
}

fn theirs(source: &str, parser: &liquid::Parser, globals: &liquid::Object) -> Result<String, String> {
    let template = parser.parse(source).map_err(|error| error.to_string())?;
    template.render(globals).map_err(|error| error.to_string())
}

/// A whole float is `85.0` to us and `85` to them.
fn without_points(text: &str) -> String {
    let mut without = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(".0") {
        let after = &rest[at + 2..];
        without.push_str(&rest[..at]);
        if after.starts_with(|char: char| char.is_ascii_digit()) {
            without.push_str(".0");
        }
        rest = after;
    }
    without + rest
}

/// One of these.
fn one(of: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(of).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> + Clone {
    one(&["customer.name", "note", "'it is'", "\"b, c\"", "tags[0]", "order.items[1].sku", "''"])
}

fn number() -> impl Strategy<Value = String> + Clone {
    one(&["order.total", "order.count", "zero", "7", "-2", "1.5", "numbers[2]", "'12'"])
}

fn whole() -> impl Strategy<Value = String> + Clone {
    one(&["order.count", "zero", "7", "2", "numbers[2]"])
}

fn list() -> impl Strategy<Value = String> + Clone {
    one(&["tags", "numbers", "bare"])
}

/// A chain of filters that takes a text and gives one.
fn text_filters() -> impl Strategy<Value = String> {
    let argument = text();
    let filter = prop_oneof![
        one(&[
            "upcase",
            "downcase",
            "strip",
            "lstrip",
            "rstrip",
            "strip_newlines",
            "newline_to_br",
            "escape",
            "escape_once",
            "strip_html"
        ]),
        (one(&["append", "prepend", "remove", "remove_first", "default"]), argument.clone())
            .prop_map(|(name, argument)| format!("{name}: {argument}")),
        (one(&["replace", "replace_first"]), one(&["'a'", "'o'", "'it'"]), argument)
            .prop_map(|(name, what, by)| format!("{name}: {what}, {by}")),
        (0..30_u8).prop_map(|length| format!("truncate: {length}")),
        (0..6_u8, 1..4_u8).prop_map(|(from, length)| format!("slice: {from}, {length}")),
    ];
    prop::collection::vec(filter, 0..4)
        .prop_map(|filters| filters.iter().map(|filter| format!(" | {filter}")).collect())
}

fn number_filters() -> impl Strategy<Value = String> {
    let filter = prop_oneof![
        (one(&["plus", "minus", "times", "at_least", "at_most"]), number())
            .prop_map(|(name, by)| format!("{name}: {by}")),
        (one(&["divided_by", "modulo"]), one(&["2", "7", "4.0"])).prop_map(|(name, by)| format!("abs | {name}: {by}")),
        one(&["abs", "ceil", "floor", "round"]),
    ];
    prop::collection::vec(filter, 0..4)
        .prop_map(|filters| filters.iter().map(|filter| format!(" | {filter}")).collect())
}

fn output() -> impl Strategy<Value = String> {
    prop_oneof![
        (text(), text_filters()).prop_map(|(value, filters)| format!("{{{{ {value}{filters} }}}}")),
        (number(), number_filters()).prop_map(|(value, filters)| format!("{{{{ {value}{filters} }}}};")),
        (
            list(),
            one(&[
                "size",
                "join: '/'",
                "first",
                "last",
                "sort | join",
                "reverse | join",
                "uniq | join: ','",
                "sort_natural | first"
            ])
        )
            .prop_map(|(value, filters)| format!("{{{{ {value} | {filters} }}}}")),
        one(&[
            "map: 'sku' | join",
            "sort: 'n' | map: 'sku' | join: ','",
            "where: 'sku', 'a' | size",
            "map: 'n' | sort | last"
        ])
        .prop_map(|filters| format!("{{{{ order.items | {filters} }}}}")),
    ]
}

fn test() -> impl Strategy<Value = String> {
    let comparison = one(&["==", "!=", "<", ">", "<=", ">="]);
    let single = prop_oneof![
        (number_of_one_kind(), comparison.clone(), number_of_one_kind())
            .prop_map(|(left, how, right)| format!("{left} {how} {right}")),
        (text(), one(&["==", "!=", "contains"]), text()).prop_map(|(left, how, right)| format!("{left} {how} {right}")),
        (list(), one(&["'late'", "2"])).prop_map(|(list, item)| format!("{list} contains {item}")),
        one(&["customer.vip", "no", "nil", "note", "true", "customer.city == empty", "bare == empty", "tags == empty"]),
    ];
    let joint = prop::sample::select(&["and", "or"][..]);
    // One kind of joint: how a mixture binds is a difference.
    (prop::collection::vec(single, 1..4), joint).prop_map(|(tests, joint)| tests.join(&format!(" {joint} ")))
}

/// Numbers that are numbers in both: a text is none when it is compared.
fn number_of_one_kind() -> impl Strategy<Value = String> + Clone {
    one(&["order.total", "order.count", "zero", "7", "1.5", "numbers[2]"])
}

fn words() -> impl Strategy<Value = String> {
    one(&["Hello ", ", ", "\n", " { x } ", "Grüße ", "100 % ", "  \n  "])
}

fn template() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => words(),
        3 => output(),
        1 => one(&["{% comment %} a note {% endcomment %}", "{% raw %}{{ raw }}{% endraw %}", "{{- zero -}}", "{%- comment -%}{%- endcomment -%}"]),
        1 => (one(&["x", "y"]), text(), text_filters()).prop_map(|(name, value, filters)| format!("{{% assign {name} = {value}{filters} %}}{{{{ {name} }}}}")),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let block = prop::collection::vec(inner, 0..4).prop_map(|parts| parts.concat());
        prop_oneof![
            (one(&["if", "unless"]), test(), block.clone(), block.clone())
                .prop_map(|(tag, test, yes, no)| format!("{{% {tag} {test} %}}{yes}{{% else %}}{no}{{% end{tag} %}}")),
            (test(), block.clone(), test(), block.clone())
                .prop_map(|(one, first, other, second)| format!("{{% if {one} %}}{first}{{% elsif {other} %}}{second}{{% endif %}}")),
            (text(), block.clone(), block.clone())
                .prop_map(|(value, hit, miss)| format!("{{% case {value} %}}{{% when 'a', 'late' %}}{hit}{{% else %}}{miss}{{% endcase %}}")),
            (list(), one(&["", " limit:2", " offset:1", " reversed"]), block.clone(), block.clone()).prop_map(|(list, how, turn, none)| {
                format!("{{% for i in {list}{how} %}}{{{{ i }}}}{{{{ forloop.index }}}}{{% if forloop.last %}}.{{% endif %}}{turn}{{% else %}}{none}{{% endfor %}}")
            }),
            (whole(), block.clone(), one(&["", "{% break %}", "{% continue %}"]))
                .prop_map(|(to, turn, how)| format!("{{% for i in (1..{to}) %}}{turn}{how}{{{{ i }}}}{{% endfor %}}")),
            block.clone().prop_map(|captured| format!("{{% capture z %}}{captured}{{% endcapture %}}[{{{{ z }}}}]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1_000), ..ProptestConfig::default() })]

    #[test]
    fn both_make_the_same_text(source in prop::collection::vec(template(), 1..5).prop_map(|parts| parts.concat())) {
        let Value::Object(context) = Value::from(context()) else { unreachable!("the context is an object") };
        let parser = liquid::ParserBuilder::with_stdlib().build().unwrap();
        let globals = liquid::to_object(&self::context()).unwrap();
        let (ours, theirs) = (ours(&source, &context), theirs(&source, &parser, &globals));
        let plain = |text: Result<String, String>| text.map(|text| without_points(&text));
        prop_assert_eq!(plain(ours), plain(theirs), "{}", source);
    }
}
