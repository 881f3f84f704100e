//! `cargo xtask bench retrieval|answers-quality|suggestions|bombs|mining|mood|clusters|encoder`: how good each part of the engine is on
//! published files, beside what a team would otherwise use, in one run. The examples of the engine's crates do the measuring.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use romashka_encoder::SHIPPED_AT;

use super::steps::{python, scratch};
use crate::root;
use crate::setup::{self, cargo};

/// Where the published files are.
#[derive(Debug, Clone, clap::Args)]
pub struct Files {
    /// The folder of the data sets, each in a folder of its own.
    #[arg(long, value_name = "FOLDER", default_value_os_t = root().join("../shared/data"))]
    pub data: PathBuf,
}

impl Files {
    fn file(&self, name: &str) -> Result<PathBuf> {
        let path = self.data.join(name);
        if !path.is_file() {
            bail!("{} is missing; name the folder of the data sets by --data", path.display());
        }
        // The examples run in a folder of their own.
        path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
    }
}

/// FAQs found by paraphrased questions: words alone, embeddings alone, and both.
pub fn retrieval(files: &Files) -> Result<()> {
    let (faq, filler) = (files.file("stackfaq/stackfaq.json")?, files.file("banking77/train.csv")?);
    setup::run(example("romashka-learning", "stackfaq")?.arg(faq).arg(filler))
}

/// Answers to questions whose right answer is known, and to questions that nothing answers.
pub fn answers_quality(files: &Files) -> Result<()> {
    files.file("bitext/bitext_customer_support_8b6ca3d.csv")?;
    let data = files.data.canonicalize().context("the folder of the data sets cannot be found")?;
    let scratch = scratch()?;
    let written = Command::new("python3")
        .arg(root().join("xtask/bench/answer_tasks.py"))
        .args([&data, &scratch])
        .output()
        .context("cannot start Python")?;
    if !written.status.success() {
        bail!("the tasks could not be written: {}", String::from_utf8_lossy(&written.stderr));
    }
    let tasks = String::from_utf8(written.stdout).context("the names of the tasks are not UTF-8")?;
    setup::run(example("romashka-learning", "answers_quality")?.arg("ask").args(tasks.lines()))
}

/// Reply templates suggested for messages: words alone, embeddings alone, and both.
pub fn suggestions(files: &Files) -> Result<()> {
    let faq = files.file("stackfaq/stackfaq.json")?;
    let banking = ["train.csv", "train_10.csv", "test.csv"].map(|name| files.file(&format!("banking77/{name}")));
    let banking = banking.into_iter().collect::<Result<Vec<_>>>()?;
    setup::run(example("romashka-learning", "suggestions")?.arg(faq).args(banking))
}

/// Templates that were written to do harm.
pub fn bombs() -> Result<()> {
    setup::run(&mut built("romashka-liquid", "bombs")?)
}

/// Templates found in agents' replies: how well where it is known what differs, how much of what was written by hand, what it
/// costs where it was written to be costly; and drafts beside the single nearest example.
pub fn mining(files: &Files) -> Result<()> {
    let bitext = files.file("bitext/bitext_customer_support_8b6ca3d.csv")?;
    let airlines = unpack(&files.file("twitter_airlines/airlines_raw.csv.bz2")?, &scratch()?)?;
    for (name, file) in
        [("bitext", Some(&bitext)), ("airlines", Some(&airlines)), ("hostile", None), ("drafts", Some(&bitext))]
    {
        println!("\n{name}");
        setup::run(built("romashka-mining", name)?.args(file))?;
    }
    Ok(())
}

/// Emotions and sentiment on GoEmotions' test file, beside VADER.
pub fn mood(files: &Files) -> Result<()> {
    let comments = files.file("goemotions/test.tsv")?;
    let scratch = scratch()?;
    let said = Command::new(python("requirements-polarity.txt")?)
        .arg(root().join("xtask/bench/polarity.py"))
        .arg(&comments)
        .output()
        .context("cannot start Python")?;
    if !said.status.success() {
        bail!("VADER failed: {}", String::from_utf8_lossy(&said.stderr));
    }
    let vader = scratch.join("VADER");
    fs::write(&vader, said.stdout)?;
    setup::run(example("romashka-learning", "goemotions")?.arg(comments).arg(vader))
}

/// Groups of messages, their number unknown, beside k-means that is told it.
pub fn clusters(files: &Files) -> Result<()> {
    let messages = files.file("dstc11_dev/utterances.jsonl")?;
    setup::run(example("romashka-learning", "clusters")?.arg(messages))
}

/// What an encoding costs, how near 8 bits come to the published floats, and whether texts become the same tokens as in the
/// reference tokenizer. The floats take minutes.
pub fn encoder(files: &Files) -> Result<()> {
    let sentences = files.file("banking77/train.csv")?;
    let package = setup::encoder().context("without the encoder there is nothing to measure")?;
    setup::run(example("romashka-encoder", "speed")?.arg(&package))?;
    let scratch = scratch()?;
    let model = setup::weights(&scratch.join("weights"))?;
    let data = files.data.canonicalize().with_context(|| format!("cannot find {}", files.data.display()))?;
    let texts = texts(&data, &scratch)?;
    let reference = model.join("tokenizer.json");
    setup::run(example("romashka-encoder", "tokenizer_identity")?.arg(&package).arg(reference).args(texts))?;
    setup::run(example("romashka-encoder", "fidelity")?.arg(&package).arg(&model).arg(sentences))
}

/// An example, built for release, with the encoder at hand.
fn example(package: &str, name: &str) -> Result<Command> {
    let encoder = setup::encoder().context("without the encoder there is nothing to measure")?;
    let mut command = built(package, name)?;
    command.env(SHIPPED_AT, encoder);
    Ok(command)
}

/// The same where nothing is encoded.
fn built(package: &str, name: &str) -> Result<Command> {
    setup::run(cargo().args(["build", "--quiet", "--release", "--package", package, "--example", name]))
        .with_context(|| format!("the example {name} does not build"))?;
    let mut command = Command::new(setup::target().join("release/examples").join(name));
    command.current_dir(scratch()?);
    Ok(command)
}

/// All files of text below a folder; compressed ones are unpacked into `scratch`.
fn texts(folder: &Path, scratch: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "bz2") {
                found.push(unpack(&path, scratch)?);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn unpack(path: &Path, scratch: &Path) -> Result<PathBuf> {
    let unpacked = scratch.join(path.file_stem().unwrap_or_default());
    let script = "import bz2, shutil, sys; shutil.copyfileobj(bz2.open(sys.argv[1]), open(sys.argv[2], 'wb'))";
    setup::run(Command::new(setup::python()?).args(["-c", script]).arg(path).arg(&unpacked))?;
    Ok(unpacked)
}
