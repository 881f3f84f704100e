//! Reads a file row by row and cuts what is accepted into parts: pure but for the channel it reports through.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek};

use romashka_documents::Document;
use romashka_documents::sandbox::{ExtractedText, Sandbox};
use romashka_domain::upload::{Reached, RowCounts};
use romashka_ingest::preview::Preview;
use romashka_ingest::{ErrorLog, File, FileError, Kind, Options, Record, Records, RowError, Stop};
use romashka_learning::ContentHash;

/// Rows in one part. One part becomes one training batch: small enough that a crashed batch costs little and that a
/// session is soon spread over many workers, large enough that a batch is worth its message.
pub const PART_ROWS: usize = 500;

/// A part of the accepted rows, and how far reading has come with it.
#[derive(Debug)]
pub struct Part {
    /// Which, from 0.
    pub number: u32,
    /// Its rows, NDJSON.
    pub body: Vec<u8>,
    /// How far reading has come.
    pub reached: Reached,
}

/// What is left to say when a file was read to its end.
#[derive(Debug, Default)]
pub struct End {
    /// What became of the file.
    pub reached: Reached,
    /// The refused rows that are worth listing.
    pub errors: Vec<RowError>,
    /// Which rows were accepted, sorted.
    pub identities: Vec<u64>,
}

/// Reads `file` to its end, giving each part to `give` as soon as it is full; parts are numbered from `first_part`.
///
/// # Errors
///
/// [`Stop::Refused`] where the file is not what its kind says, [`Stop::Failed`] where reading or `give` fails.
///
/// A sheet or a PDF document is read by a child of this process.
pub fn read(
    file: impl Read,
    kind: Kind,
    options: &Options,
    first_part: u32,
    mut give: impl FnMut(Part) -> io::Result<()>,
) -> Result<End, Stop> {
    let bytes_read = Cell::new(0);
    let file = Counted { inner: file, bytes: &bytes_read };
    // Both arms are the same but for the type of what is read.
    match Opened::of(file, options)? {
        Opened::File(file) => read_rows(Records::of(file, kind, options)?, &bytes_read, options, first_part, &mut give),
        Opened::Document(file) => {
            read_rows(Records::of(file, kind, options)?, &bytes_read, options, first_part, &mut give)
        }
    }
}

/// Looks at the beginning of `file`.
///
/// # Errors
///
/// Where reading fails. A file that is refused has a preview that says so.
pub fn preview(file: impl Read, kind: Kind, options: &Options) -> io::Result<Preview> {
    match Opened::of(file, options) {
        Ok(Opened::File(file)) => Preview::of(file, kind, options),
        Ok(Opened::Document(file)) => Preview::of(file, kind, options),
        Err(Stop::Refused(refusal)) => Ok(Preview::refused(&refusal)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// A file whose text can be read.
enum Opened<R> {
    File(File<R>),
    Document(File<ExtractedText>),
}

impl<R: Read> Opened<R> {
    fn of(file: R, options: &Options) -> Result<Self, Stop> {
        let mut file = File::open(file, &options.limits)?;
        // A piece of a file may begin with anything.
        let document = if options.continues.is_none() { Document::of(file.prefix()) } else { None };
        let Some(document) = document else { return Ok(Self::File(file)) };
        let text = Sandbox::here()?.extract(document, spooled(&mut file)?)?;
        file.replaced_by(text, document.format(), &options.limits).map(Self::Document)
    }
}

/// The document on disk, from its beginning: its parts lie anywhere.
fn spooled(file: &mut impl Read) -> Result<fs::File, Stop> {
    let limit = romashka_documents::Limits::default().file_bytes;
    let mut spool = tempfile::tempfile()?;
    if io::copy(&mut file.take(limit + 1), &mut spool)? > limit {
        let why = format!("the document has more than the {limit} bytes allowed; split it, or save its text alone");
        return Err(FileError::document("document_too_large", why).into());
    }
    spool.rewind()?;
    Ok(spool)
}

fn read_rows<R: Read>(
    mut records: Records<R>,
    bytes_read: &Cell<u64>,
    options: &Options,
    first_part: u32,
    give: &mut impl FnMut(Part) -> io::Result<()>,
) -> Result<End, Stop> {
    let mut errors = ErrorLog::new(options.limits.errors);
    let mut rows = RowCounts::default();
    let (mut seen, mut seen_nearly) = (HashSet::new(), HashSet::new());
    let mut part = Vec::new();
    let mut parts = 0;
    while let Some(row) = records.next() {
        match row? {
            Err(error) => {
                rows.invalid += 1;
                errors.push(error);
            }
            Ok(record) if !seen.insert(identity_of(&record)) => rows.duplicate += 1,
            Ok(record) => {
                rows.accepted += 1;
                rows.unlabelled += u64::from(record.intent.is_none());
                rows.near_duplicate += u64::from(!seen_nearly.insert(near_identity_of(&record)));
                part.push(record);
            }
        }
        if part.len() == PART_ROWS {
            parts += 1;
            let reached = reached(&records, rows, bytes_read.get(), parts);
            give(Part { number: first_part + parts - 1, body: ndjson(&part)?, reached })?;
            part.clear();
        }
    }
    parts += u32::from(!part.is_empty());
    let reached = reached(&records, rows, bytes_read.get(), parts);
    if !part.is_empty() {
        give(Part { number: first_part + parts - 1, body: ndjson(&part)?, reached: reached.clone() })?;
    }
    drop(seen_nearly);
    let mut identities: Vec<u64> = seen.into_iter().collect();
    identities.sort_unstable();
    Ok(End { reached, errors: errors.into_kept(), identities })
}

fn reached<R: Read>(records: &Records<R>, rows: RowCounts, bytes_read: u64, parts: u32) -> Reached {
    let rows = RowCounts { read: records.rows_read(), left_out: records.rows_left_out(), ..rows };
    Reached { facts: Some(records.facts()), rows, redacted: records.found().clone(), bytes_read, parts }
}

/// A reader that says how much of it was read.
struct Counted<'a, R> {
    inner: R,
    bytes: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

/// Returns the identity of a row: its words, reply, conversation and intent. The turns before it are left out: the same
/// words with the same reply in the same conversation teach the same, wherever in it they stand.
fn identity_of(record: &Record) -> u64 {
    let all = [Some(&record.text), record.reply.as_ref(), record.conversation.as_ref()];
    let all = all.map(|part| part.map_or("", String::as_str)).join("\u{1f}");
    let hash = ContentHash::of(&all, record.intent.as_deref());
    hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// What makes a row nearly the same: its words, in any order, without numbers and punctuation. Placeholders are words. It
/// is compared within this process alone.
fn near_identity_of(record: &Record) -> u64 {
    let text = record.text.to_lowercase();
    let words = text.split(|character: char| !character.is_alphanumeric());
    let words = words.filter(|word| word.contains(char::is_alphabetic));
    // A sum is the same in any order.
    let words = words.fold(0_u64, |sum, word| sum.wrapping_add(hashed(word)));
    hashed((words, &record.intent))
}

fn hashed(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn ndjson(records: &[Record]) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    for record in records {
        serde_json::to_writer(&mut body, record)?;
        body.push(b'\n');
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(file: &str) -> (Vec<Part>, End) {
        read_as(Kind::Utterances, file)
    }

    fn read_as(kind: Kind, file: &str) -> (Vec<Part>, End) {
        let mut parts = Vec::new();
        let end = read(file.as_bytes(), kind, &Options::default(), 0, |part| {
            parts.push(part);
            Ok(())
        });
        (parts, end.unwrap())
    }

    #[test]
    fn rows_are_counted_and_cut_into_parts() {
        let mut file = "text,intent\n".to_owned();
        for row in 0..1200 {
            file.push_str(&format!("where is parcel {row},order_status\n"));
        }
        file.push_str("where is parcel 7,order_status\n,order_status\nwhat is this\n");
        let (parts, end) = read_all(&file);
        assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), [0, 1, 2]);
        let rows = RowCounts {
            read: 1203,
            accepted: 1201,
            unlabelled: 1,
            duplicate: 1,
            near_duplicate: 1199,
            invalid: 1,
            ..RowCounts::default()
        };
        let facts = end.reached.facts.clone();
        let expected = Reached { facts, rows, bytes_read: file.len() as u64, parts: 3, ..Reached::default() };
        assert_eq!((end.reached, end.errors.len()), (expected, 1));
    }

    #[test]
    fn turns_before_a_row_do_not_make_it_another() {
        let file = "conversation_id,role,text\n1,user,hi\n1,agent,hello\n1,agent,yes?\n1,user,ok\n1,user,ok\n";
        let (parts, end) = read_as(Kind::Conversations, file);
        let rows = end.reached.rows;
        assert_eq!((rows.read, rows.accepted, rows.duplicate), (5, 2, 1), "two turns are the agent's");
        let records: Vec<Record> =
            serde_json::Deserializer::from_slice(&parts[0].body).into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(records[0].reply.as_deref(), Some("hello\nyes?"));
        assert_eq!(records.iter().map(|record| record.before.len()).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn what_is_read_again_is_cut_the_same() {
        let file = "text,intent\na,x\nb,y\n";
        let bodies = |(parts, _): (Vec<Part>, End)| parts.into_iter().map(|part| part.body).collect::<Vec<_>>();
        assert_eq!(bodies(read_all(file)), bodies(read_all(file)));
    }
}
