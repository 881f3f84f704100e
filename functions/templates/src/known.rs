//! What a tenant's templates are searched by, as it is known to this process: the index in force, and beside it a small one of
//! what changed since.
//!
//! The table is asked what changed at most [`FRESH_MS`] ago, and never longer than [`STALE_MS`]: in between, an answer does not
//! wait for the table but lets it be asked for the next one. So a change is found within a second, and who types is not kept
//! waiting at each letter.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use lru::LruCache;
use romashka_domain::template::Template;
use romashka_domain::time::millis_between;
use romashka_domain::{Identity, TemplateId, TenantId, Timestamp};
use romashka_encoder::{Encoder, shipped};
use romashka_http::Problem;
use romashka_learning::search::{Hit, Purpose, Query, Segment, find, find_lifted, warm};
use romashka_learning::{Embedding, Meaning};
use romashka_store::TenantStore;
use romashka_store::kept::Kept;
use romashka_store::objects::Object;
use tracing::Instrument;

use crate::index::{Entry, Index, Indexed};

/// How long what was heard from the table holds without asking, in milliseconds.
const FRESH_MS: u64 = 250;
/// From when on an answer waits for the table, in milliseconds.
const STALE_MS: u64 = 800;
/// Changed templates that are looked at themselves; of more, those that were made last.
const MAX_CHANGED: usize = 500;
/// Changed templates that are encoded in one go; the rest are found by their words until the index knows them.
const MAX_ENCODED: usize = 16;
/// Indexes are kept up to so many bytes: a third of the function's memory.
const KEPT_BYTES: usize = 256 * 1024 * 1024;
/// Tenants of which is kept what changed.
const TENANTS: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not zero");

static INDEXES: Kept<Index> = Kept::new(KEPT_BYTES);
static SEEN: LazyLock<Mutex<LruCache<TenantId, Seen>>> = LazyLock::new(|| Mutex::new(LruCache::new(TENANTS)));

/// What was heard from the table.
#[derive(Clone)]
struct Seen {
    at: Timestamp,
    /// Somebody is asking again.
    is_asked: bool,
    /// The index in force.
    hash: Option<String>,
    changed: Arc<Changed>,
}

/// What changed since the index was built.
struct Changed {
    /// There may be more that changed than was looked at.
    is_part: bool,
    /// Templates of the index that are no longer as it knows them.
    overruled: BTreeSet<TemplateId>,
    index: Index,
}

/// A tenant's templates.
pub struct Known {
    base: Arc<Index>,
    changed: Arc<Changed>,
}

/// The encoder that came with this function.
pub fn encoder() -> Result<Option<&'static Encoder>, Problem> {
    shipped().map_err(Problem::internal)
}

impl Known {
    /// What is known of a tenant's templates, less than a second old.
    pub async fn of(store: &TenantStore) -> Result<Self, Problem> {
        let now = store.now();
        let seen = seen(store.tenant());
        let age = seen.as_ref().map(|seen| millis_between(seen.at, now));
        match (seen, age) {
            (Some(seen), Some(age)) if age < STALE_MS => {
                if age >= FRESH_MS && !seen.is_asked {
                    ask_meanwhile(store);
                }
                if let Some(base) = base(store, seen.hash.as_deref()).await? {
                    return Ok(Self { base, changed: seen.changed });
                }
                look(store).await
            }
            _ => look(store).await,
        }
    }

    /// How many templates there are.
    pub fn len(&self) -> usize {
        self.base.entries.len() - self.changed.overruled.len() + self.changed.index.entries.len()
    }

    /// Which encoder read the index.
    pub fn encoder(&self) -> Option<&str> {
        self.base.encoder.as_deref().or(self.changed.index.encoder.as_deref())
    }

    /// Whether an entry of the index is as the template is.
    fn holds(&self, entry: &Entry) -> bool {
        !self.changed.overruled.contains(&entry.id)
    }

    /// Every template that somebody sees.
    pub fn seen_by<'a>(&'a self, who: &'a Identity) -> impl Iterator<Item = &'a Entry> {
        let base = self.base.entries.iter().filter(|entry| self.holds(entry));
        base.chain(&self.changed.index.entries).filter(|entry| entry.is_seen_by(who))
    }

    /// The templates that are wanted, the best first.
    pub fn find(
        &self,
        query: &Query,
        meaning: Option<&Embedding>,
        purpose: Purpose,
        limit: usize,
        is_wanted: impl Fn(&Entry) -> bool,
    ) -> Vec<(Hit, &Entry)> {
        let hits = find(&self.segments(), query, meaning, purpose, limit, |segment, position| {
            let entry = self.entry(segment, position);
            self.is_current(segment, entry) && is_wanted(entry)
        });
        self.with_entries(hits)
    }

    /// The same, where something else speaks for templates: so much is added to the score of one that is wanted.
    pub fn find_lifted(
        &self,
        query: &Query,
        meaning: Option<&Embedding>,
        purpose: Purpose,
        limit: usize,
        lifts: impl Fn(&Entry) -> Option<f32>,
    ) -> Vec<(Hit, &Entry)> {
        let hits = find_lifted(&self.segments(), query, meaning, purpose, limit, |segment, position| {
            let entry = self.entry(segment, position);
            if self.is_current(segment, entry) { lifts(entry) } else { None }
        });
        self.with_entries(hits)
    }

    /// Of templates that are about to be shown, those that are deleted by now, or that somebody no longer sees. Where more changed
    /// than is looked at, the index cannot know.
    pub async fn hidden(
        &self,
        store: &TenantStore,
        from: &Identity,
        found: impl Iterator<Item = TemplateId>,
    ) -> Result<BTreeSet<TemplateId>, Problem> {
        if !self.changed.is_part {
            return Ok(BTreeSet::new());
        }
        let mut hidden: BTreeSet<TemplateId> = found.collect();
        let ids: Vec<TemplateId> = hidden.iter().copied().collect();
        for template in store.templates().get_many(&ids).await? {
            if template.deleted_at.is_none() && template.is_seen_by(from) {
                hidden.remove(&template.id);
            }
        }
        Ok(hidden)
    }

    /// What a template that was found resembles a meaning by: its name, its text, and messages that it was used for.
    pub fn resemblance(&self, hit: &Hit, meaning: &Embedding) -> (Vec<f32>, Vec<f32>) {
        let segment = self.segments()[hit.segment];
        let cosines = |texts: &[Embedding]| texts.iter().map(|text| meaning.cosine(text)).collect();
        (cosines(segment.meanings(hit.position)), cosines(segment.picks(hit.position)))
    }

    fn segments(&self) -> [&Segment; 2] {
        [&self.base.segment, &self.changed.index.segment]
    }

    /// Whether the template is as this entry of a segment says.
    fn is_current(&self, segment: usize, entry: &Entry) -> bool {
        segment > 0 || self.holds(entry)
    }

    fn with_entries(&self, hits: Vec<Hit>) -> Vec<(Hit, &Entry)> {
        hits.into_iter().map(|hit| (hit.clone(), self.entry(hit.segment, hit.position))).collect()
    }

    fn entry(&self, segment: usize, position: usize) -> &Entry {
        [&self.base.entries, &self.changed.index.entries][segment].get(position).unwrap_or_else(|| unreachable!())
    }
}

fn seen(tenant: &TenantId) -> Option<Seen> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
}

/// Asks the table while the answer is already on its way. Where the process is put to sleep in between, what it hears counts
/// from when it asked.
fn ask_meanwhile(store: &TenantStore) {
    let set = |is_asked: bool| {
        let mut all = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        all.get_mut(store.tenant()).map(|seen| seen.is_asked = is_asked)
    };
    if set(true).is_none() {
        return;
    }
    let store = store.clone();
    let asking = async move {
        if let Err(problem) = look(&store).await {
            tracing::warn!(
                cause = problem.cause(),
                "what changed of templates could not be asked; the next search asks again"
            );
            let mut all = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
            all.pop(store.tenant());
        }
    };
    tokio::spawn(asking.in_current_span());
}

async fn base(store: &TenantStore, hash: Option<&str>) -> Result<Option<Arc<Index>>, Problem> {
    let Some(hash) = hash else { return Ok(Some(Arc::new(Index::empty()))) };
    Ok(INDEXES.get(store, hash, &Object::TemplateIndex(hash.to_owned()), Index::from_bytes).await?)
}

async fn hash_in_force(store: &TenantStore) -> Result<Option<String>, Problem> {
    Ok(store.search_index().in_force().await?.map(|in_force| in_force.hash))
}

/// Of a tenant of whom nothing is known yet, fetches the index while the table is still being asked; it will hardly be
/// replaced in between, and what fails here is tried again where it is needed. The process is idle meanwhile, so it gets
/// ready what its first search would wait for.
async fn fetch_ahead(store: &TenantStore) -> Result<(), Problem> {
    static READY: Once = Once::new();
    if seen(store.tenant()).is_some() {
        return Ok(());
    }
    READY.call_once(|| drop(tokio::task::spawn_blocking(get_ready)));
    let hash = hash_in_force(store).await?;
    base(store, hash.as_deref()).await?;
    Ok(())
}

/// Makes the automata of misspellings, and brings the encoder's weights into memory.
fn get_ready() {
    warm();
    if let Ok(Some(encoder)) = shipped() {
        drop(Meaning::of(encoder, &["where is my parcel"]));
    }
}

/// Asks the table what changed.
async fn look(store: &TenantStore) -> Result<Known, Problem> {
    let at = store.now();
    let asked = async {
        // In this order: what loses its mark in between is in the index that is read after.
        let marks = store.search_index().last_marks(MAX_CHANGED).await?;
        Ok::<_, Problem>((marks, hash_in_force(store).await?))
    };
    let (asked, _) = tokio::join!(asked, fetch_ahead(store));
    let (marks, hash) = asked?;
    let base = base(store, hash.as_deref()).await?;
    let base = base.ok_or_else(|| Problem::unavailable("the search index was replaced while it was being read"))?;
    let ids: Vec<TemplateId> = marks.iter().map(|mark| mark.template_id).collect();
    let templates = if ids.is_empty() { Vec::new() } else { store.templates().get_many(&ids).await? };
    let before = seen(store.tenant()).map(|seen| seen.changed);
    let is_part = marks.len() == MAX_CHANGED;
    let changed = Arc::new(changed(&base, before.as_deref(), templates, is_part)?);
    let seen = Seen { at, is_asked: false, hash, changed: Arc::clone(&changed) };
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).put(store.tenant().clone(), seen);
    Ok(Known { base, changed })
}

fn changed(
    base: &Index,
    before: Option<&Changed>,
    templates: Vec<Template>,
    is_part: bool,
) -> Result<Changed, Problem> {
    let encoder = encoder()?;
    let read: BTreeMap<(TemplateId, u64), usize> = before.map_or_else(BTreeMap::new, |before| {
        let entries = before.index.entries.iter().enumerate();
        entries.map(|(at, entry)| ((entry.id, entry.version), at)).collect()
    });
    let mut overruled = BTreeSet::new();
    let mut indexed = Vec::new();
    let mut left = MAX_ENCODED;
    for template in templates {
        let (id, version) = (template.id, template.version);
        let known = base.position(id);
        // A template that was only used is as the index knows it.
        if known.is_some_and(|at| base.entries[at].version >= version) {
            continue;
        }
        overruled.extend(known.map(|_| id));
        let Some(entry) = Entry::of(template) else { continue };
        let picks = known.map_or_else(Vec::new, |at| base.segment.picks(at).to_vec());
        let mut meanings = match (before, read.get(&(id, version))) {
            (Some(before), Some(at)) => before.index.segment.meanings(*at).to_vec(),
            _ => Vec::new(),
        };
        if let Some(encoder) = encoder.filter(|_| meanings.is_empty() && left > 0) {
            meanings = entry.meanings(encoder);
            left -= 1;
        }
        indexed.push(Indexed { entry, meanings, picks });
    }
    let averages = (!base.entries.is_empty()).then(|| base.segment.averages());
    Ok(Changed {
        is_part,
        overruled,
        index: Index::of(encoder.map(|encoder| encoder.id().to_owned()), indexed, averages),
    })
}
