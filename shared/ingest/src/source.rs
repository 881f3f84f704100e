//! A file on its way to text: unpacked if it is packed, then decoded if it is not UTF-8.

use std::io::{self, Chain, Cursor, Read};

use encoding_rs::{Encoding, UTF_8};

use crate::encoding::{self, Decoded};
use crate::errors::{FileError, Stop};
use crate::format::{self, Format};
use crate::limits::Limits;
use crate::unpack::{GZIP, Unpacked};

/// How many bytes of a file decide what it is.
pub(crate) const PREFIX_BYTES: usize = 256 * 1024;

/// A reader whose first bytes were looked at and put back.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// UTF-8, as it came or decoded.
pub(crate) enum Utf8<R> {
    AsItCame(R),
    Decoded(Box<Decoded<R>>),
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::AsItCame(reader) => reader.read(buffer),
            Self::Decoded(reader) => reader.read(buffer),
        }
    }
}

/// A file, unpacked if it was packed.
pub struct File<R> {
    reader: Peeked<Unpacked<Peeked<R>>>,
    prefix: Vec<u8>,
    is_packed: bool,
    /// What its text was taken out of.
    document: Option<Format>,
}

impl<R: Read> File<R> {
    /// Looks at the first bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Stop::Refused`] where it is packed and broken, [`Stop::Failed`] where the reader fails.
    pub fn open(reader: R, limits: &Limits) -> Result<Self, Stop> {
        let (prefix, reader) = peek(reader)?;
        let is_packed = prefix.starts_with(GZIP);
        let unpacked = if is_packed { Unpacked::gzip(reader, limits) } else { Unpacked::plain(reader) };
        let (prefix, reader) = peek(unpacked)?;
        Ok(Self { reader, prefix, is_packed, document: None })
    }

    /// Whether it came packed.
    pub(crate) fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// Its first bytes, unpacked.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Puts the text of a document in the place of the document.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn replaced_by<T: Read>(self, text: T, document: Format, limits: &Limits) -> Result<File<T>, Stop> {
        Ok(File { is_packed: self.is_packed, document: Some(document), ..File::open(text, limits)? })
    }

    /// Its text.
    pub(crate) fn decode(self) -> Result<Source<R>, Stop> {
        format::refuse_what_is_no_text(&self.prefix)?;
        let encoding = encoding::detect(&self.prefix);
        let mut reader = self.reader;
        let text = if encoding == UTF_8 {
            io::copy(&mut reader.by_ref().take(mark_bytes(&self.prefix)), &mut io::sink())?;
            Utf8::AsItCame(reader)
        } else {
            Utf8::Decoded(Box::new(Decoded::new(reader, encoding)))
        };
        let (prefix, text) = peek(text)?;
        if prefix.contains(&0) {
            return Err(FileError::binary().into());
        }
        Ok(Source { text, prefix, encoding, is_packed: self.is_packed, document: self.document })
    }
}

impl<R: Read> Read for File<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// The text of a file.
pub(crate) type Text<R> = Peeked<Utf8<Peeked<Unpacked<Peeked<R>>>>>;

/// A file whose text can be read.
pub(crate) struct Source<R> {
    pub(crate) text: Text<R>,
    /// The first bytes of the text.
    pub(crate) prefix: Vec<u8>,
    pub(crate) encoding: &'static Encoding,
    pub(crate) is_packed: bool,
    pub(crate) document: Option<Format>,
}

/// The text of a document that is read whole: where a part of it ends is known only by what surrounds it.
///
/// # Errors
///
/// [`FileError::DocumentTooLarge`], and those of the reader.
pub(crate) fn whole(input: impl Read, limits: &Limits) -> Result<String, Stop> {
    let limit = limits.document_bytes;
    let mut bytes = Vec::new();
    input.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(FileError::DocumentTooLarge { limit }.into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Bytes of the mark that a file in UTF-8 may begin with.
pub(crate) fn mark_bytes(prefix: &[u8]) -> u64 {
    if prefix.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 }
}

fn peek<R: Read>(mut reader: R) -> Result<(Vec<u8>, Peeked<R>), Stop> {
    let mut prefix = Vec::new();
    reader.by_ref().take(PREFIX_BYTES as u64).read_to_end(&mut prefix)?;
    Ok((prefix.clone(), Cursor::new(prefix).chain(reader)))
}
