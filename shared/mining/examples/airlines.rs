//! Mining on what agents of airlines answered to tweets: short, noisy, each written by hand.
//!
//! `cargo run --release -p romashka-mining --example airlines -- airlines_raw.csv`. Nobody knows which templates the agents
//! had, so there is no right answer to compare with: what is told is how many replies and sentences the proposals cover,
//! how long it takes, and the first proposals, to be looked at. The replies are not redacted; mentions are taken out.

use std::io::Write;

use anyhow::{Context, Result};
use romashka_mining::{MAX_REPLIES, Mined, Proposal, Reply, Settings, mine};

mod process;

/// Proposals that are shown of each kind.
const SHOWN: usize = 12;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("the path of the airlines' file is missing")?;
    let all = replies(&path)?;
    let replies = &all[..all.len().min(MAX_REPLIES)];
    let mut out = std::io::stdout().lock();
    let words: usize = replies.iter().map(|reply| reply.text.split_whitespace().count()).sum();
    let words = words as f64 / replies.len().max(1) as f64;
    writeln!(out, "the first {} of {} replies by agents, {words:.0} words each", replies.len(), all.len())?;
    for most_proposals in [Settings::default().most_proposals, usize::MAX] {
        let settings = Settings { most_proposals, ..Settings::default() };
        let before = process::busy_seconds();
        let mined = mine(replies, &settings)?;
        let seconds = process::busy_seconds() - before;
        report(&mut out, &mined, seconds)?;
        if most_proposals < usize::MAX {
            show(&mut out, "whole replies", &mined.proposals)?;
            show(&mut out, "passages", &mined.passages)?;
        }
    }
    Ok(())
}

/// The agents' replies, in the order of the file.
fn replies(path: &str) -> Result<Vec<Reply>> {
    let mut replies = Vec::new();
    for record in csv::Reader::from_path(path).with_context(|| format!("cannot read {path}"))?.records() {
        let record = record?;
        let (Some(conversation), Some(turns)) = (record.get(0), record.get(3)) else { continue };
        for turn in turns.split("<rep__").skip(1) {
            let turn = turn.split("__rep>").next().unwrap_or_default();
            replies.push(Reply {
                text: without_mentions(turn),
                conversation: conversation.to_owned(),
                language: Some("en".to_owned()),
                resolved: None,
            });
        }
    }
    Ok(replies)
}

/// Whom a tweet is to stands before its words.
fn without_mentions(turn: &str) -> String {
    let is_mention = |word: &&str| matches!(*word, "__cust__" | "__company__") || word.starts_with('@');
    turn.split_whitespace().skip_while(is_mention).collect::<Vec<_>>().join(" ")
}

fn report(out: &mut impl Write, mined: &Mined, seconds: f64) -> Result<()> {
    let percent = |count: usize| 100.0 * count as f64 / mined.replies.max(1) as f64;
    writeln!(
        out,
        "\n{} proposals cover {:.1} % of the replies as a whole, {} passages have a sentence of a further {:.1} %; {:.1} % are too short; {seconds:.1} CPU-s, {:.0} MB at most",
        mined.proposals.len(),
        percent(mined.covered),
        mined.passages.len(),
        percent(mined.partly_covered),
        percent(mined.left_out),
        process::peak_megabytes(),
    )?;
    let with_variables = |proposals: &[Proposal]| proposals.iter().filter(|it| !it.variables.is_empty()).count();
    writeln!(
        out,
        "{} of the proposals and {} of the passages have variables",
        with_variables(&mined.proposals),
        with_variables(&mined.passages),
    )?;
    Ok(())
}

fn show(out: &mut impl Write, what: &str, proposals: &[Proposal]) -> Result<()> {
    writeln!(out, "\n{what}, those that cover most")?;
    for proposal in proposals.iter().take(SHOWN) {
        writeln!(out, "{:>6}  {}", proposal.replies, proposal.source)?;
    }
    Ok(())
}
