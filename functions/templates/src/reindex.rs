//! Takes what changed, and what templates were used for, into the index that they are searched by.
//!
//! The index is made anew from the one in force and from the templates that are marked; only those are read and encoded.
//! A run that dies leaves marks behind, and whoever searches looks at marked templates themselves: nothing is lost but time.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use romashka_domain::TemplateId;
use romashka_encoder::{Encoder, shipped};
use romashka_learning::Embedding;
use romashka_learning::search::MAX_PICKS;
use romashka_store::objects::Object;
use romashka_store::queues::IndexTask;
use romashka_store::search_index::{IndexInForce, Mark};
use romashka_store::{PageSize, TenantStore};
use romashka_telemetry::Metric;
use romashka_worker::{Failure, Work};
use sha2::{Digest, Sha256};

use crate::index::{Entry, Index, Indexed};

/// Marked templates that one round takes in.
const AT_ONCE: usize = 200;
/// Rounds of one run; what is left then has messages of its own.
const ROUNDS: usize = 20;
/// Requests to the table at the same time.
const REQUESTS: usize = 16;
/// Templates of an index; of more, those that were made last.
pub const MAX_TEMPLATES: usize = 50_000;

/// Takes in all that is marked.
pub async fn reindex(work: Work<IndexTask>) -> Result<(), Failure> {
    let encoder = shipped().map_err(|error| Failure::Unreadable(error.to_string()))?;
    for _ in 0..ROUNDS {
        let mut marks = work.store.search_index().marks().await?;
        if marks.is_empty() {
            break;
        }
        marks.truncate(AT_ONCE);
        take_in(&work.store, encoder, &marks).await?;
    }
    Ok(())
}

async fn take_in(store: &TenantStore, encoder: Option<&Encoder>, marks: &[Mark]) -> Result<(), Failure> {
    let before = store.search_index().in_force().await?;
    let reads_alike = encoder.map(|encoder| encoder.id().to_owned());
    let (mut all, is_new) = match known(store, before.as_ref()).await? {
        Some(index) if index.encoder == reads_alike => {
            let all = (0..index.entries.len()).map(|at| index.indexed(at));
            (all.map(|indexed| (indexed.entry.id, indexed)).collect(), false)
        }
        _ => (BTreeMap::new(), true),
    };
    let ids: Vec<TemplateId> = marks.iter().map(|mark| mark.template_id).collect();
    // Before the first index every template is marked: taking them in by and by needs no run that is long enough for all.
    let is_anew = is_new && before.is_some();
    let templates = if is_anew { everything(store).await? } else { store.templates().get_many(&ids).await? };
    let changed = templates.len();
    for id in &ids {
        all.remove(id);
    }
    let entries = templates.into_iter().filter_map(Entry::of);
    let encoded = entries.map(|entry| async {
        let picks = picks(store, encoder, entry.id).await?;
        let meanings = encoder.map_or_else(Vec::new, |encoder| entry.meanings(encoder));
        Ok::<_, Failure>(Indexed { entry, meanings, picks })
    });
    let encoded: Vec<Indexed> = stream::iter(encoded).buffer_unordered(REQUESTS).try_collect().await?;
    all.extend(encoded.into_iter().map(|indexed| (indexed.entry.id, indexed)));
    while all.len() > MAX_TEMPLATES {
        all.pop_first();
    }
    let index = Index::of(reads_alike, all.into_values().collect(), None);
    let bytes = index.to_bytes();
    let hash = hex::encode(Sha256::digest(&bytes));
    let size = bytes.len() as u64;
    if before.as_ref().is_none_or(|before| before.hash != hash) {
        store.objects().put(&Object::TemplateIndex(hash.clone()), bytes).await?;
        let next = IndexInForce {
            revision: before.as_ref().map_or(1, |before| before.revision + 1),
            hash,
            before: before.as_ref().map(|before| before.hash.clone()),
            templates: index.entries.len() as u64,
            built_at: store.now(),
        };
        if !store.search_index().supersede(before.as_ref(), &next).await? {
            return Err(Failure::Busy("the search index"));
        }
        // Whoever was about to read the one before the last has read it by now. An index may come back to what it was.
        if let Some(oldest) = before.and_then(|before| before.before).filter(|oldest| *oldest != next.hash) {
            store.objects().delete(&Object::TemplateIndex(oldest)).await?;
        }
    }
    stream::iter(marks.to_vec())
        .map(|mark| async move { store.search_index().unmark(&mark).await })
        .buffer_unordered(REQUESTS)
        .try_collect::<()>()
        .await?;
    tracing::info!(templates = index.entries.len(), changed, bytes = size, "indexed");
    romashka_telemetry::record("templates.reindex", store.now(), &[Metric::count("Templates", changed as u64)]);
    Ok(())
}

/// The index in force, where it is still there and readable; without it, it is made anew from everything.
async fn known(store: &TenantStore, in_force: Option<&IndexInForce>) -> Result<Option<Index>, Failure> {
    let Some(in_force) = in_force else { return Ok(None) };
    let bytes = store.objects().get(&Object::TemplateIndex(in_force.hash.clone())).await?;
    Ok(bytes.and_then(|bytes| Index::from_bytes(&bytes)))
}

async fn everything(store: &TenantStore) -> Result<Vec<romashka_domain::template::Template>, Failure> {
    let mut all = Vec::new();
    let (size, mut cursor) = (PageSize::new(PageSize::MAX).unwrap_or_default(), None);
    loop {
        let page = store.templates().list(size, cursor.as_ref()).await?;
        all.extend(page.items.into_iter().filter(|template| template.deleted_at.is_none()));
        cursor = page.next;
        if cursor.is_none() || all.len() >= MAX_TEMPLATES {
            return Ok(all);
        }
    }
}

/// What a template was used for of late, each message once.
async fn picks(store: &TenantStore, encoder: Option<&Encoder>, id: TemplateId) -> Result<Vec<Embedding>, Failure> {
    let Some(encoder) = encoder else { return Ok(Vec::new()) };
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
