//! Makes a package: `quantise <directory with model.safetensors and vocab.txt> <package>`.

use std::{env, fs, path::PathBuf};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: quantise <model directory> <package>";
    let (directory, package) = (arguments.next().context(usage)?, arguments.next().context(usage)?);
    let weights = fs::read(directory.join("model.safetensors"))?;
    let vocabulary = fs::read_to_string(directory.join("vocab.txt"))?;
    let bytes = romashka_encoder::quantise(&weights, &vocabulary)?;
    // Beside its name and then renamed: the old package may be mapped.
    let unfinished = package.with_extension("unfinished");
    fs::write(&unfinished, &bytes)?;
    fs::rename(&unfinished, &package)?;
    Ok(())
}
