//! What a worker sees in a batch beside what it teaches: languages, replies, and passages that answer questions.

use std::collections::BTreeMap;

use romashka_domain::UploadId;
use romashka_ingest::Record;
use romashka_learning::knowledge::{Built, KnowledgeBuilder, Passage, Source, SourceKind, Text};
use romashka_learning::language::{Languages, detect};
use romashka_learning::{Embedding, OUT_OF_SCOPE_LABEL};
use serde::{Deserialize, Serialize};

use crate::replies::Replies;

/// The notes on one batch, or on all.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Notes {
    /// The best reply of each intent.
    pub replies: Replies,
    /// Languages of the customers' messages.
    pub languages: Languages,
    /// What answers what, in the order of rows.
    pub passages: Vec<PassageNote>,
    /// Rows by upload.
    pub rows: BTreeMap<UploadId, Tally>,
}

/// How many rows an upload brought.
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
    /// Said in a conversation, not written to be an answer.
    said: bool,
    question: TextNote,
    answer: TextNote,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
}

/// A text and, where there is an encoder, its embedding in hexadecimal.
#[derive(Debug, Serialize, Deserialize)]
struct TextNote {
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding: Option<String>,
}

impl TextNote {
    fn new(text: &str, embedding: Option<&Embedding>) -> Self {
        Self { text: text.to_owned(), embedding: embedding.map(Embedding::to_hex) }
    }

    fn into_text(self) -> Text {
        let embedding = self.embedding.and_then(|hex| Embedding::from_hex(&hex));
        Text { text: self.text, embedding }
    }
}

impl Notes {
    /// Looks at a row of an upload, given what the encoder made of its text and of its reply.
    pub fn observe(
        &mut self,
        upload_id: UploadId,
        record: &Record,
        question: Option<&Embedding>,
        answer: Option<&Embedding>,
    ) {
        let tally = self.rows.entry(upload_id).or_default();
        tally.rows += 1;
        tally.unlabelled += u64::from(record.intent.is_none());
        self.languages.count(detect(&record.text));
        self.replies.observe(record);
        let intent = record.intent.clone().filter(|intent| intent != OUT_OF_SCOPE_LABEL);
        let Some(reply) = &record.reply else { return };
        self.passages.push(PassageNote {
            upload_id,
            row: record.row,
            said: record.conversation.is_some(),
            question: TextNote::new(&record.text, question),
            answer: TextNote::new(reply, answer),
            intent,
        });
    }

    /// Adds the notes on another batch.
    pub fn merge(&mut self, other: Self) {
        self.replies.merge(other.replies);
        self.languages.merge(&other.languages);
        self.passages.extend(other.passages);
        for (upload, tally) in other.rows {
            let sum = self.rows.entry(upload).or_default();
            sum.rows += tally.rows;
            sum.unlabelled += tally.unlabelled;
        }
    }

    /// The index of all passages; `None` where there are none.
    pub fn index(passages: Vec<PassageNote>) -> Option<Built> {
        let mut builder = KnowledgeBuilder::default();
        for note in passages {
            let kind = if note.said { SourceKind::Reply } else { SourceKind::Faq };
            let question = note.question.into_text();
            let (question, queries) = if note.said { (None, vec![question]) } else { (Some(question), Vec::new()) };
            let passage = Passage {
                source: Source { kind, upload: note.upload_id.to_string(), row: note.row },
                question,
                answer: note.answer.into_text(),
                intent: note.intent,
                queries,
            };
            if let Err(refusal) = builder.add(passage) {
                tracing::info!(%refusal, row = note.row, "a passage was left out");
            }
        }
        Some(builder.build()).filter(|built| !built.index.passages().is_empty())
    }
}
