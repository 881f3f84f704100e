//! The report as a page. The template escapes every text; the style sheet is the only thing that goes in as it is.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{ConfusionExamples, Encoder, Reliability, ReliabilityBin, Report, agreement, charts};
use crate::{
    comparison::{Comparison, Gain, Verdict},
    doctor::{ENOUGH_ROWS, Findings, Leaks, Listed, Row, RowPair},
    evaluation::{Evaluation, Proportion},
    scope::ScopeCurve,
};

const STYLE: &str = include_str!("page.css");
/// Forbids, whatever a text might hold, that the page runs or loads anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const OUT_OF_SCOPE: &str = "out of scope";

pub(super) fn page(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Training report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Training report" }
                    p.subtitle { (report.created_at) " · model " code { (beginning(&report.provenance.model_hash)) } }
                    (summary(report))
                    (sources(report))
                    @if let Some(agreement) = &report.agreement { (agreement::section(agreement, &report.cases)) }
                    @if let Some(evaluation) = &report.evaluation { (figures(evaluation)) }
                    @if let Some(comparison) = &report.comparison { (compared(comparison)) }
                    @if !report.confusions.is_empty() { (confusions(&report.confusions)) }
                    @if let Some(reliability) = &report.reliability { (calibration(reliability, report.evaluation.as_ref())) }
                    @if let Some(scope) = &report.scope { (out_of_scope(scope)) }
                    @if let Some(found) = &report.findings { (findings(found, &report.texts)) }
                    @if let Some(evaluation) = &report.evaluation { (intents(evaluation)) }
                    (cost(report))
                    (provenance(report))
                }
            }
        }
    };
    page.into_string()
}

/// The page in four lines, for those who read no further.
fn summary(report: &Report) -> Markup {
    html! {
        section.summary aria-label="Summary" {
            @match (&report.evaluation, &report.no_intents) {
                (Some(evaluation), _) => p {
                    strong { (percent(evaluation.accuracy.value)) }
                    " of the held-out messages are answered rightly (95 % interval "
                    (percent(evaluation.accuracy.lower)) " to " (percent(evaluation.accuracy.upper)) ", "
                    (grouped(evaluation.accuracy.of)) " messages)."
                },
                (None, Some(reason)) => {
                    @if let Some(agreement) = &report.agreement { (agreement::sentence(agreement)) }
                    p {
                        strong { "No labelled intents were learnt" } ": " (reason)
                        ". Customers are answered from conversations, FAQs and articles."
                    }
                },
                (None, None) => p { "There were too few rows to hold any out, so nobody knows how good this version is." },
            }
            @if report.passages > 0 { p { (grouped(report.passages)) " texts can answer a customer." } }
            @match &report.comparison {
                Some(comparison) => p { (verdict(comparison)) },
                None => p { "There was no deployed version to compare with." },
            }
            @match report.encoder {
                Encoder::Present => p { "The sentence encoder was there: messages are judged by their meaning and their words." },
                Encoder::Absent => p {
                    "The sentence encoder was not there: messages are judged by their words and parts of words only, so "
                    "a paraphrase in new words is likely to be missed."
                },
            }
        }
    }
}

fn verdict(comparison: &Comparison) -> Markup {
    let words = match comparison.verdict {
        Verdict::Better => "Better than the deployed version:",
        Verdict::Worse => "Worse than the deployed version:",
        Verdict::NoDetectableChange => "No detectable change against the deployed version:",
        Verdict::TooFewRows { .. } => "Too few held-out rows to tell it from the deployed version:",
    };
    let gain = &comparison.accuracy;
    html! {
        strong { (words) } " " (points(gain.value)) " points of accuracy on " (grouped(comparison.rows))
        " rows (95 % interval " (points(gain.lower)) " to " (points(gain.upper)) ")."
        @match comparison.verdict {
            Verdict::Better | Verdict::Worse => {},
            Verdict::NoDetectableChange => {
                " A difference of " (unsigned_points(comparison.detectable)) " points would probably have shown."
            },
            Verdict::TooFewRows { needed } => { " About " (grouped(needed)) " held-out rows would tell." },
        }
    }
}

fn sources(report: &Report) -> Markup {
    let languages = {
        let mut languages: Vec<_> = report.languages.messages.iter().collect();
        languages.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        languages
    };
    let messages = report.languages.messages.values().sum::<u64>() + report.languages.unknown;
    html! {
        section {
            h2 { "What it learnt from" }
            table {
                caption { "Uploads" }
                (columns(&["Upload", "Rows", "Duplicates", "Without a label"]))
                tbody {
                    @for source in &report.sources {
                        tr {
                            th scope="row" { code { (source.upload_id) } }
                            td { (grouped(source.rows)) }
                            td { (grouped(source.duplicates)) }
                            td { (grouped(source.unlabelled)) }
                        }
                    }
                }
            }
            @if messages > 0 {
                table {
                    caption { "Languages" }
                    (columns(&["Language", "Messages", "Share"]))
                    tbody {
                        @for (language, count) in languages {
                            (language_row(language.code(), *count, messages))
                        }
                        @if report.languages.unknown > 0 {
                            (language_row("not told", report.languages.unknown, messages))
                        }
                    }
                }
            }
        }
    }
}

fn language_row(language: &str, count: u64, messages: u64) -> Markup {
    html! {
        tr { th scope="row" { (language) } td { (grouped(count)) } td { (percent(count as f64 / messages as f64)) } }
    }
}

fn figures(evaluation: &Evaluation) -> Markup {
    let proportion = |name: &str, share: &Proportion| {
        html! {
            tr {
                th scope="row" { (name) }
                td { (percent(share.value)) }
                td { (percent(share.lower)) " to " (percent(share.upper)) }
                td { (grouped(share.count)) " of " (grouped(share.of)) }
            }
        }
    };
    let single = |name: &str, value: f64| {
        html! { tr { th scope="row" { (name) } td { (percent(value)) } td { "–" } td { "–" } } }
    };
    html! {
        section {
            h2 { "How good it is" }
            p { "Measured on rows that it did not learn from." }
            table {
                caption { "Figures" }
                (columns(&["Figure", "Value", "95 % interval", "Rows"]))
                tbody {
                    (proportion("Accuracy", &evaluation.accuracy))
                    (proportion("Accuracy if nothing were judged out of scope", &evaluation.best_intent_accuracy))
                    (single("Macro-F1", evaluation.macro_f1))
                    (proportion("Messages with an intent judged out of scope", &evaluation.false_alarms))
                    @if let Some(recall) = &evaluation.out_of_scope_recall {
                        (proportion("Messages without an intent recognised", recall))
                    }
                    (single("Calibration error", evaluation.calibration_error))
                    (single("Calibration error before calibration", evaluation.calibration_error_before))
                }
            }
        }
    }
}

fn compared(comparison: &Comparison) -> Markup {
    let gain = |name: &str, gain: &Gain| {
        html! {
            tr {
                th scope="row" { (name) }
                td { (points(gain.value)) }
                td { (points(gain.lower)) " to " (points(gain.upper)) }
            }
        }
    };
    html! {
        section {
            h2 { "Compared with the deployed version" }
            table {
                caption { "Gain in points" }
                (columns(&["Figure", "Gain", "95 % interval"]))
                tbody {
                    (gain("Accuracy", &comparison.accuracy))
                    (gain("Macro-F1", &comparison.macro_f1))
                }
            }
            p {
                "Both answered the same " (grouped(comparison.rows)) " rows of " (grouped(comparison.groups))
                " conversations or single messages: the deployed version " (percent(comparison.deployed_accuracy.value))
                " of them rightly, the new one " (percent(comparison.candidate_accuracy.value))
                ". Rows without an intent count here too: they are right when judged out of scope."
            }
            p {
                "The new version alone is right on " (grouped(comparison.gained)) " rows, the deployed one alone on "
                (grouped(comparison.lost)) " (exact McNemar test, p " (probability(comparison.p_value))
                "). A true difference of " (unsigned_points(comparison.detectable))
                " points would show on such a hold-out four times in five."
            }
        }
    }
}

fn confusions(confusions: &[ConfusionExamples]) -> Markup {
    html! {
        section {
            h2 { "Worst confusions" }
            table.wide {
                caption { "Messages that were taken for another intent, commonest first" }
                (columns(&["Intent", "Taken for", "Rows", "Examples"]))
                tbody {
                    @for confusion in confusions {
                        tr {
                            th scope="row" { (name(&confusion.actual)) }
                            td.text { (predicted(confusion.predicted.as_deref())) }
                            td { (grouped(confusion.count)) }
                            td.text { @for example in &confusion.examples { (quotation(example)) } }
                        }
                    }
                }
            }
        }
    }
}

fn calibration(reliability: &Reliability, evaluation: Option<&Evaluation>) -> Markup {
    let table = |caption: &str, bins: &[ReliabilityBin]| {
        html! {
            table {
                caption { (caption) }
                (columns(&["Confidence", "Right", "95 % interval", "Rows"]))
                tbody {
                    @for bin in bins {
                        tr {
                            th scope="row" { (percent(bin.confidence)) }
                            td { (percent(bin.right.value)) }
                            td { (percent(bin.right.lower)) " to " (percent(bin.right.upper)) }
                            td { (grouped(bin.right.of)) }
                        }
                    }
                }
            }
        }
    };
    html! {
        section {
            h2 { "Whether its confidence can be believed" }
            @if let Some(evaluation) = evaluation {
                p {
                    "On average confidence is off by " (unsigned_points(evaluation.calibration_error))
                    " points; before calibration it was off by " (unsigned_points(evaluation.calibration_error_before)) "."
                }
            }
            div.beside {
                figure {
                    (charts::reliability(reliability))
                    figcaption {
                        "Filled: after calibration; hollow: before. On the dashed line confidence keeps its word; larger "
                        "circles stand for more rows."
                    }
                }
                div {
                    (table("After calibration", &reliability.after))
                    (table("Before calibration", &reliability.before))
                }
            }
        }
    }
}

fn out_of_scope(curve: &ScopeCurve) -> Markup {
    html! {
        section {
            h2 { "What recognising other messages costs" }
            @if let Some(auroc) = curve.auroc {
                p {
                    "A message with an intent looks more familiar than one without in " (percent(auroc))
                    " of all pairs (AUROC)."
                }
            } @else {
                p { "No held-out row is labelled as out of scope, so it is not known how many would be recognised." }
            }
            div.beside {
                figure {
                    (charts::scope(curve))
                    figcaption {
                        "Dashed: messages with an intent answered rightly"
                        @if curve.auroc.is_some() { "; solid: messages without one recognised" }
                        "."
                    }
                }
                table {
                    caption { "By points of accuracy that may be given up" }
                    (columns(&["Points", "Threshold", "Accuracy", "False alarms", "Recognised"]))
                    tbody {
                        @for point in &curve.points {
                            tr {
                                th scope="row" { (unsigned_points(point.budget)) }
                                td { (format!("{:.3}", point.threshold)) }
                                td { (percent(point.accuracy.value)) }
                                td { (percent(point.false_alarms.value)) }
                                td {
                                    @match &point.recall { Some(recall) => (percent(recall.value)), None => "–" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn intents(evaluation: &Evaluation) -> Markup {
    html! {
        section {
            h2 { "Intent by intent" }
            table {
                caption { "How well each intent is recognised" }
                (columns(&["Intent", "Rows", "Judged so", "Precision", "Recall", "F1"]))
                tbody {
                    @for intent in &evaluation.intents {
                        tr {
                            th scope="row" { (name(&intent.intent)) }
                            td { (grouped(intent.support)) }
                            td { (grouped(intent.predicted)) }
                            td { (percent(intent.precision)) }
                            td { (percent(intent.recall)) }
                            td { (percent(intent.f1)) }
                        }
                    }
                }
            }
        }
    }
}

type Texts = BTreeMap<String, String>;

fn findings(findings: &Findings, texts: &Texts) -> Markup {
    html! {
        section {
            h2 { "What to mend in the data" }
            p {
                (grouped(findings.rows)) " distinct rows were examined"
                @if findings.embedded < findings.rows {
                    ", " (grouped(findings.embedded)) " of them by their meaning, the others by equal texts only"
                }
                "."
            }
            @if let Some(leaks) = &findings.leaks { (leaked(leaks, texts)) }
            (label_conflicts(findings, texts))
            (near_duplicates(findings, texts))
            (suspects(findings, texts))
            (merges(findings))
            (small_intents(findings))
        }
    }
}

fn leaked(leaks: &Leaks, texts: &Texts) -> Markup {
    html! {
        h3 { "Leaks into the hold-out" }
        p {
            (grouped(leaks.leaked.count)) " of " (grouped(leaks.leaked.of)) " held-out rows (" (percent(leaks.leaked.value))
            ") say what a training row says, " (grouped(leaks.equal_texts))
            " of them in equal words; the more they are, the more the figures flatter."
        }
        @if !leaks.examples.is_empty() {
            ul { @for pair in &leaks.examples { li { (quoted_pair(pair, texts)) } } }
        }
    }
}

fn label_conflicts(findings: &Findings, texts: &Texts) -> Markup {
    list("One text under several intents", &findings.label_conflicts, |conflict| {
        html! {
            @for row in conflict.rows.iter().take(1) { (quoted(row, texts)) }
            "is labelled "
            @for (place, label) in conflict.labels.iter().enumerate() { @if place > 0 { " and " } (name(label)) }
        }
    })
}

fn near_duplicates(findings: &Findings, texts: &Texts) -> Markup {
    list("Nearly one text under two intents", &findings.near_duplicates, |near| {
        html! {
            (name(&near.labels[0])) " and " (name(&near.labels[1])) ": at least " (grouped(near.pairs)) " pairs"
            @for pair in &near.examples { (quoted_pair(pair, texts)) }
        }
    })
}

fn suspects(findings: &Findings, texts: &Texts) -> Markup {
    list("Labels that may be wrong", &findings.suspects, |suspect| {
        html! {
            (quoted(&suspect.row, texts))
            "is " (name(&suspect.row.label)) ", but " (suspect.agreeing) " of its " (suspect.neighbours)
            " nearest rows are " (name(&suspect.suggested))
        }
    })
}

fn merges(findings: &Findings) -> Markup {
    list("Intents that may be one", &findings.merges, |merge| {
        html! {
            (name(&merge.intents[0])) " and " (name(&merge.intents[1])) ": their rows mix "
            (percent(merge.mixing)) " as freely as if labelled by lot, and " (grouped(merge.confusions))
            " held-out rows of one were taken for the other"
        }
    })
}

fn small_intents(findings: &Findings) -> Markup {
    let heading = format!("Intents with fewer than {ENOUGH_ROWS} rows");
    list(&heading, &findings.small_intents, |small| {
        html! { (name(&small.intent)) ": " (grouped(small.rows)) " rows; " (grouped(small.missing)) " more are wanted" }
    })
}

/// A kind of finding: nothing where there is none, and what is not listed is at least counted.
fn list<T>(heading: &str, found: &Listed<T>, item: impl Fn(&T) -> Markup) -> Markup {
    let unlisted = found.total.saturating_sub(found.listed.len() as u64);
    html! {
        @if found.total > 0 {
            h3 { (heading) " (" (grouped(found.total)) ")" }
            ul { @for found in &found.listed { li { (item(found)) } } }
            @if unlisted > 0 { p { "And " (grouped(unlisted)) " more." } }
        }
    }
}

fn cost(report: &Report) -> Markup {
    html! {
        section {
            h2 { "What it took" }
            p { (format!("{:.1}", report.cost.gb_seconds)) " gigabyte-seconds of function time." }
            @if !report.cost.stages.is_empty() {
                table {
                    caption { "Time by stage" }
                    (columns(&["Stage", "Seconds"]))
                    tbody {
                        @for stage in &report.cost.stages {
                            tr { th scope="row" { (stage.stage) } td { (format!("{:.1}", stage.seconds)) } }
                        }
                    }
                }
            }
        }
    }
}

fn provenance(report: &Report) -> Markup {
    let provenance = &report.provenance;
    let parameters: BTreeMap<String, serde_json::Value> = serde_json::to_string(&report.parameters)
        .and_then(|parameters| serde_json::from_str(&parameters))
        .unwrap_or_default();
    html! {
        section {
            h2 { "How to make it again" }
            p { "The same data, parameters and code give the same model, byte for byte." }
            table {
                caption { "Origin and parameters" }
                (columns(&["What", "Value"]))
                tbody {
                    tr { th scope="row" { "Model (SHA-256)" } td.text { code { (provenance.model_hash) } } }
                    tr { th scope="row" { "Data (SHA-256)" } td.text { code { (provenance.data_hash) } } }
                    tr { th scope="row" { "Code version" } td.text { (provenance.code_version) } }
                    @for (parameter, value) in &parameters {
                        tr { th scope="row" { code { (parameter) } } td.text { @if value.is_null() { "not set" } @else { (value) } } }
                    }
                }
            }
        }
    }
}

pub(super) fn columns(names: &[&str]) -> Markup {
    html! { thead { tr { @for name in names { th scope="col" { (name) } } } } }
}

fn name(intent: &str) -> Markup {
    html! { span.intent dir="auto" { (intent) } }
}

fn predicted(intent: Option<&str>) -> Markup {
    intent.map_or_else(|| html! { em { (OUT_OF_SCOPE) } }, name)
}

/// A customer's words, kept apart from ours whichever way their script runs.
pub(super) fn quotation(text: &str) -> Markup {
    html! { q dir="auto" { (text) } }
}

fn quoted(row: &Row, texts: &Texts) -> Markup {
    match texts.get(&row.content) {
        Some(text) => quotation(text),
        None => html! { code { (beginning(&row.content)) } " " },
    }
}

fn quoted_pair(pair: &RowPair, texts: &Texts) -> Markup {
    html! {
        div.pair {
            (quoted(&pair.first, texts)) "is labelled " (name(&pair.first.label))
            (quoted(&pair.second, texts)) "is labelled " (name(&pair.second.label))
        }
    }
}

/// As much of a hash as people compare.
fn beginning(hash: &str) -> String {
    hash.chars().take(12).collect()
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", 100.0 * share)
}

/// A difference of shares in points, with its sign.
fn points(difference: f64) -> String {
    let points = format!("{:+.1}", 100.0 * difference);
    match points.as_str() {
        "-0.0" | "+0.0" => "0.0".to_owned(),
        _ => points.replace('-', "−"),
    }
}

fn unsigned_points(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("= {p:.3}") }
}

/// A whole number in groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
