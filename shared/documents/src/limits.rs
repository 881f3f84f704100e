use std::io::{self, Write};

use crate::Refusal;

/// What one document may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. Default 64 MiB.
    pub file_bytes: u64,
    /// Bytes of address space of the process that reads it. Default 256 MiB.
    pub memory_bytes: u64,
    /// Seconds of processor time. Default 10.
    pub cpu_seconds: u64,
    /// Bytes of text that it gives. Default 64 MiB.
    pub text_bytes: u64,
    /// Columns of a sheet. Default 1,000.
    pub columns: u32,
    /// Pages. Default 5,000.
    pub pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            memory_bytes: 256 << 20,
            cpu_seconds: 10,
            text_bytes: 64 << 20,
            columns: 1_000,
            pages: 5_000,
        }
    }
}

/// A writer that takes so many bytes and no more.
pub(crate) struct Bounded<W> {
    inner: W,
    left: u64,
    full: bool,
}

impl<W: Write> Bounded<W> {
    pub(crate) fn new(inner: W, limit: u64) -> Self {
        Self { inner, left: limit, full: false }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.inner.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The caller tells a full writer from a reader who has gone.
pub(crate) fn unwritten(_: io::Error) -> Refusal {
    Refusal::new("given_up", "nobody reads on")
}
