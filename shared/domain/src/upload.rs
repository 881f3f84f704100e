//! An uploaded file on its way to becoming training data.

use romashka_ingest::redaction::Findings;
use romashka_ingest::{Facts, Kind, Mapping};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::feed::Transition;
use crate::{CorrelationId, Fault, NotAllowed, Timestamp, UploadId, UserId};

/// The largest file one upload takes, in bytes.
pub const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// From how many bytes on a file is sent in parts, so that a broken connection costs one of them.
pub const SENT_WHOLE_BYTES: u64 = 100 * 1024 * 1024;

/// Bytes of one part of a file that is sent in parts, the last one excepted. 5 GiB are 320 of them; S3 takes 10,000.
pub const SENT_PART_BYTES: u64 = 16 * 1024 * 1024;

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
    /// Rows kept as training data that are new.
    pub accepted: u64,
    /// Of the rows that are kept, those without an intent: no intent is learnt from them.
    pub unlabelled: u64,
    /// Rows with the same words, intent, reply and conversation as an earlier one, of the same file or of an earlier upload
    /// of its kind.
    pub duplicate: u64,
    /// Of the duplicates, those that stand in an earlier upload. They add nothing to what is known, and are kept so that
    /// the file can be trained on by itself.
    #[serde(default)]
    pub known: u64,
    /// Of the accepted, those that differ from an earlier row of the same file (of the same piece, where it is read in
    /// pieces) in nothing but numbers, punctuation and the order of words.
    #[serde(default)]
    pub near_duplicate: u64,
    /// Rows refused; see the error list.
    pub invalid: u64,
    /// Messages that are not to be learnt from: private notes, events, what programs said, what was taken back, and those
    /// without a word of their own.
    #[serde(default)]
    pub left_out: u64,
}

impl RowCounts {
    /// Rows that can be trained on.
    pub fn kept(&self) -> u64 {
        self.accepted + self.known
    }

    fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.accepted += other.accepted;
        self.unlabelled += other.unlabelled;
        self.duplicate += other.duplicate;
        self.known += other.known;
        self.near_duplicate += other.near_duplicate;
        self.invalid += other.invalid;
        self.left_out += other.left_out;
    }
}

/// A file that is sent in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transfer {
    /// What S3 calls it.
    pub id: String,
    /// Bytes of each part; the last one has what is left.
    pub part_bytes: u64,
    /// Parts.
    pub parts: u32,
}

/// What became of a piece of a large file. Pieces are read at the same time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PieceRead {
    /// What became of its rows.
    pub rows: RowCounts,
    /// What was replaced in them.
    pub redacted: Findings,
    /// Its bytes.
    pub bytes_read: u64,
    /// Parts written.
    pub parts: u32,
}

/// Parts of one piece are numbered from a multiple of this.
const PARTS_OF_A_PIECE: u32 = 1 << 16;

/// Rows that were found to be the same as others once the whole file was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// That stand in an earlier piece of the file.
    pub in_the_file: u64,
    /// That stand in an earlier upload.
    pub known: u64,
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
    /// Whether it waits, once it has come, for somebody to look at its preview and commit it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub review: bool,
    /// Whether somebody did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub committed: bool,
    /// What its columns are called, as far as somebody said it.
    #[serde(default, skip_serializing_if = "Mapping::is_empty")]
    pub mapping: Mapping,
    /// How it is sent, where it is sent in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
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
    /// Of a large file, what became of each piece; `null` for those that are not read yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Option<PieceRead>>,
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
    /// Whether it is to wait for a commit.
    pub review: bool,
    /// What its columns are called.
    pub mapping: Mapping,
    /// How it is sent, where it is sent in parts.
    pub transfer: Option<Transfer>,
}

impl Announcement {
    /// A file that is sent whole and read as soon as it has come.
    pub fn new(name: impl Into<String>, kind: Kind, size_bytes: u64) -> Self {
        Self { name: name.into(), kind, size_bytes, review: false, mapping: Mapping::default(), transfer: None }
    }
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
            review: announcement.review,
            committed: false,
            mapping: announcement.mapping,
            transfer: announcement.transfer,
            size_bytes: announcement.size_bytes,
            bytes_read: 0,
            facts: None,
            rows: RowCounts::default(),
            redacted: Findings::default(),
            parts: 0,
            pieces: Vec::new(),
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

    /// Whether it may not be read before somebody commits it.
    pub fn awaits_commit(&self) -> bool {
        self.review && !self.committed
    }

    /// Notes that the bytes are there, where it may not be read yet.
    pub fn arrive(&mut self, now: Timestamp) {
        if self.state == UploadState::Pending {
            self.enter(UploadState::Uploaded, now);
        }
    }

    /// Lets it be read, under these names of its columns. Repeated with the same names before reading has begun, it
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// Where it has not come yet, or was let or read already.
    pub fn commit(&mut self, mapping: Mapping, now: Timestamp) -> Result<(), NotAllowed> {
        let is_repeated = self.committed && self.mapping == mapping;
        if self.state != UploadState::Uploaded || self.committed && !is_repeated {
            return Err(NotAllowed { what: "upload", state: self.state.name(), action: "be committed" });
        }
        if !is_repeated {
            self.committed = true;
            self.mapping = mapping;
            self.touch(now);
        }
        Ok(())
    }

    /// Notes that it is read in so many pieces; what was noted of them before stays.
    pub fn begin_pieces(&mut self, facts: Facts, count: usize, now: Timestamp) {
        if self.pieces.len() != count {
            self.pieces = vec![None; count];
            self.facts = Some(facts);
            self.touch(now);
        }
    }

    /// Notes what became of a piece, once.
    pub fn read_piece(&mut self, index: usize, read: PieceRead, now: Timestamp) {
        let Some(place) = self.pieces.get_mut(index).filter(|place| place.is_none()) else { return };
        self.rows.add(&read.rows);
        self.redacted.add(&read.redacted);
        self.bytes_read += read.bytes_read;
        self.parts += read.parts;
        *place = Some(read);
        self.touch(now);
    }

    /// Whether every piece is read.
    pub fn is_whole(&self) -> bool {
        self.pieces.iter().all(Option::is_some)
    }

    /// The number of the first part of a piece.
    pub fn first_part(piece: u32) -> u32 {
        piece * PARTS_OF_A_PIECE
    }

    /// The numbers of its parts, in the order of its rows.
    pub fn part_numbers(&self) -> Vec<u32> {
        if self.pieces.is_empty() {
            return (0..self.parts).collect();
        }
        let numbers = (0..).zip(&self.pieces).flat_map(|(piece, read)| {
            let first = Self::first_part(piece);
            first..first + read.as_ref().map_or(0, |read| read.parts)
        });
        numbers.collect()
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
        if !self.pieces.is_empty() {
            return Ok(());
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

    /// Ends reading: usable if any row was kept.
    pub fn complete(&mut self, repeated: Repeated, now: Timestamp) {
        let all = (repeated.in_the_file + repeated.known).min(self.rows.accepted);
        self.rows.accepted -= all;
        self.rows.duplicate += all;
        self.rows.known = repeated.known;
        if self.rows.kept() == 0 {
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
        let announcement = Announcement::new("faq.csv", Kind::Faq, 10);
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
        upload.complete(Repeated::default(), Timestamp::UNIX_EPOCH);
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
        upload.complete(Repeated::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(upload.state, UploadState::Ready);
        assert!(upload.begin_ingestion(Timestamp::UNIX_EPOCH).is_err());
    }
    #[test]
    fn a_file_that_is_to_be_looked_at_is_not_read_before_it_is_committed() {
        let mut upload = Upload { review: true, ..upload() };
        let names = |theirs| Mapping::from_iter([("question", theirs)]);
        let now = Timestamp::UNIX_EPOCH;
        assert!(upload.commit(names("Frage"), now).is_err(), "it has not come");
        upload.arrive(now);
        assert!(upload.awaits_commit());
        upload.commit(names("Frage"), now).unwrap();
        let seq = upload.seq;
        upload.commit(names("Frage"), now).unwrap();
        assert_eq!((upload.seq, upload.awaits_commit()), (seq, false));
        assert!(upload.commit(names("Thema"), now).is_err());
    }

    #[test]
    fn pieces_are_counted_once_each_in_any_order_and_survive_a_second_beginning() {
        let mut upload = upload();
        let now = Timestamp::UNIX_EPOCH;
        let facts =
            Facts { format: romashka_ingest::Format::Ndjson, encoding: String::new(), gzipped: false, adapter: None };
        let read = |parts| PieceRead {
            rows: RowCounts { read: 4, accepted: 4, ..RowCounts::default() },
            bytes_read: 5,
            parts,
            ..PieceRead::default()
        };
        upload.begin_ingestion(now).unwrap();
        upload.begin_pieces(facts.clone(), 2, now);
        upload.read_piece(1, read(1), now);
        upload.read_piece(1, read(1), now);
        upload.begin_ingestion(now).unwrap();
        upload.begin_pieces(facts, 2, now);
        assert!(!upload.is_whole());
        upload.read_piece(0, read(2), now);
        assert!(upload.is_whole());
        assert_eq!((upload.rows.accepted, upload.bytes_read), (8, 10));
        assert_eq!(upload.part_numbers(), [0, 1, 1 << 16]);
        upload.complete(Repeated { in_the_file: 1, known: 7 }, now);
        assert_eq!((upload.rows.accepted, upload.rows.duplicate, upload.state), (0, 8, UploadState::Ready));
    }
}
