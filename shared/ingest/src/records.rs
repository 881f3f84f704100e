//! The one door: open a file, take its rows one by one.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::csv_rows::CsvRows;
use crate::dialogue::Dialogue;
use crate::engines::ExampleRows;
use crate::errors::{FileError, RowCode, RowError, Stop};
use crate::exports::{Adapter, Heard, People, hear, hear_message};
use crate::format::{self, Format};
use crate::json_objects::{JsonObjects, Layout, Role, layout};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::mapping::Mapping;
use crate::record::Record;
use crate::redaction::{Findings, Names, Redactor};
use crate::schema::{Cells, Schema};
use crate::section_rows::SectionRows;
use crate::source::{File, Source, Text};
use crate::text_rows::TextRows;
use crate::threads::Threads;
use crate::{interpret, json_cells};

/// Bytes asked of the reader at a time.
const READ_BYTES: usize = 64 * 1024;
/// Bytes of items that may wait for the people whom they name: a document often lists them at its end.
const WAITING_BYTES: usize = 32 << 20;

/// One row before its cells were looked at: its number and its cells.
pub(crate) type RawRow<'row> = Result<(u64, Cells<'row>), RowError>;

/// How a file is read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How much of it is believed.
    pub limits: Limits,
    /// What is personal and must not be kept.
    pub redactor: Redactor,
    /// What the tenant calls its columns.
    pub mapping: Mapping,
    /// Where the file goes on, when this is not its beginning: see [`Continuation`].
    pub continues: Option<Continuation>,
}

/// What was found out about a file of which only a [piece](crate::pieces::Piece) is read: its header, if it has one, and
/// the bytes of the piece after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// What the whole file is.
    pub facts: Facts,
    /// The number of the first row.
    pub first_row: u64,
}

/// What was found out about a file by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facts {
    /// Its format.
    pub format: Format,
    /// Its encoding, as the Encoding Standard calls it.
    pub encoding: String,
    /// Whether it came gzipped.
    pub gzipped: bool,
    /// Whose export it is, once its first object was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<Adapter>,
}

enum Rows<R> {
    Csv(Box<CsvRows<R>>),
    Objects(Box<Objects<R>>),
    Text(Box<TextRows<R>>),
    Sections(SectionRows),
    Examples(ExampleRows),
}

/// JSON objects, and what they are taken for.
struct Objects<R> {
    objects: JsonObjects<R>,
    /// Decided by the first item; outer `None` until then.
    adapter: Option<Option<Adapter>>,
    people: People,
    /// Items that wait for people, if they still do.
    waiting: Option<VecDeque<(u64, String)>>,
    waiting_bytes: usize,
}

/// What one step of reading gives.
enum Given {
    Row(Result<interpret::Row, RowError>),
    Heard(Heard),
    /// Somebody was met, or an item waits.
    Nothing,
}

impl<R: Read> Rows<R> {
    fn continue_at(&mut self, continuation: Option<&Continuation>) -> Result<(), Stop> {
        let Some(continuation) = continuation else { return Ok(()) };
        match self {
            Self::Csv(rows) => rows.continue_at(continuation.first_row)?,
            Self::Objects(objects) => {
                objects.objects.continue_at(continuation.first_row);
                objects.adapter = Some(continuation.facts.adapter);
            }
            // Only tables and lines of objects are cut.
            Self::Text(_) | Self::Sections(_) | Self::Examples(_) => {}
        }
        Ok(())
    }

    fn next(&mut self, kind: Kind, schema: &Schema, limits: &Limits) -> Result<Option<Given>, Stop> {
        let interpreted =
            |row: RawRow<'_>| Given::Row(row.and_then(|(number, cells)| interpret::row(number, cells, schema, limits)));
        match self {
            Self::Csv(rows) => Ok(rows.next_row()?.map(interpreted)),
            Self::Text(rows) => Ok(rows.next_row()?.map(interpreted)),
            Self::Sections(rows) => Ok(rows.next_row().map(interpreted)),
            Self::Examples(rows) => Ok(rows.next_row().map(interpreted)),
            Self::Objects(objects) => objects.next(kind, schema, limits),
        }
    }
}

/// The export that an object of a file of this kind belongs to, if it is no row.
pub(crate) fn recognise(kind: Kind, object: &str) -> Option<Adapter> {
    match kind {
        Kind::Utterances => Adapter::of_intent(object).or_else(|| Adapter::recognise(object)),
        Kind::Conversations => Adapter::recognise(object),
        Kind::Faq | Kind::Knowledge => None,
    }
}

pub(crate) fn format_of<R: Read>(source: &Source<R>, kind: Kind, schema: &Schema) -> Result<Format, FileError> {
    match source.document {
        Some(Format::Xlsx) => Ok(Format::Csv { delimiter: ',' }),
        Some(Format::Docx) if kind == Kind::Knowledge => Ok(Format::Markdown),
        Some(_) if kind == Kind::Knowledge => Ok(Format::Text),
        _ => format::detect(&source.prefix, kind, schema),
    }
}

impl<R: Read> Objects<R> {
    fn open(input: BufReader<R>, layout: Layout, limits: Limits) -> Self {
        Self {
            objects: JsonObjects::open(input, layout, limits),
            adapter: None,
            people: People::default(),
            waiting: (layout == Layout::Lists).then(VecDeque::new),
            waiting_bytes: 0,
        }
    }

    fn next(&mut self, kind: Kind, schema: &Schema, limits: &Limits) -> Result<Option<Given>, Stop> {
        let object = match self.objects.next_object()? {
            None => return Ok(self.next_waiting(limits)),
            Some(Err(error)) => return Ok(Some(Given::Row(Err(error)))),
            Some(Ok(object)) => object,
        };
        let is_taught = || kind == Kind::Utterances && Adapter::of_intent(object.text).is_some();
        if object.role == Role::Intent && !is_taught() {
            // LUIS names its intents beside the utterances.
            return Ok(Some(Given::Nothing));
        }
        if object.role == Role::Person {
            self.people.meet(object.text);
            return Ok(Some(Given::Nothing));
        }
        let recognise = || recognise(kind, object.text);
        let Some(adapter) = *self.adapter.get_or_insert_with(recognise) else {
            let row = json_cells::cells(object.row, object.text, schema, limits)
                .and_then(|cells| interpret::row(object.row, cells, schema, limits));
            return Ok(Some(Given::Row(row)));
        };
        if adapter.is_of_messages() {
            return Ok(Some(Given::Row(hear_message(object.row, object.text, limits))));
        }
        if let Some(waiting) = self.waiting.as_mut().filter(|_| adapter == Adapter::ZendeskTickets) {
            self.waiting_bytes += object.text.len();
            waiting.push_back((object.row, object.text.to_owned()));
            if self.waiting_bytes <= WAITING_BYTES {
                return Ok(Some(Given::Nothing));
            }
            return Ok(self.next_waiting(limits));
        }
        Ok(Some(given(hear(adapter, object.row, object.text, &self.people, limits))))
    }

    fn next_waiting(&mut self, limits: &Limits) -> Option<Given> {
        let (row, text) = self.waiting.as_mut()?.pop_front()?;
        self.waiting_bytes -= text.len();
        Some(given(hear(Adapter::ZendeskTickets, row, &text, &self.people, limits)))
    }
}

fn given(heard: Result<Heard, RowError>) -> Given {
    heard.map_or_else(|error| Given::Row(Err(error)), Given::Heard)
}

/// What comes of one row: see [`Records`].
type Row = Result<Result<Record, RowError>, Stop>;

/// The records of a file, in its order, without anything personal in them.
///
/// The outer result is about the file and ends the iteration, the inner one about a row:
///
/// * `Ok(Ok(record))`: a row was accepted;
/// * `Ok(Err(error))`: a row was not, and the next one follows;
/// * `Err(stop)`: nothing follows; what came before stands.
///
/// Of conversations only a customer's turns become records, each with the turns before it and, as its reply, the agent's
/// turns right after it.
pub struct Records<R> {
    rows: Rows<Text<R>>,
    kind: Kind,
    facts: Facts,
    schema: Schema,
    limits: Limits,
    redactor: Redactor,
    /// For what the tenant wrote to be read by everybody.
    published: Redactor,
    found: Findings,
    /// Turns of the object at hand that were not taken yet.
    turns: VecDeque<Result<Record, RowError>>,
    /// People of the conversation at hand; none where the file names none.
    names: Names,
    /// Messages of a table that wait for the rest of their conversation.
    threads: Threads,
    dialogue: Dialogue,
    rows_read: u64,
    rows_left_out: u64,
    ready: VecDeque<Row>,
    /// True once all rows were read, and then what stopped them.
    is_read: bool,
    stop: Option<Stop>,
    ended: bool,
    /// Rows after which reading ends.
    most: u64,
}

impl<R: Read> Records<R> {
    /// Detects the format of a file by its content and reads its header.
    ///
    /// # Errors
    ///
    /// [`Stop::Refused`] if the file is not readable as this kind, [`Stop::Failed`] if the reader fails.
    pub fn open(reader: R, kind: Kind, options: &Options) -> Result<Self, Stop> {
        Self::of(File::open(reader, &options.limits)?, kind, options)
    }

    /// Detects the format of a file that is open already.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn of(file: File<R>, kind: Kind, options: &Options) -> Result<Self, Stop> {
        Self::decoded(file.decode()?, kind, options)
    }

    pub(crate) fn decoded(source: Source<R>, kind: Kind, options: &Options) -> Result<Self, Stop> {
        let limits = options.limits;
        let schema = Schema::new(kind, &options.mapping);
        let format = match &options.continues {
            Some(continuation) => continuation.facts.format,
            None => format_of(&source, kind, &schema)?,
        };
        let input = BufReader::with_capacity(READ_BYTES, source.text);
        let large = Limits { row_bytes: limits.object_bytes.max(limits.row_bytes), ..limits };
        let mut rows = match format {
            Format::Csv { delimiter } => Rows::Csv(Box::new(CsvRows::open(input, delimiter, &schema, limits)?)),
            Format::Ndjson | Format::Json => {
                // What is told by the beginning of a file is not told by that of a piece.
                let layout = match format {
                    Format::Ndjson => Layout::Lines,
                    _ => layout(&source.prefix).unwrap_or(Layout::Lines),
                };
                Rows::Objects(Box::new(Objects::open(input, layout, large)))
            }
            Format::Yaml | Format::Markdown if kind == Kind::Utterances => {
                Rows::Examples(ExampleRows::open(input, format, &limits)?)
            }
            Format::Text if kind != Kind::Knowledge => {
                Rows::Text(Box::new(TextRows::open(input, &source.prefix, kind, &schema, limits)))
            }
            _ => Rows::Sections(SectionRows::open(input, format, kind, &limits)?),
        };
        rows.continue_at(options.continues.as_ref())?;
        Ok(Self {
            rows,
            kind,
            facts: Facts {
                format: source.document.unwrap_or(format),
                encoding: source.encoding.name().to_owned(),
                gzipped: source.is_packed,
                adapter: None,
            },
            schema,
            limits,
            redactor: options.redactor.clone(),
            published: options.redactor.for_published_texts(),
            found: Findings::default(),
            turns: VecDeque::new(),
            names: Names::default(),
            threads: Threads::default(),
            dialogue: Dialogue::default(),
            rows_read: 0,
            rows_left_out: 0,
            ready: VecDeque::new(),
            is_read: false,
            stop: None,
            ended: false,
            most: u64::MAX,
        })
    }

    /// What was found out about the file.
    pub fn facts(&self) -> Facts {
        let adapter = match &self.rows {
            Rows::Objects(objects) => objects.adapter.flatten(),
            Rows::Examples(_) => Some(Adapter::Rasa),
            _ => None,
        };
        Facts { adapter, ..self.facts.clone() }
    }

    /// The rows read so far, accepted or not; blank ones and the header do not count. Of an export, its messages.
    pub fn rows_read(&self) -> u64 {
        self.rows_read
    }

    /// Of the rows read, the messages that are not to be learnt from: private notes, events, what programs said, what was
    /// taken back, and those without a word.
    pub fn rows_left_out(&self) -> u64 {
        self.rows_left_out
    }

    /// Personal data found in the rows read so far, each occurrence counted once, whatever number of records shows its
    /// turn.
    pub fn found(&self) -> &Findings {
        &self.found
    }

    /// Reads one row, or one turn of an object, and puts what comes of it into `ready`.
    fn read(&mut self) {
        if let Some(turn) = self.turns.pop_front() {
            self.take(turn);
            if self.turns.is_empty() {
                // The next object is another conversation, even where it has the same name.
                self.break_off();
            }
            return;
        }
        if let Some((turns, names)) = self.threads.next() {
            (self.turns, self.names) = (turns, names);
            return;
        }
        if self.is_read {
            self.break_off();
            self.ready.extend(self.stop.take().map(Err));
            self.ended = true;
            return;
        }
        match self.next_given() {
            Ok(Some(Given::Row(Ok(interpret::Row::Message(message))))) => self.threads.hold(message),
            // Documents are cut already.
            Ok(Some(Given::Row(Ok(interpret::Row::Record(article)))))
                if self.kind == Kind::Knowledge && !matches!(self.rows, Rows::Sections(_)) =>
            {
                interpret::passages(article, &self.limits).into_iter().for_each(|passage| self.take(passage));
            }
            Ok(Some(Given::Row(Ok(interpret::Row::Record(record))))) => self.take(Ok(record)),
            Ok(Some(Given::Row(Ok(interpret::Row::LeftOut)) | Given::Nothing)) => {}
            // Where nothing was said nothing is interrupted.
            Ok(Some(Given::Row(Err(error))))
                if error.code == RowCode::EmptyText && self.kind == Kind::Conversations =>
            {
                self.ready.push_back(Ok(Err(error)));
            }
            Ok(Some(Given::Row(Err(error)))) => {
                if let Some(error) = self.threads.interrupt(error) {
                    self.take(Err(error));
                }
            }
            Ok(Some(Given::Heard(heard))) => (self.turns, self.names) = (heard.turns, heard.names),
            Ok(None) => self.end_of_rows(None),
            Err(stop) => self.end_of_rows(Some(stop)),
        }
    }

    /// Nothing more is read: what waits for the rest of its conversation is given, and then why the file ended, if not at
    /// its end.
    fn end_of_rows(&mut self, stop: Option<Stop>) {
        self.is_read = true;
        self.threads.end();
        self.stop = stop;
    }

    /// Reads no more rows than about so many.
    pub(crate) fn read_at_most(&mut self, rows: u64) {
        self.most = rows;
    }

    fn take(&mut self, row: Result<Record, RowError>) {
        match row {
            Ok(record) => {
                // Before it is heard: a turn stands in several records and is looked through once.
                let record = self.redacted(record);
                let complete = match record.role {
                    Some(_) => self.dialogue.hear(record),
                    None => Some(record),
                };
                self.ready.extend(complete.map(|record| Ok(Ok(record))));
            }
            Err(error) => {
                self.break_off();
                self.ready.push_back(Ok(Err(error)));
            }
        }
    }

    fn next_given(&mut self) -> Result<Option<Given>, Stop> {
        if self.rows_read >= self.most {
            return Ok(None);
        }
        let Some(given) = self.rows.next(self.kind, &self.schema, &self.limits)? else {
            if self.rows_read == 0 {
                return Err(FileError::NoRows.into());
            }
            return Ok(None);
        };
        let (read, left_out) = match &given {
            Given::Row(row) => (1, u64::from(matches!(row, Ok(interpret::Row::LeftOut)))),
            Given::Heard(heard) => (heard.messages, heard.left_out),
            Given::Nothing => (0, 0),
        };
        if read > 0 && self.rows_read + read > self.limits.rows {
            let limit = self.limits.rows;
            return Err(FileError::TooManyRows { limit }.into());
        }
        self.rows_read += read;
        self.rows_left_out += left_out;
        Ok(Some(given))
    }

    /// Ends the conversation at hand.
    fn break_off(&mut self) {
        let unanswered = self.dialogue.break_off();
        self.ready.extend(unanswered.map(|record| Ok(Ok(record))));
    }

    fn redacted(&mut self, record: Record) -> Record {
        let answering = if matches!(self.kind, Kind::Faq | Kind::Knowledge) { &self.published } else { &self.redactor };
        let (names, found) = (&self.names, &mut self.found);
        let mut hide = |redactor: &Redactor, text: String| {
            // Most texts hold nothing personal and are not copied.
            let hidden = match redactor.redact(&text, names, found) {
                std::borrow::Cow::Owned(hidden) => Some(hidden),
                std::borrow::Cow::Borrowed(_) => None,
            };
            hidden.unwrap_or(text)
        };
        let asking = if self.kind == Kind::Knowledge { &self.published } else { &self.redactor };
        Record {
            text: hide(asking, record.text),
            reply: record.reply.map(|reply| hide(answering, reply)),
            intent: record.intent.map(|intent| hide(&self.redactor, intent)),
            conversation: record.conversation.map(|id| self.redactor.pseudonym(id)),
            ..record
        }
    }

    /// Bytes held for the current row.
    #[cfg(test)]
    fn held_bytes(&self) -> usize {
        match &self.rows {
            Rows::Csv(rows) => rows.held_bytes(),
            Rows::Objects(objects) => objects.objects.held_bytes(),
            Rows::Text(_) | Rows::Sections(_) | Rows::Examples(_) => 0,
        }
    }
}

impl Redactor {
    /// An id that names a person, such as a telephone number, is replaced by one that names nobody and still tells one
    /// conversation from another.
    fn pseudonym(&self, id: String) -> String {
        if self.find(&id, &Names::default()).is_empty() {
            return id;
        }
        let digest = Sha256::digest(id.as_bytes());
        format!("hidden-{}", digest[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
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
