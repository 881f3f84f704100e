//! Two versions on the same rows.
//!
//! Shipped models learn from all rows, so there is none that both could be measured on. What is compared are their
//! *twins*, which never saw a held-out row; and since rows are held out by the hash of their group alone, a row that one
//! twin never saw the other has not seen either.
//!
//! The rows are the deployed version's hold-out with the labels it had then, and those of the candidate's hold-out whose
//! text is new. Where both know a text, the older label stands: otherwise a training file whose labels were mixed up
//! would be its own judge. A row whose label the candidate no longer knows was renamed or dropped by people, and is left
//! out.

use std::collections::BTreeSet;

use crate::{
    OUT_OF_SCOPE_LABEL,
    batch::FeaturisedRow,
    comparison::{Comparison, PairedRow},
    model::Model,
    parallel,
};

/// A version as it can be measured.
#[derive(Debug, Clone, Copy)]
pub struct Measurable<'version> {
    /// The evaluation twin.
    pub twin: &'version Model,
    /// The rows it never saw.
    pub rows: &'version [FeaturisedRow],
}

/// How the candidate does beside the deployed version; `None` where there is no row that both can be measured on.
#[must_use]
pub fn compare<'version>(deployed: &Measurable<'version>, candidate: &Measurable<'version>) -> Option<Comparison> {
    let judged_before: BTreeSet<_> = deployed.rows.iter().map(|row| row.text).collect();
    let new = candidate.rows.iter().filter(|row| !judged_before.contains(&row.text));
    let known = |label: &str| candidate.twin.intents().iter().any(|intent| intent == label);
    let in_scope = |row: &'version FeaturisedRow| row.label.as_deref().filter(|label| *label != OUT_OF_SCOPE_LABEL);
    let rows: Vec<_> = deployed.rows.iter().chain(new).filter(|row| in_scope(row).is_none_or(known)).collect();
    let answered = parallel::map(&rows, |row| PairedRow {
        group: row.group,
        actual: in_scope(row),
        deployed: answer(deployed.twin, row),
        candidate: answer(candidate.twin, row),
    });
    Comparison::of(&answered)
}

/// At the version's own operating point. Rows keep the meaning that the encoder of their time gave them; a twin of
/// another encoder answers from n-grams.
fn answer<'model>(twin: &'model Model, row: &FeaturisedRow) -> Option<&'model str> {
    let encoder = row.meaning.as_ref().and(twin.manifest().encoder.as_deref());
    twin.predict_row(row, encoder, twin.default_budget()).intent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Fitted, Parameters,
        comparison::Verdict,
        sentences::{row, support_rows, train},
    };

    fn fitted(rows: &[FeaturisedRow]) -> Fitted {
        let parameters = Parameters { hold_out_share: 0.3, ..Parameters::default() };
        train(&[rows], &parameters).unwrap()
    }

    fn measurable(fitted: &Fitted) -> Measurable<'_> {
        Measurable { twin: &fitted.twin, rows: &fitted.held_out_rows }
    }

    #[test]
    fn the_same_rows_again_are_no_detectable_change() {
        let (deployed, candidate) = (fitted(&support_rows()), fitted(&support_rows()));
        let comparison = compare(&measurable(&deployed), &measurable(&candidate)).unwrap();
        assert_eq!((comparison.gained, comparison.lost), (0, 0));
        assert_eq!(comparison.verdict, Verdict::NoDetectableChange);
    }

    #[test]
    fn mixed_up_labels_are_worse_although_their_own_hold_out_would_agree_with_them() {
        let deployed = fitted(&support_rows());
        let rows = support_rows();
        let label = |at: usize| rows[at].label.clone().unwrap();
        let relabelled = |texts: Vec<FeaturisedRow>| {
            let turned = texts.into_iter().enumerate().map(|(at, mut row)| {
                let other = label((at + 180) % rows.len());
                row.content = crate::ContentHash::from_bytes(at_hash(at));
                row.label = Some(other);
                row
            });
            turned.collect::<Vec<_>>()
        };
        let candidate = fitted(&relabelled(support_rows()));
        let comparison = compare(&measurable(&deployed), &measurable(&candidate)).unwrap();
        assert_eq!(comparison.verdict, Verdict::Worse);
        assert!(comparison.candidate_accuracy.value < 0.2);
    }

    fn at_hash(at: usize) -> [u8; crate::ContentHash::LENGTH] {
        (at as u128).to_be_bytes()
    }

    #[test]
    fn a_renamed_intent_is_left_out_and_a_new_one_counts() {
        let deployed = fitted(&support_rows());
        let mut rows = support_rows();
        for row in rows.iter_mut().filter(|row| row.label.as_deref() == Some("refund")) {
            row.label = Some("money_back".to_owned());
        }
        rows.extend((0..100).map(|number| row(&format!("my voucher number {number} does not work"), "voucher")));
        let candidate = fitted(&rows);
        let comparison = compare(&measurable(&deployed), &measurable(&candidate)).unwrap();
        let held = |fitted: &Fitted, label: &str| {
            fitted.held_out_rows.iter().filter(|row| row.label.as_deref() == Some(label)).count() as u64
        };
        let expected = deployed.held_out - held(&deployed, "refund") + held(&candidate, "voucher");
        assert_eq!(comparison.rows, expected);
        assert!(comparison.gained >= held(&candidate, "voucher") - 1);
    }
}
