//! What templates are searched by: an entry of each, and their words and meanings.
//!
//! | part | content |
//! |---|---|
//! | mark | 8 bytes, `RMSHTPL1` |
//! | length | u64, little-endian: bytes of the next part |
//! | contents | JSON: which encoder, and the entries by ascending id |
//! | segment | as `romashka_learning::search` writes it |

use romashka_domain::template::{Format, Shortcut, Template, Visibility, may_see};
use romashka_domain::{Identity, TeamId, TemplateId, Timestamp, UserId};
use romashka_encoder::Encoder;
use romashka_learning::search::{Averages, Document, Segment};
use romashka_learning::{Embedding, Meaning};
use serde::{Deserialize, Serialize};

const MARK: &[u8; 8] = b"RMSHTPL1";
/// Characters of what a template says that are kept with its entry, and found.
const MAX_TEXT_CHARS: usize = 4_000;

/// A template, as it is found and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub id: TemplateId,
    pub version: u64,
    pub name: String,
    pub format: Format,
    pub language: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<String>,
    pub visibility: Visibility,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<Shortcut>,
    pub created_by: UserId,
    pub updated_at: Timestamp,
    /// What it says, with what stands for its variables.
    pub text: String,
}

impl Entry {
    /// Of a template that is not deleted.
    pub fn of(template: Template) -> Option<Self> {
        let Template { id, version, content, created_by, updated_at, deleted_at: None, .. } = template else {
            return None;
        };
        // What is kept could be read when it was; if it no longer can, it is found by how it is written.
        let text = romashka_liquid::Template::parse(&content.source).map_or(content.source, |read| read.prose());
        Some(Self {
            id,
            version,
            name: content.name,
            format: content.format,
            language: content.language,
            category: content.category,
            tags: content.tags,
            intents: content.intents,
            visibility: content.visibility,
            team: content.team,
            shortcut: content.shortcut,
            created_by,
            updated_at,
            text: text.chars().take(MAX_TEXT_CHARS).collect(),
        })
    }

    /// Whether somebody sees it.
    pub fn is_seen_by(&self, who: &Identity) -> bool {
        may_see(who, self.visibility, self.team.as_ref(), &self.created_by)
    }

    /// What its name and its text mean.
    pub fn meanings(&self, encoder: &Encoder) -> Vec<Embedding> {
        Meaning::of(encoder, &[&self.name, &self.text]).into_iter().map(|meaning| meaning.sentence).collect()
    }
}

/// An entry and what is compared of it.
#[derive(Debug, Clone)]
pub struct Indexed {
    pub entry: Entry,
    /// Of name and text; empty where no encoder read them.
    pub meanings: Vec<Embedding>,
    /// Messages for which it was used.
    pub picks: Vec<Embedding>,
}

impl Indexed {
    /// One that no encoder has read; it is found by its words.
    pub fn unread(entry: Entry) -> Self {
        Self { entry, meanings: Vec::new(), picks: Vec::new() }
    }
}

/// Templates, ready to be searched.
#[derive(Debug)]
pub struct Index {
    /// Which encoder read them.
    pub encoder: Option<String>,
    /// By ascending id; in the segment they have the same positions.
    pub entries: Vec<Entry>,
    pub segment: Segment,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    encoder: Option<String>,
    entries: Vec<Entry>,
}

impl Index {
    /// Of templates in any order, each of them once. Beside a larger index it takes that one's averages.
    pub fn of(encoder: Option<String>, mut indexed: Vec<Indexed>, averages: Option<Averages>) -> Self {
        indexed.sort_by_key(|indexed| indexed.entry.id);
        let (documents, entries): (Vec<_>, Vec<_>) = indexed.into_iter().map(documented).unzip();
        Self { encoder, entries, segment: Segment::of(&documents, averages) }
    }

    /// Of no templates.
    pub fn empty() -> Self {
        Self::of(None, Vec::new(), None)
    }

    /// The entry at a position, with what is compared of it.
    pub fn indexed(&self, position: usize) -> Indexed {
        Indexed {
            entry: self.entries[position].clone(),
            meanings: self.segment.meanings(position).to_vec(),
            picks: self.segment.picks(position).to_vec(),
        }
    }

    /// Where a template is.
    pub fn position(&self, id: TemplateId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    /// The artefact. The same templates always give the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let contents = Contents { encoder: self.encoder.clone(), entries: self.entries.clone() };
        let contents = serde_json::json!(contents).to_string();
        let length = (contents.len() as u64).to_le_bytes();
        [MARK, length.as_slice(), contents.as_bytes(), &self.segment.to_bytes()].concat()
    }

    /// Loads an artefact; `None` where the bytes are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.strip_prefix(MARK)?.split_first_chunk()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (contents, segment) = rest.split_at_checked(length)?;
        let Contents { encoder, entries } = serde_json::from_slice(contents).ok()?;
        let segment = Segment::from_bytes(segment).ok()?;
        let is_sound = segment.documents() == entries.len() && entries.is_sorted_by(|one, other| one.id < other.id);
        is_sound.then_some(Self { encoder, entries, segment })
    }
}

fn documented(Indexed { entry, meanings, picks }: Indexed) -> (Document, Entry) {
    let shortcut = entry.shortcut.iter().map(|shortcut| shortcut.as_str().to_owned());
    let document = Document {
        name: entry.name.clone(),
        labels: entry.category.iter().chain(&entry.tags).cloned().chain(shortcut).collect(),
        body: entry.text.clone(),
        language: entry.language.clone(),
        meanings,
        picks,
    };
    (document, entry)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn entry(id: u128, name: &str) -> Entry {
        Entry {
            id: TemplateId::new(uuid::Uuid::from_u128(id)),
            version: 1,
            name: name.to_owned(),
            format: Format::Text,
            language: "en".to_owned(),
            category: Vec::new(),
            tags: vec!["money".to_owned()],
            visibility: Visibility::Everyone,
            team: None,
            intents: Vec::new(),
            shortcut: None,
            created_by: "ann".parse().unwrap(),
            updated_at: Timestamp::UNIX_EPOCH,
            text: "We send it back.".to_owned(),
        }
    }

    #[test]
    fn an_index_survives_its_bytes_whatever_order_it_was_made_in() {
        let meaning = Embedding::from_values(std::array::from_fn(|at| at as i8));
        let indexed = |id, name| Indexed {
            entry: entry(id, name),
            meanings: vec![meaning.clone(), meaning.clone()],
            picks: vec![meaning.clone()],
        };
        let index = Index::of(Some("e".to_owned()), vec![indexed(2, "Late"), indexed(1, "Refund")], None);
        let bytes = index.to_bytes();
        assert_eq!(
            Index::of(Some("e".to_owned()), vec![indexed(1, "Refund"), indexed(2, "Late")], None).to_bytes(),
            bytes
        );
        let read = Index::from_bytes(&bytes).unwrap();
        assert_eq!((&read.entries, read.to_bytes()), (&index.entries, bytes.clone()));
        assert_eq!(read.indexed(1).picks.len(), 1);
        assert_eq!(read.position(entry(2, "").id), Some(1));
        for cut in 0..bytes.len() {
            assert!(Index::from_bytes(&bytes[..cut]).is_none(), "{cut}");
        }
    }
}
