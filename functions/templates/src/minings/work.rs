//! Reads what agents wrote and finds what they write again and again.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use romashka_domain::mining::{Mining, MiningCounts};
use romashka_domain::{Fault, NotAllowed};
use romashka_ingest::Record;
use romashka_learning::language;
use romashka_mining::{MAX_REPLIES, MAX_TOTAL_BYTES, Mined, Reply, Settings, mine};
use romashka_store::claims::{Claim, Claimed};
use romashka_store::objects::Object;
use romashka_store::queues::MineTask;
use romashka_store::{ChangeError, TenantStore};
use romashka_worker::{Failure, Work, lease_seconds};

use super::proposals::keep;

/// Proposals of whole replies, and passages, that a mining keeps at most.
const MOST_PROPOSALS: usize = 200;
/// Parts of uploads that are looked through, 500 rows each, and how many are fetched at the same time.
const MAX_PARTS: usize = 10_000;
const AT_ONCE: usize = 8;

/// Works on a mining. What it writes depends on the uploads alone, so doing it twice writes the same to the same place.
pub async fn work(work: Work<MineTask>) -> Result<(), Failure> {
    let done = work_once(&work).await;
    let Err(failure) = done else { return Ok(()) };
    // Whoever is at work on it will end it.
    if work.is_last_delivery && !matches!(failure, Failure::Busy(_)) {
        let fault = Fault::new("gave_up", "the replies could not be compared in any attempt; start another mining");
        settle(change(&work, |mining| mining.fail(fault.clone(), work.store.now())).await)?;
    }
    Err(failure)
}

async fn work_once(work: &Work<MineTask>) -> Result<(), Failure> {
    let store = &work.store;
    let claim = Claim::new("mine", work.task.mining_id, "");
    if store.claims().take(&claim, lease_seconds()).await? == Claimed::Busy {
        return Err(Failure::Busy("the mining"));
    }
    // The claim must not outlive a panic, or every other delivery would find somebody at work.
    let done = AssertUnwindSafe(find(work)).catch_unwind().await.unwrap_or(Err(Failure::Panicked));
    store.claims().release(&claim).await?;
    done
}

async fn find(work: &Work<MineTask>) -> Result<(), Failure> {
    let store = &work.store;
    let mining = match change(work, |mining| mining.begin(store.now())).await {
        Ok(mining) => mining,
        Err(ChangeError::NotAllowed(refusal)) => return ignore(&refusal),
        Err(ChangeError::NotFound(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let read = match read(store, &mining).await? {
        Ok(read) => read,
        Err(fault) => return settle(change(work, |mining| mining.fail(fault.clone(), store.now())).await),
    };
    let Read { replies, not_read, .. } = read;
    let settings = Settings {
        least_replies: usize::try_from(mining.least_replies).unwrap_or(usize::MAX),
        most_proposals: MOST_PROPOSALS,
    };
    let mined = mine(&replies, &settings).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let counts = counts(&mined, not_read);
    tracing::info!(replies = counts.replies, proposals = counts.proposals, passages = counts.passages, "mined");
    keep(store, mining.id, &mined).await?;
    settle(change(work, |mining| mining.complete(counts, store.now())).await)
}

fn counts(mined: &Mined, not_read: u64) -> MiningCounts {
    MiningCounts {
        replies: mined.replies as u64,
        not_read,
        left_out: mined.left_out as u64,
        covered: mined.covered as u64,
        partly_covered: mined.partly_covered as u64,
        proposals: u32::try_from(mined.proposals.len()).unwrap_or(u32::MAX),
        passages: u32::try_from(mined.passages.len()).unwrap_or(u32::MAX),
    }
}

/// What was read of the uploads.
#[derive(Default)]
struct Read {
    replies: Vec<Reply>,
    bytes: usize,
    /// Rows that were looked at.
    rows: u64,
    /// Rows that were not.
    not_read: u64,
    /// Of conversation and reply: one that answers two messages of a customer stands in two rows.
    seen: HashSet<u64>,
}

impl Read {
    fn is_full(&self) -> bool {
        self.replies.len() == MAX_REPLIES || self.bytes >= MAX_TOTAL_BYTES
    }

    fn take(&mut self, record: Record) {
        self.rows += 1;
        let (Some(text), Some(conversation)) = (record.reply, record.conversation) else { return };
        let mut hasher = DefaultHasher::new();
        (&conversation, &text).hash(&mut hasher);
        if self.is_full() || self.bytes + text.len() > MAX_TOTAL_BYTES || !self.seen.insert(hasher.finish()) {
            return;
        }
        self.bytes += text.len();
        let language = language::detect(&text).map(|detection| detection.language.code().to_owned());
        self.replies.push(Reply { text, conversation, language, resolved: None });
    }
}

async fn read(store: &TenantStore, mining: &Mining) -> Result<Result<Read, Fault>, Failure> {
    let (mut parts, mut rows) = (Vec::new(), 0);
    for upload_id in &mining.upload_ids {
        let Some(upload) = store.uploads().get(*upload_id).await? else {
            let message = format!("the upload {upload_id} is gone; start a mining without it");
            return Ok(Err(Fault::new("upload_gone", message)));
        };
        rows += upload.rows.kept();
        parts.extend(upload.part_numbers().into_iter().map(|part| (*upload_id, part)));
    }
    parts.truncate(MAX_PARTS);
    let mut read = Read::default();
    let get = |(upload_id, part)| async move {
        let bytes = store.objects().get(&Object::Part(upload_id, part)).await?;
        Ok::<_, Failure>((upload_id, bytes))
    };
    let mut got = stream::iter(parts.into_iter().map(get)).buffered(AT_ONCE);
    while let Some((upload_id, bytes)) = got.try_next().await? {
        let Some(bytes) = bytes else {
            let message = format!("the rows of the upload {upload_id} are gone; upload it again");
            return Ok(Err(Fault::new("part_gone", message)));
        };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let record = serde_json::from_slice(line)
                .map_err(|error| Failure::Unreadable(format!("a row of a part, column {}", error.column())))?;
            read.take(record);
        }
        if read.is_full() {
            break;
        }
    }
    read.not_read = rows.saturating_sub(read.rows);
    Ok(Ok(read))
}

async fn change(
    work: &Work<MineTask>,
    step: impl FnMut(&mut Mining) -> Result<(), NotAllowed>,
) -> Result<Mining, ChangeError> {
    work.store.minings().change(work.task.mining_id, step).await
}

/// Takes it that an earlier delivery ended the mining.
fn settle(changed: Result<Mining, ChangeError>) -> Result<(), Failure> {
    match changed {
        Ok(_) => Ok(()),
        Err(ChangeError::NotAllowed(refusal)) => ignore(&refusal),
        Err(error) => Err(error.into()),
    }
}

fn ignore(refusal: &NotAllowed) -> Result<(), Failure> {
    tracing::info!(%refusal, "nothing to do");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(row: u64, conversation: &str, reply: &str) -> Record {
        Record {
            row,
            text: "where is it?".to_owned(),
            intent: None,
            reply: Some(reply.to_owned()),
            conversation: Some(conversation.to_owned()),
            role: None,
            before: Vec::new(),
        }
    }

    #[test]
    fn a_reply_to_two_messages_is_one_reply() {
        let mut read = Read::default();
        read.take(record(1, "c1", "It left today."));
        read.take(record(2, "c1", "It left today."));
        read.take(record(3, "c2", "It left today."));
        assert_eq!(read.replies.iter().map(|reply| &*reply.conversation).collect::<Vec<_>>(), ["c1", "c2"]);
    }

    #[test]
    fn no_more_is_taken_than_can_be_compared() {
        let mut read = Read::default();
        let long = "a".repeat(MAX_TOTAL_BYTES / 3 - 1);
        (0..6).for_each(|at| read.take(record(at, &format!("c{at}"), &format!("{at}{long}"))));
        assert_eq!((read.replies.len(), read.rows), (3, 6));
    }
}
