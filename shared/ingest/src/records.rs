//! The one door: open a file, take its rows one by one.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use crate::csv_rows::CsvRows;
use crate::dialogue::Dialogue;
use crate::errors::{FileError, RowError, Stop};
use crate::format::{self, Format};
use crate::interpret;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::ndjson_rows::NdjsonRows;
use crate::record::Record;
use crate::schema::{self, Cells, Column};

/// Bytes asked of the reader at a time.
const READ_BYTES: usize = 64 * 1024;

/// One row before its cells were looked at: its number and its cells.
pub(crate) type RawRow<'row> = Result<(u64, Cells<'row>), RowError>;

/// The file, its first bytes (which were read to tell the format) put back before the rest.
type Input<R> = Chain<Cursor<Vec<u8>>, R>;

enum Rows<R> {
    Csv(Box<CsvRows<Input<R>>>),
    Ndjson(NdjsonRows<Input<R>>),
}

impl<R: Read> Rows<R> {
    fn next_row(&mut self) -> Result<Option<RawRow<'_>>, Stop> {
        match self {
            Self::Csv(rows) => rows.next_row(),
            Self::Ndjson(rows) => rows.next_row(),
        }
    }
}

/// What comes of one row: see [`Records`].
type Row = Result<Result<Record, RowError>, Stop>;

/// The records of a file, in its order.
///
/// The outer result is about the file and ends the iteration, the inner one about a row:
///
/// * `Ok(Ok(record))`: a row was accepted;
/// * `Ok(Err(error))`: a row was not, and the next one follows;
/// * `Err(stop)`: nothing follows; what came before stands.
///
/// Of [conversations](Kind::Conversations) only a customer's turns become records, each with the agent's
/// turn right after it as its reply.
pub struct Records<R> {
    rows: Rows<R>,
    format: Format,
    columns: &'static [Column],
    limits: Limits,
    dialogue: Option<Dialogue>,
    rows_read: u64,
    ready: VecDeque<Row>,
    ended: bool,
}

impl<R: Read> Records<R> {
    /// Detects the format of a file by its content and reads its header.
    ///
    /// # Errors
    ///
    /// [`Stop::Refused`] if the file is not readable as this kind, [`Stop::Failed`] if the reader fails.
    pub fn open(mut reader: R, kind: Kind, limits: Limits) -> Result<Self, Stop> {
        let mut prefix = Vec::new();
        reader.by_ref().take(format::PREFIX_BYTES as u64).read_to_end(&mut prefix)?;
        prefix.drain(..format::bom_bytes(&prefix));
        let columns = schema::columns(kind);
        let format = format::detect(&prefix, columns)?;
        let input = BufReader::with_capacity(READ_BYTES, Cursor::new(prefix).chain(reader));
        let rows = match format {
            Format::Csv { delimiter } => Rows::Csv(Box::new(CsvRows::open(input, delimiter, columns, limits)?)),
            Format::Ndjson => Rows::Ndjson(NdjsonRows::open(input, columns, limits)),
        };
        Ok(Self {
            rows,
            format,
            columns,
            limits,
            dialogue: (kind == Kind::Conversations).then(Dialogue::default),
            rows_read: 0,
            ready: VecDeque::new(),
            ended: false,
        })
    }

    /// The format that was detected.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The rows read so far, accepted or not; blank ones and the header do not count.
    pub fn rows_read(&self) -> u64 {
        self.rows_read
    }

    /// Reads one row and puts what comes of it into `ready`: nothing, one item, or a turn that waited and
    /// then an item.
    fn read(&mut self) {
        match self.next_record() {
            Ok(Some(Ok(record))) => {
                let complete = match &mut self.dialogue {
                    Some(dialogue) => dialogue.hear(record),
                    None => Some(record),
                };
                self.ready.extend(complete.map(|record| Ok(Ok(record))));
            }
            Ok(Some(Err(error))) => {
                self.break_off();
                self.ready.push_back(Ok(Err(error)));
            }
            Ok(None) => {
                self.break_off();
                self.ended = true;
            }
            Err(stop) => {
                self.break_off();
                self.ready.push_back(Err(stop));
                self.ended = true;
            }
        }
    }

    fn next_record(&mut self) -> Result<Option<Result<Record, RowError>>, Stop> {
        let Some(row) = self.rows.next_row()? else {
            if self.rows_read == 0 {
                return Err(FileError::NoRows.into());
            }
            return Ok(None);
        };
        if self.rows_read == self.limits.rows {
            let limit = self.limits.rows;
            return Err(FileError::TooManyRows { limit }.into());
        }
        self.rows_read += 1;
        Ok(Some(row.and_then(|(number, cells)| interpret::record(number, cells, self.columns, &self.limits))))
    }

    /// No reply will come to the turn that waits.
    fn break_off(&mut self) {
        let unanswered = self.dialogue.as_mut().and_then(Dialogue::break_off);
        self.ready.extend(unanswered.map(|record| Ok(Ok(record))));
    }

    /// Bytes held for the current row.
    #[cfg(test)]
    fn held_bytes(&self) -> usize {
        match &self.rows {
            Rows::Csv(rows) => rows.held_bytes(),
            Rows::Ndjson(rows) => rows.held_bytes(),
        }
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Row;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            self.read();
        }
        self.ready.pop_front()
    }
}

impl<R: Read> std::iter::FusedIterator for Records<R> {}

/// The bytes that are ready to be read, more of them fetched if there are none; empty at the end.
pub(crate) fn fill<R: Read>(input: &mut BufReader<R>) -> io::Result<&[u8]> {
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(input.buffer())
}

#[cfg(test)]
mod tests;
