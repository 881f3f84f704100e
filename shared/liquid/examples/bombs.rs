//! How long templates that were written to do harm keep a processor busy, and what is said of them.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use romashka_liquid::{Channel, Limits, Locale, Object, Rendering, Template, Value};
use serde_json::json;

/// Times that each one is rendered.
const RUNS: usize = 30;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{:<34} {:>9} {:>9}  what is said", "template", "median", "worst")?;
    let mut worst = Duration::ZERO;
    for (name, source, context) in bombs() {
        let mut times = Vec::new();
        let mut said = String::new();
        for _ in 0..RUNS {
            let begun = Instant::now();
            said = outcome(&source, &context);
            times.push(begun.elapsed());
        }
        times.sort();
        let last = times[RUNS - 1];
        worst = worst.max(last);
        let said: String = said.chars().take(90).collect();
        writeln!(out, "{name:<34} {:>6.2} ms {:>6.2} ms  {said}", millis(times[RUNS / 2]), millis(last))?;
    }
    writeln!(out, "the worst of all: {:.2} ms, parsing included", millis(worst))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Parses and renders; what is said at the end.
fn outcome(source: &str, context: &Object) -> String {
    let template = match Template::parse(source) {
        Ok(template) => template,
        Err(problems) => return format!("refused: {}", problems.first().map(ToString::to_string).unwrap_or_default()),
    };
    let begun = Instant::now();
    let rendering = Rendering {
        limits: Limits::default(),
        channel: Channel::Html,
        locale: &Locale::default(),
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC),
        elapsed: &|| begun.elapsed(),
    };
    match template.render(context, &rendering) {
        Ok(rendered) => format!("{} bytes of text", rendered.text.len()),
        Err(error) => format!("stopped: {error}"),
    }
}

fn bombs() -> Vec<(&'static str, String, Object)> {
    let nothing = Object::new;
    let nested = |body: &str| format!("{}{body}{}", "{% for i in (1..1000) %}".repeat(10), "{% endfor %}".repeat(10));
    let shared =
        |then: &str| format!("{}{{% assign l = it | map: 'k' %}}{then}", "{% assign it = it | concat: it %}".repeat(9));
    let many: Vec<u32> = (0..100_000).collect();
    let large = |value| Object::from([("it".into(), Value::from(value))]);
    vec![
        ("empty loops, ten deep", nested(""), nothing()),
        ("full loops, ten deep", nested("x"), nothing()),
        ("a loop to 10^9", "{% for i in (1..1000000000) %}x{% endfor %}".to_owned(), nothing()),
        (
            "a text of 1 GB, doubled",
            format!("{{% assign a = 'xxxxxxxx' %}}{}{{{{ a }}}}", "{% assign a = a | append: a %}".repeat(27)),
            nothing(),
        ),
        (
            "a text of 1 GB, shown in a loop",
            "{% for i in (1..1000) %}{% for j in (1..1000) %}{{ it }}{% endfor %}{% endfor %}".to_owned(),
            large(json!("x".repeat(1000))),
        ),
        (
            "replaced by itself",
            format!("{{% assign a = '{}' %}}{}", "x".repeat(20_000), "{% assign a = a | replace: 'x', a %}".repeat(9)),
            nothing(),
        ),
        (
            "split and joined by itself",
            "{% assign a = '0123456789' %}".to_owned() + &"{% assign a = a | split: '' | join: a %}".repeat(20),
            nothing(),
        ),
        ("a list of 100,000, sorted", "{{ it | sort | reverse | join: ',' }}".to_owned(), large(json!(many))),
        (
            "a text of 2 MB, 512 times in a list",
            shared("{{ l | size }}{{ l }}"),
            large(json!([{ "k": "x".repeat(2_000_000) }])),
        ),
        (
            "the same, looked through",
            shared("{% for i in (1..1000) %}{{ it | where: 'k', 'y' | size }}{{ l | uniq | size }}{% endfor %}"),
            large(json!([{ "k": "x".repeat(2_000_000) }])),
        ),
        (
            "a text of 2 MB, counted in a loop",
            "{% for i in (1..1000) %}{{ it.size }}{% if it == blank %}{% endif %}{% endfor %}".to_owned(),
            large(json!(" ".repeat(2_000_000))),
        ),
        ("tags nested 6,000 deep", "{% if a %}".repeat(6_000), nothing()),
        ("conditions of 64 KiB", format!("{{% if {} %}}{{% endif %}}", vec!["a"; 10_000].join(" or ")), nothing()),
        ("outputs of 64 KiB", "{{ a }}".repeat(9_000), nothing()),
        ("openings without an end", "{{".repeat(32_000), nothing()),
        ("markup to escape", "{{ it }}".repeat(8_000), large(json!("<".repeat(1_000)))),
    ]
}
