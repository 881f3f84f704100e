//! What an encoding costs here: `speed <package>`.
//!
//! Load and first embedding are those of a fresh process, so run it twice to see them with the file in memory.

use std::{
    env, fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use romashka_encoder::{Encoder, Kernel, Scratch, Tokens};

/// 25 tokens with `[CLS]` and `[SEP]`.
const SENTENCE: &str =
    "i ordered a pair of shoes two weeks ago and the parcel has still not arrived, where is it now please?";
const BATCH: usize = 32;
/// What a measurement may take per kernel.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> anyhow::Result<()> {
    let path = env::args().nth(1).context("usage: speed <package>")?;
    let path = Path::new(&path);
    let mut out = std::io::stdout().lock();

    let start = Instant::now();
    let encoder = Encoder::open(path)?;
    let opened = milliseconds(start);
    let mut scratch = Scratch::default();
    let tokens = encoder.tokens(SENTENCE);
    encoder.encode(std::slice::from_ref(&tokens), &mut scratch);
    let first = milliseconds(start);
    writeln!(
        out,
        "{:?}, {} tokens: open {opened:.2} ms, first embedding after {first:.2} ms",
        encoder.kernel(),
        tokens.ids().len()
    )?;
    writeln!(out, "resident after the first embedding: {}", resident()?)?;

    let start = Instant::now();
    for _ in 0..1000 {
        std::hint::black_box(encoder.glance(&encoder.tokens(std::hint::black_box(SENTENCE))));
    }
    writeln!(out, "tokens and glance: {:.2} µs", milliseconds(start))?;

    for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_supported()) {
        let encoder = Encoder::open(path)?.with_kernel(kernel)?;
        measure(&encoder, &tokens, &mut scratch, &mut out)?;
    }
    writeln!(out, "resident at most: {}", resident()?)?;
    Ok(())
}

fn measure(encoder: &Encoder, tokens: &Tokens, scratch: &mut Scratch, out: &mut impl Write) -> anyhow::Result<()> {
    let singles = sorted_times(|| encoder.encode(std::slice::from_ref(tokens), scratch));
    let (median, tail) = (singles[singles.len() / 2], singles[singles.len() * 99 / 100]);
    let fastest = singles[0];
    let batch = vec![tokens.clone(); BATCH];
    let batches = sorted_times(|| encoder.encode(&batch, scratch));
    let (least, batched) = (batches[0] / BATCH as f64, batches[batches.len() / 2] / BATCH as f64);
    let kernel = encoder.kernel();
    writeln!(
        out,
        "{kernel:?}: one sentence p50 {median:.2} ms, p99 {tail:.2} ms, least {fastest:.2} ms; {BATCH} at once p50 {batched:.2} ms each, least {least:.2} ms"
    )?;
    Ok(())
}

/// Milliseconds of each call made within [`PATIENCE`], shortest first.
fn sorted_times<T>(mut call: impl FnMut() -> T) -> Vec<f64> {
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed() < PATIENCE {
        let start = Instant::now();
        std::hint::black_box(call());
        times.push(milliseconds(start));
    }
    times.sort_by(f64::total_cmp);
    times
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// Linux only: what the process holds now and held at most.
fn resident() -> anyhow::Result<String> {
    let status = fs::read_to_string("/proc/self/status").context("resident memory is read from /proc")?;
    let lines = status.lines().filter(|line| ["VmHWM", "RssAnon", "RssFile"].iter().any(|name| line.starts_with(name)));
    Ok(lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", "))
}
