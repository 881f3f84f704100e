//! Whether a new version is better than the deployed one, or merely luckier.
//!
//! Both versions answer the same held-out rows, so their difference is judged by the rows on which they differ, and
//! rows of one conversation count as one piece of evidence, because they stand or fall together. A verdict is
//! given only where the hold-out can carry it; where it cannot, it says how many rows could.
//!
//! The caller promises that neither prediction comes from a model that learnt from the row: a version that is shipped
//! after learning from all rows is represented by its evaluation twin.
//!
//! Here every held-out row counts: one that is labelled as out of scope is right when it is judged so, and out of scope
//! is one class more. So the accuracies may differ from those of [`Evaluation`](crate::Evaluation), which tells
//! in-scope rows and the others apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{content::Group, evaluation::Proportion, head::SplitMix64};

/// Resamples behind the interval of the gain in accuracy.
pub const ACCURACY_RESAMPLES: usize = 2_000;
/// Resamples behind the interval of the gain in macro-F1, of which each costs a pass over all rows.
pub const MACRO_F1_RESAMPLES: usize = 400;
/// Groups in which the versions must differ before either is called better: of fewer, chance alone sends too many the
/// same way, and resampling cannot know.
pub const MIN_DIFFERING_GROUPS: u64 = 10;
/// The coarsest hold-out whose silence means something: one that would show a difference of 5 points.
pub const COARSEST_DETECTABLE: f64 = 0.05;
/// The least difference anybody is asked to collect rows for: 1 point.
pub const LEAST_OF_INTEREST: f64 = 0.01;

/// Share of resamples beyond either end of an interval.
const TAIL: f64 = 0.025;
/// Quantile of the normal distribution for a two-sided error of 5 %.
const Z_ERROR: f64 = 1.959_963_984_540_054;
/// Quantile of the normal distribution for a power of 80 %.
const Z_POWER: f64 = 0.841_621_233_572_914_2;
const SEED: u64 = 0x636f_6d70_6172_6973;

/// What two versions said of one held-out row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairedRow<'labels> {
    /// The conversation, or the text that stands alone.
    pub group: Group,
    /// The row's intent; `None` when it is labelled as out of scope.
    pub actual: Option<&'labels str>,
    /// What the deployed version answers; `None` for out of scope.
    pub deployed: Option<&'labels str>,
    /// What the candidate answers; `None` for out of scope.
    pub candidate: Option<&'labels str>,
}

/// A difference between versions: candidate less deployed, as a share (0.01 is one point).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Gain {
    /// The difference seen.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub lower: f64,
    /// Upper end of its 95 % interval.
    pub upper: f64,
}

/// What follows from a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// The candidate's accuracy is higher by more than chance explains.
    Better,
    /// No difference was seen by a hold-out that would have shown one of 5 points.
    NoDetectableChange,
    /// The candidate's accuracy is lower by more than chance explains.
    Worse,
    /// The hold-out is too small to tell.
    TooFewRows {
        /// Held-out rows that would show the difference seen, or a point where less was seen, four times in five.
        needed: u64,
    },
}

/// Two versions on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// Held-out rows.
    pub rows: u64,
    /// Groups that the rows belong to.
    pub groups: u64,
    /// Rows on which the deployed version is right.
    pub deployed_accuracy: Proportion,
    /// Rows on which the candidate is right.
    pub candidate_accuracy: Proportion,
    /// Rows on which the candidate alone is right.
    pub gained: u64,
    /// Rows on which the deployed version alone is right.
    pub lost: u64,
    /// Gain in accuracy.
    pub accuracy: Gain,
    /// Gain in macro-F1, over the classes that have rows.
    pub macro_f1: Gain,
    /// Chance of a split at least as uneven as `gained` against `lost` if the versions were equally good: McNemar's
    /// test in its exact, two-sided form. It takes rows for independent, so where conversations are long it is too
    /// small, and the verdict does not rest on it.
    pub p_value: f64,
    /// The least gain or loss in accuracy that this hold-out would show four times in five, as a share.
    pub detectable: f64,
    /// What follows.
    pub verdict: Verdict,
}

impl Comparison {
    /// Compares two versions; the order of the rows does not matter. `None` when there are none.
    ///
    /// The intervals are percentiles of a paired bootstrap that draws groups with replacement (Efron & Tibshirani 1993,
    /// *An Introduction to the Bootstrap*, chapters 8 and 13). A candidate is better or worse when the interval of
    /// the gain in accuracy lies to one side of zero and the versions differ in [`MIN_DIFFERING_GROUPS`] groups.
    #[must_use]
    pub fn of(rows: &[PairedRow<'_>]) -> Option<Self> {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        let pairs = Pairs::of(&rows);
        let deployed_accuracy = Proportion::new(pairs.deployed_right, pairs.rows)?;
        let candidate_accuracy = Proportion::new(pairs.deployed_right + pairs.gained - pairs.lost, pairs.rows)?;
        let accuracy = pairs.accuracy_gain();
        let power = Power::of(&pairs);
        let detectable = power.detectable();
        let verdict = if pairs.differing_groups >= MIN_DIFFERING_GROUPS && accuracy.lower > 0.0 {
            Verdict::Better
        } else if pairs.differing_groups >= MIN_DIFFERING_GROUPS && accuracy.upper < 0.0 {
            Verdict::Worse
        } else if detectable <= COARSEST_DETECTABLE {
            Verdict::NoDetectableChange
        } else {
            Verdict::TooFewRows { needed: power.rows_needed(accuracy.value) }
        };
        Some(Self {
            rows: pairs.rows,
            groups: pairs.groups.len() as u64,
            deployed_accuracy,
            candidate_accuracy,
            gained: pairs.gained,
            lost: pairs.lost,
            accuracy,
            macro_f1: macro_f1_gain(&rows),
            p_value: exact_mcnemar(pairs.gained, pairs.lost),
            detectable,
            verdict,
        })
    }
}

/// What accuracy needs to know of each group.
#[derive(Clone, Copy)]
struct GroupTally {
    rows: u32,
    /// Rows gained less rows lost.
    gain: i32,
}

/// The rows, counted by group.
struct Pairs {
    groups: Vec<GroupTally>,
    rows: u64,
    deployed_right: u64,
    gained: u64,
    lost: u64,
    /// Groups in which one version is right more often than the other.
    differing_groups: u64,
}

impl Pairs {
    /// Counts rows that are in order of their groups.
    fn of(rows: &[PairedRow<'_>]) -> Self {
        let mut pairs = Self {
            groups: Vec::new(),
            rows: rows.len() as u64,
            deployed_right: 0,
            gained: 0,
            lost: 0,
            differing_groups: 0,
        };
        for group in rows.chunk_by(|one, other| one.group == other.group) {
            let mut tally = GroupTally { rows: group.len() as u32, gain: 0 };
            for row in group {
                let (deployed, candidate) = (row.deployed == row.actual, row.candidate == row.actual);
                pairs.deployed_right += u64::from(deployed);
                pairs.gained += u64::from(candidate && !deployed);
                pairs.lost += u64::from(deployed && !candidate);
                tally.gain += i32::from(candidate) - i32::from(deployed);
            }
            pairs.differing_groups += u64::from(tally.gain != 0);
            pairs.groups.push(tally);
        }
        pairs
    }

    fn accuracy_gain(&self) -> Gain {
        let mut random = SplitMix64(SEED);
        let resampled = (0..ACCURACY_RESAMPLES).map(|_| {
            let (mut rows, mut gain) = (0_u64, 0_i64);
            for _ in 0..self.groups.len() {
                let drawn = self.groups[random.below(self.groups.len())];
                rows += u64::from(drawn.rows);
                gain += i64::from(drawn.gain);
            }
            gain as f64 / rows as f64
        });
        Gain::of(self.gain(), resampled.collect())
    }

    /// The difference in accuracy, as a share.
    fn gain(&self) -> f64 {
        (self.gained as f64 - self.lost as f64) / self.rows as f64
    }

    /// By how much rows that come in groups say less than as many that stand alone: the variance of the gain between
    /// groups over that between rows, at least 1 (Kish 1965). Where rows do not vary, a group is worth one row.
    fn design_effect(&self) -> f64 {
        let (rows, mean) = (self.rows as f64, self.gain());
        let by_row = (self.gained + self.lost) as f64 - rows * mean * mean;
        if by_row <= 0.0 {
            return rows / self.groups.len() as f64;
        }
        let residual = |group: &GroupTally| f64::from(group.gain) - f64::from(group.rows) * mean;
        let by_group: f64 = self.groups.iter().map(|group| residual(group) * residual(group)).sum();
        f64::max(1.0, by_group / by_row)
    }
}

impl Gain {
    /// The percentile interval of resampled differences.
    fn of(value: f64, mut resampled: Vec<f64>) -> Self {
        resampled.sort_unstable_by(f64::total_cmp);
        let beyond = (TAIL * (resampled.len() + 1) as f64) as usize;
        Self { value, lower: resampled[beyond - 1], upper: resampled[resampled.len() - beyond] }
    }
}

/// What a paired test can see, by the share of rows on which the versions differ.
struct Power {
    rows: f64,
    discordance: f64,
    design_effect: f64,
}

impl Power {
    fn of(pairs: &Pairs) -> Self {
        let rows = pairs.rows as f64;
        Self { rows, discordance: (pairs.gained + pairs.lost) as f64 / rows, design_effect: pairs.design_effect() }
    }

    /// Rows with which a true difference is shown four times in five: (z₁√ψ + z₂√(ψ − δ²))² / δ² for a share ψ of
    /// differing rows and a difference δ (Connor 1987, *Biometrics* 43), times the design effect. At least as many as
    /// make [`MIN_DIFFERING_GROUPS`] likely. A difference δ takes differing rows of that share at least.
    fn rows_for(&self, difference: f64) -> f64 {
        let discordance = self.discordance.max(difference);
        let spread = Z_ERROR * discordance.sqrt() + Z_POWER * (discordance - difference * difference).sqrt();
        let independent = spread * spread / (difference * difference);
        self.design_effect * independent.max(MIN_DIFFERING_GROUPS as f64 / discordance)
    }

    /// The difference that needs as many rows as there are, by bisection, for needs fall as the difference grows.
    fn detectable(&self) -> f64 {
        const HALVINGS: usize = 40;
        let (mut hidden, mut shown) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (hidden + shown);
            if self.rows_for(middle) <= self.rows {
                shown = middle;
            } else {
                hidden = middle;
            }
        }
        shown
    }

    fn rows_needed(&self, gain: f64) -> u64 {
        self.rows_for(gain.abs().max(LEAST_OF_INTEREST)).max(self.rows + 1.0).ceil() as u64
    }
}

/// McNemar's test in its exact form: twice the smaller tail of a fair coin thrown once for each row on which the
/// versions differ (McNemar 1947, *Psychometrika* 12), at most 1.
fn exact_mcnemar(gained: u64, lost: u64) -> f64 {
    let (fewer, thrown) = (gained.min(lost) as f64, (gained + lost) as f64);
    let log_term = libm::lgamma(thrown + 1.0)
        - libm::lgamma(fewer + 1.0)
        - libm::lgamma(thrown - fewer + 1.0)
        - thrown * std::f64::consts::LN_2;
    let (mut term, mut tail, mut heads) = (1.0, 0.0, fewer);
    while term > f64::EPSILON * tail {
        tail += term;
        term *= heads / (thrown - heads + 1.0);
        heads -= 1.0;
    }
    (2.0 * libm::exp(log_term) * tail).min(1.0)
}

/// A row by the numbers of its classes.
struct Classes {
    actual: usize,
    deployed: usize,
    candidate: usize,
}

/// What F1 needs to know of a class.
#[derive(Clone, Copy, Default)]
struct ClassTally {
    support: u64,
    deployed: Answers,
    candidate: Answers,
}

#[derive(Clone, Copy, Default)]
struct Answers {
    given: u64,
    right: u64,
}

impl Answers {
    fn f1(self, support: u64) -> f64 {
        (2 * self.right) as f64 / (support + self.given) as f64
    }
}

fn macro_f1_gain(rows: &[PairedRow<'_>]) -> Gain {
    let labels = rows.iter().flat_map(|row| [row.actual, row.deployed, row.candidate]);
    let mut numbers: BTreeMap<Option<&str>, usize> = labels.map(|label| (label, 0)).collect();
    for (number, slot) in numbers.values_mut().enumerate() {
        *slot = number;
    }
    let groups: Vec<Vec<Classes>> = rows
        .chunk_by(|one, other| one.group == other.group)
        .map(|group| {
            let classes = |row: &PairedRow<'_>| Classes {
                actual: numbers[&row.actual],
                deployed: numbers[&row.deployed],
                candidate: numbers[&row.candidate],
            };
            group.iter().map(classes).collect()
        })
        .collect();
    let mut tallies = vec![ClassTally::default(); numbers.len()];
    let mut gain = |times_drawn: &[u32]| {
        tallies.fill(ClassTally::default());
        for (group, &times) in groups.iter().zip(times_drawn) {
            for row in group {
                tally(&mut tallies, row, u64::from(times));
            }
        }
        macro_f1_difference(&tallies)
    };
    let mut times_drawn = vec![1; groups.len()];
    let value = gain(&times_drawn);
    let mut random = SplitMix64(SEED);
    let resampled = (0..MACRO_F1_RESAMPLES).map(|_| {
        times_drawn.fill(0);
        for _ in 0..groups.len() {
            times_drawn[random.below(groups.len())] += 1;
        }
        gain(&times_drawn)
    });
    Gain::of(value, resampled.collect())
}

fn tally(tallies: &mut [ClassTally], row: &Classes, times: u64) {
    tallies[row.actual].support += times;
    tallies[row.deployed].deployed.given += times;
    tallies[row.candidate].candidate.given += times;
    if row.deployed == row.actual {
        tallies[row.actual].deployed.right += times;
    }
    if row.candidate == row.actual {
        tallies[row.actual].candidate.right += times;
    }
}

/// Mean over the classes that have rows.
fn macro_f1_difference(tallies: &[ClassTally]) -> f64 {
    let supported = tallies.iter().filter(|class| class.support > 0);
    let (classes, sum) = supported.fold((0_u64, 0.0), |(classes, sum), class| {
        (classes + 1, sum + (class.candidate.f1(class.support) - class.deployed.f1(class.support)))
    });
    sum / classes as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INTENTS: [&str; 4] = ["card_arrival", "exchange_rate", "lost_card", "refund"];

    /// Answers that are right with a given chance in a thousand, or else another intent.
    fn answer(actual: usize, right_in_thousand: usize, random: &mut SplitMix64) -> Option<&'static str> {
        let wrong = 1 + random.below(INTENTS.len() - 1);
        let right = random.below(1_000) < right_in_thousand;
        Some(INTENTS[if right { actual } else { (actual + wrong) % INTENTS.len() }])
    }

    /// Rows in groups of a size, answered by two independent versions.
    fn rows(
        count: u64,
        group_size: u64,
        deployed: usize,
        candidate: usize,
        random: &mut SplitMix64,
    ) -> Vec<PairedRow<'static>> {
        (0..count)
            .map(|row| {
                let actual = random.below(INTENTS.len());
                PairedRow {
                    group: Group::from_bits(row / group_size),
                    actual: Some(INTENTS[actual]),
                    deployed: answer(actual, deployed, random),
                    candidate: answer(actual, candidate, random),
                }
            })
            .collect()
    }

    fn swapped(rows: &[PairedRow<'static>]) -> Vec<PairedRow<'static>> {
        rows.iter().map(|row| PairedRow { deployed: row.candidate, candidate: row.deployed, ..*row }).collect()
    }

    #[test]
    fn a_version_is_no_better_than_itself() {
        let mut rows = rows(1_000, 1, 900, 900, &mut SplitMix64(1));
        rows.iter_mut().for_each(|row| row.candidate = row.deployed);
        let comparison = Comparison::of(&rows).unwrap();
        assert_eq!(comparison.verdict, Verdict::NoDetectableChange);
        assert_eq!((comparison.accuracy.lower, comparison.accuracy.upper, comparison.p_value), (0.0, 0.0, 1.0));
        assert!(comparison.detectable < 0.011, "{}", comparison.detectable);
    }

    #[test]
    fn answers_dealt_to_the_wrong_customers_are_worse() {
        let mut rows = rows(1_000, 1, 900, 900, &mut SplitMix64(2));
        let dealt: Vec<_> = rows.iter().rev().map(|row| row.candidate).collect();
        rows.iter_mut().zip(dealt).for_each(|(row, candidate)| row.candidate = candidate);
        assert_eq!(Comparison::of(&rows).unwrap().verdict, Verdict::Worse);
    }

    #[test]
    fn a_clear_gain_is_better_and_its_mirror_image_worse() {
        let rows = rows(1_500, 2, 850, 930, &mut SplitMix64(3));
        let forth = Comparison::of(&rows).unwrap();
        let back = Comparison::of(&swapped(&rows)).unwrap();
        assert_eq!((forth.verdict, back.verdict), (Verdict::Better, Verdict::Worse));
        assert!(forth.p_value < 0.001 && forth.p_value == back.p_value);
        for (gain, mirrored) in [(forth.accuracy, back.accuracy), (forth.macro_f1, back.macro_f1)] {
            assert_eq!((gain.value, gain.lower, gain.upper), (-mirrored.value, -mirrored.upper, -mirrored.lower));
            assert!(gain.lower > 0.0, "{gain:?}");
        }
    }

    #[test]
    fn a_stranger_recognised_counts_as_a_right_answer() {
        let stranger =
            PairedRow { group: Group::from_bits(1), actual: None, deployed: Some("refund"), candidate: None };
        let comparison = Comparison::of(&[stranger]).unwrap();
        assert_eq!((comparison.gained, comparison.lost), (1, 0));
        assert_eq!(comparison.macro_f1.value, 1.0);
    }

    #[test]
    fn nothing_is_claimed_of_a_handful_of_rows() {
        assert_eq!(Comparison::of(&[]), None);
        let comparison = Comparison::of(&rows(8, 1, 0, 1_000, &mut SplitMix64(4))).unwrap();
        assert_eq!(comparison.verdict, Verdict::TooFewRows { needed: 10 });
        assert_eq!(comparison.detectable, 1.0);
    }

    /// The false alarms of a verdict where both versions are equally good.
    fn false_alarms(count: u64, group_size: u64) -> usize {
        let alarms = (0..200).filter(|&seed| {
            let mut rows = rows(count, group_size, 900, 900, &mut SplitMix64(seed));
            for group in rows.chunk_by_mut(|one, other| one.group == other.group) {
                let (deployed, candidate) =
                    (group[0].deployed == group[0].actual, group[0].candidate == group[0].actual);
                for row in group {
                    row.deployed = if deployed { row.actual } else { None };
                    row.candidate = if candidate { row.actual } else { None };
                }
            }
            Comparison::of(&rows).unwrap().verdict == Verdict::Better
        });
        alarms.count()
    }

    #[test]
    fn equally_good_versions_are_seldom_called_better() {
        let alarms = false_alarms(500, 1);
        assert!(alarms <= 10, "{alarms} of 200");
    }

    #[test]
    fn conversations_that_stand_or_fall_together_are_not_taken_for_independent_rows() {
        let alarms = false_alarms(600, 5);
        assert!(alarms <= 10, "{alarms} of 200");
    }

    /// A true difference as great as `detectable` says should be shown about four times in five.
    #[test]
    fn a_detectable_difference_is_detected() {
        let (mut shown, mut claimed) = (0, 0.0);
        for seed in 0..200 {
            let comparison = Comparison::of(&rows(800, 1, 880, 920, &mut SplitMix64(seed))).unwrap();
            shown += usize::from(comparison.verdict == Verdict::Better);
            claimed += comparison.detectable / 200.0;
        }
        assert!((0.038..0.048).contains(&claimed), "{claimed}");
        assert!((120..180).contains(&shown), "{shown} of 200");
    }

    #[test]
    fn the_exact_test_agrees_with_the_coins_counted_by_hand() {
        assert_eq!(exact_mcnemar(0, 0), 1.0);
        assert!((exact_mcnemar(0, 6) - 2.0 / 64.0).abs() < 1e-12);
        assert!((exact_mcnemar(9, 1) - 2.0 * 11.0 / 1_024.0).abs() < 1e-12);
        assert_eq!(exact_mcnemar(5, 5), 1.0);
        let many = exact_mcnemar(60_000, 61_000);
        assert!((many - 0.004_06).abs() < 0.000_1, "{many}");
    }

    proptest! {
        #[test]
        fn neither_the_order_of_rows_nor_their_number_breaks_a_comparison(
            answers in prop::collection::vec((0_u64..6, 0_usize..5, 0_usize..5, 0_usize..5), 1..40),
            rotation in 0_usize..40,
        ) {
            let label = |number: usize| INTENTS.get(number).copied();
            let mut rows: Vec<_> = answers
                .into_iter()
                .map(|(group, actual, deployed, candidate)| PairedRow {
                    group: Group::from_bits(group),
                    actual: label(actual),
                    deployed: label(deployed),
                    candidate: label(candidate),
                })
                .collect();
            let comparison = Comparison::of(&rows).unwrap();
            let middle = rotation % rows.len();
            rows.rotate_left(middle);
            prop_assert_eq!(&Comparison::of(&rows).unwrap(), &comparison);
            prop_assert!(comparison.accuracy.lower <= comparison.accuracy.upper);
            prop_assert!((0.0..=1.0).contains(&comparison.p_value) && (0.0..=1.0).contains(&comparison.detectable));
            if let Verdict::TooFewRows { needed } = comparison.verdict {
                prop_assert!(needed > comparison.rows);
            }
            let json = serde_json::to_string(&comparison).unwrap();
            prop_assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap().verdict, comparison.verdict);
        }
    }
}
