use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    comparison::{PairedRow, Verdict},
    content::Group,
    scope::{ScopeRow, Standing},
};

/// A report on a small shop, in which `word` stands wherever a person's or an upload's own text can.
fn report(word: &str) -> Report {
    let share = |count, of| Proportion::new(count, of).unwrap();
    let row = |content: &str| json!({"content": content, "label": word});
    let pair = json!({"first": row("aa"), "second": row("bb"), "cosine": 0.97});
    let findings = json!({
        "rows": 1_204, "embedded": 1_200,
        "label_conflicts": {"total": 61, "listed": [{"labels": [word, "refund"], "rows": [row("aa"), row("cc")]}]},
        "near_duplicates": {"total": 1, "listed": [{"labels": [word, "refund"], "pairs": 4, "examples": [pair]}]},
        "leaks": {"leaked": share(3, 120), "equal_texts": 1, "examples": [pair]},
        "small_intents": {"total": 1, "listed": [{"intent": word, "rows": 4, "missing": 6}]},
        "merges": {"total": 1, "listed": [{"intents": [word, "refund"], "mixing": 0.64, "similarity": 0.8, "confusions": 5}]},
        "suspects": {"total": 1, "listed": [{"row": row("bb"), "suggested": word, "agreeing": 9, "neighbours": 10}]},
    });
    let evaluation = json!({
        "accuracy": share(108, 120), "best_intent_accuracy": share(111, 120), "macro_f1": 0.884,
        "calibration_error": 0.021, "calibration_error_before": 0.143,
        "out_of_scope_recall": share(31, 40), "false_alarms": share(4, 120), "fast_share": share(90, 120),
        "intents": [
            {"intent": word, "support": 70, "predicted": 72, "precision": 0.903, "recall": 0.929, "f1": 0.915},
            {"intent": "refund", "support": 50, "predicted": 44, "precision": 0.977, "recall": 0.86, "f1": 0.915},
        ],
        "confusions": [{"actual": word, "predicted": null, "count": 3}],
    });
    let paired: Vec<_> = (0..120)
        .map(|row| PairedRow {
            group: Group::from_bits(row / 2),
            actual: Some("refund"),
            deployed: (row % 5 > 0).then_some("refund"),
            candidate: (row % 12 > 0).then_some("refund"),
        })
        .collect();
    let scored: Vec<_> = (0_u8..160)
        .map(|row| {
            let standing =
                [Standing::Right, Standing::Right, Standing::Wrong, Standing::OutOfScope][usize::from(row % 4)];
            let familiar = if standing == Standing::OutOfScope { 0.0 } else { 4.0 };
            ScopeRow { score: familiar + f32::from(row % 37) / 6.0, standing }
        })
        .collect();
    let answered = |confidence: f32| {
        let answered = (0..100_u8).map(move |row| {
            let right = if row % 10 < 9 { Rightness::Right } else { Rightness::Wrong };
            ((confidence + f32::from(row % 7) / 10.0).min(1.0), right)
        });
        ReliabilityBin::of(&answered.collect::<Vec<_>>())
    };
    Report {
        created_at: format!("4 May 2026 {word}"),
        provenance: Provenance {
            model_hash: format!("0a1b2c{word}"),
            data_hash: format!("3d4e5f{word}"),
            code_version: 2,
        },
        parameters: Parameters::default(),
        sources: vec![Source { upload_id: format!("upl_{word}"), rows: 1_300, duplicates: 96, unlabelled: 11 }],
        languages: serde_json::from_value(json!({"messages": {"en": 1_100, "de": 80}, "unknown": 24})).unwrap(),
        encoder: Encoder::Present,
        no_intents: None,
        passages: 12,
        agreement: None,
        cases: Vec::new(),
        evaluation: serde_json::from_value(evaluation).unwrap(),
        confusions: vec![
            ConfusionExamples {
                actual: word.to_owned(),
                predicted: None,
                count: 3,
                examples: vec![format!("where is my parcel {word}")],
            },
            ConfusionExamples {
                actual: "refund".to_owned(),
                predicted: Some(word.to_owned()),
                count: 2,
                examples: Vec::new(),
            },
        ],
        reliability: Some(Reliability { before: answered(0.2), after: answered(0.4) }),
        scope: Some(ScopeCurve::of(&scored).unwrap()),
        comparison: Comparison::of(&paired),
        findings: serde_json::from_value(findings).unwrap(),
        texts: [("aa", "my money back"), ("bb", "give me my money"), ("cc", "unquoted")]
            .map(|(content, text)| (content.to_owned(), format!("{text} {word}")))
            .into(),
        cost: Cost { gb_seconds: 41.26, stages: vec![StageTime { stage: format!("fitting {word}"), seconds: 3.4 }] },
    }
}

/// Without the parameters, which have their own test and change for their own reasons.
#[test]
fn the_page_of_a_small_shop() {
    let page = report("parcel").to_html();
    let (_, body) = page.split_once("<body>").unwrap();
    let (body, _) = body.split_once("<h2>How to make it again").unwrap();
    insta::assert_snapshot!(body.replace("</tr>", "</tr>\n").replace("</p>", "</p>\n").replace("<h", "\n<h"));
}

#[test]
fn every_parameter_and_both_hashes_are_on_the_page() {
    let report = report("parcel");
    let page = report.to_html();
    let serde_json::Value::Object(parameters) = serde_json::to_value(&report.parameters).unwrap() else {
        panic!("parameters are an object");
    };
    for parameter in parameters.keys() {
        assert!(page.contains(&format!("<code>{parameter}</code>")), "{parameter}");
    }
    assert!(page.contains("0a1b2cparcel") && page.contains("3d4e5fparcel"));
}

/// Writes the page where `ROMASHKA_REPORT_PAGE` says, for whoever wants to look at it.
#[test]
fn the_page_loads_and_runs_nothing() {
    let page = report("parcel").to_html();
    for forbidden in ["<script", "<link", "<img", "<iframe", "src=", "href=", "url(", "@import", "http://", "https://"]
    {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    if let Some(path) = std::env::var_os("ROMASHKA_REPORT_PAGE") {
        std::fs::write(path, page).unwrap();
    }
}

#[test]
fn a_report_without_measurements_says_so() {
    let mut report = report("parcel");
    (report.evaluation, report.comparison, report.reliability) = (None, None, None);
    (report.scope, report.findings, report.encoder) = (None, None, Encoder::Absent);
    let page = report.to_html();
    for said in ["too few rows to hold any out", "no deployed version", "sentence encoder was not there"] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn every_verdict_is_put_into_words() {
    let mut report = report("parcel");
    let words = [
        (Verdict::Better, "Better than the deployed"),
        (Verdict::Worse, "Worse than the deployed"),
        (Verdict::NoDetectableChange, "No detectable change"),
        (Verdict::TooFewRows { needed: 12_345 }, "About 12,345 held-out rows would tell"),
    ];
    for (verdict, said) in words {
        report.comparison.as_mut().unwrap().verdict = verdict;
        assert!(report.to_html().contains(said), "{said}");
    }
}

#[test]
fn whatever_is_put_in_the_report_stays_within_its_bounds() {
    let long = "ж".repeat(5_000);
    let mut report = report(&long);
    report.sources = vec![report.sources[0].clone(); 300];
    report.confusions = vec![report.confusions[0].clone(); 300];
    report.confusions[0].examples = vec![long.clone(); 9];
    report.texts.insert("nobody quotes this".to_owned(), long);
    let bounded = report.bounded();
    assert_eq!((bounded.sources.len(), bounded.confusions.len()), (MAX_SOURCES, MAX_CONFUSIONS));
    assert_eq!(bounded.confusions[0].examples.len(), MAX_EXAMPLES);
    assert!(bounded.texts.contains_key("aa") && !bounded.texts.contains_key("nobody quotes this"));
    let json = serde_json::to_value(&bounded).unwrap();
    assert!(longest_text(&json) <= MAX_CHARACTERS);
    assert_eq!(bounded.clone().bounded(), bounded);
}

fn longest_text(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.chars().count(),
        serde_json::Value::Array(values) => values.iter().map(longest_text).max().unwrap_or(0),
        serde_json::Value::Object(fields) => fields.values().map(longest_text).max().unwrap_or(0),
        _ => 0,
    }
}

#[test]
fn a_report_survives_storage() {
    let report = report("parcel");
    let stored = serde_json::to_string(&report).unwrap();
    let read: Report = serde_json::from_str(&stored).unwrap();
    assert_eq!(read.to_html(), report.to_html());
}

#[test]
fn bins_count_every_row_once_and_do_not_care_for_order() {
    let mut rows: Vec<_> = (0_u8..=200)
        .map(|row| (f32::from(row) / 200.0, if row % 3 == 0 { Rightness::Wrong } else { Rightness::Right }))
        .collect();
    let bins = ReliabilityBin::of(&rows);
    assert_eq!(bins.iter().map(|bin| bin.right.of).sum::<u64>(), 201);
    assert_eq!(bins.len(), CALIBRATION_BINS);
    assert!(bins.windows(2).all(|pair| pair[0].confidence < pair[1].confidence));
    rows.reverse();
    assert_eq!(ReliabilityBin::of(&rows), bins);
}

/// The tags of a page by name, and its quotation marks, which are all the template's own where texts are escaped.
fn marks(page: &str) -> (usize, usize, usize) {
    let count = |mark: char| page.chars().filter(|character| *character == mark).count();
    (count('<'), count('>'), count('"'))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_becomes_markup(
        injected in prop::sample::select(vec![
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style><b>", "'\"<!--", "]]><a>", "&lt;<",
        ]),
        around in "[\\PC<>\"'&]{0,20}",
    ) {
        let hostile = report(&format!("{around}{injected}{around}")).to_html();
        prop_assert_eq!(marks(&hostile), marks(&report("parcel").to_html()));
        prop_assert!(!hostile.contains("<script") && !hostile.contains("<img") && !hostile.contains("<!--"));
    }
}
