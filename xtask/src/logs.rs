//! Shows what functions print.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cloud::Cloud;

/// How much of a log is shown of what was there before.
const BACKLOG_BYTES: u64 = 16 * 1024;

/// Prints the last lines of one function's log, or of all, and goes on with what comes when `follow` is set.
pub fn show(cloud: &Cloud, function: Option<&str>, follow: bool) -> Result<()> {
    let mut files = files(&cloud.folder.join("logs"), function)?;
    loop {
        for file in &mut files {
            file.print_new()?;
        }
        if !follow {
            return Ok(());
        }
        sleep(Duration::from_millis(200));
    }
}

struct LogFile {
    path: PathBuf,
    read: Option<u64>,
}

impl LogFile {
    fn print_new(&mut self) -> Result<()> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        // A log that is shorter than it was has been rotated: its file is a new one.
        let from = match self.read {
            Some(read) if read <= length => read,
            Some(_) => 0,
            None => length.saturating_sub(BACKLOG_BYTES),
        };
        file.seek(SeekFrom::Start(from))?;
        let mut text = Vec::new();
        file.take(length - from).read_to_end(&mut text)?;
        self.read = Some(length);
        io::stdout().write_all(&text)?;
        Ok(())
    }
}

fn files(folder: &Path, function: Option<&str>) -> Result<Vec<LogFile>> {
    let listed = fs::read_dir(folder).with_context(|| format!("there are no logs in {}", folder.display()))?;
    let wanted = |name: &str| function.is_none_or(|function| plain(name).contains(&plain(function)));
    let mut found = Vec::new();
    let mut names = Vec::new();
    for entry in listed {
        let path = entry?.path();
        let Some(name) = path.file_stem().map(|name| name.to_string_lossy().into_owned()) else { continue };
        if path.extension().is_some_and(|extension| extension == "log") {
            if wanted(&name) {
                found.push(LogFile { path, read: None });
            }
            names.push(name);
        }
    }
    if found.is_empty() {
        names.sort();
        bail!("no function has run under that name; these have: {}", names.join(", "));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// `uploads-create` and `UploadsCreate` are the same function.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_lowercase()
}
