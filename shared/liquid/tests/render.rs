//! Templates rendered: what the language does, and what stops it.

use std::time::{Duration, Instant};

use jiff::civil::date;
use jiff::tz::TimeZone;
use romashka_liquid::{Channel, Limits, Locale, Object, RenderError, Rendered, Rendering, Template, Value};
use serde_json::{Value as Json, json};

fn context(json: Json) -> Object {
    match Value::from(json) {
        Value::Object(object) => Object::clone(&object),
        _ => Object::new(),
    }
}

fn render_as(source: &str, json: Json, channel: Channel) -> Result<Rendered, RenderError> {
    let template = Template::parse(source).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
    let rendering = Rendering {
        limits: Limits::default(),
        channel,
        locale: &Locale::default(),
        now: date(2026, 11, 27).at(9, 30, 0, 0).to_zoned(TimeZone::UTC).expect("a moment"),
        elapsed: &|| Duration::ZERO,
    };
    template.render(&context(json), &rendering)
}

fn render(source: &str, json: Json) -> String {
    render_as(source, json, Channel::Text).unwrap_or_else(|error| panic!("{source}: {error}")).text
}

fn refusal(source: &str, json: Json) -> String {
    render_as(source, json, Channel::Text).err().unwrap_or_else(|| panic!("{source} is rendered")).to_string()
}

#[test]
fn a_reply_is_made_of_its_context() {
    let reply = "Hello {{ customer.name | default: \"there\" }},\n\
        {%- if order.items.size > 1 %} your {{ order.items.size }} things are on their way:\n\
        {%- for item in order.items %}\n{{ forloop.index }}. {{ item.name }}{% unless forloop.last %},{% else %}.{% endunless %}\n\
        {%- endfor %}\n{%- else %} it is on its way.{% endif %}";
    let order = json!({ "items": [{ "name": "Cup" }, { "name": "Teapot" }] });
    assert_eq!(
        render(reply, json!({ "customer": { "name": "Ada" }, "order": order })),
        "Hello Ada, your 2 things are on their way:\n1. Cup,\n2. Teapot."
    );
    assert_eq!(render(reply, json!({})), "Hello there, it is on its way.");
}

#[test]
fn what_has_no_value_is_shown_as_nothing_and_told() {
    let rendered = render_as("{{ a }}{{ b.c }}{{ a | upcase }}{{ d | default: 1 }}", json!({ "b": {} }), Channel::Text);
    let missing: Vec<_> = rendered.unwrap().missing.into_iter().map(|missing| missing.variable).collect();
    assert_eq!(missing, ["a", "b.c"]);
}

#[test]
fn filters_do_what_liquid_says() {
    for (source, expected) in [
        ("{{ 'a' | append: 'b' | prepend: 'c' }}", "cab"),
        ("{{ 'hELLO wORLD' | capitalize }}", "Hello world"),
        ("{{ 'straße' | upcase }}", "STRASSE"),
        ("{{ ' a b ' | strip | size }}", "3"),
        ("{{ 'привет' | size }}", "6"),
        ("{{ '<b>a</b><script>x</script><!-- y --> < c' | strip_html }}", "a < c"),
        ("{{ 'a&b<c>\"d\"' | escape }}", "a&amp;b&lt;c&gt;&quot;d&quot;"),
        ("{{ '1 < 2 &amp; 3 & 4' | escape_once }}", "1 &lt; 2 &amp; 3 &amp; 4"),
        ("{{ 'a b&c/д' | url_encode }}", "a+b%26c%2F%D0%B4"),
        ("{{ 'a+b%26c%2F%D0%B4%' | url_decode }}", "a b&c/д%"),
        ("{{ 'aXbXc' | replace: 'X', '-' }} {{ 'aXbXc' | replace_first: 'X' }}", "a-b-c abXc"),
        ("{{ 'aXbXc' | remove: 'X' }} {{ 'aXbXc' | remove_first: 'X' }}", "abc abXc"),
        ("{{ 'Ground control to Major Tom.' | truncate: 20 }}", "Ground control to..."),
        ("{{ 'Ground control to Major Tom.' | truncate: 25, ', and so on' }}", "Ground control, and so on"),
        ("{{ '👩‍👩‍👧 family' | truncate: 4, '' }}", "👩‍👩‍👧 fa"),
        ("{{ 'Ground control to Major Tom.' | truncatewords: 3 }}", "Ground control to..."),
        ("{{ 'Liquid' | slice: -3, 2 }}{{ 'Liquid' | slice: 2 }}{{ 'a' | slice: 5 }}", "uiq"),
        ("{{ 'a,b,,c,,' | split: ',' | join: '+' }}", "a+b++c"),
        ("{{ 'b a C' | split: ' ' | sort | join }} {{ 'b a C' | split: ' ' | sort_natural | join }}", "C a b a b C"),
        ("{{ 'a b a' | split: ' ' | uniq | reverse | join }}", "b a"),
        ("{{ list | map: 'n' | join: ',' }} {{ list | where: 'ok' | map: 'n' | first }}", "2,1,3 1"),
        ("{{ list | where: 'n', 3 | size }} {{ list | sort: 'n' | map: 'n' | join: '' }}", "1 123"),
        ("{{ list | map: 'ok' | compact | size }} {{ list | concat: list | size }}", "2 6"),
        ("{{ 7 | divided_by: 2 }} {{ -7 | divided_by: 2 }} {{ 7 | divided_by: 2.0 }}", "3 -4 3.5"),
        ("{{ -7 | modulo: 3 }} {{ 7.5 | modulo: 2 }}", "2 1.5"),
        ("{{ '4' | times: 2.5 }} {{ 3 | plus: 4 | minus: 9 | abs }}", "10.0 2"),
        ("{{ 9223372036854775807 | plus: 1 }}", "9223372036854776000"),
        (
            "{{ 2.5 | round }} {{ -2.5 | round }} {{ 2.675 | round: 2 }} {{ 1.2 | ceil }} {{ -1.2 | floor }}",
            "3 -3 2.68 2 -2",
        ),
        ("{{ 4 | at_least: 5 }} {{ 4 | at_most: 3.5 }}", "5 3.5"),
        ("{{ '' | default: 'x' }}{{ false | default: 'y' }}{{ false | default: 'z', allow_false: true }}", "xyfalse"),
        ("{{ 'now' | date: '%d.%m.%Y %H:%M' }} {{ '2026-01-31' | date: '%e %B' }}", "27.11.2026 09:30 31 January"),
        ("{{ '2026-01-31T23:00:00+01:00' | date: '%F %R' }} {{ 0 | date: '%Y' }}", "2026-01-31 22:00 1970"),
        (
            "{{ '2026-01-31' | date: 'long' }} {{ '2026-01-31' | date: 'full' }}",
            "January 31, 2026 Saturday, January 31, 2026",
        ),
        ("{{ 1234567.5 | number }} {{ 1234567.5 | number: 2 }} {{ 1000 | number }}", "1,234,567.5 1,234,567.50 1,000"),
    ] {
        let list = json!([{ "n": 2, "ok": false }, { "n": 1, "ok": true }, { "n": 3 }]);
        assert_eq!(render(source, json!({ "list": list })), expected, "{source}");
    }
}

#[test]
fn tags_do_what_liquid_says() {
    for (source, expected) in [
        ("{% if 0 and '' %}yes{% endif %}{% if nil or false %}{% else %}no{% endif %}", "yesno"),
        ("{% if true or false and false %}right to left{% endif %}", "right to left"),
        ("{% if false and false or true %}{% else %}right to left{% endif %}", "right to left"),
        (
            "{% if 'abc' contains 'b' %}1{% endif %}{% if list contains 2 %}2{% endif %}{% if 1 == 1.0 %}3{% endif %}",
            "123",
        ),
        ("{% if '' == empty %}1{% endif %}{% if ' ' == blank %}2{% endif %}{% if none == empty %}3{% endif %}", "12"),
        ("{% if 'a' < 'b' and 2 >= 2.0 and 1 <> 2 %}ordered{% endif %}{% if 'a' < 1 %}never{% endif %}", "ordered"),
        ("{% case 2 %}{% when 1 %}one{% when 2, 3 %}two{% when 4 or 2 %}again{% else %}none{% endcase %}", "twoagain"),
        ("{% case 'x' %} {% when 'y' %}y{% else %}z{% endcase %}", "z"),
        (
            "{% for i in (1..5) %}{% if i == 2 %}{% continue %}{% elsif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "13",
        ),
        ("{% for i in list limit: 2 offset: 1 reversed %}{{ i }}{{ forloop.rindex0 }}{% endfor %}", "3120"),
        (
            "{% for i in nothing %}{% else %}none{% endfor %}{% for i in (3..1) %}x{% else %}none{% endfor %}",
            "nonenone",
        ),
        (
            "{% for p in pair %}{{ p[0] }}={{ p[1] }} {% endfor %}{{ pair['b'] }}{{ list[-1] }}{{ list.first }}",
            "a=1 b=2 231",
        ),
        (
            "{% for a in list limit: 1 %}{% for b in list %}{{ forloop.parentloop.index }}{% endfor %}{% endfor %}",
            "111",
        ),
        ("{% assign a = 'x' | upcase %}{% capture b %}[{{ a }}]{% endcapture %}{{ b }}{{ b }}", "[X][X]"),
        (
            "a {%- comment %} {{ broken {% endif %} {% endcomment -%} b{% # a note %}{% raw %}{{ x }}{% endraw %}",
            "ab{{ x }}",
        ),
        ("{% unless false %}1{% elsif true %}2{% endunless %}", "1"),
        ("{% unless true %}1{% elsif true %}2{% endunless %}", "2"),
        ("{{ имя.первое }}{% assign ответ = 5 %}{{ ответ }}", "Анна5"),
    ] {
        let context = json!({ "list": [1, 2, 3], "pair": { "a": 1, "b": 2 }, "имя": { "первое": "Анна" } });
        assert_eq!(render(source, context), expected, "{source}");
    }
}

#[test]
fn for_html_variables_are_escaped_once_and_the_template_not_at_all() {
    let html = |source: &str| render_as(source, json!({ "x": "<a> & 'b'\n" }), Channel::Html).unwrap().text;
    assert_eq!(html("<p>{{ x }}</p>"), "<p>&lt;a&gt; &amp; &#39;b&#39;\n</p>");
    assert_eq!(html("{{ x | escape }}"), html("{{ x }}"));
    assert_eq!(html("{{ x | newline_to_br }}"), "&lt;a&gt; &amp; &#39;b&#39;<br />\n");
    assert_eq!(html("{{ x | escape | newline_to_br }}"), html("{{ x | newline_to_br }}"));
    // What is put behind markup is not known to be markup: rather too much is escaped than too little.
    assert_eq!(
        html("{{ x | newline_to_br | append: '<i>' }}"),
        "&amp;lt;a&amp;gt; &amp;amp; &amp;#39;b&amp;#39;&lt;br /&gt;\n&lt;i&gt;"
    );
    assert_eq!(html("{% capture y %}<b>{{ x }}</b>{% endcapture %}{{ y }}"), html("<b>{{ x }}</b>"));
    assert_eq!(
        html("{% capture y %}{{ x }}{% endcapture %}{{ y | strip }}"),
        "&amp;lt;a&amp;gt; &amp;amp; &amp;#39;b&amp;#39;"
    );
}

#[test]
fn a_refusal_names_the_variable_and_never_its_value() {
    let secret = json!({ "order": { "total": "4111 1111", "items": "secret" }, "n": 0 });
    insta::assert_snapshot!(
        [
            "{{ order.total | plus: 1 }}",
            "{{ 1 | plus: order.total }}",
            "\n  {% for item in order.items %}{% endfor %}",
            "{{ order }}",
            "{{ order.items | date: '%Y' }}",
            "{{ 'now' | date: '%!' }}",
            "{{ 1 | divided_by: n }}",
            "{{ 'x' | truncate: 1.5 }}",
            "{{ order.items | join }}",
        ]
        .map(|source| refusal(source, secret.clone()))
        .join("\n"),
        @r#"
        line 1, column 18: `order.total` is no number
        line 1, column 8: `order.total` is no number
        line 2, column 18: `order.items` is no list
        line 1, column 4: `order` is an object, which has no text; name one of its fields
        line 1, column 18: `order.items` is no date; write it as `2026-11-27`
        line 1, column 12: the format of the date is none; write `short`, `long`, or one such as `%d.%m.%Y`
        line 1, column 8: a number is divided by zero
        line 1, column 10: `1.5` is no whole number
        line 1, column 18: `order.items` is no list
        "#
    );
}

#[test]
fn bombs_are_stopped_by_counting() {
    let nested = |body: &str| {
        let open = "{% for i in (1..1000) %}".repeat(10);
        format!("{open}{body}{}", "{% endfor %}".repeat(10))
    };
    let doubling =
        format!("{{% assign a = 'xxxxxxxxxxxxxxxx' %}}{}{{{{ a }}}}", "{% assign a = a | append: a %}".repeat(60));
    let quadratic =
        format!("{{% assign a = '{}' %}}{}", "x".repeat(20_000), "{% assign b = a | replace: 'x', a %}".repeat(9));
    for (source, code) in [
        (nested(""), "too_much_work"),
        (nested("x"), "too_much_work"),
        (doubling, "too_long"),
        (quadratic, "too_long"),
        ("{% for i in (1..1000000000) %}x{% endfor %}".to_owned(), "too_much_work"),
        ("{% for i in (1..1000) %}{% for j in (1..1000) %}0123456789{% endfor %}{% endfor %}".to_owned(), "too_long"),
        (
            "{% assign a = '0123456789' %}".to_owned() + &"{% assign a = a | split: '' | join: a %}".repeat(20),
            "too_much_work",
        ),
        (
            "{% for i in (1..-9223372036854775808) offset: 9223372036854775807 %}{% endfor %}{{ 1 | divided_by: 0 }}"
                .to_owned(),
            "arithmetic",
        ),
    ] {
        let error = render_as(&source, json!({}), Channel::Text).unwrap_err();
        assert_eq!(
            serde_json::to_value(error.code).unwrap(),
            code,
            "{}: {error}",
            source.chars().take(60).collect::<String>()
        );
    }
}

#[test]
fn a_list_that_shares_what_it_holds_is_not_written_out() {
    let context = || json!({ "it": [{ "k": "x".repeat(2_000_000), "n": [[1, 2], {}] }], "t": "7".repeat(2_000_000) });
    let shared =
        |then: &str| format!("{}{{% assign l = it | map: 'k' %}}{then}", "{% assign it = it | concat: it %}".repeat(9));
    assert_eq!(render(&shared("{{ l | size }}"), context()), "512", "what is not looked at costs nothing");
    for then in [
        "{{ l }}",
        "{{ l | upcase }}",
        "{{ l | join: '' }}",
        "{{ l | newline_to_br }}",
        "{% if l contains 'x' %}{% endif %}",
        "{{ l | sort }}",
        "{% assign m = it | map: 'k' | reverse %}{% if l == m %}{% endif %}",
        "{% for i in (1..1000) %}{{ l[0].size }}{% endfor %}",
        "{% for i in (1..1000) %}{% if t == blank %}{% endif %}{% endfor %}",
    ] {
        for channel in [Channel::Text, Channel::Html] {
            let error = render_as(&shared(then), context(), channel).unwrap_err();
            let code = serde_json::to_value(error.code).unwrap();
            assert!(code == "too_much_work" || code == "too_long", "{then}: {error}");
        }
    }
    assert!(refusal("{{ t | plus: 1 }}", context()).contains("is no number"));
    let floats = json!({ "it": [{ "k": vec![1e308; 10_000] }] });
    let often = "{% assign it = it | concat: it %}".repeat(4) + "{% assign l = it | map: 'k' %}{{ l }}";
    assert!(refusal(&often, floats).contains("steps"), "each has 309 digits");
}

#[test]
fn what_many_templates_do_is_not_too_much() {
    let ids: Vec<String> = (0..1_000).map(|at| format!("{at:08}-0000-7000-8000-000000000000")).collect();
    let numbers: Vec<u32> = (0..1_000).collect();
    let customer = json!({ "note": "x".repeat(10_000), "vip": true });
    let context = || json!({ "ids": ids, "numbers": numbers, "customer": customer });
    for (source, expected) in [
        ("{{ ids | uniq | size }}", "1000"),
        ("{{ numbers | uniq | size }}", "1000"),
        ("{% for n in numbers %}{% if customer contains 'vip' %}{% endif %}{% endfor %}x", "x"),
        ("{% if ids contains '00000999-0000-7000-8000-000000000000' %}x{% endif %}", "x"),
    ] {
        assert_eq!(render(source, context()), expected, "{source}");
    }
}

#[test]
fn what_steps_do_not_foresee_is_stopped_by_the_clock() {
    let template = Template::parse("{% for i in (1..1000) %}{{ i }}{% endfor %}").unwrap();
    let (begun, limits) = (Instant::now(), Limits { time: Duration::ZERO, ..Limits::default() });
    let rendering = Rendering {
        limits,
        channel: Channel::Text,
        locale: &Locale::default(),
        now: date(2026, 11, 27).to_zoned(TimeZone::UTC).unwrap(),
        elapsed: &|| begun.elapsed() + Duration::from_nanos(1),
    };
    let error = template.render(&Object::new(), &rendering).unwrap_err();
    assert!(error.message.contains("takes longer"), "{error}");
}
