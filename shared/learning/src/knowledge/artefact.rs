//! A knowledge index as bytes.
//!
//! | part | content |
//! |---|---|
//! | mark | 8 bytes, `RMSHKKI2` |
//! | digest | SHA-256 of all that follows |
//! | manifest | JSON: [`Manifest`] |
//! | passages | JSON: list of [`KnownPassage`] |
//! | groups | JSON: list of [`AnswerGroup`] |
//! | past questions | 16-byte content hashes, by passage |
//! | terms | u64 hashes of words, strictly ascending |
//! | ends | u32 per term: where its postings end |
//! | postings | u32 passage and u32 count each |
//! | lengths | u32 per passage: its words |
//! | spellings | u64 hash and u32 term each, ascending |
//! | sentences | the five parts from terms on, again, of the articles' sentences |
//! | embeddings | 384 × i8 per text, or nothing |
//!
//! Each part from the manifest on is preceded by its length as a u64; all numbers are little-endian. The digest guards
//! against accidents; positions are checked besides, so that bytes of bad intent cannot cause a panic either.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    AnswerGroup, KnowledgeError, KnowledgeIndex, KnownPassage, MAX_ALL_PAST_QUESTIONS, MAX_ARTEFACT_BYTES,
    MAX_PASSAGES, SourceKind,
    confidence::{Confidence, Judge},
    words::{LONGEST_SPELT, Lexicon, MAX_SPELT_TERMS, Posting, Spelling},
};
use crate::{
    CODE_VERSION,
    content::ContentHash,
    embedding::{DIMENSIONS, Embedding},
};

const MARK: &[u8; 8] = b"RMSHKKI2";
const DIGEST_BYTES: usize = 32;

/// What an index says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    code_version: u32,
    /// Whether texts have embeddings.
    pub embedded: bool,
    /// True where runs of letters are among the terms.
    #[serde(default)]
    pub grams: bool,
    /// True where there are past replies, and so few that each was compared with each.
    #[serde(default)]
    pub few: bool,
    /// Cosine from which two replies say the same; 2 where that could not be learnt.
    pub same: f32,
    /// Of searches with an embedding.
    pub semantic: Confidence,
    /// Of searches by words alone.
    pub lexical: Confidence,
}

impl Manifest {
    pub(super) fn of(embedded: bool, grams: bool, few: bool, same: f32) -> Self {
        let by_words = if few { Judge::WordsAndGroups } else { Judge::Words };
        Self {
            code_version: CODE_VERSION,
            embedded,
            grams,
            few,
            same: same.min(2.0),
            semantic: Confidence::shipped(Judge::WordsAndEmbeddings, SourceKind::Reply),
            lexical: Confidence::shipped(by_words, SourceKind::Reply),
        }
    }
}

impl KnowledgeIndex {
    /// The artefact. The same index always gives the same bytes.
    ///
    /// # Errors
    /// [`KnowledgeError::TooManyBytes`] when the artefact exceeds [`MAX_ARTEFACT_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, KnowledgeError> {
        let mut bytes = [MARK.as_slice(), &[0; DIGEST_BYTES]].concat();
        let unwritable = |part| move |_| KnowledgeError::Artefact { part, fault: "cannot be written as JSON" };
        let mut part = |content: &[u8]| {
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend(content);
        };
        part(&serde_json::to_vec(&self.manifest).map_err(unwritable("manifest"))?);
        part(&serde_json::to_vec(&self.passages).map_err(unwritable("passages"))?);
        part(&serde_json::to_vec(&self.groups).map_err(unwritable("groups"))?);
        part(&self.past_questions.iter().flat_map(|hash| *hash.as_bytes()).collect::<Vec<_>>());
        for lexicon in [&self.lexicon, &self.sentences] {
            let Lexicon { grams: _, terms, ends, postings, lengths, spellings } = lexicon;
            part(&terms.iter().flat_map(|term| term.to_le_bytes()).collect::<Vec<_>>());
            part(&ends.iter().flat_map(|end| end.to_le_bytes()).collect::<Vec<_>>());
            let pair = |posting: &Posting| [posting.passage.to_le_bytes(), posting.count.to_le_bytes()];
            part(&postings.iter().flat_map(pair).flatten().collect::<Vec<_>>());
            part(&lengths.iter().flat_map(|length| length.to_le_bytes()).collect::<Vec<_>>());
            let mut written = Vec::with_capacity(spellings.len() * SPELLING_BYTES);
            for Spelling { hash, term } in spellings {
                written.extend(hash.to_le_bytes());
                written.extend(term.to_le_bytes());
            }
            part(&written);
        }
        let values = self.embeddings.iter().flat_map(|embedding| embedding.values());
        part(&values.map(|value| value.cast_unsigned()).collect::<Vec<_>>());
        if bytes.len() > MAX_ARTEFACT_BYTES {
            return Err(KnowledgeError::TooManyBytes { bytes: bytes.len() });
        }
        let digest = Sha256::digest(&bytes[MARK.len() + DIGEST_BYTES..]);
        bytes[MARK.len()..][..DIGEST_BYTES].copy_from_slice(&digest);
        Ok(bytes)
    }

    /// Loads an artefact.
    ///
    /// # Errors
    /// When the bytes are not a whole and unchanged artefact. Hostile bytes are refused too; they cannot cause a panic,
    /// nor memory beyond a small multiple of their own length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KnowledgeError> {
        if bytes.len() > MAX_ARTEFACT_BYTES {
            return Err(KnowledgeError::TooManyBytes { bytes: bytes.len() });
        }
        let refuse = |part, fault| KnowledgeError::Artefact { part, fault };
        let rest = bytes.strip_prefix(MARK).ok_or(refuse("mark", "is not that of this format"))?;
        let (digest, mut rest) = rest.split_at_checked(DIGEST_BYTES).ok_or(KnowledgeError::Digest)?;
        if Sha256::digest(rest).as_slice() != digest {
            return Err(KnowledgeError::Digest);
        }
        let mut part = |name| {
            let (length, after) = rest.split_first_chunk().ok_or(refuse(name, "is missing"))?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok();
            let (content, after) =
                length.and_then(|length| after.split_at_checked(length)).ok_or(refuse(name, "is cut short"))?;
            rest = after;
            Ok(content)
        };
        let manifest: Manifest =
            serde_json::from_slice(part("manifest")?).map_err(|_| refuse("manifest", "cannot be read"))?;
        let passages: Vec<KnownPassage> =
            serde_json::from_slice(part("passages")?).map_err(|_| refuse("passages", "cannot be read"))?;
        let groups: Vec<AnswerGroup> =
            serde_json::from_slice(part("groups")?).map_err(|_| refuse("groups", "cannot be read"))?;
        let past_questions = whole(part("past questions")?, ContentHash::from_bytes)
            .ok_or(refuse("past questions", "are not whole hashes"))?;
        let mut lexicon = || {
            Ok::<_, KnowledgeError>(Lexicon {
                grams: manifest.grams,
                terms: whole(part("terms")?, u64::from_le_bytes).ok_or(refuse("terms", "are not whole"))?,
                ends: whole(part("ends")?, u32::from_le_bytes).ok_or(refuse("ends", "are not whole"))?,
                postings: whole(part("postings")?, posting).ok_or(refuse("postings", "are not whole"))?,
                lengths: whole(part("lengths")?, u32::from_le_bytes).ok_or(refuse("lengths", "are not whole"))?,
                spellings: whole(part("spellings")?, spelling).ok_or(refuse("spellings", "are not whole"))?,
            })
        };
        let lexicons = [lexicon()?, lexicon()?];
        let embeddings =
            whole(part("embeddings")?, |values: [u8; DIMENSIONS]| Embedding::from_values(values.map(u8::cast_signed)))
                .ok_or(refuse("embeddings", "are not whole"))?;
        if !rest.is_empty() {
            return Err(refuse("end", "is followed by more"));
        }
        manifest.check()?;
        check_passages(&passages, &past_questions)?;
        check_groups(&groups, &passages)?;
        check_lexicon(&lexicons[0], passages.len())?;
        let sentences: usize = passages.iter().map(|passage| passage.sentences.len()).sum();
        check_lexicon(&lexicons[1], sentences)?;
        let texts: usize = passages.iter().map(KnownPassage::texts).sum();
        if embeddings.len() != if manifest.embedded { texts } else { 0 } {
            return Err(refuse("embeddings", "are not one per text"));
        }
        Ok(Self::assemble(manifest, passages, groups, past_questions, lexicons, embeddings))
    }
}

impl Manifest {
    fn check(&self) -> Result<(), KnowledgeError> {
        let refuse = |fault| Err(KnowledgeError::Artefact { part: "manifest", fault });
        if self.code_version != CODE_VERSION {
            return refuse("is of another version of the method");
        }
        if !self.same.is_finite() {
            return refuse("holds a limit that is not finite");
        }
        if [&self.semantic, &self.lexical].iter().any(|confidence| !confidence.weights.iter().all(|w| w.is_finite())) {
            return refuse("holds a weight that is not finite");
        }
        Ok(())
    }
}

fn check_passages(passages: &[KnownPassage], past_questions: &[ContentHash]) -> Result<(), KnowledgeError> {
    let refuse = |part, fault| Err(KnowledgeError::Artefact { part, fault });
    if passages.len() > MAX_PASSAGES || past_questions.len() > MAX_ALL_PAST_QUESTIONS {
        return refuse("passages", "are more than an index holds");
    }
    if passages.iter().any(|passage| passage.answers.is_empty()) {
        return refuse("passages", "include one without an answer");
    }
    let claimed: u64 = passages.iter().map(|passage| u64::from(passage.past_questions)).sum();
    if claimed != past_questions.len() as u64 {
        return refuse("past questions", "are not as many as the passages claim");
    }
    Ok(())
}

fn check_groups(groups: &[AnswerGroup], passages: &[KnownPassage]) -> Result<(), KnowledgeError> {
    let refuse = |part, fault| Err(KnowledgeError::Artefact { part, fault });
    if passages.iter().any(|passage| passage.group as usize >= groups.len()) {
        return refuse("passages", "belong to a group that is not there");
    }
    if groups.iter().flat_map(|group| &group.answers).any(|at| *at as usize >= passages.len()) {
        return refuse("groups", "name a passage that is not there");
    }
    let is_sound = |passage: &KnownPassage| {
        let text = &passage.answers[0].text;
        passage.sentences.iter().all(|range| text.get(range.clone()).is_some())
            && passage.sentences.is_sorted_by(|a, b| a.end <= b.start)
    };
    if !passages.iter().all(is_sound) {
        return refuse("sentences", "are not parts of their passages");
    }
    Ok(())
}

fn check_lexicon(lexicon: &Lexicon, passages: usize) -> Result<(), KnowledgeError> {
    let refuse = |part, fault| Err(KnowledgeError::Artefact { part, fault });
    let Lexicon { grams: _, terms, ends, postings, lengths, spellings } = lexicon;
    if !terms.is_sorted_by(|a, b| a < b) {
        return refuse("terms", "do not ascend");
    }
    if ends.len() != terms.len()
        || !ends.is_sorted()
        || ends.last().copied().unwrap_or_default() as usize != postings.len()
    {
        return refuse("ends", "do not divide the postings");
    }
    let mut start = 0;
    for end in ends {
        let of_term = &postings[start..*end as usize];
        start = *end as usize;
        if !of_term.is_sorted_by(|a, b| a.passage < b.passage)
            || of_term.last().is_some_and(|last| last.passage as usize >= passages)
        {
            return refuse("postings", "do not ascend by passage");
        }
    }
    if lengths.len() != passages {
        return refuse("lengths", "are not one per passage");
    }
    let sound = spellings.is_sorted()
        && spellings.iter().all(|spelling| (spelling.term as usize) < terms.len())
        && spellings.len() <= MAX_SPELT_TERMS * LONGEST_SPELT;
    if !sound {
        return refuse("spellings", "do not ascend or belong to no term");
    }
    Ok(())
}

const SPELLING_BYTES: usize = 12;

fn posting(bytes: [u8; 8]) -> Posting {
    let [p0, p1, p2, p3, c0, c1, c2, c3] = bytes;
    Posting { passage: u32::from_le_bytes([p0, p1, p2, p3]), count: u32::from_le_bytes([c0, c1, c2, c3]) }
}

fn spelling(bytes: [u8; SPELLING_BYTES]) -> Spelling {
    let [h0, h1, h2, h3, h4, h5, h6, h7, t0, t1, t2, t3] = bytes;
    Spelling { hash: u64::from_le_bytes([h0, h1, h2, h3, h4, h5, h6, h7]), term: u32::from_le_bytes([t0, t1, t2, t3]) }
}

/// Items of a fixed size, or `None` if something is left over.
fn whole<T, const N: usize>(bytes: &[u8], item: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (items, rest) = bytes.as_chunks();
    rest.is_empty().then(|| items.iter().map(|bytes| item(*bytes)).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::knowledge::{KnowledgeBuilder, Passage, Source, SourceKind, Text};

    static INDEX: LazyLock<KnowledgeIndex> = LazyLock::new(|| {
        let mut builder = KnowledgeBuilder::default();
        invented_rows().into_iter().for_each(|row| builder.add(row).unwrap());
        builder.build().index
    });

    /// A small shop's knowledge, without embeddings.
    pub fn invented() -> &'static KnowledgeIndex {
        &INDEX
    }

    pub fn invented_rows() -> Vec<Passage> {
        use SourceKind::{Article, Faq, Reply};
        let rows: [(SourceKind, Option<&str>, &str, &[&str]); 8] = [
            (Faq, Some("When do I get my money back?"), "Refunds reach your account within five days.", &["refund"]),
            (Faq, Some("When do you open?"), "We open at nine, on Sundays at ten.", &["are you open on Sunday"]),
            (Faq, Some("When do you open?"), "See the door of each shop.", &[]),
            (Article, Some("Shipping"), "Parcels leave the warehouse at noon.", &[]),
            (Article, Some("Shipping"), "The courier rings twice.", &["nobody rang"]),
            (Reply, None, "Your order 18233 has left, dear Ann.", &["where is my order", "has it left"]),
            (Reply, None, "Your order 99120 has left, dear Ann!", &["where is the parcel"]),
            (Reply, Some("I forgot my password"), "Use the link below the form.", &[]),
        ];
        let passage = |(row, (kind, question, answer, queries)): (u64, (_, Option<&str>, &str, &[&str]))| Passage {
            question: question.map(Text::from),
            queries: queries.iter().copied().map(Text::from).collect(),
            ..Passage::of(Source { kind, upload: "invented".to_owned(), row }, Text::from(answer))
        };
        (0..).zip(rows).map(passage).collect()
    }

    fn with_embeddings() -> KnowledgeIndex {
        let mut builder = KnowledgeBuilder::default();
        for (seed, mut row) in invented_rows().into_iter().enumerate() {
            let embedding = Embedding::of(&std::array::from_fn(|at| ((at + 1) as f32 * (seed + 1) as f32).sin()));
            let texts = row.question.iter_mut().chain([&mut row.answer]).chain(&mut row.queries);
            texts.for_each(|text| text.embedding = Some(embedding.clone()));
            builder.add(row).unwrap();
        }
        builder.build().index
    }

    /// The artefact with a change to the index and a digest that vouches for it.
    fn forged(change: impl FnOnce(&mut KnowledgeIndex)) -> Result<KnowledgeIndex, KnowledgeError> {
        let mut index = with_embeddings();
        change(&mut index);
        KnowledgeIndex::from_bytes(&index.to_bytes().unwrap())
    }

    #[test]
    fn a_manifest_of_an_older_version_is_read() {
        let mut manifest = serde_json::to_value(&invented().manifest).unwrap();
        let fields = manifest.as_object_mut().unwrap();
        assert!(fields.remove("few").is_some() && fields.remove("grams").is_some());
        let read: Manifest = serde_json::from_value(manifest).unwrap();
        assert!(!read.few && !read.grams);
    }

    #[test]
    fn a_loaded_index_is_the_saved_one_to_the_last_byte() {
        for index in [invented().clone(), with_embeddings()] {
            let bytes = index.to_bytes().unwrap();
            let loaded = KnowledgeIndex::from_bytes(&bytes).unwrap();
            assert_eq!(loaded, index);
            assert_eq!(loaded.to_bytes().unwrap(), bytes);
            assert_eq!(loaded.search("my money", None, 3), index.search("my money", None, 3));
        }
    }

    #[test]
    fn a_truncated_artefact_is_refused() {
        let bytes = invented().to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert!(KnowledgeIndex::from_bytes(&bytes[..length]).is_err(), "{length} bytes were accepted");
        }
    }

    #[test]
    fn customers_words_are_not_in_the_artefact() {
        let bytes = invented().to_bytes().unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds("Refunds reach your account"));
        assert!(!holds("nobody rang") && !holds("forgot my password"));
    }

    #[test]
    fn positions_that_lead_nowhere_are_refused_even_with_a_valid_digest() {
        assert!(forged(|_| {}).is_ok());
        let refused = |change: fn(&mut KnowledgeIndex)| matches!(forged(change), Err(KnowledgeError::Artefact { .. }));
        assert!(refused(|index| index.lexicon.postings[0].passage = u32::MAX));
        assert!(refused(|index| index.lexicon.ends[0] = u32::MAX));
        assert!(refused(|index| index.lexicon.terms.reverse()));
        assert!(refused(|index| index.lexicon.lengths.truncate(1)));
        assert!(refused(|index| index.lexicon.spellings[0].term = u32::MAX));
        assert!(refused(|index| index.embeddings.truncate(1)));
        assert!(refused(|index| index.manifest.embedded = false));
        assert!(refused(|index| index.passages[0].past_questions += 1));
        assert!(refused(|index| index.passages[0].answers.clear()));
        assert!(refused(|index| index.passages.truncate(1)));
        assert!(refused(|index| index.passages[0].group = u32::MAX));
        assert!(refused(|index| index.groups[0].answers[0] = u32::MAX));
        assert!(refused(|index| index.passages[0].sentences.push(0..10_000)));
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), change in 1..=u8::MAX) {
            let mut bytes = invented().to_bytes().unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert!(KnowledgeIndex::from_bytes(&bytes).is_err());
        }

        #[test]
        fn garbage_is_never_a_panic_even_with_a_valid_digest(garbage in prop::collection::vec(any::<u8>(), 0..300)) {
            let bytes = [MARK.as_slice(), Sha256::digest(&garbage).as_slice(), &garbage].concat();
            prop_assert!(KnowledgeIndex::from_bytes(&bytes).is_err());
            prop_assert!(KnowledgeIndex::from_bytes(&garbage).is_err());
        }
    }
}
