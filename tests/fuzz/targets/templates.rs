//! Any text as a template, read, looked through and rendered.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use romashka_liquid::{Channel, Limits, Locale, Object, Place, Rendering, Template, Value};

fuzz_target!(|data: &str| {
    let (context, source) = data.split_once('\n').unwrap_or(("{}", data));
    let template = match Template::parse(source) {
        Ok(template) => template,
        Err(problems) => {
            assert!(problems.iter().all(|problem| problem.place == Place::of(source, problem.span.start)));
            return;
        }
    };
    let _ = template.variables();
    let _ = template.lint(&[], &[]);
    let context = match serde_json::from_str::<serde_json::Value>(context).map(Value::from) {
        Ok(Value::Object(object)) => Object::clone(&object),
        _ => Object::new(),
    };
    let limits = Limits { steps: 20_000, output_bytes: 20_000, ..Limits::default() };
    let locale = Locale::default();
    for channel in [Channel::Text, Channel::Html] {
        let now = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        let rendering = Rendering { limits, channel, locale: &locale, now, elapsed: &|| Duration::ZERO };
        if let Ok(rendered) = template.render(&context, &rendering) {
            assert!(rendered.text.len() <= limits.output_bytes && rendered.steps <= limits.steps);
        }
    }
});
