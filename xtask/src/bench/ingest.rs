//! `cargo xtask bench ingest`: how fast files are read and what it takes, beside the libraries that people read them with.
//!
//! Every figure comes from a process of its own, on one core: `functions/uploads/examples/read.rs` measures ours,
//! `xtask/bench/parsers.py` the others. Then published files are read whole, and a large one is sent to the deployed system.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::steps::{first_line, machine, measured, number, python, remove, rounded, scratch, table};
use crate::cloud::Cloud;
use crate::root;
use crate::setup::{self, cargo};

/// Times that each step is measured; the medians are reported.
const REPEATS: usize = 3;
/// Bytes of each made file, and of the one that becomes a sheet.
const FILE_BYTES: u64 = 64 << 20;
const SHEET_BYTES: u64 = 8 << 20;
/// What a function may take.
const MEMORY_BYTES: f64 = 512e6;
/// How long the deployed system may take to read the large file.
const PATIENCE: Duration = Duration::from_secs(1800);

/// What to read.
#[derive(Debug, Clone, clap::Args)]
pub struct Reading {
    /// The folder of the published data sets, each in a folder of its own.
    #[arg(long, value_name = "FOLDER", default_value_os_t = root().join("../shared/data"))]
    pub data: PathBuf,
    /// Bytes of the NDJSON file that the deployed system reads, in MiB; 0 for none.
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    pub large: u64,
}

/// A made file, and who reads it beside us.
struct Sample {
    format: &'static str,
    file: PathBuf,
    /// The peers' names in `parsers.py`: the one that is commonly used, and the fastest that only parses.
    peers: &'static [&'static str],
}

/// Reads, compares and prints.
pub fn run(reading: &Reading, up: impl Fn(&Cloud) -> Result<()>) -> Result<()> {
    let bench = Bench::open()?;
    println!("{}\n", bench.preface()?);
    println!("{}\n", bench.compare()?);
    println!("{}", bench.published(&reading.data)?);
    if reading.large > 0 {
        bench.large(reading.large << 20, up)?;
    }
    Ok(())
}

struct Bench {
    read: PathBuf,
    python: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    fn open() -> Result<Self> {
        let build = ["build", "--quiet", "--release", "--package", "romashka-uploads", "--example", "read"];
        setup::run(cargo().args(build)).context("the reading example does not build")?;
        let read = setup::target().join("release/examples/read");
        Ok(Self { read, python: python("requirements-parsers.txt")?, scratch: scratch()? })
    }

    fn preface(&self) -> Result<String> {
        let date = first_line(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
        Ok(format!("{date}, {}", machine()))
    }

    fn ours(&self, step: &str, kind: &str, file: &Path, mapping: Option<&str>) -> Result<Value> {
        measured(Command::new(&self.read).args([step, kind]).arg(file).args(mapping))
    }

    fn script(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(root().join("xtask/bench/parsers.py"));
        command
    }

    /// Made files, read by us and by others.
    fn compare(&self) -> Result<String> {
        let titles = ["file", "reader", "CPU-s", "MB/s", "rows/s", "peak MB", "times ours"];
        let mut cells = vec![titles.map(str::to_owned).to_vec()];
        for sample in self.samples()? {
            let mut line = |reader: &str, figures: &Figures, ratio: Option<f64>| {
                let ratio = ratio.map_or_else(String::new, rounded);
                let [speed, rows, peak] =
                    [figures.bytes / 1e6 / figures.cpu, figures.rows / figures.cpu, figures.peak / 1e6];
                let numbers = [figures.cpu, speed, rows, peak].map(rounded);
                cells.push(
                    [sample.format, reader].map(str::to_owned).into_iter().chain(numbers).chain([ratio]).collect(),
                );
            };
            let ours = median(|| self.ours("parse", "utterances", &sample.file, None))?;
            line("**Romashka**", &ours, None);
            for peer in sample.peers {
                for checked in [true, false] {
                    let mut command = || {
                        let mut command = self.script();
                        command.arg(peer).arg(&sample.file).args(checked.then_some("--checked"));
                        measured(&mut command)
                    };
                    let theirs = median(&mut command)?;
                    if (theirs.rows - ours.rows).abs() > 0.0 {
                        bail!("{peer} found {} rows in {} and we {}", theirs.rows, sample.format, ours.rows);
                    }
                    let title = if checked { (*peer).to_owned() } else { format!("{peer}, unchecked") };
                    line(&title, &theirs, Some(theirs.cpu / ours.cpu));
                }
            }
            let whole = median(|| self.ours("learn", "utterances", &sample.file, None))?;
            line("Romashka, redacted, compared, written", &whole, None);
            remove(&sample.file)?;
        }
        Ok(table(&cells))
    }

    fn samples(&self) -> Result<Vec<Sample>> {
        let place = |name: &str| self.scratch.join(name);
        let (csv, ndjson, array, rows, sheet) =
            (place("rows.csv"), place("rows.ndjson"), place("rows.json"), place("sheet.csv"), place("sheet.xlsx"));
        write_rows(&csv, Form::Csv, FILE_BYTES)?;
        write_rows(&ndjson, Form::Ndjson, FILE_BYTES)?;
        write_rows(&array, Form::Json, FILE_BYTES)?;
        write_rows(&rows, Form::Csv, SHEET_BYTES)?;
        setup::run(self.script().arg("sheet").arg(&rows).arg(&sheet)).context("the sheet is not written")?;
        remove(&rows)?;
        Ok(vec![
            Sample { format: "CSV", file: csv, peers: &["python-csv", "pandas-csv"] },
            Sample { format: "NDJSON", file: ndjson, peers: &["python-ndjson", "pandas-ndjson"] },
            Sample { format: "JSON", file: array, peers: &["python-json", "pandas-json"] },
            Sample { format: "XLSX", file: sheet, peers: &["openpyxl-sheet"] },
        ])
    }

    /// Published files, read whole.
    fn published(&self, data: &Path) -> Result<String> {
        let mut said = String::new();
        let raw = data.join("twitter_airlines/airlines_raw.csv.bz2");
        if raw.is_file() {
            let turns = self.scratch.join("turns.csv");
            setup::run(self.script().arg("airlines").arg(&raw).arg(&turns)).context("the turns are not written")?;
            writeln!(said, "{}", told("twitter_airlines", &self.ours("learn", "conversations", &turns, None)?)?)?;
            remove(&turns)?;
        } else {
            writeln!(said, "twitter_airlines: skipped, {} is not there", raw.display())?;
        }
        let folder = data.join("bitext");
        let table = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        match table.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "csv")) {
            Some(table) => {
                let mapping = r#"{"question": "instruction", "answer": "response", "intent": "intent"}"#;
                writeln!(said, "{}", told("bitext", &self.ours("learn", "faq", &table, Some(mapping))?)?)?;
            }
            None => writeln!(said, "bitext: skipped, {} has no CSV file", folder.display())?,
        }
        Ok(said)
    }

    /// A large file: whole in one process, and through the deployed system, in parts and pieces.
    fn large(&self, bytes: u64, up: impl Fn(&Cloud) -> Result<()>) -> Result<()> {
        let file = self.scratch.join("large.ndjson");
        write_rows(&file, Form::Ndjson, bytes)?;
        println!("{}", told("the large file by one process", &self.ours("learn", "utterances", &file, None)?)?);
        let content = fs::read(&file)?;
        remove(&file)?;
        let cloud = Cloud::throwaway("bench", 4596);
        let read = up(&cloud).and_then(|()| read_deployed(&cloud, &content));
        cloud.stop()?;
        println!("{}", read?);
        Ok(())
    }
}

fn read_deployed(cloud: &Cloud, content: &[u8]) -> Result<String> {
    let tenant = cloud.tenant("bench", "admin")?;
    let started = Instant::now();
    let id = tenant.upload("large.ndjson", "utterances", content)?;
    let sent = started.elapsed();
    let path = format!("/v1/uploads/{id}");
    let is_over =
        |upload: &Value| ["ready", "completed_with_errors", "failed"].iter().any(|end| upload["state"] == *end);
    let upload = tenant.poll(&path, PATIENCE, is_over)?;
    let took = started.elapsed();
    let mut said = String::new();
    let megabytes = content.len() as f64 / 1e6;
    writeln!(
        said,
        "the large file by the deployed system: {megabytes:.0} MB in {} pieces, {} s to send, {} s in all, {} MB/s; {}; rows {}",
        upload["pieces"].as_array().map_or(0, Vec::len),
        rounded(sent.as_secs_f64()),
        rounded(took.as_secs_f64()),
        rounded(megabytes / took.as_secs_f64()),
        upload["state"],
        upload["rows"],
    )?;
    if upload["state"] == "failed" {
        bail!("{said}{}", upload["error"]);
    }
    for function in ["UploadsIngest", "UploadsComplete", "UploadsSignParts"] {
        let peak = cloud.processes(function).into_iter().filter_map(super::peak_kilobytes).max();
        let peak = peak.with_context(|| format!("no process of {function} is left to be measured"))? as f64 * 1024.0;
        let verdict = if peak <= MEMORY_BYTES { "within" } else { "beyond" };
        writeln!(said, "peak memory of {function}: {} MB, {verdict} {} MB", rounded(peak / 1e6), MEMORY_BYTES / 1e6)?;
    }
    Ok(said)
}

/// What is compared of a step.
#[derive(Debug, Clone, Copy)]
struct Figures {
    bytes: f64,
    rows: f64,
    cpu: f64,
    peak: f64,
}

fn figures(step: &Value) -> Result<Figures> {
    let rows = ["/counts/accepted", "/counts/rows/read"].iter().find_map(|place| step.pointer(place)?.as_f64());
    Ok(Figures {
        bytes: number(step, "/bytes")?,
        rows: rows.context("a step did not count its rows")?,
        cpu: number(step, "/cpu_seconds")?,
        peak: number(step, "/peak_bytes")?,
    })
}

/// The run whose CPU time is in the middle.
fn median(mut step: impl FnMut() -> Result<Value>) -> Result<Figures> {
    let mut runs = (0..REPEATS).map(|_| figures(&step()?)).collect::<Result<Vec<_>>>()?;
    runs.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
    runs.get(REPEATS / 2).copied().context("nothing was measured")
}

/// What became of a file, in a line.
fn told(name: &str, step: &Value) -> Result<String> {
    let Figures { bytes, rows, cpu, peak } = figures(step)?;
    let [speed, pace, peak] = [bytes / 1e6 / cpu, rows / cpu, peak / 1e6].map(rounded);
    let counts = &step["counts"];
    Ok(format!(
        "{name}: {speed} MB/s, {pace} rows/s on one core, peak {peak} MB; rows {}; personal data {}",
        counts["rows"], counts["redacted"]
    ))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Ndjson,
    Json,
}

/// Writes rows until the file has so many bytes. Every file of a form and size is the same.
fn write_rows(path: &Path, form: Form, bytes: u64) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let (mut file, mut written, mut rows) = (BufWriter::new(file), 0, Rows::default());
    file.write_all(match form {
        Form::Csv => b"text,intent\n",
        Form::Ndjson => b"",
        Form::Json => b"[",
    })?;
    while written < bytes {
        let (text, intent) = rows.next();
        let line = match form {
            Form::Csv => format!("\"{}\",{intent}\n", text.replace('"', "\"\"")),
            Form::Ndjson => {
                format!("{}\n", json!({ "text": text, "intent": intent, "channel": "web", "tags": ["a", "b"] }))
            }
            Form::Json if written == 0 => json!({ "text": text, "intent": intent }).to_string(),
            Form::Json => format!(",\n{}", json!({ "text": text, "intent": intent })),
        };
        file.write_all(line.as_bytes())?;
        written += line.len() as u64;
    }
    if form == Form::Json {
        file.write_all(b"]\n")?;
    }
    file.flush()?;
    Ok(())
}

/// Messages as customers write them: some with a number, an address or a quotation.
#[derive(Default)]
struct Rows {
    state: u64,
}

impl Rows {
    const OPENINGS: [&str; 8] = [
        "Hello, where is my parcel",
        "I want to cancel my order",
        "the teapot arrived broken",
        "how do I change my address",
        "can I pay by invoice",
        "my card was charged twice",
        "thanks, that helped",
        "please call me back",
    ];
    const WORDS: [&str; 20] = [
        "today",
        "yesterday",
        "again",
        "still",
        "please",
        "quickly",
        "Darjeeling",
        "green",
        "black",
        "tins",
        "kettle",
        "Bremen",
        "Leipzig",
        "morning",
        "evening",
        "gift",
        "voucher",
        "colleague",
        "customer",
        "service",
    ];
    const INTENTS: [&str; 5] = ["order_status", "cancel_order", "refund", "greeting", "payment"];

    fn next(&mut self) -> (String, &'static str) {
        let mut text = Self::OPENINGS[self.below(8)].to_owned();
        for _ in 0..3 + self.below(18) {
            text.push(' ');
            text.push_str(Self::WORDS[self.below(20)]);
        }
        match self.below(100) {
            0..5 => text.push_str(&format!(", order {}", 100_000 + self.below(900_000))),
            5..7 => text.push_str(" and she said \"no, thanks\""),
            7..9 => text.push_str(&format!(", write to customer{}@example.org", self.below(10_000))),
            9..10 => text.push_str(", grüße aus Köln"),
            _ => {}
        }
        (text, Self::INTENTS[self.below(5)])
    }

    /// A number below a limit, by SplitMix64 (Steele, Lea and Flood, 2014).
    fn below(&mut self, limit: u64) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_rows_are_the_same_each_time_and_differ_from_each_other() {
        let rows = || {
            let mut rows = Rows::default();
            (0..100).map(|_| rows.next()).collect::<Vec<_>>()
        };
        assert_eq!(rows(), rows());
        let distinct: std::collections::BTreeSet<_> = rows().into_iter().collect();
        assert!(distinct.len() > 90, "{}", distinct.len());
    }

    #[test]
    fn the_peers_are_those_of_the_script() {
        let script = fs::read_to_string(root().join("xtask/bench/parsers.py")).unwrap();
        for peer in [
            "python-csv",
            "pandas-csv",
            "python-ndjson",
            "pandas-ndjson",
            "python-json",
            "pandas-json",
            "openpyxl-sheet",
        ] {
            assert!(script.contains(&format!("\"{peer}\": ")), "parsers.py does not know {peer}");
        }
    }
}
