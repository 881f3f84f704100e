//! The bytes of a package, wherever they live, starting on a cache line.
//!
//! Mapping instead of reading is what makes a cold start cheap: the kernel brings in the pages that are touched, and
//! all processes of a machine share them.
#![expect(unsafe_code, reason = "mapping a file into memory cannot be checked by the compiler")]

use std::{fs::File, io, ops::Deref, path::Path};

use memmap2::Mmap;

/// Sections start on multiples of this many bytes, so that no vector of weights straddles two cache lines.
pub(crate) const ALIGNMENT: usize = 64;

#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(Mmap),
    /// `buffer[start..]` is aligned; a moved `Vec` keeps its allocation, so it stays so.
    Owned {
        buffer: Vec<u8>,
        start: usize,
    },
}

impl Bytes {
    pub(crate) fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: whoever changes a mapped file under us changes memory we hold as `&[u8]`. A package is never
        // rewritten in place: it is written beside its name and renamed, or lies on a read-only file system. All
        // that is read from it is plain integers and floats, and each index taken from it is checked when used.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self::Mapped(map))
    }

    pub(crate) fn copied(bytes: &[u8]) -> Self {
        let mut buffer: Vec<u8> = Vec::with_capacity(bytes.len() + ALIGNMENT);
        let start = buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        buffer.resize(start, 0);
        buffer.extend_from_slice(bytes);
        Self::Owned { buffer, start }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned { buffer, start } => &buffer[*start..],
        }
    }
}
