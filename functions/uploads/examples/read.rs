//! Reads one file in a process of its own and prints one JSON object, so that `cargo xtask bench ingest` can set it beside
//! other libraries measured the same way.
//!
//! ```text
//! read parse KIND FILE [MAPPING]   every row: decoded, checked, its columns told apart
//! read learn KIND FILE [MAPPING]   the same, redacted, compared with the rows before it and written into parts
//! ```
//!
//! `MAPPING` is JSON. CPU-seconds and memory come from Linux's `/proc`; CPU-seconds are in steps of a hundredth, and have
//! those of the child that reads a document.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::{ExitCode, Termination};
use std::time::Instant;

use romashka_documents::Document;
use romashka_documents::sandbox::Sandbox;
use romashka_ingest::redaction::Redactor;
use romashka_ingest::{Kind, Limits, Options, Records, Stop};
use romashka_uploads::reading::{self, End};
use serde_json::{Value, json};

type Error = Box<dyn std::error::Error>;

/// Linux reports CPU time in hundredths of a second to every program, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> ExitCode {
    romashka_documents::sandbox::child().unwrap_or_else(|| measure().report())
}

fn measure() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (step, kind, path, mapping) = match arguments.as_slice() {
        [step, kind, path] => (step, kind, path, None),
        [step, kind, path, mapping] => (step, kind, path, Some(mapping)),
        _ => return Err("usage: read parse|learn KIND FILE [MAPPING]".into()),
    };
    let kind: Kind = kind.parse()?;
    let limits = Limits { rows: u64::MAX, ..Limits::default() };
    let mapping = mapping.map(|json| serde_json::from_str(json)).transpose()?.unwrap_or_default();
    let options = Options { limits, mapping, ..Options::default() };
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let (started, before) = (Instant::now(), cpu_seconds()?);
    let counts = match step.as_str() {
        "parse" => parse(path, kind, &Options { redactor: Redactor::none(), ..options })?,
        "learn" => learn(file, kind, &options)?,
        other => return Err(format!("no step is called {other}").into()),
    };
    let measured = json!({
        "bytes": bytes,
        "counts": counts,
        "cpu_seconds": cpu_seconds()? - before,
        "wall_seconds": started.elapsed().as_secs_f64(),
        "peak_bytes": peak_bytes()?,
    });
    writeln!(io::stdout(), "{measured}")?;
    Ok(())
}

fn parse(path: &str, kind: Kind, options: &Options) -> Result<Value, Stop> {
    let file = romashka_ingest::File::open(File::open(path)?, &options.limits)?;
    match Document::of(file.prefix()) {
        Some(document) => {
            let text = Sandbox::here()?.extract(document, File::open(path)?)?;
            count(Records::of(file.replaced_by(text, document.format(), &options.limits)?, kind, options)?)
        }
        None => count(Records::of(file, kind, options)?),
    }
}

fn count<R: Read>(rows: Records<R>) -> Result<Value, Stop> {
    let (mut accepted, mut invalid) = (0_u64, 0_u64);
    for row in rows {
        match row? {
            Ok(_) => accepted += 1,
            Err(_) => invalid += 1,
        }
    }
    Ok(json!({ "accepted": accepted, "invalid": invalid }))
}

fn learn(file: File, kind: Kind, options: &Options) -> Result<Value, Stop> {
    let mut written = 0;
    let End { reached, errors, .. } = reading::read(file, kind, options, 0, |part| {
        written += part.body.len();
        Ok(())
    })?;
    let rows = serde_json::to_value(reached.rows).map_err(io::Error::other)?;
    Ok(json!({ "rows": rows, "redacted": reached.redacted, "listed": errors.len(), "written_bytes": written }))
}

/// CPU-seconds of this process and of the children that have ended.
fn cpu_seconds() -> Result<f64, Error> {
    /// Fields 14 to 17 of the file, counted from the third: the second is a name in brackets that may hold anything.
    const TIMES: std::ops::Range<usize> = 11..15;
    let status = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = status.rsplit_once(") ").ok_or("/proc/self/stat is not as documented")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = fields.get(TIMES).ok_or("/proc/self/stat is not as documented")?;
    let ticks: u64 = ticks.iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<_, _>>()?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// The most memory this process has had resident.
fn peak_bytes() -> Result<u64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("/proc/self/status has no VmHWM")?;
    let kilobytes: u64 = line.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(kilobytes * 1024)
}
