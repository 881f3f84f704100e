//! Turns into records: what the customer said, with the reply it got.
//!
//! Only the customer's latest turn is held, so a conversation of a million turns costs no more memory
//! than one of two. A reply belongs to the turn right before it: of several agents' turns in a row the
//! first counts, and a turn of another conversation, or a row that could not be read, ends the wait.

use crate::record::{Record, Role};

/// The customer's turn that waits for its reply.
#[derive(Debug, Default)]
pub(crate) struct Dialogue {
    waiting: Option<Record>,
}

impl Dialogue {
    /// Takes the next turn of the file, an agent's turn with its words as `reply`; gives back the record
    /// that it completes.
    pub(crate) fn hear(&mut self, turn: Record) -> Option<Record> {
        if turn.role == Some(Role::Customer) {
            return self.waiting.replace(turn);
        }
        let mut asked = self.waiting.take()?;
        if asked.conversation == turn.conversation {
            asked.reply = turn.reply;
        }
        Some(asked)
    }

    /// Gives back the turn that still waits: no reply to it will come.
    pub(crate) fn break_off(&mut self) -> Option<Record> {
        self.waiting.take()
    }
}
