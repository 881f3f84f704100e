//! A document of Word as Markdown: its paragraphs, headings, lists and tables (ECMA-376, part 1, 17).
//!
//! Deleted text, comments, footnotes and the margins of pages are left out.

use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, Write};

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

use crate::limits::unwritten;
use crate::{Limits, Refusal};

/// Bytes of the table of styles.
const STYLES_BYTES: u64 = 16 << 20;
/// Levels of headings.
const LEVELS: u8 = 6;

pub(crate) fn extract(file: impl Read + Seek, out: &mut impl Write, limits: &Limits) -> Result<(), Refusal> {
    let broken = || Refusal::broken("document");
    let mut archive = ZipArchive::new(file).map_err(|_| broken())?;
    let styles = match archive.by_name("word/styles.xml") {
        Ok(member) => styles(member.take(STYLES_BYTES))?,
        Err(_) => Styles::default(),
    };
    let document = archive.by_name("word/document.xml").map_err(|_| broken())?;
    let mut text = Text {
        out,
        styles,
        paragraph: Paragraph::default(),
        around: Vec::new(),
        skipping: 0,
        in_run: false,
        rows: Vec::new(),
        any: false,
    };
    events(document.take(limits.text_bytes.saturating_mul(8)), |event| text.take(&event))?;
    if text.any {
        return Ok(());
    }
    Err(Refusal::new("no_text", "the document holds no text; save it with its text, or upload that alone"))
}

/// Hands each event of a part to a function.
fn events(part: impl Read, mut take: impl FnMut(Event<'_>) -> Result<(), Refusal>) -> Result<(), Refusal> {
    let broken = || Refusal::broken("document");
    let mut reader = Reader::from_reader(BufReader::new(part));
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).map_err(|_| broken())? {
            Event::Eof => return Ok(()),
            // Word writes none; they are how small files become large.
            Event::DocType(_) => return Err(broken()),
            event => take(event)?,
        }
        buffer.clear();
    }
}

/// Levels of headings by the ids of styles. Ids are in the language of the program, names are not.
type Styles = HashMap<String, u8>;

fn styles(part: impl Read) -> Result<Styles, Refusal> {
    let mut styles = Styles::new();
    let mut id = None;
    events(part, |event| {
        let (Event::Start(tag) | Event::Empty(tag)) = event else { return Ok(()) };
        match tag.local_name().as_ref() {
            "style" => id = attribute(&tag, "w:styleId"),
            "name" => {
                let level = attribute(&tag, "w:val").and_then(|name| {
                    let name = name.to_lowercase();
                    if name == "title" { Some(1) } else { name.strip_prefix("heading ")?.trim().parse().ok() }
                });
                if let (Some(id), Some(level)) = (id.take(), level) {
                    styles.insert(id, level);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(styles)
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    Some(tag.try_get_attribute(name).ok()??.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}

#[derive(Default)]
struct Paragraph {
    text: String,
    level: u8,
    is_item: bool,
}

/// The text as far as it was read.
struct Text<'out, W> {
    out: &'out mut W,
    styles: Styles,
    paragraph: Paragraph,
    /// Paragraphs around it, outermost first.
    around: Vec<Paragraph>,
    /// Elements that are open and left out.
    skipping: usize,
    /// True if a run of text is open: what stands between elements is layout.
    in_run: bool,
    /// Cells of the rows that are open, innermost last.
    rows: Vec<Vec<String>>,
    any: bool,
}

/// Elements that are left out: a second version of a drawing, what was deleted, a formula's result twice.
const LEFT_OUT: &[&str] = &["Fallback", "del", "instrText", "moveFrom", "pPrChange", "rPrChange", "sectPrChange"];

impl<W: Write> Text<'_, W> {
    fn take(&mut self, event: &Event<'_>) -> Result<(), Refusal> {
        match event {
            Event::Start(tag) => {
                let name = tag.local_name();
                self.in_run = name.as_ref() == "t";
                if self.skipping > 0 || LEFT_OUT.contains(&name.as_ref()) {
                    self.skipping += 1;
                    return Ok(());
                }
                self.open(tag)
            }
            Event::Empty(tag) if self.skipping == 0 => self.open(tag),
            Event::End(_) if self.skipping > 0 => {
                self.skipping -= 1;
                Ok(())
            }
            Event::End(tag) => {
                self.in_run = false;
                self.close(tag.local_name().as_ref())
            }
            Event::Text(text) if self.in_run && self.skipping == 0 => {
                self.paragraph.text.push_str(&text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(reference) if self.in_run && self.skipping == 0 => {
                self.paragraph.text.extend(character(reference));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        match tag.local_name().as_ref() {
            // A text box is a paragraph inside of one.
            "p" => self.around.push(std::mem::take(&mut self.paragraph)),
            "pStyle" => {
                let level = attribute(tag, "w:val").and_then(|id| self.styles.get(&id).copied());
                self.paragraph.level = level.unwrap_or(0).min(LEVELS);
            }
            "outlineLvl" => {
                let level = attribute(tag, "w:val").and_then(|level| level.parse::<u8>().ok());
                self.paragraph.level =
                    level.filter(|level| *level < LEVELS).map_or(self.paragraph.level, |level| level + 1);
            }
            "numPr" => self.paragraph.is_item = true,
            "tab" => self.paragraph.text.push(' '),
            "br" | "cr" => self.paragraph.text.push('\n'),
            "noBreakHyphen" => self.paragraph.text.push('-'),
            "tr" => self.rows.push(Vec::new()),
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Refusal> {
        match name {
            "p" => {
                let around = self.around.pop().unwrap_or_default();
                let paragraph = std::mem::replace(&mut self.paragraph, around);
                self.end_paragraph(&paragraph)
            }
            "tr" => {
                let cells = self.rows.pop().unwrap_or_default();
                let line = cells.join(" | ");
                let is_blank = cells.iter().all(String::is_empty);
                match self.rows.last_mut().and_then(|row| row.last_mut()) {
                    // A table inside of a cell.
                    Some(cell) => add(cell, &line),
                    None if !is_blank => self.write(&line)?,
                    None => {}
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end_paragraph(&mut self, paragraph: &Paragraph) -> Result<(), Refusal> {
        let text = paragraph.text.trim();
        if text.is_empty() {
            return Ok(());
        }
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            add(cell, text);
            return Ok(());
        }
        match (paragraph.level, paragraph.is_item) {
            (0, false) => self.write(text),
            (0, true) => self.write(&format!("- {text}")),
            (level, _) => self.write(&format!("{} {}", "#".repeat(usize::from(level)), text.replace('\n', " "))),
        }
    }

    fn write(&mut self, line: &str) -> Result<(), Refusal> {
        self.any = true;
        write!(self.out, "{line}\n\n").map_err(unwritten)
    }
}

/// Adds a paragraph to a cell, which has one line.
fn add(cell: &mut String, text: &str) {
    if !cell.is_empty() {
        cell.push(' ');
    }
    cell.push_str(&text.replace('\n', " "));
}

/// The character that a reference stands for; nothing for one that XML does not define.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
