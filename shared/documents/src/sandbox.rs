//! A process that reads one document and has nothing to lose.
//!
//! It is this program again, started with other arguments. It begins by giving up what it could do harm with: memory
//! beyond a bound, processor time beyond a bound, files beyond the two pipes that it has. Its environment, in which
//! functions find their credentials, is empty.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};

use rlimit::{Resource, setrlimit};
use romashka_ingest::FileError;

use crate::{Document, Limits, Refusal, extract};

/// The argument that makes a program a child.
const EXTRACT: &str = "--extract";
/// How a child ends that could not use its document and says why.
const REFUSED: u8 = 3;
/// Open files: the three that every process has, the document, and some to spare.
const MOST_FILES: u64 = 16;
/// Bytes of what a child says when it refuses.
const REFUSAL_BYTES: u64 = 4096;

/// The signals that a process dies of when it goes beyond its limits.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

/// Does a child's work and says how it ended; `None` where this process is no child.
///
/// A program that uses a sandbox calls this before anything else.
pub fn child() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != EXTRACT {
        return None;
    }
    let document = arguments.next().and_then(|name| Document::named(&name));
    let limits = Limits::default();
    // Without its limits it must not begin.
    let (Some(document), Ok(())) = (document, confine(&limits)) else { return Some(ExitCode::FAILURE) };
    // The standard input is the document itself and no pipe, so it can be read in any order.
    let Ok(file) = io::stdin().as_fd().try_clone_to_owned() else { return Some(ExitCode::FAILURE) };
    let out = io::BufWriter::new(io::stdout().lock());
    match extract(document, File::from(file), out, &limits) {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(refusal) => {
            let said = serde_json::to_vec(&refusal).unwrap_or_default();
            // If nobody hears it, the exit code still tells.
            let _ = io::stderr().write_all(&said);
            Some(ExitCode::from(REFUSED))
        }
    }
}

fn confine(limits: &Limits) -> io::Result<()> {
    setrlimit(Resource::AS, limits.memory_bytes, limits.memory_bytes)?;
    setrlimit(Resource::CPU, limits.cpu_seconds, limits.cpu_seconds + 1)?;
    setrlimit(Resource::NOFILE, MOST_FILES, MOST_FILES)?;
    setrlimit(Resource::CORE, 0, 0)?;
    setrlimit(Resource::FSIZE, 0, 0)
}

/// Starts children.
#[derive(Debug, Clone)]
pub struct Sandbox {
    program: PathBuf,
}

impl Sandbox {
    /// Children are this program.
    ///
    /// # Errors
    ///
    /// Where the program cannot be found.
    pub fn here() -> io::Result<Self> {
        std::env::current_exe().map(Self::of)
    }

    /// Children are another program that calls [`child`].
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// Has a child read a document from its beginning.
    ///
    /// # Errors
    ///
    /// Where no child can be started.
    pub fn extract(&self, document: Document, file: File) -> io::Result<ExtractedText> {
        let mut child = Command::new(&self.program)
            .args([EXTRACT, document.name()])
            .env_clear()
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or_else(|| io::Error::other("the child has no output"))?;
        Ok(ExtractedText { child, out, ended: false })
    }
}

/// What a child reads in its document. Where the child refuses the document or dies of it, the end of the text is an
/// error that carries a [`FileError`].
#[derive(Debug)]
pub struct ExtractedText {
    child: Child,
    out: ChildStdout,
    ended: bool,
}

impl Read for ExtractedText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.out.read(buffer)?;
        if read > 0 || buffer.is_empty() || self.ended {
            return Ok(read);
        }
        let status = self.child.wait()?;
        self.ended = true;
        if status.success() {
            return Ok(0);
        }
        let mut said = Vec::new();
        if let Some(errors) = self.child.stderr.take() {
            errors.take(REFUSAL_BYTES).read_to_end(&mut said)?;
        }
        Err(FileError::from(refusal(status, &said)).into())
    }
}

impl Drop for ExtractedText {
    fn drop(&mut self) {
        if !self.ended {
            // It may have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Why a child ended without success.
fn refusal(status: ExitStatus, said: &[u8]) -> Refusal {
    if status.code() == Some(i32::from(REFUSED))
        && let Ok(refusal) = serde_json::from_slice(said)
    {
        return refusal;
    }
    let limits = Limits::default();
    let (code, why) = match status.signal() {
        Some(SIGXCPU | SIGKILL) => {
            let seconds = limits.cpu_seconds;
            (
                "document_too_slow",
                format!(
                    "the document takes more than the {seconds} seconds allowed to read; save it again, or its text alone"
                ),
            )
        }
        Some(SIGABRT) => {
            let megabytes = limits.memory_bytes >> 20;
            (
                "document_too_large",
                format!(
                    "the document needs more than the {megabytes} MiB of memory allowed; split it, or save its text alone"
                ),
            )
        }
        Some(SIGSEGV) => (
            "broken_document",
            "the document is nested too deep to be read; save it again, or its text alone".to_owned(),
        ),
        _ => {
            ("broken_document", "the document is damaged and cannot be read; save it again and upload that".to_owned())
        }
    };
    Refusal { code: code.to_owned(), why }
}

impl From<Refusal> for FileError {
    fn from(refusal: Refusal) -> Self {
        Self::document(&refusal.code, refusal.why)
    }
}
