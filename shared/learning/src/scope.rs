//! What it costs to recognise messages that belong to no intent.
//!
//! Whatever score tells such messages from the others, the line it is drawn at trades right answers for strangers
//! recognised. The curve shows the trade at a few prices, so that somebody who knows the business can choose one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::evaluation::Proportion;

/// The prices at which the curve is drawn: shares of all in-scope messages whose right answer may be given up.
pub const BUDGETS: [f64; 7] = [0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1];
/// Rows that a curve is drawn from at most.
pub const MAX_ROWS: usize = 1_000_000;

/// What a held-out row is, and whether its best intent is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It has an intent, and the best intent is that one.
    Right,
    /// It has an intent, and the best intent is another.
    Wrong,
    /// It is labelled as out of scope.
    OutOfScope,
}

/// A held-out row as the out-of-scope rule sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScopeRow {
    /// How much the message looks in scope, in any finite unit; below a threshold it is judged out of scope.
    pub score: f32,
    /// What it is.
    pub standing: Standing,
}

/// Why there is no curve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// More rows than a curve is drawn from.
    #[error("{rows} rows exceed the {MAX_ROWS} that a curve is drawn from; give a part of them")]
    TooManyRows {
        /// Rows that were offered.
        rows: usize,
    },
    /// A score that cannot be ordered.
    #[error("the score of row {row} is not a finite number; score every row before drawing the curve")]
    Score {
        /// Position of the row, from 0.
        row: usize,
    },
    /// No row has an intent that was found.
    #[error("no in-scope row is answered rightly, so there is no accuracy to give up; train on more rows")]
    NothingToLose,
}

/// The curve at one price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScopePoint {
    /// Share of in-scope rows whose right answer may be given up.
    pub budget: f64,
    /// Rows with a score below this are judged out of scope.
    pub threshold: f32,
    /// In-scope rows answered rightly; one judged out of scope is not.
    pub accuracy: Proportion,
    /// In-scope rows judged out of scope, also where their answer would have been wrong.
    pub false_alarms: Proportion,
    /// Out-of-scope rows judged so; `None` when none is labelled.
    pub recall: Option<Proportion>,
}

/// What recognising strangers costs at several prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScopeCurve {
    /// In-scope rows answered rightly if nothing is judged out of scope.
    pub best_intent_accuracy: Proportion,
    /// Chance that an in-scope row scores higher than an out-of-scope one, ties counted half: the area under the ROC
    /// curve (Hanley & McNeil 1982). `None` when no row is labelled as out of scope.
    pub auroc: Option<f64>,
    /// One point for each of [`BUDGETS`], cheapest first. A price at which every right answer may go buys a rule
    /// that answers nobody; such points are left out.
    pub points: Vec<ScopePoint>,
}

impl ScopeCurve {
    /// Draws the curve; the order of the rows does not matter. Each threshold is the highest that its price affords,
    /// and rows of equal score are judged alike.
    ///
    /// # Errors
    /// A [`ScopeError`] at scores that are not finite, beyond [`MAX_ROWS`] rows, or where no answer is right.
    pub fn of(rows: &[ScopeRow]) -> Result<Self, ScopeError> {
        if rows.len() > MAX_ROWS {
            return Err(ScopeError::TooManyRows { rows: rows.len() });
        }
        if let Some(row) = rows.iter().position(|row| !row.score.is_finite()) {
            return Err(ScopeError::Score { row });
        }
        let (right, wrong, strangers) =
            (scores(rows, Standing::Right), scores(rows, Standing::Wrong), scores(rows, Standing::OutOfScope));
        let in_scope = (right.len() + wrong.len()) as u64;
        let nothing = ScopeError::NothingToLose;
        let best_intent_accuracy = Proportion::new(right.len() as u64, in_scope).ok_or(nothing.clone())?;
        if right.is_empty() {
            return Err(nothing);
        }
        let point = |budget: f64| {
            let affordable = (budget * in_scope as f64 + ROUNDING) as usize;
            let threshold = *right.get(affordable)?;
            let (lost, spared) = (below(&right, threshold), below(&wrong, threshold));
            Some(ScopePoint {
                budget,
                threshold,
                accuracy: Proportion::new(right.len() as u64 - lost, in_scope)?,
                false_alarms: Proportion::new(lost + spared, in_scope)?,
                recall: Proportion::new(below(&strangers, threshold), strangers.len() as u64),
            })
        };
        Ok(Self {
            best_intent_accuracy,
            auroc: auroc(&[&right, &wrong], &strangers),
            points: BUDGETS.into_iter().filter_map(point).collect(),
        })
    }
}

/// Half a thousandth of a row, so that one row of a hundred is affordable at 1 %.
const ROUNDING: f64 = 5e-4;

/// Scores of the rows of one standing, ascending.
fn scores(rows: &[ScopeRow], standing: Standing) -> Vec<f32> {
    let mut scores: Vec<f32> = rows.iter().filter(|row| row.standing == standing).map(|row| row.score).collect();
    scores.sort_unstable_by(f32::total_cmp);
    scores
}

/// Ascending scores that are below a limit.
fn below(scores: &[f32], limit: f32) -> u64 {
    scores.partition_point(|score| *score < limit) as u64
}

/// The area under the ROC curve, counted in half pairs.
fn auroc(in_scope: &[&[f32]], strangers: &[f32]) -> Option<f64> {
    let pairs = in_scope.iter().map(|scores| scores.len()).sum::<usize>() * strangers.len();
    let half_wins = |score: &f32| {
        let beaten = strangers.partition_point(|stranger| stranger < score);
        let matched = strangers.partition_point(|stranger| stranger <= score);
        (beaten + matched) as u64
    };
    let won: u64 = in_scope.iter().copied().flatten().map(half_wins).sum();
    (pairs > 0).then(|| won as f64 / (2 * pairs) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(score: f32, standing: Standing) -> ScopeRow {
        ScopeRow { score, standing }
    }

    /// A hundred in-scope rows scored 0 to 99, every tenth of them wrong, among ten strangers.
    fn hundred() -> Vec<ScopeRow> {
        let in_scope = (0_u8..100)
            .map(|score| row(f32::from(score), if score % 10 == 0 { Standing::Wrong } else { Standing::Right }));
        let strangers = (0_u8..10).map(|score| row(f32::from(score) - 4.5, Standing::OutOfScope));
        in_scope.chain(strangers).collect()
    }

    #[test]
    fn what_is_free_is_taken_and_no_budget_is_overspent() {
        let curve = ScopeCurve::of(&hundred()).unwrap();
        let prices: Vec<_> = curve.points.iter().map(|point| (point.threshold, point.accuracy.count)).collect();
        assert_eq!(prices, [(1.0, 90), (1.0, 90), (2.0, 89), (3.0, 88), (4.0, 87), (6.0, 85), (12.0, 80)]);
        let free = &curve.points[0];
        assert_eq!((free.false_alarms.count, free.recall.unwrap().count), (1, 6));
        assert_eq!(curve.best_intent_accuracy.count, 90);
    }

    #[test]
    fn rows_of_equal_score_are_judged_alike() {
        let curve = ScopeCurve::of(&[row(1.0, Standing::Right); 40]).unwrap();
        assert!(curve.points.iter().all(|point| point.false_alarms.count == 0));
    }

    #[test]
    fn without_labelled_strangers_nothing_is_said_of_them() {
        let curve = ScopeCurve::of(&[row(1.0, Standing::Right), row(2.0, Standing::Wrong)]).unwrap();
        assert_eq!(curve.auroc, None);
        assert!(curve.points.iter().all(|point| point.recall.is_none()));
    }

    #[test]
    fn scores_that_separate_have_an_area_of_one_and_equal_ones_of_a_half() {
        let separated = [row(2.0, Standing::Right), row(1.5, Standing::Wrong), row(1.0, Standing::OutOfScope)];
        assert_eq!(ScopeCurve::of(&separated).unwrap().auroc, Some(1.0));
        let equal = [row(1.0, Standing::Right), row(1.0, Standing::OutOfScope)];
        assert_eq!(ScopeCurve::of(&equal).unwrap().auroc, Some(0.5));
    }

    #[test]
    fn a_curve_of_nothing_or_of_no_number_is_refused() {
        assert_eq!(ScopeCurve::of(&[]), Err(ScopeError::NothingToLose));
        assert_eq!(ScopeCurve::of(&[row(1.0, Standing::Wrong)]), Err(ScopeError::NothingToLose));
        let rows = [row(1.0, Standing::Right), row(f32::NAN, Standing::Right)];
        assert_eq!(ScopeCurve::of(&rows), Err(ScopeError::Score { row: 1 }));
    }

    proptest! {
        #[test]
        fn a_higher_price_never_recognises_fewer_strangers(
            rows in prop::collection::vec((-9_i8..9, 0_u8..3), 1..80),
        ) {
            let standing = [Standing::Right, Standing::Wrong, Standing::OutOfScope];
            let mut rows: Vec<_> = rows
                .into_iter()
                .map(|(score, kind)| row(f32::from(score), standing[usize::from(kind)]))
                .collect();
            if let Ok(curve) = ScopeCurve::of(&rows) {
                for pair in curve.points.windows(2) {
                    prop_assert!(pair[0].threshold <= pair[1].threshold);
                    prop_assert!(pair[0].recall.map(|recall| recall.count) <= pair[1].recall.map(|recall| recall.count));
                }
                for point in &curve.points {
                    let given_up = (curve.best_intent_accuracy.count - point.accuracy.count) as f64;
                    prop_assert!(given_up <= point.budget * point.accuracy.of as f64 + 1e-3);
                }
                rows.reverse();
                prop_assert_eq!(ScopeCurve::of(&rows), Ok(curve));
            }
        }
    }
}
