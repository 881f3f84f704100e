//! Sheets, documents of Word and PDF documents as text.
//!
//! All of these formats are programs for a parser: archives of XML that unpack without end, objects that refer to themselves,
//! tables that claim a billion cells. The libraries that read them are good and were not written against enemies, so they
//! run in a [process of their own](sandbox) that may use so much memory and time and can open nothing. What kills it costs
//! one file.
//!
//! A sheet becomes CSV, a document of Word Markdown and one of PDF plain text; from there on they are read like any other upload.

mod docx;
mod limits;
mod pdf;
pub mod sandbox;
mod sheet;

use std::io::{Read, Seek, Write};

use romashka_ingest::Format;
use serde::{Deserialize, Serialize};

pub use limits::Limits;

/// A format that is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// A workbook of Office Open XML (ECMA-376).
    Xlsx,
    /// A document of Word (ECMA-376).
    Docx,
    /// A document of ISO 32000.
    Pdf,
}

/// The folder of a document of Word in its archive.
const WORD: &[u8] = b"word/document.xml";

impl Document {
    /// What a file is by its first bytes; `None` where it is neither. A ZIP archive is taken for a workbook until it is
    /// opened.
    pub fn of(prefix: &[u8]) -> Option<Self> {
        // Readers accept a PDF document whose header is preceded by something else.
        let header = &prefix[..prefix.len().min(1024)];
        match prefix {
            [b'P', b'K', 3, 4, ..] if prefix.windows(WORD.len()).any(|name| name == WORD) => Some(Self::Docx),
            [b'P', b'K', 3, 4, ..] => Some(Self::Xlsx),
            _ if header.windows(5).any(|window| window == b"%PDF-") && !header.starts_with(b"{") => Some(Self::Pdf),
            _ => None,
        }
    }

    /// The format, as uploads name it.
    pub fn format(self) -> Format {
        match self {
            Self::Xlsx => Format::Xlsx,
            Self::Docx => Format::Docx,
            Self::Pdf => Format::Pdf,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Docx => "docx",
            Self::Pdf => "pdf",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Xlsx, Self::Docx, Self::Pdf].into_iter().find(|document| document.name() == name)
    }
}

/// Why a document gives no text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// The stable name.
    pub code: String,
    /// What is wrong and how to mend it.
    pub why: String,
}

impl Refusal {
    fn new(code: &str, why: impl Into<String>) -> Self {
        Self { code: code.to_owned(), why: why.into() }
    }

    fn broken(what: &str) -> Self {
        Self::new("broken_document", format!("the {what} is damaged and cannot be read; save it again and upload that"))
    }
}

/// Writes a document's text. Only inside of a [sandbox] is it safe to call this with what somebody uploaded.
///
/// # Errors
///
/// Where the document cannot be read or is more than the limits allow.
pub fn extract(document: Document, file: impl Read + Seek, out: impl Write, limits: &Limits) -> Result<(), Refusal> {
    let mut out = limits::Bounded::new(out, limits.text_bytes);
    let extracted = match document {
        Document::Xlsx => sheet::extract(file, &mut out, limits),
        Document::Docx => docx::extract(file, &mut out, limits),
        Document::Pdf => pdf::extract(file, &mut out, limits),
    };
    if out.is_full() {
        let limit = limits.text_bytes;
        let why =
            format!("the document gives more than the {limit} bytes of text allowed; split it into several files");
        return Err(Refusal::new("document_too_large", why));
    }
    extracted?;
    out.flush().map_err(|_| Refusal::new("given_up", "nobody reads on"))
}
