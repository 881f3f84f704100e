//! What a review finds in templates and in replies that people wrote, for those who judge its precision.
//!
//! `cargo run -p romashka-writing --example replies -- starters functions/templates/starters/en.toml en`
//! `cargo run -p romashka-writing --example replies -- csv replies.csv en 500` takes the column `response`.
#![expect(clippy::print_stdout, reason = "a command prints")]

use std::collections::BTreeMap;
use std::time::Instant;

use romashka_liquid::Template;
use romashka_writing::{Channel, Rule, Situation, review, warm_up};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, file, language, rest @ ..] = &arguments[..] else {
        anyhow::bail!("give starters or csv, a file and a language");
    };
    let memory = resident();
    let start = Instant::now();
    warm_up();
    println!("warmed up in {:?}, with {} KiB more memory", start.elapsed(), resident().saturating_sub(memory));
    let most: usize = rest.first().map_or(Ok(usize::MAX), |most| most.parse())?;
    let sources = if kind == "csv" { replies(file, most)? } else { starters(file)? };
    let mut rules: BTreeMap<Rule, usize> = BTreeMap::new();
    let mut messages: BTreeMap<String, usize> = BTreeMap::new();
    let start = Instant::now();
    for source in &sources {
        let Ok(template) = Template::parse(source) else { continue };
        let situation = Situation { language: Some(language), channel: Channel::Email, ..Situation::default() };
        for finding in review(&template, &situation).findings {
            *rules.entry(finding.rule).or_default() += 1;
            let after = finding.after.or(finding.hint).unwrap_or_default();
            let told = format!("{:?} {}\n    {:?}\n    {after:?}", finding.rule, finding.message, finding.before);
            *messages.entry(told).or_default() += 1;
        }
    }
    println!("{} texts in {:?}", sources.len(), start.elapsed());
    for (message, count) in messages {
        println!("{count:>5} {message}");
    }
    println!("{rules:#?}; {} KiB", resident());
    Ok(())
}

fn starters(file: &str) -> anyhow::Result<Vec<String>> {
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(file)?)?;
    let starters = table.get("starter").and_then(toml::Value::as_array).into_iter().flatten();
    Ok(starters.filter_map(|starter| Some(starter.get("source")?.as_str()?.to_owned())).collect())
}

fn replies(file: &str, most: usize) -> anyhow::Result<Vec<String>> {
    let mut reader = csv::Reader::from_path(file)?;
    let column = reader.headers()?.iter().position(|name| name == "response");
    let column = column.ok_or_else(|| anyhow::anyhow!("{file} has no column `response`"))?;
    let mut replies = Vec::new();
    for row in reader.records().take(most) {
        replies.push(placeholders(row?.get(column).unwrap_or_default()));
    }
    Ok(replies)
}

/// What stands between braces in published replies is no name of a variable: here it becomes one.
fn placeholders(reply: &str) -> String {
    let mut parts = reply.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or(("", part));
        let name: String = name.chars().map(|char| if char.is_ascii_alphabetic() { char } else { '_' }).collect();
        text.push_str(&format!("{{{{ value.x{} }}}}{rest}", name.to_lowercase()));
    }
    text
}

/// Memory of the process in KiB, where the system tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}
