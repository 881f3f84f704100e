//! The passages of one document as rows.

use std::io::Read;

use crate::errors::Stop;
use crate::format::Format;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::records::RawRow;
use crate::schema::{Cell, Cells, Field};
use crate::sections::{self, Section};
use crate::source;

pub(crate) struct SectionRows {
    sections: std::vec::IntoIter<Section>,
    current: Option<Section>,
    number: u64,
    kind: Kind,
}

impl SectionRows {
    /// Reads a document whole: where a passage ends is known only by what surrounds it.
    pub(crate) fn open(input: impl Read, format: Format, kind: Kind, limits: &Limits) -> Result<Self, Stop> {
        let document = source::whole(input, limits)?;
        let sections = match format {
            Format::Html => sections::of_html(&document),
            Format::Markdown => sections::of_markdown(&document),
            _ => sections::of_text(&document),
        };
        Ok(Self { sections: sections.into_iter(), current: None, number: 0, kind })
    }

    pub(crate) fn next_row(&mut self) -> Option<RawRow<'_>> {
        self.number += 1;
        self.current = Some(self.sections.next()?);
        let section = self.current.as_ref()?;
        let mut cells = Cells::default();
        // Of a FAQ the heading right above an answer is its question.
        let question = section.title.rsplit(" › ").next().unwrap_or_default();
        let title = if self.kind == Kind::Faq { question } else { section.title.as_str() };
        cells.place(Field::Text, 0, Cell::Text(title.into()));
        cells.place(Field::Reply, 0, Cell::Text(section.body.as_str().into()));
        Some(Ok((self.number, cells)))
    }
}
