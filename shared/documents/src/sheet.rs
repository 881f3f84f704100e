//! The sheets of a workbook as CSV: the first visible one that holds anything, and those below the same header after it.
//!
//! Cells are taken row by row as the file has them, so a sheet costs no more memory than its shared texts. Formulas are not
//! run: a cell gives the value that was last saved with it.

use std::io::{Read, Seek, Write};

use calamine::{DataRef, ExcelDateTime, Reader, SheetVisible, Xlsx, XlsxCellReader};

use crate::limits::unwritten;
use crate::{Limits, Refusal};

pub(crate) fn extract(file: impl Read + Seek, out: &mut impl Write, limits: &Limits) -> Result<(), Refusal> {
    let mut book = Xlsx::new(file).map_err(|_| {
        let why = "the file is a ZIP archive but no workbook that can be read; save the sheet as XLSX or CSV, or upload the files inside one by one";
        Refusal::new("broken_document", why)
    })?;
    let is_visible = |sheet: &&calamine::Sheet| sheet.visible == SheetVisible::Visible;
    let names: Vec<String> = book.sheets_metadata().iter().filter(is_visible).map(|sheet| sheet.name.clone()).collect();
    let mut sheet = Sheet { out, row: 0 };
    let mut header: Option<Row> = None;
    for name in names {
        // A sheet of charts has no cells.
        let Ok(cells) = book.worksheet_cells_reader(&name) else { continue };
        let mut rows = Rows { cells, ahead: None, last: None, columns: limits.columns, has_ended: false };
        let Some(first) = rows.next()? else { continue };
        // Rows that hold nothing are kept as blank lines: a row of the first sheet keeps its number.
        let place = match &header {
            None => {
                sheet.put(&first, first.number)?;
                header = Some(first);
                None
            }
            Some(header) if header.is_like(&first) => Some((sheet.row, first.number)),
            // Another table.
            Some(_) => continue,
        };
        while let Some(row) = rows.next()? {
            let number = match place {
                None => row.number,
                Some((end, own_header)) => end + (row.number - own_header),
            };
            sheet.put(&row, number)?;
        }
    }
    if header.is_none() {
        return Err(Refusal::new(
            "empty_file",
            "no sheet of the workbook holds anything; fill one and upload it again",
        ));
    }
    sheet.out.write_all(b"\n").map_err(unwritten)
}

/// The cells of a row that hold something.
struct Row {
    /// From 0.
    number: u32,
    /// By ascending column.
    cells: Vec<(u32, String)>,
}

impl Row {
    /// Returns true if two rows have the same texts in the same columns, whatever their case.
    fn is_like(&self, other: &Self) -> bool {
        let normal = |row: &Self| -> Vec<(u32, String)> {
            row.cells.iter().map(|(column, text)| (*column, text.trim().to_lowercase())).collect()
        };
        normal(self) == normal(other)
    }
}

/// The rows of a sheet, one at a time.
struct Rows<'book, RS: Read + Seek> {
    cells: XlsxCellReader<'book, RS>,
    ahead: Option<(u32, u32, String)>,
    /// The place of the latest cell.
    last: Option<(u32, u32)>,
    columns: u32,
    has_ended: bool,
}

impl<RS: Read + Seek> Rows<'_, RS> {
    /// The next row that holds something.
    fn next(&mut self) -> Result<Option<Row>, Refusal> {
        let Some((number, column, text)) = self.next_cell()? else { return Ok(None) };
        let mut cells = vec![(column, text)];
        while let Some((row, column, text)) = self.next_cell()? {
            if row != number {
                self.ahead = Some((row, column, text));
                break;
            }
            cells.push((column, text));
        }
        Ok(Some(Row { number, cells }))
    }

    fn next_cell(&mut self) -> Result<Option<(u32, u32, String)>, Refusal> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        while !self.has_ended {
            let Some(cell) = self.cells.next_cell().map_err(|_| Refusal::broken("sheet"))? else {
                self.has_ended = true;
                break;
            };
            let place = cell.get_position();
            let text = text_of(cell.get_value());
            // What lies beyond is a stray cell, not part of the table.
            if text.is_empty() || place.1 >= self.columns {
                continue;
            }
            if self.last.is_some_and(|last| place <= last) {
                return Err(Refusal::broken("sheet"));
            }
            self.last = Some(place);
            return Ok(Some((place.0, place.1, text)));
        }
        Ok(None)
    }
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::DateTime(time) => moment(*time),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// A date, a time of day or both, as far as the number says: a whole number is a day, one below 1 a part of a day.
fn moment(time: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let value = time.as_f64();
    let clock =
        if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") };
    match () {
        () if value < 1.0 => clock,
        () if value.fract() == 0.0 => format!("{year:04}-{month:02}-{day:02}"),
        () => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
    }
}

struct Sheet<'out, W> {
    out: &'out mut W,
    /// The row that is written.
    row: u32,
}

impl<W: Write> Sheet<'_, W> {
    /// Writes a row as the line of this number, from 0.
    fn put(&mut self, row: &Row, number: u32) -> Result<(), Refusal> {
        for _ in self.row..number {
            self.out.write_all(b"\n").map_err(unwritten)?;
        }
        self.row = number;
        let mut last = 0;
        for (column, text) in &row.cells {
            for _ in last..*column {
                self.out.write_all(b",").map_err(unwritten)?;
            }
            last = *column;
            let quoted = text.contains(['"', ',', '\n', '\r']) || text.starts_with(' ');
            let cell = if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() };
            self.out.write_all(cell.as_bytes()).map_err(unwritten)?;
        }
        Ok(())
    }
}
