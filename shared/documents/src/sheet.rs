//! The first sheet of a workbook that holds anything, as CSV.
//!
//! Cells are taken one by one as the file has them, so a sheet costs no more memory than its shared texts. Formulas are not
//! run: a cell gives the value that was last saved with it.

use std::io::{Read, Seek, Write};

use calamine::{DataRef, Reader, Xlsx};

use crate::limits::unwritten;
use crate::{Limits, Refusal};

pub(crate) fn extract(file: impl Read + Seek, out: &mut impl Write, limits: &Limits) -> Result<(), Refusal> {
    let mut book = Xlsx::new(file).map_err(|_| {
        let why = "the file is a ZIP archive but no workbook that can be read; save the sheet as XLSX or CSV, or upload the files inside one by one";
        Refusal::new("broken_document", why)
    })?;
    for name in book.sheet_names() {
        // A sheet of charts has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        let mut sheet = Sheet { out: &mut *out, row: 0, column: None };
        let mut any = false;
        while let Some(cell) = cells.next_cell().map_err(|_| Refusal::broken("sheet"))? {
            let (row, column) = cell.get_position();
            if column >= limits.columns {
                let limit = limits.columns;
                let why = format!(
                    "the sheet has a cell beyond the {limit} columns allowed; delete the columns that are not needed"
                );
                return Err(Refusal::new("too_many_columns", why));
            }
            let text = text_of(cell.get_value());
            if !text.is_empty() {
                any = true;
                sheet.put(row, column, &text)?;
            }
        }
        if any {
            return out.write_all(b"\n").map_err(unwritten);
        }
    }
    Err(Refusal::new("empty_file", "no sheet of the workbook holds anything; fill one and upload it again"))
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::DateTime(time) => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        }
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

struct Sheet<'out, W> {
    out: &'out mut W,
    row: u32,
    /// The last column written in this row.
    column: Option<u32>,
}

impl<W: Write> Sheet<'_, W> {
    fn put(&mut self, row: u32, column: u32, text: &str) -> Result<(), Refusal> {
        let is_behind = row < self.row || row == self.row && self.column.is_some_and(|last| column <= last);
        if is_behind {
            return Err(Refusal::broken("sheet"));
        }
        // Rows that hold nothing are kept as blank lines: a row keeps its number.
        for _ in self.row..row {
            self.out.write_all(b"\n").map_err(unwritten)?;
            self.column = None;
        }
        self.row = row;
        let commas = column - self.column.unwrap_or(0);
        for _ in 0..commas {
            self.out.write_all(b",").map_err(unwritten)?;
        }
        self.column = Some(column);
        let quoted = text.contains(['"', ',', '\n', '\r']) || text.starts_with(' ');
        let cell = if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() };
        self.out.write_all(cell.as_bytes()).map_err(unwritten)
    }
}
