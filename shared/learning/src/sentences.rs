//! Invented support messages for the tests: few intents, each asked in many ways.

use std::ops::ControlFlow;

use crate::{
    Batch, DocumentFrequencies, FeaturisedRow, Fitted, OUT_OF_SCOPE_LABEL, Parameters, TrainingError, TrainingSet,
    batch, fit,
};

const OPENINGS: [&str; 6] = ["", "hello,", "hi there!", "please help:", "good morning,", "excuse me,"];
const ENDINGS: [&str; 5] = ["", "thank you", "it is urgent", "as soon as possible", "I have been waiting"];
const INTENTS: [(&str, [&str; 6]); 4] = [
    (
        "order_status",
        [
            "where is my parcel",
            "my order has not arrived",
            "has the courier left already",
            "track the shipment for me",
            "when will the delivery come",
            "the package is late",
        ],
    ),
    (
        "refund",
        [
            "I want my money back",
            "when do I get the refund",
            "refund the last invoice",
            "you charged me twice",
            "reimburse the fee",
            "cancel and return what I paid",
        ],
    ),
    (
        "password",
        [
            "I forgot my password",
            "the login does not work",
            "reset my credentials",
            "my account is locked",
            "the sign-in code never comes",
            "I cannot log in",
        ],
    ),
    (
        "opening_hours",
        [
            "when do you open",
            "are you there on Sunday",
            "what are your hours",
            "until what time is the shop open",
            "is the store closed on holidays",
            "can I visit you tomorrow evening",
        ],
    ),
];
const STRANGERS: [&str; 6] = [
    "who won the football match",
    "tell me a joke about cats",
    "the weather is lovely in Lisbon",
    "recommend a novel for the beach",
    "how tall is that mountain",
    "sing a song with me",
];

/// Every message of every intent: 720 rows.
pub(crate) fn support_rows() -> Vec<FeaturisedRow> {
    INTENTS.iter().flat_map(|(intent, questions)| asked(questions, intent)).collect()
}

/// Messages that belong to no intent: 180 rows.
pub(crate) fn strangers() -> Vec<FeaturisedRow> {
    asked(&STRANGERS, OUT_OF_SCOPE_LABEL)
}

fn asked(questions: &[&str], label: &str) -> Vec<FeaturisedRow> {
    let mut rows = Vec::new();
    for question in questions {
        for opening in OPENINGS {
            rows.extend(ENDINGS.map(|ending| row(&format!("{opening} {question} {ending}"), label)));
        }
    }
    rows
}

pub(crate) fn row(text: &str, label: &str) -> FeaturisedRow {
    FeaturisedRow::from_text(text, Some(label), None).unwrap()
}

/// The whole road, batches included.
pub(crate) fn train(batches: &[&[FeaturisedRow]], parameters: &Parameters) -> Result<Fitted, TrainingError> {
    let encoded: Vec<_> = batches.iter().map(|rows| batch::encode(&Batch::of_ngrams(rows.to_vec())).unwrap()).collect();
    let mut frequencies = DocumentFrequencies::default();
    for bytes in &encoded {
        frequencies.observe(&batch::decode(bytes).unwrap().rows)?;
    }
    let mut set = TrainingSet::new(frequencies.into_vocabulary(parameters.min_df), parameters);
    for (number, bytes) in (0..).zip(&encoded) {
        set.push(number, batch::decode(bytes).unwrap())?;
    }
    fit(&set, parameters, &|_| ControlFlow::Continue(()))
}
