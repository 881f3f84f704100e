//! The two pictures of the page. What they show is in the tables beside them as well, so nobody needs to see them.

use maud::{Markup, html};

use super::{Reliability, ReliabilityBin};
use crate::{knowledge::Agreement, scope::ScopeCurve};

/// Side of the square that shares are drawn in, in SVG units.
const SIDE: f64 = 240.0;
/// Room for the labels on the left and below.
const MARGIN: f64 = 46.0;
/// Room above and on the right.
const EDGE: f64 = 18.0;
/// Radius of a bin that holds every row.
const LARGEST: f64 = 16.0;
const SMALLEST: f64 = 2.5;

/// Confidence against the share of right answers: on the diagonal, confidence keeps its word.
pub(super) fn reliability(reliability: &Reliability) -> Markup {
    let rows = reliability.after.iter().map(|bin| bin.right.of).sum::<u64>().max(1) as f64;
    let radius = |bin: &ReliabilityBin| (LARGEST * (bin.right.of as f64 / rows).sqrt()).max(SMALLEST);
    let bins = |class: &str, bins: &[ReliabilityBin]| {
        html! {
            @for bin in bins {
                circle class=(class) cx=(x(bin.confidence)) cy=(y(bin.right.value)) r=(number(radius(bin))) {}
            }
        }
    };
    let drawing = html! {
        line class="ideal" x1=(x(0.0)) y1=(y(0.0)) x2=(x(1.0)) y2=(y(1.0)) {}
        (bins("before", &reliability.before))
        (bins("after", &reliability.after))
    };
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| (share, percent(share)));
    chart("Reliability diagram: share of right answers by confidence", "confidence", "right answers", &ticks, &drawing)
}

/// Agreement with people by the share of questions that would be answered.
pub(super) fn agreement(agreement: &Agreement) -> Markup {
    let corners: Vec<String> =
        agreement.points.iter().map(|point| format!("{},{}", x(point.answered.value), y(point.agreed.value))).collect();
    let drawing = html! {
        polyline class="accuracy" points=(corners.join(" ")) {}
        @for point in &agreement.points {
            circle class="after" cx=(x(point.answered.value)) cy=(y(point.agreed.value)) r=(number(SMALLEST)) {}
        }
    };
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| (share, percent(share)));
    chart("Coverage–agreement curve", "questions answered", "answered as people did", &ticks, &drawing)
}

/// Accuracy kept and strangers recognised, by the accuracy that may be given up.
pub(super) fn scope(curve: &ScopeCurve) -> Markup {
    let dearest = curve.points.iter().map(|point| point.budget).fold(f64::MIN_POSITIVE, f64::max);
    let place = |budget: f64| budget / dearest;
    let line = |shares: Vec<(f64, f64)>| {
        let corners: Vec<String> =
            shares.iter().map(|(at, share)| format!("{},{}", x(place(*at)), y(*share))).collect();
        corners.join(" ")
    };
    let accuracy = line(curve.points.iter().map(|point| (point.budget, point.accuracy.value)).collect());
    let recall: Vec<_> = curve.points.iter().filter_map(|point| Some((point.budget, point.recall?.value))).collect();
    let drawing = html! {
        polyline class="accuracy" points=(accuracy) {}
        @for (at, share) in &recall {
            circle class="after" cx=(x(place(*at))) cy=(y(*share)) r=(number(SMALLEST)) {}
        }
        polyline class="recall" points=(line(recall)) {}
    };
    let ticks: Vec<_> = [0.0, 0.5, 1.0].map(|share| (share, points(share * dearest))).to_vec();
    chart("Out-of-scope curve: accuracy and recall by budget", "points that may be given up", "share", &ticks, &drawing)
}

fn chart(title: &str, across: &str, upwards: &str, ticks: &[(f64, String)], drawing: &Markup) -> Markup {
    let extent = number(MARGIN + SIDE + EDGE);
    html! {
        svg viewBox={ "0 0 " (extent) " " (extent) } role="img" aria-label=(title) {
            @for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line class="grid" x1=(x(0.0)) y1=(y(share)) x2=(x(1.0)) y2=(y(share)) {}
                text x=(number(MARGIN - 5.0)) y=(y(share - 0.015)) text-anchor="end" { (percent(share)) }
            }
            @for (at, label) in ticks {
                line class="grid" x1=(x(*at)) y1=(y(0.0)) x2=(x(*at)) y2=(y(1.0)) {}
                text x=(x(*at)) y=(number(EDGE + SIDE + 15.0)) text-anchor="middle" { (label) }
            }
            text x=(x(0.5)) y=(number(EDGE + SIDE + 33.0)) text-anchor="middle" { (across) }
            text x="9" y=(y(0.5)) text-anchor="middle" transform={ "rotate(-90 9 " (y(0.5)) ")" } { (upwards) }
            (drawing)
        }
    }
}

fn x(share: f64) -> String {
    number(MARGIN + SIDE * share)
}

fn y(share: f64) -> String {
    number(EDGE + SIDE * (1.0 - share))
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

fn percent(share: f64) -> String {
    format!("{:.0}\u{a0}%", 100.0 * share)
}

fn points(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}
