//! The part of the page on agreement with people.

use maud::{Markup, html};

use super::{
    charts,
    page::{columns, grouped, percent, quotation},
};
use crate::knowledge::{Agreement, Case, Verdict};

/// "Of 1,000 past questions it would have answered 430, 95 % as people did."
pub(super) fn sentence(agreement: &Agreement) -> Markup {
    html! {
        p {
            "Of " (grouped(agreement.questions)) " past questions, each asked as if for the first time, it would have answered "
            strong { (grouped(agreement.answered.count)) }
            @match &agreement.agreed {
                Some(agreed) => {
                    ", " strong { (percent(agreed.value)) } " as people did (95 % interval " (percent(agreed.lower)) " to "
                    (percent(agreed.upper)) ")."
                }
                None => {
                    ": no threshold reaches the target of " (percent(agreement.target)) " agreement, so people are asked."
                }
            }
        }
    }
}

/// The curve as a picture and a table, and examples beside the replies of people.
pub(super) fn section(agreement: &Agreement, cases: &[Case]) -> Markup {
    html! {
        section {
            h2 { "Agreement with people" }
            (sentence(agreement))
            figure {
                (charts::agreement(agreement))
                figcaption {
                    "Each past question was left out with its whole conversation and asked again. A higher threshold answers "
                    "fewer questions, and more of them as people did. In force: "
                    (format!("{:.2}", agreement.threshold)) ", chosen for " (percent(agreement.target)) " agreement."
                }
            }
            table {
                caption { "Coverage and agreement by threshold" }
                (columns(&["Threshold", "Answered", "As people did"]))
                tbody {
                    @for point in &agreement.points {
                        tr {
                            th scope="row" { (format!("{:.2}", point.threshold)) }
                            td { (percent(point.answered.value)) }
                            td { (percent(point.agreed.value)) " (" (percent(point.agreed.lower)) " to " (percent(point.agreed.upper)) ")" }
                        }
                    }
                }
            }
            @if !cases.is_empty() {
                table {
                    caption { "Examples beside the replies of people" }
                    (columns(&["Question", "Romashka", "Person", "Verdict"]))
                    tbody {
                        @for case in cases {
                            tr {
                                th scope="row" { (quotation(&case.question)) }
                                td { (quotation(&case.answer)) }
                                td { (quotation(&case.reply)) }
                                td { (verdict(case.verdict)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "says the same",
        Verdict::OtherAnswer => "another answer",
        Verdict::AskedBack => "the person asked back",
        Verdict::HandedOver => "the person passed it on",
        Verdict::Promised => "the person promised to find out",
        Verdict::Courtesy => "the person only thanked, greeted or apologised",
    }
}
