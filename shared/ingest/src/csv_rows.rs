//! Rows of a CSV file, one at a time, in buffers that cannot outgrow their limits.
//!
//! The `csv` crate grows a record until it ends, and one forgotten quote makes the rest of a file one
//! record. So this reader drives the state machine below it, `csv-core`, and hands it the buffers: when
//! they are full the rest of the row is counted and thrown away, and the next row starts clean.
//!
//! Rows are numbered as a spreadsheet shows them: blank lines count, a line break inside quotes does not.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use csv_core::ReadRecordResult;

use crate::errors::{FileError, FoundColumns, RowCode, RowError, Stop};
use crate::format;
use crate::limits::Limits;
use crate::records::{self, RawRow};
use crate::schema::{Cell, Cells, Field, Schema};

/// The first size of the buffer of a row; few rows need more.
const FIRST_ROW_BYTES: usize = 4 * 1024;
/// Rows among which the header is looked for.
pub(crate) const HEADER_ROWS: usize = 10;

/// A column of the file that means something to us.
#[derive(Debug, Clone, Copy)]
struct Place {
    index: usize,
    field: Field,
    rank: usize,
}

pub(crate) struct CsvRows<R> {
    input: BufReader<R>,
    delimiter: char,
    machine: csv_core::Reader,
    limits: Limits,
    /// The unquoted cells of the current row, one after the other.
    row: Vec<u8>,
    /// Where each cell ends in `row`.
    ends: Vec<usize>,
    /// The number of the current row.
    number: u64,
    /// Whether the last byte read was a carriage return, whose line feed may still come.
    after_carriage_return: bool,
    places: Vec<Place>,
    header_columns: usize,
    /// Bytes read so far.
    consumed: u64,
}

/// The state machine, past the point where it would take a byte-order mark off: that was done when the
/// file was opened, and one further on, after blank lines, belongs to the text.
fn machine(delimiter: char) -> csv_core::Reader {
    let mut machine = csv_core::ReaderBuilder::new().delimiter(u8::try_from(delimiter).unwrap_or(b',')).build();
    machine.read_record(b"\n", &mut [0], &mut [0]);
    machine
}

/// What was read of a row.
struct Extent {
    /// Bytes in the file, line break included.
    raw_bytes: u64,
    cells: u64,
    /// Whether the cells did not fit into the buffer.
    overflows: bool,
    /// Whether the file ended, after a line break, inside a quoted cell.
    unclosed: bool,
}

impl<R: Read> CsvRows<R> {
    /// Reads the header and finds the columns.
    pub(crate) fn open(input: BufReader<R>, delimiter: char, schema: &Schema, limits: Limits) -> Result<Self, Stop> {
        let mut rows = Self {
            input,
            delimiter,
            machine: machine(delimiter),
            // Never without room: the machine moves on only by writing.
            row: vec![0; FIRST_ROW_BYTES.min(limits.row_bytes).max(1)],
            ends: vec![0; limits.columns.max(1)],
            limits,
            number: 0,
            after_carriage_return: false,
            places: Vec::new(),
            header_columns: 0,
            consumed: 0,
        };
        rows.read_header(schema)?;
        Ok(rows)
    }

    /// Finds the header among the first rows: above it some programs write a title, or `sep=;` for a spreadsheet.
    fn read_header(&mut self, schema: &Schema) -> Result<(), Stop> {
        let mut missing: Option<(usize, FileError)> = None;
        for place in 0..HEADER_ROWS {
            let Some(header) = self.read_names()? else { break };
            let places: Vec<Place> = header
                .iter()
                .enumerate()
                .filter_map(|(index, name)| {
                    let (column, rank) = schema.recognise(name)?;
                    Some(Place { index, field: column.field, rank })
                })
                .collect();
            let is_header = place == 0 || format::is_header_below(header.iter().map(String::as_str), places.len());
            let lacking = schema.missing(|field| places.iter().any(|place| place.field == field));
            let Some(column) = lacking.or_else(|| schema.columns.first().filter(|_| !is_header)) else {
                (self.header_columns, self.places) = (header.len(), places);
                return Ok(());
            };
            // The first row is the likeliest header, unless it is a title: another may hold what people wrote.
            let filled = header.iter().filter(|name| !name.trim().is_empty()).count();
            if missing.as_ref().is_none_or(|(first, _)| *first == 1 && filled > 1) {
                let refusal = FileError::MissingColumn {
                    row: self.number,
                    accepted: column.told(),
                    mapped: schema.mapped_name(column).map(str::to_owned),
                    found: FoundColumns::new(header.iter().map(String::as_str)),
                };
                missing = Some((filled, refusal));
            }
        }
        Err(missing.map_or(FileError::Empty, |(_, refusal)| refusal).into())
    }

    /// The cells of the next row that is not blank, as names.
    fn read_names(&mut self) -> Result<Option<Vec<String>>, Stop> {
        while let Some(extent) = self.read_row()? {
            if extent.cells > self.ends.len() as u64 {
                let (row, limit) = (self.number, self.limits.columns);
                return Err(FileError::TooManyColumns { row, found: extent.cells, limit }.into());
            }
            if extent.overflows {
                let (row, limit) = (self.number, self.limits.row_bytes);
                return Err(FileError::HeaderTooLarge { row, found: extent.raw_bytes, limit }.into());
            }
            let cells = self.count_cells(&extent);
            if !self.is_blank(cells) {
                let name = |index| String::from_utf8_lossy(self.cell(index)).into_owned();
                return Ok(Some((0..cells).map(name).collect()));
            }
        }
        Ok(None)
    }

    /// Where the next row begins: how many bytes come before it, and its number.
    pub(crate) fn place(&mut self) -> Result<(u64, u64), Stop> {
        self.skip_blank_lines()?;
        Ok((self.consumed, self.number + 1))
    }

    /// Goes on in the middle of a file, where this is the next row.
    pub(crate) fn continue_at(&mut self, row: u64) -> Result<(), Stop> {
        self.skip_blank_lines()?;
        self.number = row - 1;
        Ok(())
    }

    /// Passes over one row, whatever is in it; `false` at the end.
    pub(crate) fn pass(&mut self) -> Result<bool, Stop> {
        Ok(self.read_row()?.is_some())
    }

    /// The next row that is not blank.
    pub(crate) fn next_row(&mut self) -> Result<Option<RawRow<'_>>, Stop> {
        loop {
            let Some(extent) = self.read_row()? else {
                return Ok(None);
            };
            if let Some(error) = self.misfit(&extent) {
                return Ok(Some(Err(error)));
            }
            let cells = self.count_cells(&extent);
            if !self.is_blank(cells) {
                return Ok(Some(Ok((self.number, self.cells(cells)))));
            }
        }
    }

    /// Why the current row as a whole cannot be read.
    fn misfit(&self, extent: &Extent) -> Option<RowError> {
        let row = self.number;
        if extent.cells > self.ends.len() as u64 {
            return Some(RowError::too_many_columns(row, extent.cells, self.limits.columns));
        }
        if extent.overflows {
            return Some(RowError::too_large(row, extent.raw_bytes, self.limits.row_bytes));
        }
        if extent.unclosed {
            return Some(RowError::of_row(
                row,
                RowCode::UnclosedQuote,
                "a double quote is open here and never closed, so the rest of the file became one row; \
                 close it, or write two for one that belongs to the text",
            ));
        }
        let cells = self.count_cells(extent);
        // Spreadsheets fill rows up with empty cells; only a cell with content shows that a row went wrong.
        let has_content = |index| !self.cell(index).trim_ascii().is_empty();
        if (self.header_columns..cells).any(has_content) {
            let why = format!(
                "the row has {cells} columns and the header has {}; put double quotes around a text that \
                 holds `{}`",
                self.header_columns,
                self.delimiter.escape_default(),
            );
            return Some(RowError::of_row(row, RowCode::TooManyColumns, why));
        }
        None
    }

    fn cells(&self, found: usize) -> Cells<'_> {
        let mut cells = Cells::default();
        for place in self.places.iter().filter(|place| place.index < found) {
            cells.place(place.field, place.rank, self.text(place.index));
        }
        cells
    }

    fn text(&self, index: usize) -> Cell<'_> {
        match str::from_utf8(self.cell(index)) {
            Ok(text) => Cell::Text(Cow::Borrowed(text)),
            Err(error) => Cell::NotUtf8(error.valid_up_to() + 1),
        }
    }

    fn cell(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.row[start..self.ends[index]]
    }

    /// The cells of a row that was found to fit.
    fn count_cells(&self, extent: &Extent) -> usize {
        usize::try_from(extent.cells).map_or(self.ends.len(), |cells| cells.min(self.ends.len()))
    }

    fn is_blank(&self, cells: usize) -> bool {
        (0..cells).all(|index| self.cell(index).trim_ascii().is_empty())
    }

    /// Reads one row into the buffers, however long it is; `None` at the end of the file.
    fn read_row(&mut self) -> Result<Option<Extent>, Stop> {
        self.skip_blank_lines()?;
        self.number += 1;
        let mut extent = Extent { raw_bytes: 0, cells: 0, overflows: false, unclosed: false };
        let mut row_end = 0;
        let mut last_ends = 0;
        let mut quotes = 0_u64;
        let mut line_breaks = false;
        loop {
            let input = records::fill(&mut self.input)?;
            let at_end = input.is_empty();
            let (result, read, written, ended) =
                self.machine.read_record(input, &mut self.row[row_end..], &mut self.ends[last_ends..]);
            if let Some(last) = input[..read].last() {
                self.after_carriage_return = *last == b'\r';
            }
            if read > 0 {
                quotes += memchr::memchr_iter(b'"', &input[..read]).count() as u64;
                line_breaks |= memchr::memchr(b'\n', &input[..read]).is_some();
            }
            self.input.consume(read);
            self.consumed += read as u64;
            extent.raw_bytes += read as u64;
            extent.cells += ended as u64;
            row_end += written;
            last_ends += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if row_end < self.limits.row_bytes && !extent.overflows => {
                    let larger = (self.row.len() * 2).min(self.limits.row_bytes);
                    self.row.resize(larger, 0);
                }
                ReadRecordResult::OutputFull => {
                    extent.overflows = true;
                    row_end = 0;
                }
                ReadRecordResult::OutputEndsFull => last_ends = 0,
                ReadRecordResult::Record => {
                    extent.unclosed = at_end && line_breaks && quotes % 2 == 1;
                    return Ok(Some(extent));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Counts the lines without a character before the next row; the state machine would skip them unseen.
    fn skip_blank_lines(&mut self) -> Result<(), Stop> {
        loop {
            let input = records::fill(&mut self.input)?;
            let Some(&byte) = input.first() else {
                return Ok(());
            };
            let belongs_to_last_break = byte == b'\n' && self.after_carriage_return;
            match byte {
                b'\n' if belongs_to_last_break => {}
                b'\n' | b'\r' => self.number += 1,
                _ => return Ok(()),
            }
            self.after_carriage_return = byte == b'\r';
            self.input.consume(1);
            self.consumed += 1;
        }
    }

    /// Bytes held for the current row.
    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        self.row.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}
