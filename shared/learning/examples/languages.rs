//! Counts the languages of messages, by label where there is one.
//!
//! ```text
//! cargo run --release -p romashka-learning --example languages -- train.csv
//! ```
//!
//! The file is CSV of `text,category`.

use std::{io::Write, path::Path, time::Instant};

use anyhow::bail;
use romashka_learning::language::{Confidence, Language, Languages, detect};

mod published;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path] = arguments.as_slice() else { bail!("usage: languages <train.csv>") };
    let rows = published::csv(Path::new(path))?;
    let messages: Vec<&str> = rows.iter().map(|(text, _)| text.as_str()).collect();
    let start = Instant::now();
    let detections: Vec<_> = messages.iter().map(|message| detect(message)).collect();
    let each = start.elapsed() / u32::try_from(messages.len().max(1))?;
    let mut languages = Languages::default();
    detections.iter().for_each(|detection| languages.count(*detection));
    let sure: Vec<_> =
        detections.iter().flatten().filter(|detection| detection.confidence == Confidence::High).collect();
    let english = sure.iter().filter(|detection| detection.language == Language::ENGLISH).count();

    let mut out = std::io::stdout().lock();
    writeln!(out, "messages  {} at {each:.2?} each", messages.len())?;
    writeln!(out, "surely    {} English, {} another language", english, sure.len() - english)?;
    writeln!(out, "languages {}", serde_json::to_string(&languages)?)?;
    Ok(())
}
