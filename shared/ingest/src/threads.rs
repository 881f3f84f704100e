//! Messages of tables, gathered by conversation and put in the order in which they were said.
//!
//! Exports of messages come newest first, sorted by anything, or with the conversations of a day interleaved. So messages
//! wait until the file ends, within a bound: of a larger file the conversations that were silent longest go first.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::errors::RowError;
use crate::moments::Moment;
use crate::record::Record;
use crate::redaction::Names;

/// Bytes of messages that wait.
const WAITING_BYTES: usize = 64 << 20;
/// Bytes that a message takes beside its words.
const MESSAGE_BYTES: usize = 400;

/// A message of a table.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) record: Record,
    /// Time of the message.
    pub(crate) at: Moment,
    /// Those who took part, as far as the message names them.
    pub(crate) names: Vec<String>,
}

/// The messages of a conversation, in their order, with the rows between them that could not be read.
pub(crate) type Thread = VecDeque<Result<Record, RowError>>;

/// Bytes of a name.
const MOST_NAME_BYTES: usize = 200;

/// People that are remembered of one conversation.
const MOST_NAMES: usize = 100;

/// Conversations that wait for the rest of their messages.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    waiting: HashMap<String, Waiting>,
    /// The conversation of the latest message.
    latest: Option<String>,
    /// Messages so far.
    messages: u64,
    bytes: usize,
    ready: VecDeque<(Thread, Names)>,
    has_ended: bool,
}

#[derive(Debug)]
struct Waiting {
    /// The numbers of its first message and of its latest.
    first: u64,
    latest: u64,
    bytes: usize,
    names: BTreeSet<String>,
    messages: Vec<(Message, Vec<RowError>)>,
}

impl Threads {
    /// Takes the next message of the file.
    pub(crate) fn hold(&mut self, mut message: Message) {
        self.messages += 1;
        let id = message.record.conversation.clone().unwrap_or_default();
        let words = message.record.text.len() + message.record.reply.as_ref().map_or(0, String::len);
        message.names.iter_mut().for_each(|name| name.truncate(name.floor_char_boundary(MOST_NAME_BYTES)));
        let names: usize = message.names.iter().map(String::len).sum();
        let bytes = MESSAGE_BYTES + words + names + 2 * id.len();
        let waiting = self.waiting.entry(id.clone()).or_insert_with(|| Waiting {
            first: self.messages,
            latest: 0,
            bytes: 0,
            names: BTreeSet::new(),
            messages: Vec::new(),
        });
        let room = MOST_NAMES - waiting.names.len();
        waiting.names.extend(std::mem::take(&mut message.names).into_iter().take(room));
        waiting.latest = self.messages;
        waiting.bytes += bytes;
        waiting.messages.push((message, Vec::new()));
        self.latest = Some(id);
        self.bytes += bytes;
        if self.bytes > WAITING_BYTES {
            self.release();
        }
    }

    /// Takes a row that could not be read: it may have been a message of the conversation at hand, so no reply reaches over
    /// it. Gives it back where there is none.
    pub(crate) fn interrupt(&mut self, error: RowError) -> Option<RowError> {
        let Some(waiting) = self.latest.as_ref().and_then(|id| self.waiting.get_mut(id)) else { return Some(error) };
        let Some((_, errors)) = waiting.messages.last_mut() else { return Some(error) };
        let bytes = MESSAGE_BYTES + error.why.len();
        errors.push(error);
        waiting.bytes += bytes;
        self.bytes += bytes;
        if self.bytes > WAITING_BYTES {
            self.release();
        }
        None
    }

    /// Ends the file: nothing waits any longer.
    pub(crate) fn end(&mut self) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let mut rest: Vec<Waiting> = std::mem::take(&mut self.waiting).into_values().collect();
        rest.sort_by_key(|waiting| waiting.first);
        self.ready.extend(rest.into_iter().map(Waiting::in_order));
        self.bytes = 0;
    }

    /// The next conversation that is waited for no longer, with those who took part.
    pub(crate) fn next(&mut self) -> Option<(Thread, Names)> {
        self.ready.pop_front()
    }

    /// Lets go of the conversations that were silent longest, up to half of all bytes.
    fn release(&mut self) {
        let mut silent: Vec<(u64, String)> =
            self.waiting.iter().map(|(id, waiting)| (waiting.latest, id.clone())).collect();
        silent.sort_unstable();
        for (_, id) in silent {
            if self.bytes <= WAITING_BYTES / 2 {
                break;
            }
            if let Some(waiting) = self.waiting.remove(&id) {
                self.bytes -= waiting.bytes;
                self.ready.push_back(waiting.in_order());
            }
        }
    }
}

impl Waiting {
    /// The messages by their times, where all have one. Of equal times the order of the file counts, and where that is the
    /// newest first, the reverse of it.
    fn in_order(self) -> (Thread, Names) {
        let names = Names::of(self.names.iter().map(String::as_str));
        let mut messages = self.messages;
        let moments: Vec<Moment> = messages.iter().map(|(message, _)| message.at).collect();
        if let Some(times) = Moment::milliseconds(&moments) {
            if times.is_sorted_by(|a, b| a >= b) && times.first() != times.last() {
                messages.reverse();
            } else if !times.is_sorted() {
                let mut timed: Vec<_> = times.into_iter().zip(messages).collect();
                timed.sort_by_key(|(time, _)| *time);
                messages = timed.into_iter().map(|(_, message)| message).collect();
            }
        }
        let rows = |(message, errors): (Message, Vec<RowError>)| {
            std::iter::once(Ok(message.record)).chain(errors.into_iter().map(Err))
        };
        (messages.into_iter().flat_map(rows).collect(), names)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::errors::RowCode;

    fn message(row: u64, conversation: &str, at: Option<i64>) -> Message {
        let record = Record {
            row,
            text: "hello".into(),
            intent: None,
            reply: None,
            conversation: Some(conversation.to_owned()),
            role: None,
            before: Vec::new(),
        };
        Message { record, at: at.map_or(Moment::default(), Moment::at), names: Vec::new() }
    }

    fn rows(threads: &mut Threads) -> Vec<Vec<u64>> {
        let row = |row: Result<Record, RowError>| row.map_or_else(|error| error.row, |record| record.row);
        std::iter::from_fn(|| threads.next()).map(|(thread, _)| thread.into_iter().map(row).collect()).collect()
    }

    #[test]
    fn interleaved_messages_are_gathered_and_newest_first_is_turned_round() {
        let mut threads = Threads::default();
        for (row, conversation, at) in [(1, "b", 5), (2, "a", 9), (3, "b", 4), (4, "a", 9), (5, "b", 4)] {
            threads.hold(message(row, conversation, Some(at)));
        }
        threads.end();
        assert_eq!(rows(&mut threads), [vec![5, 3, 1], vec![2, 4]]);
    }

    #[test]
    fn a_row_that_could_not_be_read_stays_behind_the_message_before_it() {
        let error = || RowError::of_row(9, RowCode::InvalidJson, "broken");
        let mut threads = Threads::default();
        assert_eq!(threads.interrupt(error()), Some(error()));
        threads.hold(message(1, "a", Some(2)));
        assert_eq!(threads.interrupt(error()), None);
        threads.hold(message(2, "a", Some(1)));
        threads.end();
        assert_eq!(rows(&mut threads), [vec![2, 1, 9]]);
    }

    #[test]
    fn conversations_that_were_silent_longest_are_let_go_first() {
        let mut threads = Threads::default();
        let count = (WAITING_BYTES / MESSAGE_BYTES) as u64;
        (0..count).for_each(|row| threads.hold(message(row, &(row / 100).to_string(), None)));
        let gone = rows(&mut threads);
        assert_eq!(gone[0], (0..100).collect::<Vec<_>>());
        assert!(threads.bytes <= WAITING_BYTES);
        threads.end();
        let all: usize = gone.iter().chain(&rows(&mut threads)).map(Vec::len).sum();
        assert_eq!(all as u64, count);
    }

    proptest! {
        #[test]
        fn no_message_is_lost_and_times_never_go_back(
            sent in prop::collection::vec((0_u8..4, prop::option::weighted(0.9, 0_i64..50)), 0..60),
        ) {
            let mut threads = Threads::default();
            for (row, (conversation, at)) in sent.iter().enumerate() {
                threads.hold(message(row as u64, &conversation.to_string(), *at));
            }
            threads.end();
            let given = rows(&mut threads);
            let mut all = given.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..sent.len() as u64).collect::<Vec<_>>());
            for thread in given {
                let times: Vec<_> = thread.iter().map(|row| sent[*row as usize].1).collect();
                prop_assert!(times.contains(&None) || times.is_sorted());
            }
        }
    }
}
