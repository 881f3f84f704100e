//! Plain text as rows: utterances one a line, questions and answers in pairs, conversations turn by turn.

use std::io::{BufReader, Read};
use std::sync::LazyLock;

use regex::Regex;

use crate::errors::{RowCode, RowError, Stop};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::lines::Lines;
use crate::quotes::expression;
use crate::records::RawRow;
use crate::schema::{Cell, Cells, Field, Schema};
use crate::speakers::Speaker;

/// Words for speakers that begin lines of forms and letters, too.
const EVERYDAY: &[&str] = &[
    "service",
    "contact",
    "contacto",
    "contato",
    "contatto",
    "note",
    "notes",
    "in",
    "out",
    "sent",
    "received",
    "call",
    "log",
    "lead",
    "team",
    "member",
    "case",
    "event",
    "template",
    "function",
    "tool",
    "private",
    "internal",
    "notiz",
    "nota",
    "примечание",
    "заметка",
];

/// Words before a question and before an answer.
const QUESTION: &[&str] = &["q", "question", "frage", "f", "pregunta", "вопрос", "в"];
const ANSWER: &[&str] = &["a", "answer", "antwort", "respuesta", "r", "ответ", "о"];

/// Rows of a text.
pub(crate) struct TextRows<R> {
    lines: Lines<R>,
    kind: Kind,
    limits: Limits,
    /// What ends a conversation.
    break_at: Break,
    /// The conversation at hand, counted from 1.
    conversation: u64,
    /// Parts of the row that is given.
    first: String,
    second: String,
    /// What was read and belongs to the next row.
    ahead: Option<Line>,
    id: String,
    /// State of a chat log, if the file is one.
    log: Option<Log>,
}

/// State of a chat log. Its first writer is the customer, unless the mapping says who is who.
struct Log {
    schema: Schema,
    customer: Option<String>,
    /// Author of the message at hand. Its time is of no use: logs are in order.
    name: String,
}

/// A line that is not blank.
struct Line {
    number: u64,
    speaker: Option<Speaker>,
    text: String,
    /// Of a chat log, by whom it was written.
    logged: Option<String>,
}

/// The beginning of a turn: a speaker with a time before or behind, and a colon.
static SPEAKER: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?\s*T?)?(?:\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?Z?)?";
    expression(&format!(
        r"^\s*[-*>•]?\s*[\[(]?{time}[\])]?\s*[-–—|]?\s*[*_\[<]*(?P<word>\p{{L}}(?:[\p{{L}}\p{{M}} _|.-]|\(\p{{L}}[\p{{L}} ]*\)){{0,39}}?)[*_\]>]*\s*[,\[(]?\s*{time}\s*[\])]?[*_]*\s*:[*_]*"
    ))
});

/// What ends a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    /// A blank line before a turn.
    Blank,
    /// A blank line before a customer's turn: there is one between any two turns, so it says little.
    BlankBeforeCustomer,
}

impl Break {
    /// Decided by whether turns ever follow each other without a blank line.
    fn of(kind: Kind, prefix: &str) -> Self {
        let mut lines = prefix.lines();
        let mut after_turn = false;
        let follows = lines.any(|line| {
            let is_turn = speaker(kind, line).is_some();
            let follows = is_turn && after_turn;
            after_turn = is_turn || after_turn && !line.trim().is_empty();
            follows
        });
        if follows { Self::Blank } else { Self::BlankBeforeCustomer }
    }
}

/// Whether a text reads as turns of conversations, or as questions with answers: two of its lines say who speaks.
pub(crate) fn is_dialogue(kind: Kind, prefix: &str) -> bool {
    kind == Kind::Conversations && is_log(prefix)
        || prefix.lines().filter(|line| speaker(kind, line).is_some()).take(2).count() == 2
}

/// The beginning of a message in a chat log, as WhatsApp and others export them: a date, a time, a name and a colon. What the
/// program itself says has no name.
static LOGGED: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}";
    let time = r"\d{1,2}:\d{2}(?::\d{2})?(?:[\s\u{202F}]?[AaPp]\.?\s?[Mm]\b\.?)?";
    expression(&format!(
        r"^[\u{{200E}}\u{{200F}}]*\[?{date},?\s+{time}\]?\s*[-–—]?\s+(?:[\u{{200E}}\u{{200F}}~]*\s*(?P<name>[^:\n]{{1,60}}):(?:\s|$))?"
    ))
});

/// Returns true if a text is a chat log: two of its first lines begin with a date, a time and a name.
fn is_log(prefix: &str) -> bool {
    let lines = prefix.lines().filter_map(|line| LOGGED.captures(line));
    lines.filter(|line| line.name("name").is_some()).take(2).count() == 2
}

/// The speaker that a line names, and the place where the words begin. A time before or behind the speaker is passed over, as in
/// `[10:15] Customer:` and `Customer (10:15):`.
fn speaker(kind: Kind, line: &str) -> Option<(Speaker, usize)> {
    let begun = SPEAKER.captures(line)?;
    let (word, whole) = (begun.name("word")?.as_str().trim(), begun.get(0)?.end());
    let is =
        |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word) || *known == word.to_lowercase());
    let speaker = match kind {
        Kind::Faq if is(QUESTION) => Speaker::Customer,
        Kind::Faq if is(ANSWER) => Speaker::Agent,
        Kind::Conversations if EVERYDAY.contains(&word.to_lowercase().as_str()) => return None,
        Kind::Conversations => Speaker::named(word).or_else(|| Speaker::in_label(word))?,
        _ => return None,
    };
    Some((speaker, whole))
}

impl<R: Read> TextRows<R> {
    pub(crate) fn open(input: BufReader<R>, prefix: &[u8], kind: Kind, schema: &Schema, limits: Limits) -> Self {
        let prefix = String::from_utf8_lossy(prefix);
        let is_log = kind == Kind::Conversations && is_log(&prefix);
        let log = || Log { schema: schema.clone(), customer: None, name: String::new() };
        Self {
            log: is_log.then(log),
            break_at: Break::of(kind, &prefix),
            lines: Lines::open(input, limits.row_bytes),
            kind,
            limits,
            conversation: 1,
            first: String::new(),
            second: String::new(),
            ahead: None,
            id: String::new(),
        }
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<RawRow<'_>>, Stop> {
        match self.kind {
            Kind::Conversations => self.next_turn(),
            Kind::Faq => self.next_pair(),
            Kind::Utterances | Kind::Knowledge => {
                let Some(line) = self.next_line()? else { return Ok(None) };
                let line = match line {
                    Ok(line) => line,
                    Err(error) => return Ok(Some(Err(error))),
                };
                self.first = line.text;
                let mut cells = Cells::default();
                cells.place(Field::Text, 0, Cell::Text(self.first.as_str().into()));
                Ok(Some(Ok((line.number, cells))))
            }
        }
    }

    /// A turn, with the lines that go on with it.
    fn next_turn(&mut self) -> Result<Option<RawRow<'_>>, Stop> {
        let begun = self.conversation;
        let line = match self.take_line()? {
            None => return Ok(None),
            Some(Err(error)) => return Ok(Some(Err(error))),
            Some(Ok(line)) => line,
        };
        if line.speaker == Some(Speaker::Nobody) {
            self.first = line.text;
            self.go_on(self.conversation.max(begun))?;
            let mut cells = Cells::default();
            cells.place(Field::Sort, 0, Cell::Text("system".into()));
            return Ok(Some(Ok((line.number, cells))));
        }
        let Some(speaker) = line.speaker else {
            let why = "the line does not say who speaks; begin it with a word such as `Customer:` or `Agent:`";
            return Ok(Some(Err(RowError::of_row(line.number, RowCode::UnknownRole, why))));
        };
        let conversation = self.conversation.max(begun);
        if let (Some(log), Some(name)) = (&mut self.log, line.logged) {
            log.name = name;
        }
        self.first = line.text;
        self.go_on(conversation)?;
        self.id = format!("conversation-{conversation}");
        let mut cells = Cells::default();
        cells.place(Field::Conversation, 0, Cell::Text(self.id.as_str().into()));
        if let Some(log) = &self.log {
            cells.place(Field::AuthorName, 0, Cell::Text(log.name.as_str().into()));
        }
        let role = if speaker == Speaker::Customer { "customer" } else { "agent" };
        cells.place(Field::Role, 0, Cell::Text(role.into()));
        cells.place(Field::Text, 0, Cell::Text(self.first.as_str().into()));
        Ok(Some(Ok((line.number, cells))))
    }

    /// A question with its answer.
    fn next_pair(&mut self) -> Result<Option<RawRow<'_>>, Stop> {
        let line = match self.take_line()? {
            None => return Ok(None),
            Some(Err(error)) => return Ok(Some(Err(error))),
            Some(Ok(line)) => line,
        };
        if line.speaker != Some(Speaker::Customer) {
            let why =
                "an answer without a question before it; write `Q:` before the question and `A:` before its answer";
            return Ok(Some(Err(RowError::of_row(line.number, RowCode::MissingColumn, why))));
        }
        self.first = line.text;
        self.go_on(0)?;
        self.second.clear();
        let answers = self.ahead.as_ref().is_some_and(|ahead| ahead.speaker == Some(Speaker::Agent));
        if answers && let Some(answer) = self.ahead.take() {
            let question = std::mem::replace(&mut self.first, answer.text);
            self.go_on(0)?;
            self.second = std::mem::replace(&mut self.first, question);
        }
        let mut cells = Cells::default();
        cells.place(Field::Text, 0, Cell::Text(self.first.as_str().into()));
        cells.place(Field::Reply, 0, Cell::Text(self.second.as_str().into()));
        Ok(Some(Ok((line.number, cells))))
    }

    /// Adds the lines that name no speaker to what was said; in a conversation, as far as it goes.
    fn go_on(&mut self, conversation: u64) -> Result<(), Stop> {
        while self.first.len() < self.limits.row_bytes {
            match self.next_line()? {
                Some(Ok(line))
                    if line.speaker.is_none() && (conversation == 0 || self.conversation == conversation) =>
                {
                    self.first.push('\n');
                    self.first.push_str(&line.text);
                }
                Some(Ok(line)) => {
                    self.ahead = Some(line);
                    break;
                }
                // A line that cannot be read is left out of what was said.
                Some(Err(_)) => {}
                None => break,
            }
        }
        Ok(())
    }

    fn take_line(&mut self) -> Result<Option<Result<Line, RowError>>, Stop> {
        match self.ahead.take() {
            Some(line) => Ok(Some(Ok(line))),
            None => self.next_line(),
        }
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> Result<Option<Result<Line, RowError>>, Stop> {
        let before = self.lines.number;
        let Some(length) = self.lines.read()? else { return Ok(None) };
        let number = self.lines.number;
        if length > self.limits.row_bytes as u64 {
            return Ok(Some(Err(RowError::too_large(number, length, self.limits.row_bytes))));
        }
        let Ok(line) = str::from_utf8(&self.lines.line) else {
            let why = "the line is not UTF-8; save the file as UTF-8";
            return Ok(Some(Err(RowError::of_row(number, RowCode::NotUtf8, why))));
        };
        let line = line.trim();
        if let Some(log) = &mut self.log {
            return Ok(Some(Ok(log.line(number, line))));
        }
        let found = speaker(self.kind, line);
        let text = line[found.map_or(0, |(_, words)| words)..].trim().to_owned();
        let speaker = found.map(|(speaker, _)| speaker);
        let is_after_blank = before > 0 && number > before + 1;
        let ends = match self.break_at {
            Break::Blank => speaker.is_some(),
            Break::BlankBeforeCustomer => speaker == Some(Speaker::Customer),
        };
        self.conversation += u64::from(is_after_blank && ends);
        Ok(Some(Ok(Line { number, speaker, text, logged: None })))
    }
}

impl Log {
    /// A line of the log; one without a time goes on with the message before it.
    fn line(&mut self, number: u64, line: &str) -> Line {
        let Some(begun) = LOGGED.captures(line) else {
            return Line { number, speaker: None, text: line.to_owned(), logged: None };
        };
        let text = line[begun.get(0).map_or(0, |whole| whole.end())..].trim().to_owned();
        let Some(name) = begun.name("name").map(|name| name.as_str().trim()) else {
            return Line { number, speaker: Some(Speaker::Nobody), text, logged: None };
        };
        let is_program = text.starts_with('\u{200E}') || is_placeholder(&text);
        // Whoever is called support answers, whoever writes first.
        let labelled = self.schema.speaker(name).or_else(|| Speaker::in_label(name));
        let is_labelled = labelled.is_some() || is_program;
        let candidate = if is_labelled { None } else { Some(name.to_owned()) };
        self.customer = self.customer.take().or(candidate);
        let customer = self.customer.clone().unwrap_or_default();
        let by_name = match labelled {
            Some(speaker) => speaker,
            None if customer.as_str() == name => Speaker::Customer,
            None => Speaker::Agent,
        };
        let speaker = if is_placeholder(&text) { Speaker::Nobody } else { by_name };
        let text = without_edited(&text).to_owned();
        Line { number, speaker: Some(speaker), text, logged: Some(name.to_owned()) }
    }
}

/// Returns true if a message stands for a picture or a file that the export left out, as in `<Media omitted>`.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim_start_matches(['\u{200E}', '\u{200F}']);
    let lower = text.to_lowercase();
    text.starts_with('<') && text.ends_with('>')
        || text.len() < 80 && (LEFT_OUT.iter().any(|end| lower.trim_end_matches('.').ends_with(end)) || lower == "null")
}

/// Ends of what stands for a picture that was left out or a message that was taken back.
const LEFT_OUT: &[&str] = &[
    " omitted",
    " weggelassen",
    " ausgeschlossen",
    " omitido",
    " omitida",
    " ocultado",
    " ocultada",
    " absente",
    " absent",
    " omesso",
    " omessa",
    " weggelaten",
    " pominięto",
    " опущено",
    " пропущен",
    " пропущено",
    "message was deleted",
    "deleted this message",
    "nachricht wurde gelöscht",
    "nachricht gelöscht",
    "eliminó este mensaje",
    "mensaje eliminado",
    "mensagem apagada",
    "apagou esta mensagem",
    "message a été supprimé",
    "message supprimé",
    "messaggio eliminato",
    "bericht is verwijderd",
    "wiadomość została usunięta",
    "сообщение удалено",
    "удалили данное сообщение",
    "повідомлення видалено",
    "bu mesaj silindi",
];

/// The message without what a program adds to a changed one: `<This message was edited>`.
fn without_edited(text: &str) -> &str {
    let end = text.trim_end();
    match end.rfind(['<', '\u{200E}']) {
        Some(at) if end.ends_with('>') && end[at..].chars().count() < 60 && at > 0 && end[at..].contains(' ') => {
            end[..at].trim_end_matches(['\u{200E}', ' '])
        }
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Kind, Options, Records};

    fn conversations(text: &str) -> Vec<(String, String)> {
        let records = Records::open(text.as_bytes(), Kind::Conversations, &Options::default()).unwrap();
        records
            .map(|row| row.unwrap().unwrap())
            .map(|record| (record.conversation.unwrap_or_default(), record.reply.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_blank_line_ends_a_conversation_where_turns_follow_each_other_without_one() {
        let found = conversations("Customer: hi\nAgent: hello\n\nCustomer: bye\n");
        assert_eq!(found, [("conversation-1".into(), "hello".into()), ("conversation-2".into(), String::new())]);
    }

    #[test]
    fn a_chat_log_names_people_of_whom_the_first_is_the_customer() {
        let log = "12.03.26, 10:14 - Messages are end-to-end encrypted.\n12.03.26, 10:15 - Rosa Blum: Passt das Brett\n\
                   in die Spülmaschine?\n12.03.26, 10:16 - Werkstatt: <Medien ausgeschlossen>\n\
                   12.03.26, 10:17 - Werkstatt: Nein, Rosa, bitte von Hand.\n12.03.26, 10:18 - Rosa Blum: Danke\n";
        for log in [log.to_owned(), log.replace("12.03.26, ", "[3/12/26, ").replace(" - ", " AM] ")] {
            let mut records = Records::open(log.as_bytes(), Kind::Conversations, &Options::default()).unwrap();
            let found: Vec<_> = records.by_ref().map(|row| row.unwrap().unwrap()).collect();
            assert_eq!(found.len(), 2, "{log}");
            assert_eq!(found[0].text, "Passt das Brett in die Spülmaschine?");
            assert_eq!(found[0].reply.as_deref(), Some("Nein, {{customer.name}}, bitte von Hand."));
            assert_eq!((records.rows_read(), records.rows_left_out()), (5, 2));
        }
    }

    #[test]
    fn words_that_begin_lines_of_a_letter_are_no_speakers() {
        let found = conversations(
            "Customer: My form says\nService: Express\nContact: by mail\nPlease note: today\nIs it right?\nAnna (Agent): Yes.\n",
        );
        assert_eq!(found, [("conversation-1".into(), "Yes.".into())]);
    }

    #[test]
    fn a_message_of_a_log_may_begin_on_the_next_line_and_support_may_write_first() {
        let log = "12/3/26, 10:15 a. m. - Acme Support: Hola\n12/3/26, 10:16 a. m. - Rosa: Donde esta?\n\
                   12/3/26, 1:05 p. m. - Acme Support: \nSalio hoy.\n";
        let records = Records::open(log.as_bytes(), Kind::Conversations, &Options::default()).unwrap();
        let found: Vec<_> = records.map(|row| row.unwrap().unwrap()).collect();
        assert_eq!(
            (found.len(), found[0].text.as_str(), found[0].reply.as_deref()),
            (1, "Donde esta?", Some("Salio hoy."))
        );
    }

    #[test]
    fn a_time_beside_the_speaker_is_passed_over_and_what_programs_say_is_left_out() {
        let found = conversations(
            "[10:14] Kundin: Wo ist mein Paket?\nSystem: Tom joined\nAgent (10:15): It left today.\n\
             2026-03-01 10:16:02 - **Customer**: thanks\nAgent, 10:17 AM: bye\n",
        );
        let replies: Vec<_> = found.into_iter().map(|(_, reply)| reply).collect();
        assert_eq!(replies, ["It left today.", "bye"]);
    }

    #[test]
    fn a_blank_line_between_all_turns_parts_no_answer_from_its_question() {
        let found = conversations("Customer: hi\n\nAgent: hello\nto you\n\nCustomer: bye\n\nAgent: good bye\n");
        let replies: Vec<_> = found.into_iter().map(|(_, reply)| reply).collect();
        assert_eq!(replies, ["hello\nto you", "good bye"]);
    }
}
