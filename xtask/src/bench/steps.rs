//! What every comparison does: steps in processes of their own, peers in pinned environments, tables.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::root;
use crate::setup;

/// Lines of a failed step's last words.
const LAST_WORDS: usize = 5;

/// Where files of one run lie.
pub fn scratch() -> Result<PathBuf> {
    let scratch = root().join(".local/bench-scratch");
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    Ok(scratch)
}

/// Runs a step and reads the JSON object on the last line of its output.
pub fn measured(step: &mut Command) -> Result<Value> {
    let program = step.get_program().to_string_lossy().into_owned();
    let arguments: Vec<_> = step.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let output = step.output().with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        let last_words = lines[lines.len().saturating_sub(LAST_WORDS)..].join(" / ");
        bail!("`{}` failed ({}): {last_words}", arguments.join(" "), output.status);
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("`{}` printed no measurement", arguments.join(" ")))
}

/// A figure of a step.
pub fn number(measured: &Value, pointer: &str) -> Result<f64> {
    measured.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("a step did not measure {pointer}"))
}

/// The interpreter of an environment that holds exactly the packages of a requirements file, made where it is missing.
pub fn python(requirements: &str) -> Result<PathBuf> {
    let pinned = root().join("xtask/bench").join(requirements);
    let content = fs::read(&pinned).with_context(|| format!("cannot read {}", pinned.display()))?;
    let hash: String = Sha256::digest(&content).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let folder = root().join(format!(".local/bench-{hash}"));
    let (interpreter, complete) = (folder.join("bin/python"), folder.join("complete"));
    if complete.exists() {
        return Ok(interpreter);
    }
    eprintln!("installing the packages of {requirements} below .local/, once");
    // What is there without the mark was interrupted.
    remove(&folder)?;
    setup::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        .context("cannot make a virtual environment; it takes Python 3.11 or newer and, on Debian, python3-venv")?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    setup::run(Command::new(&interpreter).args(pip).args(["--require-hashes", "-r"]).arg(&pinned))
        .with_context(|| format!("cannot install {requirements}"))?;
    fs::write(complete, "")?;
    Ok(interpreter)
}

/// Removes a file or folder, if it is there.
pub fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The first line that a command prints.
pub fn first_line(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

/// The processor, how many cores of it there are, and how busy they were before.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (processor, load) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unnamed processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "{}, {cores} cores, {}, load average {load} at the start",
        model.trim_start_matches([' ', '\t', ':']),
        std::env::consts::ARCH
    )
}

/// Three significant digits.
pub fn rounded(figure: f64) -> String {
    match figure.abs() {
        large if large >= 100.0 => format!("{figure:.0}"),
        middling if middling >= 10.0 => format!("{figure:.1}"),
        small if small >= 1.0 => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

/// A Markdown table that also reads well in a terminal: the first column to the left, figures to the right.
pub fn table(cells: &[Vec<String>]) -> String {
    let columns = cells.first().map_or(0, Vec::len);
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut table = String::new();
    for (number, row) in cells.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            let padded = if column == 0 { format!("{cell}{padding}") } else { format!("{padding}{cell}") };
            table.push_str(&format!("| {padded} "));
        }
        table.push_str("|\n");
        if number == 0 {
            let rule = |(column, width): (usize, &usize)| {
                if column == 0 { format!("|{}", "-".repeat(width + 2)) } else { format!("|{}:", "-".repeat(width + 1)) }
            };
            table.extend(widths.iter().enumerate().map(rule));
            table.push_str("|\n");
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_whatever_its_alphabet() {
        let cells = [["system", "ms"], ["MiniLM ⊕ n-grams", "1.25"]].map(|row| row.map(str::to_owned).to_vec());
        let lengths: Vec<_> = table(&cells).lines().map(|line| line.chars().count()).collect();
        assert_eq!(lengths, [lengths[0]; 3]);
    }
}
