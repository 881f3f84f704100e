//! Rows of a batch read as questions with their answers.
//!
//! A worker reads each row by itself: the customer's need out of the turns before, the body of the reply, its act and the
//! names in it. Facts and names of the whole corpus are told apart by the reducer, which sees all of them.

use romashka_encoder::Encoder;
use romashka_ingest::{Kind, Record, Role};
use romashka_learning::knowledge::SourceKind;
use romashka_learning::knowledge::sentences::sentences;
use romashka_learning::{Embedding, FeaturisedRow, Meaning, language};
use romashka_mining::replies::{ReadReply, Speaker, need, read};
use romashka_types::reply::Act;

/// A question with its answer.
pub struct Exchange {
    /// The kind of row it comes from.
    pub kind: SourceKind,
    /// The customer's need, the FAQ's question or the article's title.
    pub question: String,
    /// Its embedding; `None` where the encoder does not know the language.
    pub question_embedding: Option<Embedding>,
    /// The answer; of a reply its body.
    pub answer: ReadReply,
    /// Its embedding.
    pub answer_embedding: Option<Embedding>,
    /// Sentences of an article, as byte ranges of the answer, with their embeddings.
    pub sentences: Vec<(std::ops::Range<usize>, Option<Embedding>)>,
}

/// Reads the rows of an upload; `None` for each that teaches neither an answer nor a topic. `rows` are the same, featurised.
pub fn exchanges(
    kind: Kind,
    records: &[Record],
    rows: &[FeaturisedRow],
    encoder: Option<&Encoder>,
) -> Vec<Option<Exchange>> {
    let mut exchanges: Vec<Option<Exchange>> = records.iter().map(|record| exchange(kind, record)).collect();
    let Some(encoder) = encoder else { return exchanges };
    for ((exchange, record), row) in exchanges.iter_mut().zip(records).zip(rows) {
        let Some(exchange) = exchange else { continue };
        if exchange.question == record.text && language::is_encoded(&exchange.question) {
            exchange.question_embedding = row.meaning.as_ref().map(|meaning| meaning.sentence.clone());
        }
    }
    let mut texts: Vec<(String, &mut Option<Embedding>)> = Vec::new();
    for exchange in exchanges.iter_mut().flatten() {
        let Exchange { question, question_embedding, answer, answer_embedding, sentences, .. } = exchange;
        if question_embedding.is_none() {
            texts.push((question.clone(), question_embedding));
        }
        texts.push((answer.body.clone(), answer_embedding));
        let body = &answer.body;
        texts.extend(sentences.iter_mut().map(|(range, embedding)| (body[range.clone()].to_owned(), embedding)));
    }
    texts.retain(|(text, _)| !text.is_empty() && language::is_encoded(text));
    let encoded: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
    let meanings = Meaning::of(encoder, &encoded);
    for ((_, embedding), meaning) in texts.into_iter().zip(meanings) {
        *embedding = Some(meaning.sentence);
    }
    exchanges
}

fn exchange(kind: Kind, record: &Record) -> Option<Exchange> {
    // What nobody answered and nobody labelled still tells what customers write about.
    let is_question = record.intent.is_none() && matches!(kind, Kind::Conversations | Kind::Utterances);
    let reply = record.reply.as_deref().or(is_question.then_some(""))?;
    let kind = match kind {
        Kind::Faq => SourceKind::Faq,
        Kind::Knowledge => SourceKind::Article,
        // What somebody wrote to a customer, whatever file it stands in.
        Kind::Conversations | Kind::Utterances => SourceKind::Reply,
    };
    let said = kind == SourceKind::Reply;
    let question = if said { need_of(record) } else { record.text.clone() };
    let answer = if said {
        read(reply)
    } else {
        ReadReply { body: reply.to_owned(), act: Act::Answer, names: Vec::new(), asks: None }
    };
    let sentences = if kind == SourceKind::Article { sentences(&answer.body) } else { Vec::new() };
    Some(Exchange {
        kind,
        question,
        question_embedding: None,
        answer,
        answer_embedding: None,
        sentences: sentences.into_iter().map(|range| (range, None)).collect(),
    })
}

fn need_of(record: &Record) -> String {
    let before = record.before.iter().map(|turn| {
        let speaker = if turn.role == Role::Customer { Speaker::Customer } else { Speaker::Team };
        (speaker, turn.text.as_str())
    });
    need(before, &record.text)
}
