//! What replies that are written to be costly cost to mine: CPU-seconds and memory, of 50,000 of each kind.
//!
//! `cargo run --release -p romashka-mining --example hostile`. Each kind is mined in a process of its own, so that the
//! memory is its alone.

use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, bail};
use romashka_mining::{MAX_REPLIES, MAX_TOTAL_BYTES, Settings, mine};

#[path = "../tests/hostile_sets/mod.rs"]
mod hostile_sets;
mod process;

use hostile_sets::{HOSTILE, replies};

/// What names the kind to the process that mines it.
const KIND: &str = "ROMASHKA_HOSTILE_KIND";

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    if let Ok(kind) = std::env::var(KIND) {
        return writeln!(out, "{}", measured(&kind)?).map_err(Into::into);
    }
    let only = std::env::args().nth(1);
    let program = std::env::current_exe().context("cannot find this program")?;
    writeln!(out, "{:<34} {:>8} {:>9} {:>9} {:>9} {:>10}", "replies", "mined", "CPU-s", "MB", "of text", "proposals")?;
    for (kind, _) in HOSTILE.into_iter().filter(|(kind, _)| only.as_deref().is_none_or(|only| kind.contains(only))) {
        let measured = Command::new(&program).env(KIND, kind).output().context("cannot start this program again")?;
        if !measured.status.success() {
            bail!("{kind}: {} {}", measured.status, String::from_utf8_lossy(&measured.stderr));
        }
        write!(out, "{kind:<34} {}", String::from_utf8_lossy(&measured.stdout))?;
    }
    Ok(())
}

fn measured(kind: &str) -> Result<String> {
    let hostile = HOSTILE.into_iter().find(|(name, _)| *name == kind).context("there is no such kind")?;
    let replies = replies(hostile, MAX_REPLIES, MAX_TOTAL_BYTES);
    let text: usize = replies.iter().map(|reply| reply.text.len()).sum();
    let before = process::busy_seconds();
    let mined = mine(&replies, &Settings::default())?;
    Ok(format!(
        "{:>8} {:>9.1} {:>9.0} {:>9.0} {:>4} + {:<4}",
        replies.len() - mined.left_out,
        process::busy_seconds() - before,
        process::peak_megabytes(),
        text as f64 / 1024.0 / 1024.0,
        mined.proposals.len(),
        mined.passages.len(),
    ))
}
