//! Asks every row of a labelled file through the API and counts how often the answer was right.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Result, bail};
use romashka_ingest::redaction::Redactor;
use romashka_ingest::{Kind, Options, Record, Records};
use romashka_learning::OUT_OF_SCOPE_LABEL;
use serde::Serialize;
use serde_json::json;

use crate::client::Tenant;

/// How the deployed model did on a labelled file.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// Rows asked.
    pub rows: usize,
    /// Rows of the file that are none, such as those without a text; they were not asked.
    pub refused: usize,
    /// The share answered rightly; an in-scope row that was called out of scope is wrong.
    pub accuracy: f64,
    /// The mean F1 of the intents in the file, `oos` not counted.
    pub macro_f1: f64,
    /// `null` where the file has no row labelled `oos`.
    pub out_of_scope: Option<OutOfScope>,
    /// The share that the model's fast tier answered alone.
    pub fast_share: f64,
    /// Milliseconds from a question to its answer, one at a time.
    pub answer_ms: Percentiles,
}

/// How well what belongs to no intent was told apart.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OutOfScope {
    /// The share of `oos` rows that were called out of scope.
    pub recall: f64,
    /// The share of the other rows that were answered rightly.
    pub in_scope_accuracy: f64,
    /// The share of the other rows that were called out of scope.
    pub false_alarm: f64,
}

/// Two percentiles of some durations, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
}

impl Percentiles {
    /// Those of these durations, by the nearest-rank method.
    pub fn of(mut durations: Vec<f64>) -> Self {
        durations.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let rank = (share * durations.len() as f64).ceil() as usize;
            durations.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
        };
        Self { p50: rank(0.5), p99: rank(0.99) }
    }
}

/// A labelled question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// What is asked.
    pub text: String,
    /// What it is about, or `oos`.
    pub intent: String,
}

/// A labelled file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Its rows.
    pub rows: Vec<Labelled>,
    /// What is wrong with those that are none.
    pub refused: Vec<String>,
}

/// The labelled rows of a file.
pub fn read(bytes: &[u8]) -> Result<Questions> {
    let mut questions = Questions::default();
    // Asked as they are: what is personal is hidden by whoever answers.
    let options = Options { redactor: Redactor::none(), ..Options::default() };
    for row in Records::open(bytes, Kind::Utterances, &options)? {
        match row? {
            Ok(Record { text, intent: Some(intent), .. }) => questions.rows.push(Labelled { text, intent }),
            Ok(record) => questions.refused.push(format!("row {}: no intent", record.row)),
            Err(error) => questions.refused.push(format!("row {}: {}", error.row, error.why)),
        }
    }
    if questions.rows.is_empty() {
        let why = questions.refused.first().map_or("it is empty", |why| why);
        bail!("the file has no rows to ask: {why}");
    }
    Ok(questions)
}

/// Asks every row.
pub fn score(tenant: &Tenant, Questions { rows, refused }: &Questions) -> Result<Score> {
    let mut durations = Vec::with_capacity(rows.len());
    let mut predicted = Vec::with_capacity(rows.len());
    let mut fast = 0;
    for row in rows {
        let started = Instant::now();
        let answer = tenant.post("/v1/answers", &json!({ "text": row.text }))?;
        durations.push(started.elapsed().as_secs_f64() * 1000.0);
        fast += usize::from(answer["provenance"]["tier"] == "fast");
        predicted.push(answer["intent"].as_str().unwrap_or(OUT_OF_SCOPE_LABEL).to_owned());
    }
    let fast_share = fast as f64 / rows.len() as f64;
    let refused = refused.len();
    Ok(Score { refused, fast_share, answer_ms: Percentiles::of(durations), ..count(rows, &predicted) })
}

fn count(rows: &[Labelled], predicted: &[String]) -> Score {
    let pairs = || rows.iter().map(|row| &row.intent).zip(predicted);
    let right = pairs().filter(|(actual, said)| actual == said).count();
    let mut tallies: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
    for (actual, said) in pairs() {
        tallies.entry(actual).or_default().1 += 1.0;
        tallies.entry(said).or_default().2 += 1.0;
        if actual == said {
            tallies.entry(actual).or_default().0 += 1.0;
        }
    }
    let intents: BTreeSet<_> =
        rows.iter().map(|row| &*row.intent).filter(|intent| *intent != OUT_OF_SCOPE_LABEL).collect();
    // F1 = 2 × hits ÷ (rows of the intent + rows called it).
    let f1 = |intent: &&str| tallies.get(*intent).map_or(0.0, |(hits, of, called)| 2.0 * hits / (of + called));
    let called = |outside: bool| {
        let of: Vec<_> = pairs().filter(|(actual, _)| (*actual == OUT_OF_SCOPE_LABEL) == outside).collect();
        let called = of.iter().filter(|(_, said)| *said == OUT_OF_SCOPE_LABEL).count();
        (!of.is_empty()).then(|| called as f64 / of.len() as f64)
    };
    let in_scope = pairs().filter(|(actual, _)| *actual != OUT_OF_SCOPE_LABEL).count();
    let in_scope_right = pairs().filter(|(actual, said)| *actual != OUT_OF_SCOPE_LABEL && actual == said).count();
    Score {
        rows: rows.len(),
        refused: 0,
        accuracy: right as f64 / rows.len() as f64,
        macro_f1: intents.iter().map(f1).sum::<f64>() / intents.len().max(1) as f64,
        out_of_scope: called(true).map(|recall| OutOfScope {
            recall,
            in_scope_accuracy: in_scope_right as f64 / in_scope.max(1) as f64,
            false_alarm: called(false).unwrap_or(0.0),
        }),
        fast_share: 0.0,
        answer_ms: Percentiles { p50: 0.0, p99: 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(pairs: &[(&str, &str)]) -> Score {
        let rows: Vec<_> =
            pairs.iter().map(|(actual, _)| Labelled { text: String::new(), intent: (*actual).to_owned() }).collect();
        let said: Vec<_> = pairs.iter().map(|(_, said)| (*said).to_owned()).collect();
        count(&rows, &said)
    }

    #[test]
    fn a_false_alarm_is_a_wrong_answer() {
        let score = scored(&[("a", "a"), ("a", "oos"), ("b", "b"), ("oos", "oos"), ("oos", "b")]);
        assert_eq!(score.accuracy, 0.6);
        let outside = score.out_of_scope.unwrap();
        assert_eq!((outside.recall, outside.in_scope_accuracy, outside.false_alarm), (0.5, 2.0 / 3.0, 1.0 / 3.0));
        // a: 2·1/(2+1); b: 2·1/(1+2)
        assert!((score.macro_f1 - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn without_such_rows_nothing_is_said_of_out_of_scope() {
        assert!(scored(&[("a", "a")]).out_of_scope.is_none());
    }

    #[test]
    fn a_row_without_a_text_or_an_intent_is_not_asked_and_the_others_are() {
        let questions = read(b"text,intent\nwhere is it,order\n,order\nhello,\n").unwrap();
        assert_eq!(questions.rows, [Labelled { text: "where is it".to_owned(), intent: "order".to_owned() }]);
        assert_eq!(questions.refused.len(), 2);
        assert!(read(b"text,intent\n,order\n").is_err());
    }

    #[test]
    fn percentiles_are_durations_that_occurred() {
        let percentiles = Percentiles::of((1..=100).map(f64::from).collect());
        assert_eq!((percentiles.p50, percentiles.p99), (50.0, 99.0));
    }
}
