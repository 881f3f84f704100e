//! Large files cut at the borders of rows, so that their pieces can be read at the same time.
//!
//! Where a row ends in CSV depends on every quote before it, so a file is walked once from its beginning, by the same
//! machine that reads its rows; that is many times faster than reading them. A piece is read as the header of its file
//! followed by its bytes, with a [`Continuation`](crate::Continuation).

use std::io::{BufReader, Read};
use std::ops::Range;

use crate::csv_rows::CsvRows;
use crate::errors::Stop;
use crate::exports::Adapter;
use crate::format::Format;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::lines::Lines;
use crate::records::{self, Facts, Options};
use crate::schema::Schema;
use crate::source::{self, File};

/// Bytes asked of the reader at a time.
const READ_BYTES: usize = 256 * 1024;

/// Some rows of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where they lie.
    pub bytes: Range<u64>,
    /// The number of the first.
    pub first_row: u64,
}

/// How a file can be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// What the file is.
    pub facts: Facts,
    /// Bytes from its beginning that must be read before a piece.
    pub header_bytes: u64,
    /// What comes after the header, without a gap. None of them is empty.
    pub pieces: Vec<Piece>,
}

/// Cuts a file into pieces of at least so many bytes, the last one excepted; `None` where it must be read as a whole: it
/// is packed, no UTF-8, a document or one piece of text, or its rows go on from one to the next, as turns do.
///
/// # Errors
///
/// [`Stop::Refused`] where its header cannot be read, [`Stop::Failed`] if the reader fails.
pub fn cut(reader: impl Read, kind: Kind, options: &Options, piece_bytes: u64) -> Result<Option<Pieces>, Stop> {
    let file = File::open(reader, &options.limits)?;
    if file.is_packed() {
        return Ok(None);
    }
    let mark_bytes = source::mark_bytes(file.prefix());
    let source = file.decode()?;
    if source.encoding != encoding_rs::UTF_8 {
        return Ok(None);
    }
    let schema = Schema::new(kind, &options.mapping);
    let format = records::format_of(&source, kind, &schema)?;
    let facts = |adapter| Facts { format, encoding: source.encoding.name().to_owned(), gzipped: false, adapter };
    let cut = Cut { from: mark_bytes, piece_bytes, limits: options.limits };
    match format {
        Format::Csv { delimiter } if kind != Kind::Conversations => {
            let facts = facts(None);
            let rows =
                CsvRows::open(BufReader::with_capacity(READ_BYTES, source.text), delimiter, &schema, cut.limits)?;
            cut.table(rows, facts).map(Some)
        }
        Format::Ndjson => {
            let mut lines = source.prefix.split_inclusive(|byte| *byte == b'\n');
            let first = lines.find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
            if !first.ends_with(b"\n") {
                // What export it is will be told by a line that is longer than what was looked at.
                return Ok(None);
            }
            let first = str::from_utf8(first).unwrap_or_default().trim();
            let adapter = records::recognise(kind, first);
            if kind == Kind::Conversations && adapter.is_none_or(Adapter::is_of_messages) {
                return Ok(None);
            }
            let facts = facts(adapter);
            cut.lines(BufReader::with_capacity(READ_BYTES, source.text), facts).map(Some)
        }
        _ => Ok(None),
    }
}

struct Cut {
    /// Bytes before the text.
    from: u64,
    piece_bytes: u64,
    limits: Limits,
}

impl Cut {
    fn table<R: Read>(&self, mut rows: CsvRows<R>, facts: Facts) -> Result<Pieces, Stop> {
        let (header, first_row) = rows.place()?;
        let mut pieces = Growing::new(self.from + header, first_row);
        while rows.pass()? {
            let (at, row) = rows.place()?;
            pieces.reach(self.from + at, row, self.piece_bytes);
        }
        Ok(Pieces { facts, header_bytes: self.from + header, pieces: pieces.end() })
    }

    fn lines<R: Read>(&self, input: BufReader<R>, facts: Facts) -> Result<Pieces, Stop> {
        let mut lines = Lines::open(input, self.limits.object_bytes.max(self.limits.row_bytes));
        let mut pieces = Growing::new(self.from, 1);
        while lines.read()?.is_some() {
            pieces.reach(self.from + lines.consumed, lines.number + 1, self.piece_bytes);
        }
        pieces.reach(self.from + lines.consumed, lines.number, self.piece_bytes);
        Ok(Pieces { facts, header_bytes: self.from, pieces: pieces.end() })
    }
}

/// Pieces up to some row.
struct Growing {
    done: Vec<Piece>,
    from: u64,
    first_row: u64,
    reached: u64,
}

impl Growing {
    fn new(from: u64, first_row: u64) -> Self {
        Self { done: Vec::new(), from, first_row, reached: from }
    }

    fn reach(&mut self, at: u64, next_row: u64, piece_bytes: u64) {
        self.reached = at;
        if at - self.from >= piece_bytes {
            self.done.push(Piece { bytes: self.from..at, first_row: self.first_row });
            (self.from, self.first_row) = (at, next_row);
        }
    }

    fn end(mut self) -> Vec<Piece> {
        if self.reached > self.from {
            self.done.push(Piece { bytes: self.from..self.reached, first_row: self.first_row });
        }
        self.done
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::errors::RowError;
    use crate::record::Record;
    use crate::{Continuation, Records};

    type Rows = Vec<Result<Record, RowError>>;

    fn whole(file: &[u8], kind: Kind) -> Rows {
        Records::open(file, kind, &Options::default()).unwrap().map(|row| row.unwrap()).collect()
    }

    fn in_pieces(file: &[u8], kind: Kind, piece_bytes: u64) -> Rows {
        let options = Options::default();
        let cut = cut(file, kind, &options, piece_bytes).unwrap().unwrap();
        let mut next = cut.header_bytes;
        let mut rows = Vec::new();
        for piece in cut.pieces {
            assert_eq!(piece.bytes.start, next, "no gap");
            next = piece.bytes.end;
            let continues = Some(Continuation { facts: cut.facts.clone(), first_row: piece.first_row });
            let options = Options { continues, ..Options::default() };
            let at = |range: Range<u64>| &file[range.start as usize..range.end as usize];
            let input = at(0..cut.header_bytes).chain(at(piece.bytes));
            // A piece may hold nothing but blank rows.
            rows.extend(Records::open(input, kind, &options).unwrap().filter_map(Result::ok));
        }
        assert_eq!(next, file.len() as u64);
        rows
    }

    #[test]
    fn a_table_in_pieces_is_the_same_table() {
        let file = "\u{feff}text,intent\r\n\r\n\"one\r\ntwo\",a\r\nthree,b\r\n\r\n,c\r\n\"fo\"\"ur, five\",a\r\nsix,b";
        for piece_bytes in 1..40 {
            assert_eq!(
                in_pieces(file.as_bytes(), Kind::Utterances, piece_bytes),
                whole(file.as_bytes(), Kind::Utterances)
            );
        }
    }

    #[test]
    fn lines_of_objects_in_pieces_are_the_same_lines() {
        let file = b"{\"text\":\"one\"}\n\n{broken\n{\"text\":\"two\"}\r\n{\"text\":\"\"}\n\n";
        for piece_bytes in 1..40 {
            assert_eq!(in_pieces(file, Kind::Utterances, piece_bytes), whole(file, Kind::Utterances));
        }
    }

    #[test]
    fn what_goes_on_from_row_to_row_is_not_cut() {
        let turns = b"conversation_id,role,text\n1,customer,hello\n1,agent,hello too\n";
        assert_eq!(cut(&turns[..], Kind::Conversations, &Options::default(), 1).unwrap(), None);
        let utf_16: Vec<u8> = "text\na\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf_16 = [vec![0xFF, 0xFE], utf_16].concat();
        assert_eq!(cut(utf_16.as_slice(), Kind::Utterances, &Options::default(), 1).unwrap(), None);
    }

    proptest! {
        #[test]
        fn any_table_in_pieces_is_the_same_table(body in "[a,\"\r\n ]{0,60}", piece_bytes in 1_u64..30) {
            let file = format!("text,intent\nx,y\n{body}");
            prop_assert_eq!(
                in_pieces(file.as_bytes(), Kind::Utterances, piece_bytes),
                whole(file.as_bytes(), Kind::Utterances)
            );
        }
    }
}
