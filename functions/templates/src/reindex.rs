//! Takes what changed, and what templates were used for, into the index that they are searched by.
//!
//! The index is made anew from the one in force and from the templates that are marked; only those are read from the table. They
//! are found by their words from then on, and by what they mean once the encoder has read them, which takes most of the
//! time: a run encodes for a third of its own, and asks for the next run where something is left. A run that dies leaves marks
//! behind, and whoever searches looks at marked templates themselves: nothing is lost but time.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use romashka_domain::TemplateId;
use romashka_encoder::{Encoder, shipped};
use romashka_learning::Embedding;
use romashka_learning::search::MAX_PICKS;
use romashka_store::claims::{Claim, Claimed};
use romashka_store::objects::Object;
use romashka_store::queues::IndexTask;
use romashka_store::search_index::{IndexInForce, Mark};
use romashka_store::{PageSize, TenantStore};
use romashka_telemetry::Metric;
use romashka_worker::{Failure, Work, lease_seconds};
use sha2::{Digest, Sha256};

use crate::index::{Entry, Index, Indexed};

/// Marks that a run takes in, those of the templates that were made first; whoever searches looks at those that were made last.
const MAX_MARKS: usize = 500;
/// Templates that are encoded between two looks at the clock.
const AT_ONCE: usize = 25;
/// Requests to the table at the same time.
const REQUESTS: usize = 16;
/// Templates of an index; of more, those that were made last.
pub const MAX_TEMPLATES: usize = 50_000;

/// Templates of the index that is being made.
type All = BTreeMap<TemplateId, Indexed>;

/// Takes in what is marked, and asks for another run where something is left.
pub async fn reindex(work: Work<IndexTask>) -> Result<(), Failure> {
    let encoder = shipped().map_err(|error| Failure::Unreadable(error.to_string()))?;
    let store = &work.store;
    let began = Instant::now();
    // Each run's own, so that none gives back the claim of another.
    let claim = Claim::new("index", "templates", store.ids().next());
    if store.claims().take(&claim, lease_seconds()).await? == Claimed::Busy {
        // Whoever is at work looks for marks once more after giving the claim back, and so finds what this message is about. It
        // comes back all the same a few times, in case that one has died: its own message rests for much longer.
        return if work.is_last_delivery { Ok(()) } else { Err(Failure::Busy("the search index")) };
    }
    // The claim must not outlive a panic, or every other delivery would find somebody at work.
    let done = AssertUnwindSafe(take_in(store, encoder, began)).catch_unwind().await.unwrap_or(Err(Failure::Panicked));
    store.claims().release(&claim).await?;
    let is_unread = done?;
    if is_unread || !store.search_index().first_marks(1).await?.is_empty() {
        store.queues().send(&work.correlation_id, [IndexTask {}]).await?;
    }
    Ok(())
}

/// Makes the next index; whether the encoder has still to read some of its templates.
async fn take_in(store: &TenantStore, encoder: Option<&Encoder>, began: Instant) -> Result<bool, Failure> {
    let marks = store.search_index().first_marks(MAX_MARKS).await?;
    let before = store.search_index().in_force().await?;
    if marks.is_empty() && before.as_ref().is_none_or(|before| before.unread == 0) {
        return Ok(false);
    }
    let mut all = known(store, encoder, before.as_ref()).await?;
    let ids: Vec<TemplateId> = marks.iter().map(|mark| mark.template_id).collect();
    let now = store.templates().get_many(&ids).await?;
    let used = replace(&mut all, &ids, now.into_iter().filter_map(Entry::of));
    if let Some(encoder) = encoder {
        learn(store, encoder, &mut all, &used).await?;
    }
    while all.len() > MAX_TEMPLATES {
        all.pop_first();
    }
    // Where thousands came at once, all are to be found by their words before the first is by what it means.
    if let Some(encoder) = encoder.filter(|_| marks.len() < MAX_MARKS) {
        read_for_a_third(store, encoder, &mut all, &ids, began).await?;
    }
    let unread = if encoder.is_some() { unread_of(&all, &[]).len() } else { 0 };
    let index = Index::of(encoder.map(|encoder| encoder.id().to_owned()), all.into_values().collect(), None);
    let bytes = put_in_force(store, before, &index, unread as u64).await?;
    let taken = marks.len();
    unmark(store, marks).await?;
    tracing::info!(templates = index.entries.len(), taken, unread, bytes, "indexed");
    romashka_telemetry::record("templates.reindex", store.now(), &[Metric::count("Templates", taken as u64)]);
    Ok(unread > 0)
}

/// Puts what templates say by now in the place of what they said; one that is not among `now` is deleted. Gives those that say what
/// they said, as they were only used: they keep their meanings.
fn replace(all: &mut All, ids: &[TemplateId], now: impl Iterator<Item = Entry>) -> Vec<TemplateId> {
    let mut old: All = ids.iter().filter_map(|id| all.remove_entry(id)).collect();
    let mut used = Vec::new();
    for entry in now {
        let id = entry.id;
        let same = old.remove(&id).filter(|old| old.entry.version == entry.version && !old.meanings.is_empty());
        used.extend(same.as_ref().map(|_| id));
        all.insert(id, same.unwrap_or_else(|| Indexed::unread(entry)));
    }
    used
}

/// Encodes templates until a third of the time that a run has is over, `first` those that have just changed; the rest is for the index
/// itself, which takes seconds where it is large.
async fn read_for_a_third(
    store: &TenantStore,
    encoder: &Encoder,
    all: &mut All,
    first: &[TemplateId],
    began: Instant,
) -> Result<(), Failure> {
    let third = Duration::from_secs(lease_seconds().unsigned_abs()) / 3;
    for ids in unread_of(all, first).chunks(AT_ONCE) {
        for id in ids {
            if let Some(indexed) = all.get_mut(id) {
                indexed.meanings = indexed.entry.meanings(encoder);
            }
        }
        learn(store, encoder, all, ids).await?;
        if began.elapsed() >= third {
            break;
        }
    }
    Ok(())
}

/// Those that no encoder has read: some first, then the ones made last, as they are looked for most.
fn unread_of(all: &All, first: &[TemplateId]) -> Vec<TemplateId> {
    let is_unread = |id: &TemplateId| all.get(id).is_some_and(|indexed| indexed.meanings.is_empty());
    let before: BTreeSet<TemplateId> = first.iter().copied().filter(is_unread).collect();
    let after = all.keys().rev().copied().filter(|id| is_unread(id) && !before.contains(id));
    before.iter().copied().chain(after).collect()
}

/// Takes in what templates were used for of late.
async fn learn(store: &TenantStore, encoder: &Encoder, all: &mut All, ids: &[TemplateId]) -> Result<(), Failure> {
    let picks = ids.iter().copied().map(|id| async move { Ok::<_, Failure>((id, picks(store, encoder, id).await?)) });
    let picks: Vec<_> = stream::iter(picks).buffer_unordered(REQUESTS).try_collect().await?;
    for (id, picks) in picks {
        if let Some(indexed) = all.get_mut(&id) {
            indexed.picks = picks;
        }
    }
    Ok(())
}

/// The templates of the index in force, or all there are where it is lost.
async fn known(store: &TenantStore, encoder: Option<&Encoder>, before: Option<&IndexInForce>) -> Result<All, Failure> {
    // Before the first index every template is marked.
    let Some(before) = before else { return Ok(All::new()) };
    let bytes = store.objects().get(&Object::TemplateIndex(before.hash.clone())).await?;
    match bytes.and_then(|bytes| Index::from_bytes(&bytes)) {
        Some(index) => Ok(kept(&index, encoder.map(Encoder::id))),
        None => everything(store).await,
    }
}

/// The templates of an index. What another encoder understood is left out: it has to be read again, and is found by its words
/// until then.
fn kept(index: &Index, encoder: Option<&str>) -> All {
    let is_alike = index.encoder.as_deref() == encoder;
    let all = (0..index.entries.len()).map(|at| match index.indexed(at) {
        indexed if is_alike => indexed,
        Indexed { entry, .. } => Indexed::unread(entry),
    });
    all.map(|indexed| (indexed.entry.id, indexed)).collect()
}

async fn everything(store: &TenantStore) -> Result<All, Failure> {
    let mut all = All::new();
    let (size, mut cursor) = (PageSize::new(PageSize::MAX).unwrap_or_default(), None);
    loop {
        let page = store.templates().list(size, cursor.as_ref()).await?;
        let entries = page.items.into_iter().filter_map(Entry::of);
        all.extend(entries.map(|entry| (entry.id, Indexed::unread(entry))));
        cursor = page.next;
        if cursor.is_none() || all.len() >= MAX_TEMPLATES {
            return Ok(all);
        }
    }
}

/// Puts an index in force, unless it is the one that is; how many bytes it has.
async fn put_in_force(
    store: &TenantStore,
    before: Option<IndexInForce>,
    index: &Index,
    unread: u64,
) -> Result<usize, Failure> {
    let bytes = index.to_bytes();
    let size = bytes.len();
    let hash = hex::encode(Sha256::digest(&bytes));
    if before.as_ref().is_some_and(|before| before.hash == hash && before.unread == unread) {
        return Ok(size);
    }
    store.objects().put(&Object::TemplateIndex(hash.clone()), bytes).await?;
    let next = IndexInForce {
        revision: before.as_ref().map_or(1, |before| before.revision + 1),
        hash,
        before: before.as_ref().map(|before| before.hash.clone()),
        templates: index.entries.len() as u64,
        unread,
        built_at: store.now(),
    };
    if !store.search_index().supersede(before.as_ref(), &next).await? {
        return Err(Failure::Busy("the search index"));
    }
    // Whoever was about to read the one before the last has read it by now. An index may come back to what it was.
    if let Some(oldest) = before.and_then(|before| before.before).filter(|oldest| *oldest != next.hash) {
        store.objects().delete(&Object::TemplateIndex(oldest)).await?;
    }
    Ok(size)
}

async fn unmark(store: &TenantStore, marks: Vec<Mark>) -> Result<(), Failure> {
    let unmarked = stream::iter(marks).map(|mark| async move { store.search_index().unmark(&mark).await });
    Ok(unmarked.buffer_unordered(REQUESTS).try_collect().await?)
}

/// What a template was used for of late, each message once.
async fn picks(store: &TenantStore, encoder: &Encoder, id: TemplateId) -> Result<Vec<Embedding>, Failure> {
    let mut seen = Vec::new();
    let mut picks = Vec::new();
    for used_for in store.template_uses().latest(id).await?.into_iter().filter_map(|kept| kept.used_for) {
        if used_for.encoder != encoder.id() || seen.contains(&used_for.hash) || picks.len() == MAX_PICKS {
            continue;
        }
        picks.extend(used_for.meaning());
        seen.push(used_for.hash);
    }
    Ok(picks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::entry;

    fn id(number: u128) -> TemplateId {
        TemplateId::new(uuid::Uuid::from_u128(number))
    }

    fn read(number: u128) -> Indexed {
        let meaning = Embedding::from_values(std::array::from_fn(|at| at as i8));
        Indexed { entry: entry(number, "Refund"), meanings: vec![meaning.clone()], picks: vec![meaning] }
    }

    #[test]
    fn what_another_encoder_understood_is_not_kept() {
        let index = Index::of(Some("e".to_owned()), vec![read(1), read(2)], None);
        let read_of = |all: All| all.values().map(|at| (at.meanings.len(), at.picks.len())).collect::<Vec<_>>();
        assert_eq!(read_of(kept(&index, Some("e"))), [(1, 1), (1, 1)]);
        for other in [Some("f"), None] {
            let all = kept(&index, other);
            assert_eq!(all.keys().copied().collect::<Vec<_>>(), [id(1), id(2)]);
            assert_eq!(read_of(all), [(0, 0), (0, 0)], "{other:?}");
        }
    }

    #[test]
    fn a_template_that_was_only_used_keeps_its_meaning() {
        let mut all: All = [1, 2, 3].map(|number| (id(number), read(number))).into();
        all.insert(id(4), Indexed::unread(entry(4, "Refund")));
        let changed = Entry { version: 2, ..entry(2, "Money back") };
        let now = [entry(1, "Refund"), changed.clone(), entry(4, "Refund"), entry(5, "New")];
        let used = replace(&mut all, &[1, 2, 3, 4, 5].map(id), now.into_iter());
        assert_eq!(used, [id(1)]);
        assert_eq!(all.keys().copied().collect::<Vec<_>>(), [1, 2, 4, 5].map(id), "the third is deleted");
        let meanings = all.values().map(|indexed| indexed.meanings.len()).collect::<Vec<_>>();
        assert_eq!(meanings, [1, 0, 0, 0]);
        assert_eq!(all[&id(2)].entry, changed);
    }

    #[test]
    fn what_has_just_changed_is_read_before_the_latest() {
        let mut all: All = (1..=5).map(|number| (id(number), Indexed::unread(entry(number, "Refund")))).collect();
        all.insert(id(4), read(4));
        assert_eq!(unread_of(&all, &[id(2), id(4), id(9)]), [id(2), id(5), id(3), id(1)]);
    }
}
