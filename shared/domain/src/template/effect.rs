//! What became of the uses of a template, and how well it does by them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::usage::{TemplateUse, Via};

/// Days that are looked at in one go.
pub const MAX_DAYS: u16 = 90;
/// The greatest edit share, in thousandths: nothing of the text was kept.
pub const WHOLE: u16 = 1_000;
/// The best grade of a customer; the worst is 1.
pub const MAX_CSAT: u8 = 5;

/// What became of one use. What is not known yet is left out, and may be told later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// Whether the text went to the customer, or was discarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<bool>,
    /// How much of it was changed before it went, in thousandths: words put in, taken out or replaced, of the words of the longer text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 1000)]
    pub edit_share: Option<u16>,
    /// Whether it resolved what the customer wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<bool>,
    /// How the customer graded the conversation, 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 5)]
    pub csat: Option<u8>,
}

impl Outcome {
    /// This, with what is known of `later` in its place.
    #[must_use]
    pub fn with(&self, later: &Self) -> Self {
        Self {
            sent: later.sent.or(self.sent),
            edit_share: later.edit_share.or(self.edit_share),
            resolved: later.resolved.or(self.resolved),
            csat: later.csat.or(self.csat),
        }
    }
}

macro_rules! tally {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        /// Counts of uses and of what became of them.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub struct Tally {
            $($(#[$doc])* #[serde(default)] pub $field: i64,)*
        }

        impl Tally {
            /// Each count by its name.
            pub fn counts(&self) -> Vec<(&'static str, i64)> {
                vec![$((stringify!($field), self.$field),)*]
            }

            /// Both together.
            #[must_use]
            pub fn and(&self, other: &Self) -> Self {
                Self { $($field: self.$field + other.$field,)* }
            }

            /// What has to be added to `other` to make it this.
            #[must_use]
            pub fn less(&self, other: &Self) -> Self {
                Self { $($field: self.$field - other.$field,)* }
            }
        }
    };
}

tally! {
    /// Uses.
    uses,
    /// Of these, how many were suggested.
    via_suggestion,
    /// How many were searched for.
    via_search,
    /// How many were got by their shortcut.
    via_shortcut,
    /// How many were picked from a list.
    via_list,
    /// Uses whose text went to the customer.
    sent,
    /// Uses whose text was discarded.
    discarded,
    /// Uses of which is known how much was changed.
    compared,
    /// Their edit shares together, in thousandths.
    edit_shares,
    /// Uses that resolved what the customer wanted.
    resolved,
    /// Uses that did not.
    unresolved,
    /// Uses whose conversation the customer graded.
    graded,
    /// Their grades together, 1 to 5 each.
    grades,
}

impl Tally {
    /// Of one use.
    pub fn of_use(usage: &TemplateUse) -> Self {
        let mut tally = Self { uses: 1, ..Self::default() };
        *match usage.via {
            Via::Suggestion => &mut tally.via_suggestion,
            Via::Search => &mut tally.via_search,
            Via::Shortcut => &mut tally.via_shortcut,
            Via::List => &mut tally.via_list,
        } = 1;
        tally
    }

    /// Of what became of one use.
    pub fn of_outcome(outcome: &Outcome) -> Self {
        let count = |holds: bool| i64::from(holds);
        Self {
            sent: count(outcome.sent == Some(true)),
            discarded: count(outcome.sent == Some(false)),
            compared: count(outcome.edit_share.is_some()),
            edit_shares: outcome.edit_share.unwrap_or_default().into(),
            resolved: count(outcome.resolved == Some(true)),
            unresolved: count(outcome.resolved == Some(false)),
            graded: count(outcome.csat.is_some()),
            grades: outcome.csat.unwrap_or_default().into(),
            ..Self::default()
        }
    }
}

/// The counts of one template's uses of one day, in UTC. What became of a use counts for the day of the use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayTally {
    /// The day.
    #[schema(value_type = String, format = "date")]
    pub day: Date,
    /// The counts.
    #[serde(flatten)]
    pub tally: Tally,
}

/// How effective a template is, 0 to 100, and how sure that is.
///
/// Each part is a share between 0 and 1 of so many uses; what is not known of any use is no part, and the others weigh more for
/// it. A share is estimated as (*s* + 2) / (*n* + 4) with the variance *p* (1 − *p*) / (*n* + 4) (Agresti and Coull, "Approximate
/// is better than 'exact' for interval estimation of binomial proportions", 1998), so few uses give a wide interval around the
/// middle and not a record. Grades and edits are no yes or no; for them the variance is an upper bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Effectiveness {
    /// The estimate.
    pub score: f64,
    /// Where it lies with 95 % confidence.
    #[schema(value_type = [f64; 2])]
    pub interval: (f64, f64),
    /// What it is made of.
    pub parts: Vec<Part>,
    /// How it is made, in words.
    pub formula: String,
}

/// One part of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// What it is.
    pub name: PartName,
    /// What it weighs; together they weigh 1.
    pub weight: f64,
    /// The share as it was seen.
    pub seen: f64,
    /// The share as it is estimated.
    pub estimate: f64,
    /// Of how many uses.
    pub uses: i64,
}

/// What a part of a score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartName {
    /// Uses that resolved what the customer wanted.
    Resolution,
    /// Grades of customers: 1 is 0, 5 is 1.
    Csat,
    /// Uses whose text went to the customer.
    Acceptance,
    /// What was kept of the text before it went.
    Kept,
}

/// Uses that are added to every share, half of them good ones.
const ADDED: f64 = 4.0;
/// Standard errors of 95 % confidence.
const Z: f64 = 1.96;

impl Effectiveness {
    /// By these counts; none where nothing is known.
    #[expect(clippy::cast_precision_loss, reason = "counts of uses are far below 2^52")]
    pub fn of(tally: &Tally) -> Option<Self> {
        let best = f64::from(MAX_CSAT - 1);
        let seen = [
            (PartName::Resolution, 0.4, tally.resolved as f64, tally.resolved + tally.unresolved),
            (PartName::Csat, 0.3, (tally.grades - tally.graded) as f64 / best, tally.graded),
            (PartName::Acceptance, 0.2, tally.sent as f64, tally.sent + tally.discarded),
            (PartName::Kept, 0.1, tally.compared as f64 - tally.edit_shares as f64 / f64::from(WHOLE), tally.compared),
        ];
        let seen: Vec<_> = seen.into_iter().filter(|(.., uses)| *uses > 0).collect();
        let weights: f64 = seen.iter().map(|(_, weight, ..)| weight).sum();
        if seen.is_empty() {
            return None;
        }
        let (mut score, mut variance, mut parts) = (0.0, 0.0, Vec::new());
        for (name, weight, good, uses) in seen {
            let (weight, all) = (weight / weights, uses as f64);
            let estimate = (good + ADDED / 2.0) / (all + ADDED);
            score += weight * estimate;
            variance += weight * weight * estimate * (1.0 - estimate) / (all + ADDED);
            parts.push(Part { name, weight, seen: good / all, estimate, uses });
        }
        let off = Z * variance.sqrt();
        let percent = |share: f64| (share.clamp(0.0, 1.0) * 1_000.0).round() / 10.0;
        Some(Self {
            score: percent(score),
            interval: (percent(score - off), percent(score + off)),
            parts,
            formula: "100 × Σ weight × (good + 2) / (uses + 4), weights 0.4 resolution, 0.3 CSAT as (grade − 1) / 4, 0.2 sent, \
                      0.1 kept of the text, shared out among the parts that are known; interval ± 1.96 standard errors"
                .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_told_later_takes_the_place_of_what_was_told_before() {
        let first = Outcome { sent: Some(true), csat: Some(2), ..Outcome::default() };
        let later = Outcome { csat: Some(5), resolved: Some(true), ..Outcome::default() };
        let both = first.with(&later);
        assert_eq!((both.sent, both.csat, both.resolved), (Some(true), Some(5), Some(true)));
        let added = Tally::of_outcome(&both).less(&Tally::of_outcome(&first));
        assert_eq!((added.sent, added.graded, added.grades, added.resolved), (0, 0, 3, 1));
    }

    #[test]
    fn the_score_of_nothing_is_none_and_of_little_is_unsure() {
        assert_eq!(Effectiveness::of(&Tally { uses: 7, ..Tally::default() }), None);
        let few = Effectiveness::of(&Tally { resolved: 1, ..Tally::default() }).unwrap();
        let many = Effectiveness::of(&Tally { resolved: 96, unresolved: 4, ..Tally::default() }).unwrap();
        // (1 + 2) / (1 + 4) = 0.6 ± 1.96 √(0.6 · 0.4 / 5) = 0.6 ± 0.429
        assert_eq!((few.score, few.interval), (60.0, (17.1, 100.0)));
        // (96 + 2) / (100 + 4) = 0.942 ± 1.96 √(0.942 · 0.058 / 104) = 0.942 ± 0.045
        assert_eq!((many.score, many.interval), (94.2, (89.7, 98.7)));
    }

    #[test]
    fn parts_weigh_one_together() {
        let tally = Tally {
            sent: 9,
            discarded: 1,
            compared: 10,
            edit_shares: 2_500,
            graded: 4,
            grades: 16,
            ..Tally::default()
        };
        let effect = Effectiveness::of(&tally).unwrap();
        assert!((effect.parts.iter().map(|part| part.weight).sum::<f64>() - 1.0).abs() < 1e-9);
        let seen: Vec<_> = effect.parts.iter().map(|part| (part.name, part.seen)).collect();
        assert_eq!(seen, [(PartName::Csat, 0.75), (PartName::Acceptance, 0.9), (PartName::Kept, 0.75)]);
    }

    proptest! {
        #[test]
        fn a_score_lies_in_its_interval_and_between_0_and_100(resolved in 0i64..500, unresolved in 0i64..500, graded in 0i64..300, sent in 0i64..500) {
            let tally = Tally { resolved, unresolved, graded, grades: graded * 5, sent, ..Tally::default() };
            if let Some(effect) = Effectiveness::of(&tally) {
                let (low, high) = effect.interval;
                prop_assert!(0.0 <= low && low <= effect.score && effect.score <= high && high <= 100.0);
            }
        }
    }
}
