//! Notes of a worker on a batch, beside its features: languages, and questions with their answers.

use std::collections::BTreeMap;

use romashka_domain::UploadId;
use romashka_ingest::Record;
use romashka_learning::knowledge::{Built, KnowledgeBuilder, Passage, Sentence, Source, SourceKind, Text};
use romashka_learning::language::{Languages, detect};
use romashka_learning::topics::MAX_EXCHANGES;
use romashka_learning::{Embedding, Group, OUT_OF_SCOPE_LABEL};
use romashka_mining::replies::{Corpus, ReadReply, is_courtesy, read};
use romashka_types::reply::Act;
use serde::{Deserialize, Serialize};

use crate::exchanges::Exchange;
use crate::topics::{Exchanged, Found};

/// The notes on one batch, or on all.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Notes {
    /// Languages of the customers' messages.
    pub languages: Languages,
    /// Questions with their answers, in the order of rows.
    pub passages: Vec<PassageNote>,
    /// Rows by upload.
    pub rows: BTreeMap<UploadId, Tally>,
    /// Questions among the passages that nobody answered.
    #[serde(skip)]
    unanswered: usize,
}

/// Rows that an upload brought.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// All of them.
    pub rows: u64,
    /// Those without a label.
    pub unlabelled: u64,
}

/// A text that answers a question.
#[derive(Debug, Serialize, Deserialize)]
pub struct PassageNote {
    upload_id: UploadId,
    row: u64,
    kind: SourceKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation: Option<String>,
    act: Act,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    question: TextNote,
    answer: TextNote,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sentences: Vec<SentenceNote>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
    /// True where somebody labelled it, be it as out of scope.
    #[serde(default)]
    labelled: bool,
}

/// A text and, where the encoder knows its language, its embedding in hexadecimal.
#[derive(Debug, Serialize, Deserialize)]
struct TextNote {
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding: Option<String>,
}

impl TextNote {
    fn new(text: String, embedding: Option<&Embedding>) -> Self {
        Self { text, embedding: embedding.map(Embedding::to_hex) }
    }

    fn into_text(self) -> Text {
        let embedding = embedding_of(self.embedding);
        Text { text: self.text, embedding }
    }
}

/// A sentence of an article, as bytes of the answer.
#[derive(Debug, Serialize, Deserialize)]
struct SentenceNote {
    start: usize,
    end: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding: Option<String>,
}

fn embedding_of(hex: Option<String>) -> Option<Embedding> {
    hex.and_then(|hex| Embedding::from_hex(&hex))
}

impl Notes {
    /// Takes a row of an upload in, with its exchange where it has one.
    pub fn observe(&mut self, upload_id: UploadId, record: &Record, exchange: Option<Exchange>) {
        let tally = self.rows.entry(upload_id).or_default();
        tally.rows += 1;
        tally.unlabelled += u64::from(record.intent.is_none());
        self.languages.count(detect(&record.text));
        let Some(exchange) = exchange else { return };
        let sentence = |(range, embedding): &(std::ops::Range<usize>, Option<Embedding>)| SentenceNote {
            start: range.start,
            end: range.end,
            embedding: embedding.as_ref().map(Embedding::to_hex),
        };
        self.passages.push(PassageNote {
            upload_id,
            row: record.row,
            kind: exchange.kind,
            conversation: record.conversation.clone(),
            act: exchange.answer.act,
            names: exchange.answer.names,
            question: TextNote::new(exchange.question, exchange.question_embedding.as_ref()),
            sentences: exchange.sentences.iter().map(sentence).collect(),
            answer: TextNote::new(exchange.answer.body, exchange.answer_embedding.as_ref()),
            intent: record.intent.clone().filter(|intent| intent != OUT_OF_SCOPE_LABEL),
            labelled: record.intent.is_some(),
        });
    }

    /// Adds the notes on another batch.
    pub fn merge(&mut self, other: Self) {
        self.languages.merge(&other.languages);
        // Of what nobody answered, as much as topics are made of.
        let mut room = MAX_EXCHANGES.saturating_sub(self.unanswered);
        let kept = other.passages.into_iter().filter(|note| {
            let is_kept = !note.is_unanswered() || room > 0;
            room -= usize::from(is_kept && note.is_unanswered());
            is_kept
        });
        self.passages.extend(kept);
        self.unanswered = MAX_EXCHANGES - room;
        for (upload, tally) in other.rows {
            let sum = self.rows.entry(upload).or_default();
            sum.rows += tally.rows;
            sum.unlabelled += tally.unlabelled;
        }
    }

    /// The index of all passages, and the topics of all conversations without labels; `None` where there are no passages.
    pub fn learn(passages: Vec<PassageNote>) -> Option<(Built, Found)> {
        let mut corpus = Corpus::default();
        let is_reply = |note: &&PassageNote| note.kind == SourceKind::Reply && !note.is_unanswered();
        for note in passages.iter().filter(is_reply) {
            corpus.observe(&note.said_in(), &note.question.text, &note.reply());
        }
        let mut builder = KnowledgeBuilder::default();
        let mut refused = 0;
        let mut exchanges = Vec::new();
        for note in passages {
            let row = note.row;
            let is_labelled = note.labelled;
            let passage = note.into_passage(&corpus);
            exchanges.extend(exchanged(&passage).filter(|_| !is_labelled));
            if passage.answer.text.trim().is_empty() {
                continue;
            }
            if let Err(refusal) = builder.add(passage) {
                refused += 1;
                tracing::info!(%refusal, row, "a passage was left out");
            }
        }
        let mut built = builder.build();
        built.left_out += refused;
        (!built.index.passages().is_empty()).then(|| (built, Found::among(exchanges)))
    }
}

/// A row as a topic is made of it; `None` of what was not said in a conversation or is no more than thanks. Of what nobody
/// answered, a few words are taken for thanks, too. A reply that answers nothing tells nothing of what was asked.
fn exchanged(passage: &Passage) -> Option<Exchanged> {
    let said = passage.source.kind == SourceKind::Reply;
    let question = passage.queries.first().filter(|question| said && !question.text.trim().is_empty())?.clone();
    let conversation = passage.conversation.unwrap_or_else(|| Group::of_text(&question.text));
    let answers = matches!(passage.act, Act::Answer | Act::Question) && !passage.answer.text.trim().is_empty();
    let reply = answers.then(|| passage.answer.clone());
    if is_courtesy(&question.text) || (reply.is_none() && read(&question.text).act == Act::Courtesy) {
        return None;
    }
    Some(Exchanged { conversation, question, reply })
}

impl PassageNote {
    fn is_unanswered(&self) -> bool {
        self.answer.text.trim().is_empty()
    }

    /// The conversation; a row of none is one by itself.
    fn said_in(&self) -> String {
        self.conversation.clone().unwrap_or_else(|| format!("{} {}", self.upload_id, self.row))
    }

    fn reply(&self) -> ReadReply {
        ReadReply { body: self.answer.text.clone(), act: self.act, names: self.names.clone(), asks: None }
    }

    /// The row as the index takes it, in a reply what is true of one conversation as slots.
    fn into_passage(self, corpus: &Corpus) -> Passage {
        let said = self.kind == SourceKind::Reply;
        let said_in = self.said_in();
        let question = self.question.into_text();
        let mut answer = self.answer.into_text();
        let mut slots = Vec::new();
        if said {
            let generalised = corpus.generalise(&answer.text, &question.text);
            (answer.text, slots) = (generalised.text, generalised.slots);
        }
        let (question, queries) = if said { (None, vec![question]) } else { (Some(question), Vec::new()) };
        let sentence =
            |note: SentenceNote| Sentence { range: note.start..note.end, embedding: embedding_of(note.embedding) };
        Passage {
            conversation: said.then(|| Group::of_conversation(&said_in)),
            act: self.act,
            slots,
            sentences: self.sentences.into_iter().map(sentence).collect(),
            question,
            intent: self.intent,
            queries,
            ..Passage::of(Source { kind: self.kind, upload: self.upload_id.to_string(), row: self.row }, answer)
        }
    }
}
