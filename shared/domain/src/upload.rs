//! An uploaded file on its way to becoming training data.

use romashka_ingest::redaction::Findings;
use romashka_ingest::{Facts, Kind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::feed::Transition;
use crate::{CorrelationId, Fault, NotAllowed, Timestamp, UploadId, UserId};

/// The largest file one upload takes, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// The longest file name kept, in characters.
pub const MAX_NAME_CHARS: usize = 200;

/// How long a presigned upload address works, in seconds.
pub const UPLOAD_WINDOW_SECONDS: i64 = 15 * 60;

const NO_USABLE_ROWS: &str = "no_usable_rows";

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Announced; its bytes have not come yet.
    Pending,
    /// The bytes are there.
    Uploaded,
    /// Its rows are being read.
    Ingesting,
    /// Every row was taken.
    Ready,
    /// Some rows were refused; the error list says which and why. The others train.
    CompletedWithErrors,
    /// Nothing of it can be used; `error` says why.
    Failed,
}

impl UploadState {
    /// Whether training may use it.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Ready | Self::CompletedWithErrors)
    }

    /// Whether nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        self.is_usable() || self == Self::Failed
    }

    /// The name as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Uploaded => "uploaded",
            Self::Ingesting => "ingesting",
            Self::Ready => "ready",
            Self::CompletedWithErrors => "completed_with_errors",
            Self::Failed => "failed",
        }
    }
}

/// What became of the rows so far, or of the messages where the file is the export of a help desk.
/// `read = accepted + duplicate + invalid + left_out`, except that of conversations an agent's turn is read as the reply in
/// its customer's row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowCounts {
    /// Rows read.
    pub read: u64,
    /// Rows kept as training data.
    pub accepted: u64,
    /// Of the accepted, those without an intent: kept, but no intent is learnt from them.
    pub unlabelled: u64,
    /// Rows that stand earlier in the same file, with the same words, intent, reply and conversation.
    pub duplicate: u64,
    /// Rows refused; see the error list.
    pub invalid: u64,
    /// Messages that are not to be learnt from: private notes, events, what programs said, what was taken back, and those
    /// without a word of their own.
    #[serde(default)]
    pub left_out: u64,
}

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// Identifies it.
    pub id: UploadId,
    /// The file's name, as its owner calls it.
    pub name: String,
    /// What the file holds.
    pub kind: Kind,
    /// Where it stands.
    pub state: UploadState,
    /// The file's size in bytes, as announced and signed.
    pub size_bytes: u64,
    /// Bytes read so far.
    pub bytes_read: u64,
    /// What was found out about it by its content, once reading has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// What became of the rows.
    pub rows: RowCounts,
    /// How often each kind of personal data was replaced by a placeholder.
    #[serde(default)]
    pub redacted: Findings,
    /// Parts the accepted rows were written to; each becomes one training batch.
    pub parts: u32,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// Counts every change.
    pub seq: u64,
    /// Every state it entered, in order.
    pub transitions: Vec<Transition<UploadState>>,
    /// Follows the work it caused through logs and frames.
    pub correlation_id: CorrelationId,
    /// Who announced it.
    pub created_by: UserId,
    /// When it was announced.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How far reading has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reached {
    /// What the file is.
    pub facts: Option<Facts>,
    /// What became of the rows.
    pub rows: RowCounts,
    /// What was replaced in them.
    pub redacted: Findings,
    /// Bytes read.
    pub bytes_read: u64,
    /// Parts written.
    pub parts: u32,
}

/// What a client says of a file before it sends the bytes.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// The file's name.
    pub name: String,
    /// What the file holds.
    pub kind: Kind,
    /// Its size in bytes.
    pub size_bytes: u64,
}

impl Upload {
    /// A file that was announced and is awaited.
    pub fn announced(
        id: UploadId,
        announcement: Announcement,
        correlation_id: CorrelationId,
        created_by: UserId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            name: announcement.name,
            kind: announcement.kind,
            state: UploadState::Pending,
            size_bytes: announcement.size_bytes,
            bytes_read: 0,
            facts: None,
            rows: RowCounts::default(),
            redacted: Findings::default(),
            parts: 0,
            error: None,
            seq: 1,
            transitions: vec![Transition { seq: 1, state: UploadState::Pending, at: now }],
            correlation_id,
            created_by,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether its refused rows are listed. A file that was refused as a whole has no list: its `error` says it all.
    pub fn has_error_list(&self) -> bool {
        let read_to_the_end = match self.state {
            UploadState::CompletedWithErrors => true,
            UploadState::Failed => self.error.as_ref().is_some_and(|fault| fault.code == NO_USABLE_ROWS),
            _ => false,
        };
        read_to_the_end && self.rows.invalid > 0
    }

    /// Notes that the bytes are there, and that reading begins (again, after a crash).
    pub fn begin_ingestion(&mut self, now: Timestamp) -> Result<(), NotAllowed> {
        if self.state.is_final() {
            return Err(NotAllowed { what: "upload", state: self.state.name(), action: "be ingested again" });
        }
        if self.state == UploadState::Pending {
            self.enter(UploadState::Uploaded, now);
        }
        match self.state {
            UploadState::Uploaded => self.enter(UploadState::Ingesting, now),
            _ => self.touch(now),
        }
        self.bytes_read = 0;
        self.rows = RowCounts::default();
        self.redacted = Findings::default();
        self.parts = 0;
        Ok(())
    }

    /// Notes how far reading has come.
    pub fn progress(&mut self, reached: Reached, now: Timestamp) {
        self.facts = reached.facts;
        self.rows = reached.rows;
        self.redacted = reached.redacted;
        self.bytes_read = reached.bytes_read;
        self.parts = reached.parts;
        self.touch(now);
    }

    /// Ends reading: usable if any row was accepted.
    pub fn complete(&mut self, now: Timestamp) {
        if self.rows.accepted == 0 {
            let message = match self.rows.invalid {
                0 => "the file has a header but no rows; add at least one row below it".to_owned(),
                invalid => format!("none of the {invalid} rows could be used; the error list says why, row by row"),
            };
            return self.fail(Fault::new(NO_USABLE_ROWS, message), now);
        }
        let state = if self.rows.invalid == 0 { UploadState::Ready } else { UploadState::CompletedWithErrors };
        self.enter(state, now);
    }

    /// Ends it without use.
    pub fn fail(&mut self, fault: Fault, now: Timestamp) {
        self.error = Some(fault);
        self.enter(UploadState::Failed, now);
    }

    fn enter(&mut self, state: UploadState, now: Timestamp) {
        self.touch(now);
        self.state = state;
        self.transitions.push(Transition { seq: self.seq, state, at: now });
    }

    fn touch(&mut self, now: Timestamp) {
        self.seq += 1;
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn upload() -> Upload {
        let announcement = Announcement { name: "faq.csv".into(), kind: Kind::Faq, size_bytes: 10 };
        let (correlation, user) = ("c".parse().unwrap(), "u".parse().unwrap());
        Upload::announced(UploadId::new(Uuid::nil()), announcement, correlation, user, Timestamp::UNIX_EPOCH)
    }

    fn reached(rows: RowCounts) -> Reached {
        Reached { rows, bytes_read: 10, parts: 1, ..Reached::default() }
    }

    #[test]
    fn a_file_with_no_usable_row_fails_and_says_where_to_look() {
        let mut upload = upload();
        upload.begin_ingestion(Timestamp::UNIX_EPOCH).unwrap();
        upload.progress(reached(RowCounts { read: 3, invalid: 3, ..RowCounts::default() }), Timestamp::UNIX_EPOCH);
        upload.complete(Timestamp::UNIX_EPOCH);
        assert_eq!(upload.state, UploadState::Failed);
        assert!(upload.error.unwrap().message.contains("error list"));
    }

    #[test]
    fn beginning_again_after_a_crash_counts_from_nothing_and_enters_no_state_twice() {
        let mut upload = upload();
        upload.begin_ingestion(Timestamp::UNIX_EPOCH).unwrap();
        upload.progress(reached(RowCounts { read: 5, accepted: 5, ..RowCounts::default() }), Timestamp::UNIX_EPOCH);
        upload.begin_ingestion(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((upload.rows, upload.parts), (RowCounts::default(), 0));
        assert_eq!(upload.transitions.iter().filter(|t| t.state == UploadState::Ingesting).count(), 1);
    }

    #[test]
    fn a_finished_upload_is_not_ingested_twice() {
        let mut upload = upload();
        upload.begin_ingestion(Timestamp::UNIX_EPOCH).unwrap();
        upload.progress(reached(RowCounts { read: 1, accepted: 1, ..RowCounts::default() }), Timestamp::UNIX_EPOCH);
        upload.complete(Timestamp::UNIX_EPOCH);
        assert_eq!(upload.state, UploadState::Ready);
        assert!(upload.begin_ingestion(Timestamp::UNIX_EPOCH).is_err());
    }
}
