//! `cargo xtask fuzz`: the readers of files and templates against what a fuzzer thinks of. What it finds worth keeping lies below `.local/`; a
//! few files that came of earlier runs are in `tests/fuzz/corpus`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::root;
use crate::setup::{self, cargo};

/// Bytes of one input: every bound of the targets is below it.
const LONGEST: &str = "-max_len=8192";
/// What one input may take. The first compiles every expression, which takes a busy machine half a minute under the sanitizer.
/// A document's child has bounds of its own.
const MOST: [&str; 2] = ["-rss_limit_mb=1024", "-timeout=60"];

/// Runs one target, or each in its turn, for so many seconds.
pub fn run(target: Option<&str>, seconds: u32) -> Result<()> {
    let asked = rustup().args(["cargo", "fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !asked.is_ok_and(|status| status.success()) {
        bail!(
            "fuzzing takes a nightly compiler and cargo-fuzz: `rustup toolchain install nightly`, `cargo install cargo-fuzz`"
        );
    }
    let targets = targets()?;
    let chosen: Vec<_> = targets.iter().filter(|known| target.is_none_or(|name| name == *known)).collect();
    if chosen.is_empty() {
        bail!("there is no such target; choose one of {}", targets.join(", "));
    }
    let child = ["build", "--quiet", "--release", "--package", "romashka-documents", "--bin", "extract"];
    setup::run(cargo().args(child)).context("the program that reads documents does not build")?;
    for target in chosen {
        eprintln!("── {target}: {seconds} s");
        fuzz(target, seconds).with_context(|| {
            format!("{target} did not go through; what it found, if it ran, is below .local/fuzz/{target}-failures")
        })?;
    }
    Ok(())
}

fn fuzz(target: &str, seconds: u32) -> Result<()> {
    let found = root().join(".local/fuzz").join(target);
    let corpora = [
        root().join("tests/fuzz/corpus").join(target),
        root().join(match target {
            "documents" => "shared/documents/tests/samples",
            "templates" => "shared/liquid/tests",
            _ => "shared/ingest/tests/exports",
        }),
    ];
    let failures = root().join(".local/fuzz").join(format!("{target}-failures"));
    for folder in [&found, &failures] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut command = rustup();
    command
        .args(["cargo", "fuzz", "run", "--fuzz-dir", "tests/fuzz", "--target-dir"])
        .arg(setup::target().join("fuzz"))
        .arg(target)
        .arg(&found)
        .args(corpora.iter().filter(|corpus| corpus.is_dir()))
        .arg("--")
        .args([LONGEST, "-print_final_stats=1"])
        .args(MOST)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", failures.display()))
        .env("ROMASHKA_DOCUMENT_CHILD", setup::target().join("release/extract"));
    setup::run(&mut command)
}

/// A command of the nightly toolchain, whatever runs this.
fn rustup() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]).current_dir(root()).env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command
}

fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(root().join("tests/fuzz/targets"))? {
        targets.push(PathBuf::from(entry?.file_name()).with_extension("").to_string_lossy().into_owned());
    }
    targets.sort();
    Ok(targets)
}
