//! Documents with a name, found by what people type or by what a customer wrote.
//!
//! Two judges look at each document, and their judgements are added, with what the caller knows of a document besides:
//!
//! - **words**: BM25F ([`Segment`]) over name, labels and body, where words are found in spite of inflection, missing
//!   accents and misspellings, and the last word of a search may be unfinished;
//! - **meaning**: the cosines of the embeddings of name and body, pooled, so that two near texts count a little more than
//!   one. Messages for which somebody chose the document are texts of it too, but lift it by [`MOST_LIFT`] at most.
//!
//! An index is a list of [segments](Segment), usually one that was built beforehand and one of what changed since. The
//! segments are judged as if they were one.
//!
//! # Promises
//! The same documents in the same order give the same bytes. A search takes time linear in the documents and looks at no
//! more than [`MAX_QUERY_WORDS`] words.

mod artefact;
mod dictionary;
pub mod highlight;
mod segment;
mod words;

use crate::embedding::Embedding;
use crate::pool::Best;

pub use artefact::SegmentError;
pub use dictionary::warm;
pub use segment::{Averages, Document, MAX_BODY_CHARACTERS, MAX_DOCUMENTS, MAX_PICKS, Segment};
pub use words::{Query, QueryWord};

/// Distinct words of a query that are looked up, in the order of their first occurrence.
pub const MAX_QUERY_WORDS: usize = 128;
/// How far messages for which a document was chosen may lift its cosine above that of its own texts. A document that
/// was chosen by mistake so stays below one that says what was asked for.
pub const MOST_LIFT: f32 = 0.5;

/// What a document's words weigh beside its meaning where somebody searches for it: as much.
const SEARCHED_WORDS: f32 = 0.5;
/// The same where it is suggested for a message: customers' words are seldom those of a reply. As in
/// [`crate::knowledge`], where it was chosen on Banking77's training rows.
const SUGGESTED_WORDS: f32 = 0.1;
/// Below this cosine, nothing that lacks every word of a search is found by it.
const LEAST_COSINE: f32 = 0.35;

/// What documents are looked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody types words of it.
    Search,
    /// It is to answer a message.
    Suggest,
}

/// A document found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which segment it is in.
    pub segment: usize,
    /// Its place there.
    pub position: usize,
    /// Ranks the hits of one search.
    pub score: f32,
    /// What its words say: the share of the query's information that they carry, 0 to 1.
    pub coverage: f32,
    /// The pooled cosine of its own texts, about −1 to 1; `None` where nothing was embedded.
    pub cosine: Option<f32>,
    /// How much the messages for which it was chosen add to the cosine, 0 to [`MOST_LIFT`].
    pub lift: f32,
}

/// Looks through segments for the documents that `is_wanted`, by their segment and position: at most `limit`, the best
/// first, and of equals the first.
#[must_use]
pub fn find(
    segments: &[&Segment],
    query: &Query,
    meaning: Option<&Embedding>,
    purpose: Purpose,
    limit: usize,
    is_wanted: impl Fn(usize, usize) -> bool,
) -> Vec<Hit> {
    let lifts = |segment, position| is_wanted(segment, position).then_some(0.0);
    rank(segments, query, meaning, purpose, limit, 0.0, lifts)
}

/// What it is worth that a document answers an intent of this calibrated probability: the square root of it, so an intent that the
/// model is certain of counts as much as a document that says the message itself, and of intents that it doubts the likelier
/// ones stay ahead. Chosen on Banking77's training rows, where it is right more often among the first three than the
/// probability itself, and as often at the first.
#[must_use]
pub fn intent_lift(probability: f32) -> f32 {
    probability.clamp(0.0, 1.0).sqrt()
}

/// The same, where something else than words and meaning speaks for documents: so much is added to the score of one that is
/// wanted, and `None` is one that is not. What is lifted is found even if nothing else speaks for it.
#[must_use]
pub fn find_lifted(
    segments: &[&Segment],
    query: &Query,
    meaning: Option<&Embedding>,
    purpose: Purpose,
    limit: usize,
    lifts: impl Fn(usize, usize) -> Option<f32>,
) -> Vec<Hit> {
    rank(segments, query, meaning, purpose, limit, f32::INFINITY, lifts)
}

/// Ranks documents, of which none is lifted by more than `most_lift`: what cannot be among the best even so is not looked at
/// closely.
fn rank(
    segments: &[&Segment],
    query: &Query,
    meaning: Option<&Embedding>,
    purpose: Purpose,
    limit: usize,
    most_lift: f32,
    lifts: impl Fn(usize, usize) -> Option<f32>,
) -> Vec<Hit> {
    let meaning = meaning.filter(|meaning| !meaning.is_zero());
    let coverage = dictionary::coverage(segments, query, purpose == Purpose::Search);
    let score = |coverage: f32, meant: f32| match purpose {
        Purpose::Search => SEARCHED_WORDS * coverage + (1.0 - SEARCHED_WORDS) * meant.max(0.0),
        Purpose::Suggest => meant + SUGGESTED_WORDS * coverage,
    };
    let mut found = Best::new(limit);
    for (number, (segment, coverage)) in segments.iter().zip(coverage).enumerate() {
        let cosines = meaning.map(|meaning| segment.cosines(meaning, purpose == Purpose::Suggest));
        for (position, coverage) in coverage.into_iter().enumerate() {
            let cosines = cosines.as_ref().map(|cosines| &cosines[position]);
            // Its own texts are among `all`, so that it means no more than these; where it has none of its own that is 0, which
            // may be more than its picks.
            let most = score(coverage, cosines.map_or(0.0, |cosines| cosines.all.most().max(0.0)));
            if most + most_lift <= found.least() {
                continue;
            }
            let Some(lifted) = lifts(number, position) else { continue };
            if most + lifted <= found.least() {
                continue;
            }
            let cosine = cosines.map(|cosines| cosines.own.worth());
            let lift =
                cosines.zip(cosine).map_or(0.0, |(cosines, own)| (cosines.all.worth() - own).clamp(0.0, MOST_LIFT));
            let meant = cosine.unwrap_or(0.0) + lift;
            let least_cosine = if purpose == Purpose::Search { LEAST_COSINE } else { f32::MIN_POSITIVE };
            if coverage > 0.0 || meant >= least_cosine || lifted > 0.0 {
                let score = score(coverage, meant) + lifted;
                found.offer(score, Hit { segment: number, position, score, coverage, cosine, lift });
            }
        }
    }
    found.into_items()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::embedding::DIMENSIONS;

    fn document(name: &str, labels: &[&str], body: &str) -> Document {
        Document {
            name: name.to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            body: body.to_owned(),
            language: "en".to_owned(),
            ..Document::default()
        }
    }

    fn documents() -> Vec<Document> {
        vec![
            document("Refund approved", &["billing"], "Hello, your refund is on its way and reaches you in five days."),
            document("Delivery is late", &["shipping"], "We are sorry, your parcel was delayed at the depot."),
            document("Opening hours", &["general"], "We are open from nine to five; on Sundays we are closed."),
            document("Address changed", &["shipping", "account"], "Your deliveries go to the new address from now on."),
        ]
    }

    fn names(segments: &[&Segment], documents: &[&[Document]], query: &Query) -> Vec<String> {
        let hits = find(segments, query, None, Purpose::Search, 10, |_, _| true);
        hits.iter().map(|hit| documents[hit.segment][hit.position].name.clone()).collect()
    }

    fn searched(query: &str) -> Vec<String> {
        let documents = documents();
        names(&[&Segment::of(&documents, None)], &[&documents], &Query::typed(query))
    }

    #[test]
    fn words_are_found_in_names_first_and_in_spite_of_how_they_are_written() {
        assert_eq!(searched("refund"), ["Refund approved"]);
        assert_eq!(searched("REFUNDS"), ["Refund approved"], "another form of it");
        assert_eq!(searched("refnud"), ["Refund approved"], "two letters the wrong way round");
        assert_eq!(searched("delivrey"), ["Delivery is late", "Address changed"]);
        assert_eq!(searched("delivery"), ["Delivery is late", "Address changed"], "the name counts for more");
        assert_eq!(searched("addr"), ["Address changed"], "a word that is not finished");
        assert_eq!(searched("shipping"), ["Delivery is late", "Address changed"], "a label");
        assert_eq!(searched("open"), ["Opening hours"]);
        assert_eq!(searched("xyzzy"), Vec::<String>::new());
        assert_eq!(searched(""), Vec::<String>::new());
    }

    #[test]
    fn languages_have_their_own_forms_and_accents_may_be_left_out() {
        let of = |language: &str, name: &str| Document { language: language.to_owned(), ..document(name, &[], "") };
        let documents = vec![
            of("ru", "Возврат денег за заказы"),
            of("es", "Devolución del artículo"),
            of("de", "Rückerstattungen"),
        ];
        let segment = Segment::of(&documents, None);
        for (query, expected) in [
            ("возвраты", 0),
            ("заказ", 0),
            ("devolucion", 1),
            ("articulos", 1),
            ("Rückerstattung", 2),
            ("ruckerstattung", 2),
        ] {
            let hits = find(&[&segment], &Query::typed(query), None, Purpose::Search, 3, |_, _| true);
            assert_eq!(hits.first().map(|hit| hit.position), Some(expected), "{query}");
        }
    }

    #[test]
    fn what_is_in_two_segments_is_ranked_as_if_it_were_in_one() {
        let documents = documents();
        let whole = Segment::of(&documents, None);
        let (first, second) = documents.split_at(3);
        let base = Segment::of(first, None);
        let changed = Segment::of(second, Some(base.averages()));
        for query in ["delivery", "refund address", "shipping", "we are"] {
            let query = Query::typed(query);
            let apart = names(&[&base, &changed], &[first, second], &query);
            assert_eq!(apart, names(&[&whole], &[&documents], &query), "{query:?}");
        }
    }

    #[test]
    fn what_is_not_wanted_is_not_found() {
        let documents = documents();
        let segment = Segment::of(&documents, None);
        let hits = find(&[&segment], &Query::typed("delivery"), None, Purpose::Search, 10, |_, at| at != 1);
        assert_eq!(hits.iter().map(|hit| hit.position).collect::<Vec<_>>(), [3]);
    }

    fn towards(direction: usize) -> Embedding {
        let mut vector = [0.1; DIMENSIONS];
        vector[direction] = 10.0;
        Embedding::of(&vector)
    }

    #[test]
    fn what_was_chosen_before_is_suggested_again_but_not_above_what_says_it() {
        let with = |name: &str, direction: usize, picks: Vec<Embedding>| Document {
            meanings: vec![towards(direction)],
            picks,
            ..document(name, &[], "")
        };
        let documents = vec![
            with("says it", 1, Vec::new()),
            with("was chosen for it", 2, vec![towards(1); 3]),
            with("has nothing to do with it", 3, Vec::new()),
        ];
        let segment = Segment::of(&documents, None);
        let hits = find(&[&segment], &Query::written(["?"]), Some(&towards(1)), Purpose::Suggest, 3, |_, _| true);
        assert_eq!(hits.iter().map(|hit| hit.position).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((hits[0].lift, hits[1].lift, hits[2].lift), (0.0, MOST_LIFT, 0.0));
        let searched = find(&[&segment], &Query::typed("?"), Some(&towards(1)), Purpose::Search, 3, |_, _| true);
        assert_eq!(searched.len(), 1, "searching goes by what documents say");
    }

    #[test]
    fn what_something_else_speaks_for_is_found_without_a_word_of_it() {
        let documents = documents();
        let segment = Segment::of(&documents, None);
        let lifts = |_, at| (at != 0).then_some(if at == 2 { 1.0 } else { 0.0 });
        let hits = find_lifted(&[&segment], &Query::written(["refund depot"]), None, Purpose::Suggest, 3, lifts);
        assert_eq!(hits.iter().map(|hit| hit.position).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((hits[0].coverage, hits[0].score), (0.0, 1.0));
    }

    #[test]
    fn a_segment_survives_its_bytes_and_refuses_others() {
        let mut documents = documents();
        documents[0].meanings = vec![towards(1), towards(2)];
        documents[0].picks = vec![towards(3)];
        let segment = Segment::of(&documents, None);
        let bytes = segment.to_bytes();
        assert_eq!(Segment::of(&documents, None).to_bytes(), bytes, "the same documents give the same bytes");
        let read = Segment::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes(), bytes);
        let query = Query::typed("delivery late");
        let found = |segment: &Segment| find(&[segment], &query, Some(&towards(1)), Purpose::Suggest, 4, |_, _| true);
        assert_eq!(found(&read), found(&segment));
        for cut in 0..bytes.len() {
            assert!(Segment::from_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
        for at in (0..bytes.len()).step_by(7) {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(Segment::from_bytes(&other).is_err(), "{at}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_is_indexed_and_any_query_is_answered_in_order(
            texts in prop::collection::vec((".{0,30}", ".{0,80}"), 0..6),
            query in ".{0,120}",
            limit in 0_usize..8,
        ) {
            let documents: Vec<_> = texts.iter().map(|(name, body)| document(name, &[name], body)).collect();
            let segment = Segment::of(&documents, None);
            let hits = find(&[&segment, &segment], &Query::typed(&query), None, Purpose::Search, limit, |_, _| true);
            prop_assert!(hits.len() <= limit);
            prop_assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
            prop_assert!(hits.iter().all(|hit| (0.0..=1.0).contains(&hit.coverage) && hit.score > 0.0));
            prop_assert_eq!(Segment::from_bytes(&segment.to_bytes()).unwrap().to_bytes(), segment.to_bytes());
        }

        #[test]
        fn the_best_few_are_the_first_of_all(
            texts in prop::collection::vec((0_usize..9, prop::collection::vec(0_usize..9, 0..5), "[a-d]{1,3}"), 1..30),
            looked_for in 0_usize..9,
            purpose in prop_oneof![Just(Purpose::Search), Just(Purpose::Suggest)],
            limit in 1_usize..8,
        ) {
            let documents: Vec<_> = texts
                .iter()
                .map(|(own, picks, name)| Document {
                    meanings: vec![towards(*own); own % 3],
                    picks: picks.iter().map(|pick| towards(*pick)).collect(),
                    ..document(name, &[], if own % 2 == 0 { "ab cd" } else { "" })
                })
                .collect();
            let (first, second) = documents.split_at(documents.len() / 2);
            let segments = [&Segment::of(first, None), &Segment::of(second, None)];
            let (query, meaning) = (Query::typed("ab c"), towards(looked_for));
            let found = |limit| find(&segments, &query, Some(&meaning), purpose, limit, |_, at| at % 5 != 1);
            let lifts = |_, at| [Some(0.0), None, Some(0.3)][at % 3];
            let lifted = |limit| find_lifted(&segments, &query, Some(&meaning), purpose, limit, lifts);
            for (few, mut all) in [(found(limit), found(documents.len())), (lifted(limit), lifted(documents.len()))] {
                all.truncate(limit);
                prop_assert_eq!(few, all);
            }
        }

        #[test]
        fn every_document_is_found_by_its_own_name(names in prop::collection::vec("[a-z]{4,12}", 1..8)) {
            let documents: Vec<_> = names.iter().map(|name| document(name, &[], "")).collect();
            let segment = Segment::of(&documents, None);
            for (at, name) in names.iter().enumerate() {
                let hits = find(&[&segment], &Query::typed(name), None, Purpose::Search, names.len(), |_, _| true);
                prop_assert!(hits.iter().any(|hit| hit.position == at));
            }
        }
    }
}
