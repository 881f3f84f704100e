//! Templates that cannot be read: every mistake is told, with its place.

use romashka_liquid::{MAX_PROBLEMS, MAX_SOURCE_BYTES, Template};

fn problems(source: &str) -> String {
    let problems = Template::parse(source).err().unwrap_or_else(|| panic!("{source} is read"));
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn every_mistake_is_told_at_once() {
    insta::assert_snapshot!(
        problems(
            "Hello {{ }},\n{{ name | upcas }} {{ a.b | plus }} {{ 'open }}\n{% fi a %}{% if a = 1 %}{% endif %}\n\
             {{ name | default: 'x', allow_fals: true }}{{ a..b }}{{ a[1 }}{{ a b }}{{ a | }}{{ ^ }}"
        ),
        @r#"
        line 1, column 7: `{{ }}` is empty; write the name of a variable into it
        line 2, column 11: there is no filter `upcas`; did you mean `upcase`?
        line 2, column 29: `plus` takes one argument, not 0
        line 2, column 40: a quoted text is never closed: a quote is missing
        line 3, column 4: there is no tag `fi`; did you mean `if`?
        line 3, column 19: `=` compares nothing; write `==`
        line 4, column 25: `default` has no argument named `allow_fals`; did you mean `allow_false`?
        line 4, column 48: `..` is not expected here; a filter begins with `|`
        line 4, column 57: a `]` is missing
        line 4, column 68: `b` is not expected here; a filter begins with `|`
        line 4, column 79: the name of a filter belongs after `|`
        line 4, column 84: a sign stands here that means nothing
        "#
    );
}

#[test]
fn blocks_must_be_closed_by_their_own_tag() {
    insta::assert_snapshot!(
        [
            "{% if a %}\n{% for x in y %}\n{% endif %}",
            "{% if a %}{% endfor %}{% endif %}",
            "{% endif %}",
            "a\n  {{ b",
            "{% raw %}{{ x }}",
            "{% comment %}",
            "{% if a %}{% else %}{% elsif b %}{% else %}{% endif %}",
            "{% case a %} x {% when 1 %}{% else %}{% when 2 %}{% endcase %}",
            "{% for x of y %}{% endfor %}{% for x in y limit 2 %}{% endfor %}{% for x in y revers %}{% endfor %}",
            "{% break %}{% include 'x' %}{% elsif a %}{% when b %}",
            "{% assign a b %}{% capture %}{% endcapture %}{% for x in (1.5) %}{% endfor %}",
        ]
        .map(|source| format!("{}\n{}", source.replace('\n', "⏎"), problems(source)))
        .join(""),
        @r#"
        {% if a %}⏎{% for x in y %}⏎{% endif %}
        line 2, column 4: `for` is never closed by `endfor`
        {% if a %}{% endfor %}{% endif %}
        line 1, column 14: `endfor` does not belong here: the `if` of line 1 is open; did you mean `endif`?
        {% endif %}
        line 1, column 4: `endif` does not belong here: nothing is open
        a⏎  {{ b
        line 2, column 3: `{{` is never closed by `}}`; to show it as it is, write it between `{% raw %}` and `{% endraw %}`
        {% raw %}{{ x }}
        line 1, column 4: `raw` is never closed by `endraw`
        {% comment %}
        line 1, column 4: `comment` is never closed by `endcomment`
        {% if a %}{% else %}{% elsif b %}{% else %}{% endif %}
        line 1, column 24: `elsif` stands after `else`; put it before
        line 1, column 37: this `if` has an `else` already
        {% case a %} x {% when 1 %}{% else %}{% when 2 %}{% endcase %}
        line 1, column 4: what stands between `case` and its first `when` is never shown
        line 1, column 41: `when` stands after `else`; put it before
        {% for x of y %}{% endfor %}{% for x in y limit 2 %}{% endfor %}{% for x in y revers %}{% endfor %}
        line 1, column 10: `in` and a list belong after the name, such as `for item in order.items`
        line 1, column 49: `:` and a number belong after `limit`
        line 1, column 79: a `for` knows `limit: n`, `offset: n` and `reversed`; did you mean `reversed`?
        {% break %}{% include 'x' %}{% elsif a %}{% when b %}
        line 1, column 4: `break` stands in no `for`
        line 1, column 15: `include` is not part of the language of templates here
        line 1, column 32: `elsif` does not belong here: nothing is open
        line 1, column 45: `when` does not belong here: nothing is open
        {% assign a b %}{% capture %}{% endcapture %}{% for x in (1.5) %}{% endfor %}
        line 1, column 13: `=` and a value belong after the name
        line 1, column 28: a name belongs after `capture`
        line 1, column 62: a range is written with two points, such as `(1..5)`
        "#
    );
}

#[test]
fn what_is_too_much_is_told() {
    let deep = "{% if a %}".repeat(40);
    assert!(problems(&deep).contains("nested deeper than the 16 levels"), "{}", problems(&deep));
    assert!(problems(&"x".repeat(MAX_SOURCE_BYTES + 1)).contains("more than the 65536 allowed"));
    let path = format!("{{{{ a{} }}}}", ".b".repeat(40));
    assert!(problems(&path).contains("16 steps"));
    let index = format!("{{{{ {}1{} }}}}", "a[".repeat(40), "]".repeat(40));
    assert!(problems(&index).contains("16 steps"));
    assert_eq!(Template::parse(&"{{ }}".repeat(1_000)).unwrap_err().len(), MAX_PROBLEMS);
}
