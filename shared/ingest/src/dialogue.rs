//! Turns into records: what the customer said, with what came before it and the whole reply that it got.
//!
//! One exchange is held (the customer's latest turn and the agent's turns after it) with a few turns before it, so a
//! conversation of a million turns costs no more memory than one of ten. A reply belongs to the turn right before it. A
//! turn of another conversation, or a row that could not be read, ends the conversation at hand.
//!
//! Turns come here without anything personal in them: each stands in several records, and is looked through once.

use std::collections::VecDeque;
use std::mem;

use crate::record::{MAX_TURNS_BEFORE, Record, Role, Turn};

/// Bytes of a reply that is joined from several turns, at most. A turn that is longer by itself is a reply by itself.
pub const MAX_JOINED_REPLY_BYTES: usize = 8 << 10;

/// The conversation at hand.
#[derive(Debug, Default)]
pub(crate) struct Dialogue {
    conversation: Option<String>,
    /// The turns before the exchange at hand, oldest first.
    before: VecDeque<Turn>,
    /// The customer's turn that waits for its reply.
    waiting: Option<Record>,
    reply: Reply,
}

/// The agent's turns since the customer's latest.
#[derive(Debug, Default)]
struct Reply {
    text: Option<String>,
    /// A turn was left out, and so are those after it: a reply has no gaps.
    is_full: bool,
}

impl Reply {
    fn add(&mut self, words: String) {
        let Some(text) = &mut self.text else {
            self.text = Some(words);
            return;
        };
        self.is_full |= text.len() + 1 + words.len() > MAX_JOINED_REPLY_BYTES;
        if !self.is_full {
            text.push('\n');
            text.push_str(&words);
        }
    }
}

impl Dialogue {
    /// Takes the next turn of the file, an agent's with its words as `reply`, and returns the record that it completes.
    pub(crate) fn hear(&mut self, turn: Record) -> Option<Record> {
        let complete = match turn.role {
            _ if turn.conversation != self.conversation => self.break_off(),
            Some(Role::Customer) => self.complete(),
            _ => None,
        };
        self.conversation.clone_from(&turn.conversation);
        if turn.role == Some(Role::Customer) {
            self.waiting = Some(Record { before: self.before.iter().cloned().collect(), ..turn });
        } else if let Some(words) = turn.reply {
            self.reply.add(words);
        }
        complete
    }

    /// Ends the conversation and returns its last record, if one waits.
    pub(crate) fn break_off(&mut self) -> Option<Record> {
        let last = self.complete();
        self.before.clear();
        self.conversation = None;
        last
    }

    /// Ends the exchange at hand: returns its record and remembers its turns.
    fn complete(&mut self) -> Option<Record> {
        let reply = mem::take(&mut self.reply).text;
        let mut asked = self.waiting.take();
        if let Some(asked) = &asked {
            self.remember(Role::Customer, &asked.text);
        }
        if let Some(reply) = &reply {
            self.remember(Role::Agent, reply);
        }
        if let Some(asked) = &mut asked {
            asked.reply = reply;
        }
        asked
    }

    fn remember(&mut self, role: Role, words: &str) {
        if self.before.len() == MAX_TURNS_BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(Turn::new(role, words));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::MAX_TURN_BYTES;

    fn turn(row: u64, conversation: &str, by: Role, words: &str) -> Record {
        let (text, reply) = match by {
            Role::Customer => (words.to_owned(), None),
            Role::Agent => (String::new(), Some(words.to_owned())),
        };
        let conversation = Some(conversation.to_owned());
        Record { row, text, intent: None, reply, conversation, role: Some(by), before: Vec::new() }
    }

    /// The records of turns in one conversation; `None` is a row that could not be read.
    fn records<'a>(turns: impl IntoIterator<Item = Option<(Role, &'a str)>>) -> Vec<Record> {
        let mut dialogue = Dialogue::default();
        let mut records = Vec::new();
        for (row, said) in turns.into_iter().enumerate() {
            records.extend(match said {
                Some((by, words)) => dialogue.hear(turn(row as u64, "1", by, words)),
                None => dialogue.break_off(),
            });
        }
        records.extend(dialogue.break_off());
        records
    }

    fn said(words: &str) -> Option<(Role, &str)> {
        Some((Role::Customer, words))
    }

    fn answered(words: &str) -> Option<(Role, &str)> {
        Some((Role::Agent, words))
    }

    fn before(record: &Record) -> Vec<(Role, &str)> {
        record.before.iter().map(|turn| (turn.role, turn.text.as_str())).collect()
    }

    #[test]
    fn consecutive_agent_turns_are_one_reply() {
        let turns = [said("where is it?"), answered("One moment."), answered("It left today."), said("thanks")];
        let found = records(turns);
        assert_eq!(found[0].reply.as_deref(), Some("One moment.\nIt left today."));
        let exchange = [(Role::Customer, "where is it?"), (Role::Agent, "One moment.\nIt left today.")];
        assert_eq!((before(&found[1]), found[1].reply.as_deref()), (exchange.to_vec(), None));
    }

    #[test]
    fn an_opening_stands_before_the_first_question() {
        let found = records([answered("Hello!"), answered("How can I help?"), said("a refund"), answered("Done.")]);
        assert_eq!(found.len(), 1);
        assert_eq!(before(&found[0]), [(Role::Agent, "Hello!\nHow can I help?")]);
        assert_eq!(found[0].reply.as_deref(), Some("Done."));
    }

    #[test]
    fn every_customer_turn_is_a_turn_of_its_own() {
        let found = records([said("hello"), said("where is it?"), answered("Here."), said("thanks")]);
        assert_eq!(found.iter().map(|record| record.before.len()).collect::<Vec<_>>(), [0, 1, 3]);
        assert_eq!(before(&found[2])[1..], [(Role::Customer, "where is it?"), (Role::Agent, "Here.")]);
    }

    #[test]
    fn an_unreadable_row_ends_the_conversation() {
        let found = records([said("hello"), None, answered("Hi."), said("where is it?"), None, said("hm")]);
        assert_eq!(found.iter().map(|record| record.reply.as_deref()).collect::<Vec<_>>(), [None; 3]);
        assert_eq!(found.iter().map(before).collect::<Vec<_>>(), [vec![], vec![(Role::Agent, "Hi.")], vec![]]);
    }

    #[test]
    fn another_conversation_remembers_nothing() {
        let mut dialogue = Dialogue::default();
        assert_eq!(dialogue.hear(turn(1, "1", Role::Customer, "hello")), None);
        let first = dialogue.hear(turn(2, "2", Role::Agent, "hi")).unwrap();
        assert_eq!((first.row, first.reply), (1, None));
        assert_eq!(dialogue.hear(turn(3, "1", Role::Customer, "and now?")), None);
        let second = dialogue.break_off().unwrap();
        assert_eq!((second.row, second.before, second.reply), (3, vec![], None));
        assert_eq!(dialogue.break_off(), None);
    }

    #[test]
    fn only_the_latest_turns_are_kept() {
        let numbers: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        let found = records(numbers.iter().map(|number| said(number)));
        let kept: Vec<&str> = before(&found[9]).into_iter().map(|(_, words)| words).collect();
        assert_eq!(kept, ["3", "4", "5", "6", "7", "8"]);
    }

    #[test]
    fn a_long_reply_ends_with_the_last_turn_that_fits() {
        let half = "a".repeat(MAX_JOINED_REPLY_BYTES / 2);
        let rest = "b".repeat(MAX_JOINED_REPLY_BYTES / 2 - 1);
        let exact = records([said("?"), answered(&half), answered(&rest), answered("c")]);
        assert_eq!(exact[0].reply.as_deref(), Some(format!("{half}\n{rest}").as_str()));
        let over = records([said("?"), answered(&half), answered(&half), answered("c")]);
        assert_eq!(over[0].reply.as_deref(), Some(half.as_str()), "nothing follows a gap");
    }

    #[test]
    fn a_turn_beyond_the_bound_is_a_reply_by_itself() {
        let long = "a".repeat(MAX_JOINED_REPLY_BYTES + 1);
        let found = records([said("?"), answered(&long), answered("b")]);
        assert_eq!(found[0].reply.as_deref(), Some(long.as_str()));
    }

    #[test]
    fn a_million_turns_take_the_memory_of_a_few() {
        let mut dialogue = Dialogue::default();
        let words = "a".repeat(200);
        for row in 0..1_000_000 {
            let by = if row % 100_000 == 0 { Role::Customer } else { Role::Agent };
            dialogue.hear(turn(row, "1", by, &words));
        }
        assert!(dialogue.reply.text.as_ref().unwrap().capacity() <= 2 * MAX_JOINED_REPLY_BYTES);
        assert!(dialogue.before.capacity() <= 2 * MAX_TURNS_BEFORE);
        assert!(dialogue.before.iter().all(|turn| turn.text.capacity() <= MAX_TURN_BYTES));
    }

    /// One row of a file of conversations.
    #[derive(Debug, Clone)]
    enum Row {
        Turn { conversation: u8, by: Role, words: String },
        Unreadable,
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let by = prop::sample::select(vec![Role::Customer, Role::Agent]);
        let words = prop_oneof![
            6 => "[a-zé]{1,6}",
            1 => (0_usize..6_000).prop_map(|length| format!("a{}", "é".repeat(length))),
        ];
        let turn = (prop_oneof![8 => Just(0_u8), 1 => Just(1)], by, words)
            .prop_map(|(conversation, by, words)| Row::Turn { conversation, by, words });
        prop::collection::vec(prop_oneof![20 => turn, 1 => Just(Row::Unreadable)], 0..60)
    }

    /// Stretches of rows that belong together, each with the numbers of its turns.
    fn stretches(rows: &[Row]) -> Vec<Vec<(u64, Role, &str)>> {
        let mut stretches = Vec::new();
        let mut of = None;
        for (number, row) in rows.iter().enumerate() {
            let Row::Turn { conversation, by, words } = row else {
                of = None;
                continue;
            };
            if of != Some(conversation) {
                stretches.push(Vec::new());
            }
            of = Some(conversation);
            stretches.last_mut().unwrap().push((number as u64, *by, words.as_str()));
        }
        stretches
    }

    proptest! {
        #[test]
        fn no_turn_is_lost(rows in rows()) {
            let mut dialogue = Dialogue::default();
            let mut records = Vec::new();
            for (number, row) in rows.iter().enumerate() {
                records.extend(match row {
                    Row::Unreadable => dialogue.break_off(),
                    Row::Turn { conversation, by, words } => {
                        dialogue.hear(turn(number as u64, &conversation.to_string(), *by, words))
                    }
                });
            }
            records.extend(dialogue.break_off());

            let mut records = records.into_iter();
            for stretch in stretches(&rows) {
                let mut before: Vec<Turn> = Vec::new();
                for exchange in stretch.chunk_by(|_, next| next.1 == Role::Agent) {
                    let (asked, answers) = match exchange {
                        [(row, Role::Customer, words), answers @ ..] => (Some((*row, *words)), answers),
                        opening => (None, opening),
                    };
                    let answers: Vec<&str> = answers.iter().map(|answer| answer.2).collect();
                    let fitting = (1..=answers.len())
                        .take_while(|count| *count == 1 || answers[..*count].join("\n").len() <= MAX_JOINED_REPLY_BYTES);
                    let reply = fitting.last().map(|count| answers[..count].join("\n"));
                    if let Some((row, words)) = asked {
                        let record = records.next().expect("every customer's turn is a record");
                        prop_assert_eq!((record.row, record.text.as_str()), (row, words));
                        prop_assert_eq!(&record.reply, &reply);
                        let latest = before.len().saturating_sub(MAX_TURNS_BEFORE);
                        prop_assert_eq!(&record.before, &before[latest..]);
                        prop_assert!(record.before.iter().all(|turn| turn.text.len() <= MAX_TURN_BYTES));
                        before.push(Turn::new(Role::Customer, words));
                    }
                    before.extend(reply.map(|reply| Turn::new(Role::Agent, &reply)));
                }
            }
            prop_assert_eq!(records.next(), None, "nothing but customers' turns are records");
        }
    }
}
