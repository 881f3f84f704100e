//! `cargo xtask bench learning`: what learning gives and costs, beside the libraries that a team would otherwise take.
//!
//! Every figure comes from a process of its own that does one step, on one core, one after the other, and each system is
//! measured in the same way: `shared/learning/examples/measure.rs` measures ours, `xtask/bench/peers.py` the others. The
//! others come from pinned and hashed wheels into environments below `.local/`, which may be deleted at any time.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use romashka_encoder::SHIPPED_AT;
use serde_json::Value;

use super::steps::{first_line, machine, measured, number, python, remove, rounded, scratch, table};
use crate::setup::{self, cargo};
use crate::{root, score};

/// Times that whatever takes seconds is measured; the medians are reported.
const REPEATS: usize = 3;
/// Steps of SetFit's fine-tuning, of 16 pairs each: about five CPU-minutes, and as many on every machine, so that its
/// accuracy can be had again.
const SETFIT_STEPS: u32 = 250;
/// CPU-seconds after which SetFit is stopped all the same.
const SETFIT_CPU_SECONDS: u32 = 900;
/// Where the report goes.
const REPORT: &str = "docs/benchmarks.md";
/// What the figures of other measurements begin with.
const OTHERS: &str = "\n# Benchmarks of mining\n";

/// What to compare, and on what.
#[derive(Debug, Clone, clap::Args)]
pub struct Comparison {
    /// A folder with `train.csv`, `train_10.csv` and `test.csv`, of `text,category`.
    #[arg(long, value_name = "FOLDER", default_value_os_t = root().join("../shared/data/banking77"))]
    pub data: PathBuf,
    /// Leave a system out. May be repeated.
    #[arg(long, value_name = "SYSTEM")]
    pub without: Vec<Peer>,
}

/// A system that ours is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// scikit-learn: n-grams into a linear SVM.
    Ngrams,
    /// scikit-learn: the encoder's embedding beside n-grams into a linear SVM.
    Minilm,
    /// fastText on words.
    FasttextWords,
    /// fastText on words and parts of words.
    FasttextSubwords,
    /// SetFit: the encoder fine-tuned on pairs, within a bound, on ten rows an intent.
    Setfit,
}

impl Peer {
    /// The name that `peers.py` and the command line use.
    const fn key(self) -> &'static str {
        match self {
            Self::Ngrams => "ngrams",
            Self::Minilm => "minilm",
            Self::FasttextWords => "fasttext-words",
            Self::FasttextSubwords => "fasttext-subwords",
            Self::Setfit => "setfit",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Ngrams => "scikit-learn, n-grams",
            Self::Minilm => "scikit-learn, MiniLM ⊕ n-grams",
            Self::FasttextWords => "fastText, words",
            Self::FasttextSubwords => "fastText, subwords",
            Self::Setfit => "SetFit, bounded",
        }
    }

    /// The pinned packages it needs.
    const fn requirements(self) -> &'static str {
        match self {
            Self::Setfit => "requirements-setfit.txt",
            _ => "requirements.txt",
        }
    }

    const fn repeats(self) -> usize {
        match self {
            Self::Setfit => 1,
            _ => REPEATS,
        }
    }
}

/// A file to learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrainingFile {
    Full,
    TenShot,
}

impl TrainingFile {
    const ALL: [Self; 2] = [Self::Full, Self::TenShot];

    const fn file_name(self) -> &'static str {
        match self {
            Self::Full => "train.csv",
            Self::TenShot => "train_10.csv",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Full => "All training rows",
            Self::TenShot => "Ten rows an intent",
        }
    }

    /// SetFit learns from pairs of rows: on all rows its bound would be over before it had begun.
    const fn suits(self, peer: Peer) -> bool {
        !matches!((self, peer), (Self::Full, Peer::Setfit))
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Accuracy,
    MacroF1,
    EmbeddingCpu,
    FittingCpu,
    Wall,
    TrainingPeak,
    AnsweringPeak,
    Artefact,
    QueryMedian,
    QueryTail,
    ColdStart,
}

impl Column {
    const ALL: [Self; 11] = [
        Self::Accuracy,
        Self::MacroF1,
        Self::EmbeddingCpu,
        Self::FittingCpu,
        Self::Wall,
        Self::TrainingPeak,
        Self::AnsweringPeak,
        Self::Artefact,
        Self::QueryMedian,
        Self::QueryTail,
        Self::ColdStart,
    ];

    const fn title(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy %",
            Self::MacroF1 => "macro-F1 %",
            Self::EmbeddingCpu => "embed, CPU-s",
            Self::FittingCpu => "fit, CPU-s",
            Self::Wall => "wall s",
            Self::TrainingPeak => "peak training MB",
            Self::AnsweringPeak => "peak answering MB",
            Self::Artefact => "artefact MB",
            Self::QueryMedian => "query p50 ms",
            Self::QueryTail => "query p99 ms",
            Self::ColdStart => "cold start ms",
        }
    }

    /// Shares as percentages, bytes as megabytes, the rest as it is, with as many digits as mean something.
    fn cell(self, figure: f64) -> String {
        match self {
            Self::Accuracy | Self::MacroF1 => format!("{:.2}", 100.0 * figure),
            Self::EmbeddingCpu if figure == 0.0 => "–".to_owned(),
            Self::TrainingPeak | Self::AnsweringPeak | Self::Artefact => rounded(figure / 1e6),
            _ => rounded(figure),
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// One figure for each [`Column`].
type Figures = [f64; Column::ALL.len()];

/// What came of measuring a system on a training file.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    title: &'static str,
    /// The reason, where it could not be measured.
    outcome: Result<Figures, String>,
    /// What must be said with the figures.
    remarks: Vec<String>,
}

/// Compares, prints the tables and writes them to `docs/benchmarks.md`.
///
/// # Errors
/// When the files or the encoder are missing, or our own measurement fails. A peer that cannot be installed or fails is a
/// row that says why.
pub fn run(comparison: &Comparison) -> Result<()> {
    let workbench = Workbench::open(&comparison.data)?;
    let peers: Vec<Peer> =
        Peer::value_variants().iter().copied().filter(|peer| !comparison.without.contains(peer)).collect();
    let mut report = workbench.preface()?;
    for file in TrainingFile::ALL {
        let mut rows = vec![workbench.ours(file)?];
        for &peer in peers.iter().filter(|peer| file.suits(**peer)) {
            rows.push(workbench.peer(peer, file));
        }
        let section = section(file, &rows);
        println!("{section}");
        report.push_str(&section);
    }
    report.push_str(READING);
    // What other measurements have written below stays.
    let before = fs::read_to_string(root().join(REPORT)).unwrap_or_default();
    report.extend(before.find(OTHERS).map(|at| &before[at..]));
    fs::write(root().join(REPORT), report).with_context(|| format!("cannot write {REPORT}"))?;
    remove(&workbench.scratch)?;
    println!("written to {REPORT}");
    Ok(())
}

/// The files and the program that measurements need.
struct Workbench {
    data: PathBuf,
    encoder: PathBuf,
    measure: PathBuf,
    scratch: PathBuf,
}

impl Workbench {
    fn open(data: &Path) -> Result<Self> {
        for name in ["train.csv", "train_10.csv", "test.csv"] {
            if !data.join(name).is_file() {
                bail!(
                    "{} is missing; name a folder with train.csv, train_10.csv and test.csv, such as Banking77's, by --data",
                    data.join(name).display()
                );
            }
        }
        let encoder = setup::encoder().context("without the encoder there is nothing to compare")?;
        let build = ["build", "--quiet", "--release", "--package", "romashka-learning", "--example", "measure"];
        setup::run(cargo().args(build)).context("the measuring example does not build")?;
        let (data, measure) = (data.to_owned(), setup::target().join("release/examples/measure"));
        Ok(Self { data, encoder, measure, scratch: scratch()? })
    }

    fn preface(&self) -> Result<String> {
        let rows = |name: &str| -> Result<usize> {
            let file = fs::read(self.data.join(name))?;
            Ok(score::read(&file).with_context(|| format!("{name} cannot be learnt from"))?.rows.len())
        };
        let mut preface = String::from(
            "# Benchmarks of learning\n\nWritten by `cargo xtask bench learning`; edit the command, not this page.\n\n",
        );
        let folder = self.data.file_name().unwrap_or_default().to_string_lossy();
        writeln!(preface, "- Date: {}", first_line(Command::new("date").args(["-u", "+%Y-%m-%d"]))?)?;
        writeln!(preface, "- Machine: {}", machine())?;
        writeln!(
            preface,
            "- Data: {folder}, {} rows to learn from or {}, {} to be asked",
            rows("train.csv")?,
            rows("train_10.csv")?,
            rows("test.csv")?
        )?;
        writeln!(
            preface,
            "- Encoder: all-MiniLM-L6-v2 at 8 bits, {} MB, in none of the artefact sizes\n",
            rounded(fs::metadata(&self.encoder)?.len() as f64 / 1e6)
        )?;
        Ok(preface)
    }

    fn ours(&self, file: TrainingFile) -> Result<Row> {
        let artefact = self.scratch.join("ours");
        let mut repeats = Vec::with_capacity(REPEATS);
        let mut remarks = Vec::new();
        for repeat in 1..=REPEATS {
            eprintln!("{}: Romashka, {repeat} of {REPEATS}", file.file_name());
            let fitted = measured(self.measure("fit").arg(self.data.join(file.file_name())).arg(&artefact))?;
            let asked = measured(self.measure("ask").arg(&artefact).arg(self.data.join("test.csv")))?;
            let featurising = number(&fitted, "/featurise_cpu_seconds")?;
            let embedding = number(&fitted, "/encode_cpu_seconds")?;
            let mut figures = figures(&fitted, &asked)?;
            figures[Column::EmbeddingCpu.index()] = embedding;
            figures[Column::FittingCpu.index()] += featurising;
            repeats.push(figures);
            remarks = vec![
                format!(
                    "accuracy as served, a message called out of scope counted as wrong: {:.2} %",
                    100.0 * number(&asked, "/accuracy_as_served")?
                ),
                format!(
                    "{:.0} % of the messages are answered without running the encoder",
                    100.0 * number(&asked, "/fast_share")?
                ),
                format!(
                    "its fit includes a second one for the hold-out, the calibration and the out-of-scope rule; kernel {}",
                    fitted["kernel"].as_str().unwrap_or("unknown")
                ),
            ];
        }
        fs::remove_file(&artefact)?;
        Ok(Row { title: "**Romashka**", outcome: Ok(medians(&repeats)), remarks })
    }

    fn peer(&self, peer: Peer, file: TrainingFile) -> Row {
        let measured = python(peer.requirements()).and_then(|python| self.measure_peer(peer, file, &python));
        match measured {
            Ok((figures, remarks)) => Row { title: peer.title(), outcome: Ok(figures), remarks },
            Err(error) => Row { title: peer.title(), outcome: Err(format!("{error:#}")), remarks: Vec::new() },
        }
    }

    fn measure_peer(&self, peer: Peer, file: TrainingFile, python: &Path) -> Result<(Figures, Vec<String>)> {
        let (train, test) = (self.data.join(file.file_name()), self.data.join("test.csv"));
        let artefact = self.scratch.join(peer.key());
        let mut repeats = Vec::with_capacity(peer.repeats());
        let mut remarks = Vec::new();
        for repeat in 1..=peer.repeats() {
            eprintln!("{}: {}, {repeat} of {}", file.file_name(), peer.title(), peer.repeats());
            let mut fit = self.step(python, "fit", peer);
            let mut ask = self.step(python, "ask", peer);
            fit.arg(&train).arg(&artefact);
            ask.arg(&artefact).arg(&test);
            let mut embedded = None;
            match peer {
                Peer::Minilm => embedded = Some(self.embed(&train, &test, &mut fit, &mut ask)?),
                Peer::Setfit => {
                    fit.args(["--steps", &SETFIT_STEPS.to_string()]);
                    fit.args(["--cpu-seconds", &SETFIT_CPU_SECONDS.to_string()]);
                }
                Peer::Ngrams | Peer::FasttextWords | Peer::FasttextSubwords => {}
            }
            let fitted = measured(&mut fit)?;
            let asked = measured(&mut ask)?;
            let mut figures = figures(&fitted, &asked)?;
            if let Some(embedded) = &embedded {
                let peak = &mut figures[Column::TrainingPeak.index()];
                *peak = peak.max(number(embedded, "/peak_bytes")?);
                figures[Column::EmbeddingCpu.index()] = number(embedded, "/encode_cpu_seconds")?;
                figures[Column::Wall.index()] += number(embedded, "/wall_seconds")?;
                remarks = vec![
                    "its embeddings are those of our encoder, which embeds every message; time and memory of both processes are added up for a query"
                        .to_owned(),
                ];
            }
            if peer == Peer::Setfit {
                remarks = vec![format!(
                    "bounded to {} steps of {} pairs (it took {} of them) and measured once; embedding cannot be told from fitting",
                    fitted["of_steps"], fitted["pairs_per_step"], fitted["steps"]
                )];
            }
            repeats.push(figures);
        }
        remove(&artefact)?;
        Ok((medians(&repeats), remarks))
    }

    /// Has our encoder embed both files, tells the steps where, and says what the training file cost.
    fn embed(&self, train: &Path, test: &Path, fit: &mut Command, ask: &mut Command) -> Result<Value> {
        let [train_vectors, test_vectors, encoding] =
            ["train.f32", "test.f32", "encoding.json"].map(|name| self.scratch.join(name));
        let embedded = measured(self.measure("embed").arg(train).arg(&train_vectors))?;
        let each = measured(self.measure("embed-each").arg(test).arg(&test_vectors))?;
        fs::write(&encoding, each.to_string())?;
        fit.arg("--embeddings").arg(train_vectors);
        ask.arg("--embeddings").arg(test_vectors).arg("--encoding").arg(encoding);
        Ok(embedded)
    }

    fn measure(&self, step: &str) -> Command {
        let mut command = Command::new(&self.measure);
        command.arg(step).env(SHIPPED_AT, &self.encoder);
        command
    }

    fn step(&self, python: &Path, step: &str, peer: Peer) -> Command {
        let mut command = Command::new(python);
        command.arg(root().join("xtask/bench/peers.py")).args([step, peer.key()]).current_dir(&self.scratch);
        command
    }
}

/// The figures that `fit` and `ask` of every system have.
fn figures(fitted: &Value, asked: &Value) -> Result<Figures> {
    let figure = |column: Column| match column {
        Column::Accuracy => number(asked, "/accuracy"),
        Column::MacroF1 => number(asked, "/macro_f1"),
        Column::EmbeddingCpu => Ok(0.0),
        Column::FittingCpu => number(fitted, "/fit_cpu_seconds"),
        Column::Wall => number(fitted, "/wall_seconds"),
        Column::TrainingPeak => number(fitted, "/peak_bytes"),
        Column::AnsweringPeak => number(asked, "/peak_bytes"),
        Column::Artefact => number(fitted, "/artefact_bytes"),
        Column::QueryMedian => Ok(number(asked, "/query_microseconds/p50")? / 1e3),
        Column::QueryTail => Ok(number(asked, "/query_microseconds/p99")? / 1e3),
        Column::ColdStart => number(asked, "/cold_milliseconds"),
    };
    let mut figures = [0.0; Column::ALL.len()];
    for column in Column::ALL {
        figures[column.index()] = figure(column)?;
    }
    Ok(figures)
}

/// The median of each figure; of an even number of repeats the greater of the two in the middle.
fn medians(repeats: &[Figures]) -> Figures {
    std::array::from_fn(|index| {
        let mut sorted: Vec<f64> = repeats.iter().map(|figures| figures[index]).collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    })
}

/// A training file's table, the ratios beneath, and what must be said with them.
fn section(file: TrainingFile, rows: &[Row]) -> String {
    let mut cells = vec![titles(&Column::ALL, "system")];
    let mut remarks = String::new();
    for row in rows {
        if let Ok(figures) = &row.outcome {
            let line = Column::ALL.iter().map(|column| column.cell(figures[column.index()]));
            cells.push(std::iter::once(row.title.to_owned()).chain(line).collect());
        }
        let reason = row.outcome.as_ref().err().map(|reason| format!("not measured: {reason}"));
        for remark in row.remarks.iter().chain(reason.as_ref()) {
            remarks.push_str(&format!("- {}: {remark}\n", row.title.trim_matches('*')));
        }
    }
    let mut section = format!("## {} (`{}`)\n\n{}", file.title(), file.file_name(), table(&cells));
    if let Some(ratios) = ratios(rows) {
        section.push_str("\nRomashka's figure divided by the other's; accuracy in points more or fewer.\n\n");
        section.push_str(&ratios);
    }
    format!("{section}\n{remarks}\n")
}

/// Ours against each other row; nothing where there is no other.
fn ratios(rows: &[Row]) -> Option<String> {
    let (ours, others) = rows.split_first()?;
    let ours = ours.outcome.as_ref().ok()?;
    let compared = [
        Column::TrainingPeak,
        Column::AnsweringPeak,
        Column::Artefact,
        Column::QueryMedian,
        Column::QueryTail,
        Column::ColdStart,
    ];
    let mut cells = vec![titles(&compared, "against")];
    cells[0].splice(1..1, ["accuracy".to_owned(), "embed + fit, CPU".to_owned()]);
    for row in others {
        let Ok(figures) = &row.outcome else { continue };
        let points = 100.0 * (ours[Column::Accuracy.index()] - figures[Column::Accuracy.index()]);
        let mut line = vec![row.title.to_owned(), format!("{points:+.2}"), rounded(cpu(ours) / cpu(figures))];
        line.extend(compared.map(|column| rounded(ours[column.index()] / figures[column.index()])));
        cells.push(line);
    }
    (cells.len() > 1).then(|| table(&cells))
}

/// CPU-seconds of learning altogether.
fn cpu(figures: &Figures) -> f64 {
    figures[Column::EmbeddingCpu.index()] + figures[Column::FittingCpu.index()]
}

fn titles(columns: &[Column], first: &str) -> Vec<String> {
    std::iter::once(first).chain(columns.iter().map(|column| column.title())).map(str::to_owned).collect()
}

/// How to read the tables, for the end of the page.
const READING: &str = "\
## How to read this

- Each step ran in a process of its own, one after the other, with one thread; figures are medians of three runs unless
  said otherwise. Wall-clock times suffer from whatever else the machine does: compare CPU-seconds and ratios.
- Accuracy and macro-F1 count the most likely intent of each row of `test.csv`, for every system alike.
- Embedding and fitting are CPU-seconds from rows in memory to the artefact on disk, without the imports of Python.
- A query is one text at a time, from text to intent. A cold start lasts from the first statement of the program to its
  first answer: for Python that includes imports, which a fresh process pays for, too.
- Memory is the peak of the resident set (VmHWM), mapped weights included.
- scikit-learn: `TfidfVectorizer` of words (1–2) and `char_wb` (2–5) with sublinear counts into `LinearSVC(C=1)`; with
  MiniLM, the embedding times 3 beside them. fastText: parameters chosen on a tenth of the training rows. SetFit: the same
  MiniLM weights at 32 bits, undersampled pairs. Versions and hashes are in `xtask/bench/requirements*.txt`.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn row(title: &'static str, accuracy: f64, cpu: f64) -> Row {
        let mut figures = [1.0; Column::ALL.len()];
        figures[Column::Accuracy.index()] = accuracy;
        figures[Column::EmbeddingCpu.index()] = 0.0;
        figures[Column::FittingCpu.index()] = cpu;
        Row { title, outcome: Ok(figures), remarks: Vec::new() }
    }

    #[test]
    fn every_column_has_a_place_of_its_own() {
        for (index, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(column.index(), index);
        }
    }

    #[test]
    fn a_single_slow_run_does_not_move_the_median() {
        let runs = [1.0, 900.0, 2.0].map(|figure| [figure; Column::ALL.len()]);
        assert_eq!(medians(&runs), [2.0; Column::ALL.len()]);
    }

    #[test]
    fn the_peers_of_the_command_line_are_those_of_the_script() {
        let script = fs::read_to_string(root().join("xtask/bench/peers.py")).unwrap();
        for peer in Peer::value_variants() {
            let name = peer.to_possible_value().unwrap();
            assert_eq!(name.get_name(), peer.key());
            assert!(script.contains(&format!("\"{}\": ", peer.key())), "peers.py does not know {}", peer.key());
        }
    }

    #[test]
    fn every_package_of_the_peers_is_pinned_and_hashed() {
        for peer in Peer::value_variants() {
            let path = root().join("xtask/bench").join(peer.requirements());
            let pinned = fs::read_to_string(path).unwrap().replace("\\\n", "");
            let packages: Vec<_> = pinned.lines().filter(|line| line.starts_with(char::is_alphanumeric)).collect();
            assert!(!packages.is_empty());
            for package in packages {
                assert!(package.contains("==") && package.contains("--hash=sha256:"), "{package}");
            }
        }
    }

    #[test]
    fn a_ratio_below_one_means_that_ours_costs_less() {
        let ratios = ratios(&[row("ours", 0.94, 2.0), row("theirs", 0.91, 8.0)]).unwrap();
        let last: Vec<_> = ratios.lines().last().unwrap().split('|').map(str::trim).collect();
        assert_eq!(last[1..4], ["theirs", "+3.00", "0.250"]);
    }

    #[test]
    fn a_system_that_could_not_be_measured_says_why_and_has_no_figures() {
        let failed = Row { title: "theirs", outcome: Err("no wheel".to_owned()), remarks: Vec::new() };
        let section = section(TrainingFile::TenShot, &[row("ours", 0.9, 1.0), failed]);
        assert!(section.contains("- theirs: not measured: no wheel"));
        assert!(!section.contains("| theirs"));
    }

    #[test]
    fn a_folder_without_the_files_is_refused_with_what_is_missing() {
        let error = Workbench::open(Path::new("/nonexistent")).err().unwrap().to_string();
        assert!(error.contains("train.csv is missing") && error.contains("--data"), "{error}");
    }
}
