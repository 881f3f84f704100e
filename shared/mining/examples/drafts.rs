//! How near drafts from a few examples come to what was written, beside the nearest example alone.
//!
//! `cargo run --release -p romashka-mining --example drafts -- bitext.csv [development|final]`. For each of 50 replies that are
//! held out, the customer's request is the goal; the exemplars are the ten replies to the same intent, of 2,000 others, that
//! are nearest to it by the cosine of their words. The draft knows neither the request that they answered nor the intent.
//! What is compared is the F1 of the longest common subsequence of words (ROUGE-L, Lin 2004); a
//! variable, a slot and a slot's value count as the same word. The method was chosen on the development half.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result};
use romashka_liquid::Template;
use romashka_mining::draft::{Draft, Exemplar, Goal, Material, Text};
use xxhash_rust::xxh3::xxh3_64;

mod filled;
mod process;

use filled::{Filled, Row, filled, rows};

/// Replies that are held out.
const HELD_OUT: usize = 50;
/// Replies among which exemplars are looked for.
const OTHERS: usize = 2_000;
/// Exemplars of a draft.
const EXEMPLARS: [usize; 4] = [1, 3, 10, 30];
/// Drafts that are shown.
const SHOWN: usize = 2;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("the path of bitext's file is missing")?;
    let half = arguments.next().unwrap_or_else(|| "final".to_owned());
    let rows = distinct(rows(&path, if half == "development" { 0 } else { 1 })?);
    let filled = filled(&rows, rows.len());
    let step = rows.len() / HELD_OUT;
    let held_out: Vec<usize> = (0..HELD_OUT).map(|number| number * step).collect();
    let mut others: Vec<usize> = (0..rows.len()).filter(|at| !held_out.contains(at)).collect();
    // The file has its intents one after the other: some of each are left.
    others.sort_by_key(|at| xxh3_64(rows[*at].request.as_bytes()));
    others.truncate(OTHERS);
    let nearness = Words::of(&rows, &filled);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{HELD_OUT} replies of the {half} half held out, {} others; ROUGE-L F1, %", others.len())?;
    writeln!(
        out,
        "{:>9} {:>6} {:>8} {:>8} {:>8} {:>7} {:>6} {:>9} {:>9} {:>6}",
        "exemplars", "draft", "nearest", "middle", "best", "won", "words", "variables", "sentences", "ms"
    )?;
    let mut shown = Vec::new();
    for count in EXEMPLARS {
        let mut all = Figures::default();
        for at in &held_out {
            let nearest = nearness.nearest(&rows, *at, &others, count);
            if nearest.is_empty() {
                continue;
            }
            let draft = all.take(&rows, &filled, *at, &nearest)?;
            if count == 10 && shown.len() < SHOWN {
                shown.push((*at, draft));
            }
        }
        all.print(&mut out, count)?;
    }
    for (at, draft) in shown {
        writeln!(out, "\ngoal: {}\n[{}] {}\n{:?}", rows[at].request, draft.name, draft.source, draft.warnings)?;
        for sentence in &draft.sentences {
            writeln!(out, "  {:?} {:.2} {}", sentence.role, sentence.support, sentence.exemplars.join(" "))?;
        }
    }
    writeln!(out, "\n{:.0} MB at most", process::peak_megabytes())?;
    Ok(())
}

/// Each reply once.
fn distinct(rows: Vec<Row>) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    rows.into_iter().filter(|row| seen.insert(row.reply.clone())).collect()
}

#[derive(Default)]
struct Figures {
    drafts: usize,
    draft: f64,
    nearest: f64,
    middle: f64,
    best: f64,
    won: usize,
    words: usize,
    variables: usize,
    sentences: usize,
    seconds: f64,
}

impl Figures {
    fn take(&mut self, rows: &[Row], filled: &[Filled], at: usize, nearest: &[(usize, f64)]) -> Result<Draft> {
        let exemplar = |(other, closeness): &(usize, f64)| Exemplar {
            id: other.to_string(),
            text: Text::Reply(filled[*other].text.clone()),
            language: Some("en".to_owned()),
            closeness: *closeness,
        };
        let exemplars: Vec<Exemplar> = nearest.iter().map(exemplar).collect();
        let goal = Goal { text: rows[at].request.clone(), language: Some("en".to_owned()), length: None };
        let started = Instant::now();
        let draft = Material::read(&goal, &exemplars)?.draft(None);
        self.seconds += started.elapsed().as_secs_f64();
        let said = said(&draft, nearest.iter().map(|(other, _)| &filled[*other]))?;
        let reference = blanked(&filled[at]);
        let others: Vec<Vec<String>> = nearest.iter().map(|(other, _)| blanked(&filled[*other])).collect();
        let scores: Vec<f64> = others.iter().map(|other| rouge_l(other, &reference)).collect();
        let likeness = |one: usize| others.iter().map(|other| rouge_l(&others[one], other)).sum::<f64>();
        let middle = (0..others.len()).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b))).unwrap_or_default();
        let own = rouge_l(&said, &reference);
        self.drafts += 1;
        self.draft += own;
        self.nearest += scores[0];
        self.middle += scores[middle];
        self.best += scores.iter().copied().fold(0.0, f64::max);
        self.won += usize::from(own > scores[0]);
        self.words += said.len();
        self.variables += draft.variables.len();
        self.sentences += draft.sentences.len();
        Ok(draft)
    }

    fn print(&self, out: &mut impl Write, count: usize) -> Result<()> {
        let mean = |sum: f64| sum / self.drafts.max(1) as f64;
        let percent = |sum: f64| 100.0 * mean(sum);
        writeln!(
            out,
            "{count:>9} {:>6.1} {:>8.1} {:>8.1} {:>8.1} {:>4}/{:<2} {:>6.0} {:>9.1} {:>9.1} {:>6.1}",
            percent(self.draft),
            percent(self.nearest),
            percent(self.middle),
            percent(self.best),
            self.won,
            self.drafts,
            mean(self.words as f64),
            mean(self.variables as f64),
            mean(self.sentences as f64),
            1000.0 * mean(self.seconds),
        )?;
        Ok(())
    }
}

/// What stands for a value.
const BLANK: &str = "_";

/// The words of a draft, a blank for each variable and for values of its exemplars that it says as they are.
fn said<'filled>(draft: &Draft, exemplars: impl Iterator<Item = &'filled Filled>) -> Result<Vec<String>> {
    let template = Template::parse(&draft.source).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let places = template.variables().into_iter().flat_map(|variable| variable.places);
    anyhow::ensure!(places.count() >= draft.variables.len(), "a variable is listed that is not used");
    let mut text = String::new();
    let mut rest = draft.source.as_str();
    while let Some((before, (inside, after))) = rest.split_once("{{").and_then(|(a, b)| Some((a, b.split_once("}}")?)))
    {
        text.push_str(before);
        text.push_str(if inside.trim().starts_with('\'') { "" } else { BLANK });
        rest = after;
    }
    text.push_str(rest);
    let mut values: Vec<&str> = exemplars
        .flat_map(|filled| filled.slots.iter().map(|slot| &filled.text[slot.clone()]))
        .filter(|value| value.len() > 1)
        .collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.dedup();
    values.into_iter().for_each(|value| text = text.replace(value, BLANK));
    Ok(words(&text))
}

/// The words of a reply, a blank for each value.
fn blanked(filled: &Filled) -> Vec<String> {
    let mut text = String::new();
    let mut at = 0;
    for slot in &filled.slots {
        text.push_str(&filled.text[at..slot.start]);
        text.push_str(BLANK);
        at = slot.end;
    }
    text.push_str(&filled.text[at..]);
    words(&text)
}

fn words(text: &str) -> Vec<String> {
    let is_of_word = |char: char| char.is_alphanumeric() || char == '_' || char == '\'';
    text.split(|char| !is_of_word(char)).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// F1 of the longest common subsequence.
fn rouge_l(one: &[String], other: &[String]) -> f64 {
    let mut row = vec![0_usize; other.len() + 1];
    for a in one {
        let mut diagonal = 0;
        for (at, b) in other.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if a == b { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    2.0 * row[other.len()] as f64 / (one.len() + other.len()).max(1) as f64
}

/// Requests and replies by their words, the rare ones more (tf-idf).
struct Words {
    requests: Vec<BTreeMap<String, f64>>,
    replies: Vec<BTreeMap<String, f64>>,
}

impl Words {
    fn of(rows: &[Row], filled: &[Filled]) -> Self {
        let counted = |text: &str| {
            let mut counts: BTreeMap<String, f64> = BTreeMap::new();
            words(text).into_iter().for_each(|word| *counts.entry(word).or_default() += 1.0);
            counts
        };
        let mut requests: Vec<_> = rows.iter().map(|row| counted(&row.request)).collect();
        let mut replies: Vec<_> = filled.iter().map(|filled| counted(&filled.text)).collect();
        let mut having: BTreeMap<String, f64> = BTreeMap::new();
        replies.iter().flat_map(BTreeMap::keys).for_each(|word| *having.entry(word.clone()).or_default() += 1.0);
        for counts in requests.iter_mut().chain(&mut replies) {
            for (word, count) in counts.iter_mut() {
                *count *= (rows.len() as f64 / having.get(word).copied().unwrap_or(1.0)).ln();
            }
            let length = counts.values().map(|value| value * value).sum::<f64>().sqrt();
            counts.values_mut().for_each(|value| *value /= length.max(f64::MIN_POSITIVE));
        }
        Self { requests, replies }
    }

    /// The replies to the same intent that are nearest to a request, with their cosines.
    fn nearest(&self, rows: &[Row], at: usize, others: &[usize], count: usize) -> Vec<(usize, f64)> {
        let goal = &self.requests[at];
        let cosine = |other: usize| {
            let shared = |(word, a): (&String, &f64)| self.replies[other].get(word).map(|b| a * b);
            goal.iter().filter_map(shared).sum::<f64>()
        };
        let same = others.iter().filter(|other| rows[**other].intent == rows[at].intent);
        let mut nearest: Vec<(usize, f64)> = same.map(|other| (*other, cosine(*other))).collect();
        nearest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        nearest.truncate(count);
        nearest
    }
}
