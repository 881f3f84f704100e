//! Runs every test: fast ones first, then those against a real local cloud with IAM on.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::cloud::{Cloud, Timing};
use crate::setup::Build;
use crate::{licences, root, setup};

/// Long enough for the slowest batch and file, short enough that a test can wait for a killed one to come back.
const TIMING: Timing = Timing { work_timeout: 20, work_visibility: 25, long_timeout: 60, long_visibility: 70 };

/// The port of the cloud that tests use, so that they leave the lasting one alone.
const PORT: u16 = 4576;

#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
}

/// Runs everything; ends in the plain summary of how many passed and failed.
pub fn test(filter: Option<&str>) -> Result<()> {
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    let mut step = |name: &str, tally: &mut Tally, command: &mut Command| -> Result<()> {
        let started = Instant::now();
        eprintln!("── {name}");
        if !watch(command, tally)? {
            failed.push(name.to_owned());
        }
        eprintln!("── {name}: {:.0} s", started.elapsed().as_secs_f64());
        Ok(())
    };
    let python = setup::python()?;
    let packages = licences::check()?;
    eprintln!("── licences: all {packages} packages are under one that deny.toml allows");
    if filter.is_none() {
        step("format", &mut tally, setup::cargo().args(["fmt", "--all", "--check"]))?;
        let lints = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
        step("lints", &mut tally, setup::cargo().args(lints))?;
        let units = ["test", "--quiet", "--workspace", "--exclude", "romashka-tests", "--no-fail-fast"];
        step("unit and property tests", &mut tally, setup::cargo().args(units))?;
        let house = ["test", "--quiet", "--package", "romashka-tests", "--test", "house"];
        step("contract and events", &mut tally, setup::cargo().args(house))?;
        let infra = ["-m", "unittest", "discover", "-s", "tests/infra", "-t", "tests/infra"];
        step("template", &mut tally, Command::new(&python).args(infra).current_dir(root()))?;
        let docs = ["doc", "--quiet", "--workspace", "--no-deps"];
        step("documentation", &mut tally, setup::cargo().args(docs).env("RUSTDOCFLAGS", "-D warnings"))?;
        if is_installed("cargo-deny") {
            step("licences", &mut tally, setup::cargo().args(["deny", "check", "bans", "licenses", "sources"]))?;
        }
        let lint = python.with_file_name("cfn-lint");
        step(
            "template lint",
            &mut tally,
            Command::new(lint).arg(root().join("template.yaml")).arg(root().join("infra/alarms.yaml")),
        )?;
        let local = root().join("infra/local");
        let discover = ["-m", "unittest", "discover", "-s", "tests", "-t", "."];
        step("local cloud", &mut tally, Command::new(&python).args(discover).current_dir(local))?;
    }
    let cloud = Cloud::throwaway("test", PORT);
    // What an earlier run printed is not to be taken for what this one does.
    cloud.reset()?;
    cloud.start()?;
    let deployed = cloud.deploy(Build::Debug, TIMING);
    let tested = deployed.and_then(|()| {
        let mut tests = setup::cargo();
        tests
            .args(["test", "--quiet", "--package", "romashka-tests", "--test", "product"])
            .env("ROMASHKA_TEST_CLOUD", &cloud.folder);
        if let Some(filter) = filter {
            tests.arg(filter);
        }
        step("the product on the local cloud", &mut tally, &mut tests)
    });
    let logs = cloud.folder.join("logs");
    cloud.stop()?;
    tested?;
    let denied = denied(&logs)?;
    if !denied.is_empty() {
        failed.push(format!("rights ({} met AccessDenied)", denied.join(", ")));
    }
    if !failed.is_empty() {
        eprintln!("failed: {}; what the functions printed is in {}", failed.join(", "), logs.display());
    }
    let failures = tally.failed.max(failed.len() as u64);
    println!("{} passed, {failures} failed", tally.passed);
    if failures > 0 {
        bail!("{failures} failed");
    }
    Ok(())
}

/// The logs of functions that tried what their policy does not allow. What they were denied comes back and may succeed in
/// the end, so that no other test need notice.
fn denied(logs: &Path) -> Result<Vec<String>> {
    let mut denied = Vec::new();
    for entry in fs::read_dir(logs)? {
        let path = entry?.path();
        let log = fs::read(&path)?;
        if String::from_utf8_lossy(&log).contains("AccessDenied") {
            denied.push(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    denied.sort();
    Ok(denied)
}

/// The cloud that tests run against, when `cargo xtask test` started them.
pub fn test_cloud() -> Result<Cloud> {
    std::env::var_os("ROMASHKA_TEST_CLOUD")
        .context("these tests need the local cloud; run them with `cargo xtask test [FILTER]`")?;
    Ok(Cloud::throwaway("test", PORT))
}

fn is_installed(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Runs a command, passes on what it prints, and counts the tests that it says it ran; whether it succeeded.
fn watch(command: &mut Command, tally: &mut Tally) -> Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, err) = (child.stdout.take().context("no output")?, child.stderr.take().context("no output")?);
    let errors = std::thread::spawn(move || pass_on(err, |line| eprintln!("{line}")));
    let mut lines = pass_on(out, |line| println!("{line}"));
    lines.extend(errors.join().unwrap_or_default());
    for line in lines {
        count(&line, tally);
    }
    Ok(child.wait()?.success())
}

fn pass_on(from: impl Read, print: impl Fn(&str)) -> Vec<String> {
    let mut kept = Vec::new();
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        print(&line);
        if line.starts_with("test result:") || line.starts_with("Ran ") || line.starts_with("FAILED (") {
            kept.push(line);
        }
    }
    kept
}

/// Reads the closing lines of cargo's and Python's test runners.
fn count(line: &str, tally: &mut Tally) {
    let before = |what: &str| -> u64 {
        let words: Vec<_> = line.split([' ', ';']).filter(|word| !word.is_empty()).collect();
        let position = words.iter().position(|word| *word == what);
        position.and_then(|index| words.get(index.checked_sub(1)?)?.parse().ok()).unwrap_or(0)
    };
    if line.starts_with("test result:") {
        tally.passed += before("passed");
        tally.failed += before("failed");
    } else if line.starts_with("Ran ") {
        tally.passed += before("tests") + before("test");
    } else if let Some(counts) = line.strip_prefix("FAILED (") {
        let numbers =
            counts.trim_end_matches(')').split(", ").filter_map(|part| part.split_once('=')?.1.parse::<u64>().ok());
        let failed: u64 = numbers.sum();
        tally.failed += failed;
        tally.passed = tally.passed.saturating_sub(failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_closing_lines_are_counted() {
        let mut tally = Tally::default();
        for line in [
            "test result: FAILED. 14 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.12s",
            "Ran 93 tests in 7.9s",
            "FAILED (failures=1, errors=2)",
        ] {
            count(line, &mut tally);
        }
        assert_eq!((tally.passed, tally.failed), (14 + 90, 5));
    }
}
