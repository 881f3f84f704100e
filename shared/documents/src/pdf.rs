//! The text of a PDF document, page after page.

use std::io::{self, Read, Seek, Write};

use pdf_extract::{Document, OutputError, PlainTextOutput, output_doc};

use crate::limits::unwritten;
use crate::{Limits, Refusal};

pub(crate) fn extract(mut file: impl Read + Seek, out: &mut impl Write, limits: &Limits) -> Result<(), Refusal> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|_| Refusal::broken("document"))?;
    let document = Document::load_mem(&bytes).map_err(|_| Refusal::broken("document"))?;
    drop(bytes);
    if document.is_encrypted() {
        let why = "the document is protected by a password; save it without one and upload that";
        return Err(Refusal::new("encrypted_document", why));
    }
    let pages = document.get_pages().len();
    if pages > limits.pages {
        let limit = limits.pages;
        let why = format!("the document has {pages} pages, more than the {limit} allowed; split it into several files");
        return Err(Refusal::new("document_too_large", why));
    }
    let mut text = Paragraphs::new(out);
    let extracted = output_doc(&document, &mut PlainTextOutput::new(&mut text as &mut dyn Write));
    let any = text.end().map_err(unwritten)?;
    match extracted {
        Ok(()) if any => Ok(()),
        Ok(()) => {
            let why = "the document holds no text; a scanned page must go through text recognition first";
            Err(Refusal::new("no_text", why))
        }
        Err(OutputError::IoError(error)) => Err(unwritten(error)),
        Err(OutputError::FormatError(_)) => Err(Refusal::new("given_up", "nobody reads on")),
        Err(_) => Err(Refusal::broken("document")),
    }
}

/// Characters of a line from which on it is taken to have been broken by the width of its page.
const FULL_LINE_CHARS: usize = 50;
/// Bytes of a paragraph beyond which it is not waited for.
const PARAGRAPH_BYTES: usize = 64 << 10;

/// Puts the lines of a page together again to paragraphs. A document knows where words stand and not why: whether a line
/// ends because its sentence does or because the page does is told by its last character and its length.
struct Paragraphs<'out, W> {
    out: &'out mut W,
    line: Vec<u8>,
    paragraph: String,
    any: bool,
}

impl<'out, W: Write> Paragraphs<'out, W> {
    fn new(out: &'out mut W) -> Self {
        Self { out, line: Vec::new(), paragraph: String::new(), any: false }
    }

    fn end_line(&mut self) -> io::Result<()> {
        let line = String::from_utf8_lossy(&self.line).trim().to_owned();
        self.line.clear();
        if line.is_empty() {
            return Ok(());
        }
        self.any = true;
        if !goes_on(&self.paragraph) || self.paragraph.len() > PARAGRAPH_BYTES {
            self.end_paragraph()?;
        }
        match self.paragraph.strip_suffix('-') {
            Some(cut) if line.starts_with(char::is_lowercase) => self.paragraph.truncate(cut.len()),
            _ if !self.paragraph.is_empty() => self.paragraph.push(' '),
            _ => {}
        }
        self.paragraph.push_str(&line);
        Ok(())
    }

    fn end_paragraph(&mut self) -> io::Result<()> {
        if self.paragraph.is_empty() {
            return Ok(());
        }
        self.paragraph.push_str("\n\n");
        self.out.write_all(self.paragraph.as_bytes())?;
        self.paragraph.clear();
        Ok(())
    }

    /// Whether there was a word.
    fn end(mut self) -> io::Result<bool> {
        self.end_line()?;
        self.end_paragraph()?;
        Ok(self.any)
    }
}

/// Whether what follows belongs to the same paragraph.
fn goes_on(paragraph: &str) -> bool {
    !paragraph.ends_with(['.', '!', '?', ':', ';', '。']) && paragraph.chars().count() >= FULL_LINE_CHARS
}

impl<W: Write> Write for Paragraphs<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend(piece);
            if piece.ends_with(b"\n") || self.line.len() > PARAGRAPH_BYTES {
                self.end_line()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
