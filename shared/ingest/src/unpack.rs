//! Files that come gzipped (RFC 1952) are read as what is inside.
//!
//! A few kilobytes can unpack to terabytes, so what comes out is counted against what went in: an archive that unpacks
//! to more than a file may hold, or more densely than texts do, ends with a refusal in the middle of reading.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use crate::errors::FileError;
use crate::limits::Limits;

/// The first bytes of a gzip member.
pub(crate) const GZIP: &[u8] = b"\x1F\x8B";

/// Bytes that may come out before their ratio to what went in counts: a small file of one repeated line is honest.
const UNSUSPICIOUS_BYTES: u64 = 16 * 1024 * 1024;
/// How many times as large as its archive a text may be; exports reach about 40.
const MAX_RATIO: u64 = 250;

/// A file, unpacked if it was packed.
pub(crate) enum Unpacked<R> {
    /// As it came.
    Plain(R),
    /// Out of its archive.
    Gzip(Box<Guarded<R>>),
}

impl<R: Read> Unpacked<R> {
    pub(crate) fn plain(reader: R) -> Self {
        Self::Plain(reader)
    }

    pub(crate) fn gzip(reader: R, limits: &Limits) -> Self {
        let decoder = MultiGzDecoder::new(Counted { inner: reader, bytes: 0 });
        Self::Gzip(Box::new(Guarded { decoder, given: 0, limit: limits.unpacked_bytes }))
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(guarded) => guarded.read(buffer),
        }
    }
}

/// What an archive holds, as long as it is believable.
pub(crate) struct Guarded<R> {
    decoder: MultiGzDecoder<Counted<R>>,
    given: u64,
    limit: u64,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer).map_err(refused_if_broken)?;
        self.given += read as u64;
        let taken = self.decoder.get_ref().bytes;
        if self.given > self.limit {
            return Err(FileError::UnpacksTooLarge { limit: self.limit }.into());
        }
        if self.given > UNSUSPICIOUS_BYTES && self.given > taken.saturating_mul(MAX_RATIO) {
            return Err(FileError::Bomb { ratio: MAX_RATIO }.into());
        }
        Ok(read)
    }
}

/// What the decoder says of the archive itself is about the file; everything else is about the reader below it.
fn refused_if_broken(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            FileError::BrokenArchive.into()
        }
        _ => error,
    }
}

struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(archive: &[u8], limits: &Limits) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Unpacked::gzip(archive, limits).read_to_end(&mut content)?;
        Ok(content)
    }

    fn refusal(archive: &[u8], limits: &Limits) -> FileError {
        FileError::from_io(unpack(archive, limits).unwrap_err()).unwrap()
    }

    #[test]
    fn members_one_after_another_are_one_file() {
        let archive = [gzip(b"text,intent\n"), gzip(b"hello,greeting\n")].concat();
        assert_eq!(unpack(&archive, &Limits::default()).unwrap(), b"text,intent\nhello,greeting\n");
    }

    #[test]
    fn a_bomb_is_refused_long_before_it_is_unpacked() {
        let bomb = gzip(&vec![b'a'; 64 << 20]);
        assert!(matches!(refusal(&bomb, &Limits::default()), FileError::Bomb { .. }));
    }

    #[test]
    fn an_archive_that_unpacks_to_too_much_or_ends_too_early_is_refused() {
        let content: Vec<u8> = (0..60_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let archive = gzip(&content);
        let limits = Limits { unpacked_bytes: 100_000, ..Limits::default() };
        assert_eq!(refusal(&archive, &limits), FileError::UnpacksTooLarge { limit: 100_000 });
        assert_eq!(refusal(&archive[..archive.len() / 2], &Limits::default()), FileError::BrokenArchive);
        assert_eq!(refusal(b"\x1F\x8B\x08garbage", &Limits::default()), FileError::BrokenArchive);
    }
}
