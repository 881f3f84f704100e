//! How well variables are found in replies of which it is known where they are.
//!
//! `cargo run --release -p romashka-mining --example bitext -- bitext.csv [development|final]`. The replies of the file hold slots such as
//! `{{Order Number}}`. Each is filled with a value of its kind; the miner sees the filled replies alone. The method was
//! chosen on one half of the replies, by the hash of their text; the figures are those of the other.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::Range;

use anyhow::{Context, Result};
use romashka_mining::{MAX_REPLIES, Matcher, Mined, Proposal, Reply, Settings, Text, mine};

mod filled;
mod process;

use filled::{Filled, Row, common, filled, rows};

/// Replies that are looked at where all would take too long.
const LOOKED_AT: usize = 2_000;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("the path of bitext's file is missing")?;
    let half = arguments.next().unwrap_or_else(|| "final".to_owned());
    let rows = rows(&path, if half == "development" { 0 } else { 1 })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} replies of the {half} half, {:.0} words each", rows.len(), words(&rows))?;

    let once = filled(&rows, rows.len());
    writeln!(out, "\neach reply once, as a paraphrase of others")?;
    for least_replies in [2, 3] {
        let (mined, seconds) = mined(&once, &Settings { least_replies, most_proposals: usize::MAX })?;
        writeln!(out, "  at least {least_replies} replies a proposal ({seconds:.1} CPU-s)")?;
        report(&mut out, &mined, &once)?;
    }
    let (mined_few, _) = mined(&once, &Settings::default())?;
    let few = Figures::of(&mined_few, &once);
    writeln!(out, "  the 200 proposals and 200 passages of the default settings")?;
    few.print(&mut out, &mined_few)?;

    let often = filled(&rows, MAX_REPLIES);
    writeln!(
        out,
        "\neach reply {} times with other values, as templates are used: {} replies",
        often.len() / rows.len(),
        often.len()
    )?;
    let (mined, seconds) = mined(&often, &Settings { least_replies: 3, most_proposals: usize::MAX })?;
    writeln!(
        out,
        "  {seconds:.1} CPU-s, {:.0} replies a CPU-second, {:.0} MB at most",
        often.len() as f64 / seconds,
        process::peak_megabytes()
    )?;
    let looked_at: Vec<Filled> = often.iter().step_by(often.len().div_ceil(LOOKED_AT)).cloned().collect();
    Figures::of(&mined, &looked_at).print(&mut out, &mined)?;
    for proposal in mined.proposals.iter().take(2).chain(mined_few.passages.iter().take(5)) {
        let variables: Vec<_> = proposal.variables.iter().map(|slot| (&slot.name, &slot.kind, &slot.default)).collect();
        writeln!(out, "\n[{}, {} replies] {}\n{variables:?}", proposal.name, proposal.replies, proposal.source)?;
    }
    if std::env::var_os("SHOW").is_some() {
        for proposal in mined_few.proposals.iter().chain(&mined_few.passages) {
            let variables: Vec<_> =
                proposal.variables.iter().map(|slot| (&slot.name, &slot.kind, &slot.default, &slot.examples)).collect();
            writeln!(out, "\n[{}, {} replies] {}\n{variables:?}", proposal.name, proposal.replies, proposal.source)?;
        }
    }
    Ok(())
}

fn words(rows: &[Row]) -> f64 {
    rows.iter().map(|row| row.reply.split_whitespace().count()).sum::<usize>() as f64 / rows.len().max(1) as f64
}

fn mined(filled: &[Filled], settings: &Settings) -> Result<(Mined, f64)> {
    let replies: Vec<Reply> = (0..)
        .zip(filled)
        .map(|(number, filled): (usize, _)| Reply {
            text: filled.text.clone(),
            conversation: number.to_string(),
            language: Some("en".to_owned()),
            resolved: None,
        })
        .collect();
    let before = process::busy_seconds();
    let mined = mine(&replies, settings)?;
    Ok((mined, process::busy_seconds() - before))
}

fn report(out: &mut impl Write, mined: &Mined, filled: &[Filled]) -> Result<()> {
    Figures::of(mined, filled).print(out, mined)
}

/// How variables that were found compare with those that are there.
#[derive(Default)]
struct Counts {
    found: usize,
    /// Of those found, that overlap a slot by half of both; by anything; by half, echoes counted as slots.
    half: usize,
    any: usize,
    half_or_echo: usize,
    /// Slots in what is covered, and of them those that are found.
    slots: usize,
    slots_half: usize,
    slots_any: usize,
}

impl Counts {
    fn take(&mut self, filled: &Filled, within: &Range<usize>, values: &[Range<usize>]) {
        let half = |a: &Range<usize>, b: &Range<usize>| 2 * common(a, b) >= a.end.max(b.end) - a.start.min(b.start);
        let any = |a: &Range<usize>, b: &Range<usize>| common(a, b) > 0;
        for value in values {
            self.found += 1;
            let by_half = filled.slots.iter().any(|slot| half(slot, value));
            self.half += usize::from(by_half);
            self.any += usize::from(filled.slots.iter().any(|slot| any(slot, value)));
            self.half_or_echo += usize::from(by_half || filled.echoes.iter().any(|slot| half(slot, value)));
        }
        for slot in filled.slots.iter().filter(|slot| any(slot, within)) {
            self.slots += 1;
            self.slots_half += usize::from(values.iter().any(|value| half(slot, value)));
            self.slots_any += usize::from(values.iter().any(|value| any(slot, value)));
        }
    }

    fn print(&self, out: &mut impl Write, what: &str, all_slots: usize) -> Result<()> {
        let percent = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        writeln!(
            out,
            "    variables in {what}: precision {:.1} % (any overlap {:.1} %; with what is not marked everywhere {:.1} %), recall {:.1} % (any {:.1} %); {} found, {} there; {:.1} % of all slots",
            percent(self.half, self.found),
            percent(self.any, self.found),
            percent(self.half_or_echo, self.found),
            percent(self.slots_half, self.slots),
            percent(self.slots_any, self.slots),
            self.found,
            self.slots,
            percent(self.slots_half, all_slots),
        )?;
        Ok(())
    }
}

#[derive(Default)]
struct Figures {
    replies: usize,
    covered: usize,
    with_passage: usize,
    characters: usize,
    characters_in_passages: usize,
    slots: usize,
    whole: Counts,
    passages: Counts,
}

impl Figures {
    /// Lays every reply beside every proposal, as somebody would who has nothing but the proposals.
    fn of(mined: &Mined, filled: &[Filled]) -> Self {
        let matchers = |proposals: &[Proposal]| -> Vec<Matcher> {
            proposals.iter().filter_map(|proposal| Matcher::of(&proposal.source)).collect()
        };
        let (whole, passages) = (matchers(&mined.proposals), matchers(&mined.passages));
        let mut figures = Self::default();
        for filled in filled {
            figures.replies += 1;
            figures.slots += filled.slots.len();
            let Some(text) = Text::read(&filled.text) else { continue };
            let found = whole.iter().filter_map(|matcher| matcher.find(&text));
            if let Some(best) = found.max_by(|a, b| a.share.total_cmp(&b.share)) {
                figures.covered += 1;
                let values: Vec<_> = best.values.into_iter().map(|(_, value)| value).collect();
                figures.whole.take(filled, &best.bytes, &values);
                continue;
            }
            let mut of_sentence: BTreeMap<usize, romashka_mining::Found> = BTreeMap::new();
            for found in passages.iter().flat_map(|matcher| matcher.find_passages(&text)) {
                let best = of_sentence.entry(found.bytes.start).or_insert_with(|| found.clone());
                if found.share > best.share {
                    *best = found;
                }
            }
            figures.with_passage += usize::from(!of_sentence.is_empty());
            figures.characters += filled.text.len();
            for found in of_sentence.into_values() {
                figures.characters_in_passages += found.bytes.len();
                let values: Vec<_> = found.values.into_iter().map(|(_, value)| value).collect();
                figures.passages.take(filled, &found.bytes, &values);
            }
        }
        figures
    }

    fn print(&self, out: &mut impl Write, mined: &Mined) -> Result<()> {
        let percent = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        let distinct: BTreeSet<&str> = mined.proposals.iter().map(|proposal| proposal.source.as_str()).collect();
        writeln!(
            out,
            "    {} proposals ({} distinct) cover {:.1} % of the replies; {} passages are in {:.1} % of the others and make {:.1} % of their text",
            mined.proposals.len(),
            distinct.len(),
            percent(self.covered, self.replies),
            mined.passages.len(),
            percent(self.with_passage, self.replies - self.covered),
            percent(self.characters_in_passages, self.characters),
        )?;
        self.whole.print(out, "covered replies", self.slots)?;
        self.passages.print(out, "passages", self.slots)
    }
}
