//! The few numbers a tenant may turn, with the ranges in which they make sense.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a model is trained. Every field has a default, chosen on a split of Banking77's training rows (never on
/// its test rows); the defaults are right for nearly everybody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// Seed of the order in which rows are visited. Any number.
    pub seed: u64,
    /// Passes over the training rows, 1 to 100; four times as many, at half the rate, where rows are few.
    #[schema(minimum = 1, maximum = 100)]
    pub epochs: u16,
    /// Step of the first update, falling linearly to zero; 0.001 to 10.
    #[schema(minimum = 0.001, maximum = 10.0)]
    pub learning_rate: f32,
    /// Weight of the squared norm in the loss, 0 to 0.01.
    #[schema(minimum = 0.0, maximum = 0.01)]
    pub l2: f32,
    /// Distinct rows an n-gram must occur in to be kept, 1 to 1,000.
    #[schema(minimum = 1, maximum = 1_000)]
    pub min_df: u32,
    /// Share of conversations kept away from training to measure the model, 0.05 to 0.5.
    #[schema(minimum = 0.05, maximum = 0.5)]
    pub hold_out_share: f32,
    /// Share of in-scope messages whose right answer may be given up in order to recognise messages that belong
    /// to no intent, 0 to 0.1. Left out, it is 0.005, and 0.0175 where rows are labelled as out of scope: who labels such
    /// rows wants them recognised, and two points are the most it should cost. A deployment may choose another operating point without training anew.
    #[schema(minimum = 0.0, maximum = 0.1)]
    pub out_of_scope_budget: Option<f32>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            seed: 0,
            epochs: 14,
            learning_rate: 0.3,
            l2: 1e-6,
            min_df: 2,
            hold_out_share: 0.1,
            out_of_scope_budget: None,
        }
    }
}

/// A parameter outside its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("parameter {parameter} is {value} but must lie between {lowest} and {highest}")]
pub struct ParameterError {
    /// Name of the field.
    pub parameter: &'static str,
    /// What was given.
    pub value: f64,
    /// Least value allowed.
    pub lowest: f64,
    /// Greatest value allowed.
    pub highest: f64,
}

impl Parameters {
    /// Checks every field against its range.
    ///
    /// # Errors
    /// The first field outside its range (not-a-number is outside every range).
    pub fn validate(&self) -> Result<(), ParameterError> {
        within("epochs", self.epochs.into(), 1.0, 100.0)?;
        within("learning_rate", self.learning_rate.into(), 0.001, 10.0)?;
        within("l2", self.l2.into(), 0.0, 0.01)?;
        within("min_df", self.min_df.into(), 1.0, 1_000.0)?;
        within("hold_out_share", self.hold_out_share.into(), 0.05, 0.5)?;
        within("out_of_scope_budget", self.out_of_scope_budget.unwrap_or_default().into(), 0.0, 0.1)
    }

    /// The operating point to be deployed at first, for training data with or without rows labelled as out of scope.
    pub(crate) fn budget(&self, background: bool) -> f32 {
        self.out_of_scope_budget.unwrap_or(if background { 0.0175 } else { 0.005 })
    }
}

/// Limits are rounded to `f32` as the values were, so that the limit itself lies within.
fn within(parameter: &'static str, value: f64, lowest: f64, highest: f64) -> Result<(), ParameterError> {
    let range = f64::from(lowest as f32)..=f64::from(highest as f32);
    if range.contains(&value) {
        return Ok(());
    }
    Err(ParameterError { parameter, value, lowest, highest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_own_ranges() {
        assert_eq!(Parameters::default().validate(), Ok(()));
    }

    #[test]
    fn the_ends_of_a_range_belong_to_it() {
        let lowest = Parameters {
            seed: 0,
            epochs: 1,
            learning_rate: 0.001,
            l2: 0.0,
            min_df: 1,
            hold_out_share: 0.05,
            out_of_scope_budget: Some(0.0),
        };
        let highest = Parameters {
            seed: u64::MAX,
            epochs: 100,
            learning_rate: 10.0,
            l2: 0.01,
            min_df: 1_000,
            hold_out_share: 0.5,
            out_of_scope_budget: Some(0.1),
        };
        assert_eq!(lowest.validate(), Ok(()));
        assert_eq!(highest.validate(), Ok(()));
    }

    #[test]
    fn a_value_outside_its_range_is_named() {
        let refused = |change: fn(&mut Parameters)| {
            let mut parameters = Parameters::default();
            change(&mut parameters);
            parameters.validate().unwrap_err().parameter
        };
        assert_eq!(refused(|p| p.epochs = 0), "epochs");
        assert_eq!(refused(|p| p.learning_rate = f32::NAN), "learning_rate");
        assert_eq!(refused(|p| p.l2 = -0.1), "l2");
        assert_eq!(refused(|p| p.min_df = 0), "min_df");
        assert_eq!(refused(|p| p.hold_out_share = 0.0), "hold_out_share");
        assert_eq!(refused(|p| p.out_of_scope_budget = Some(0.3)), "out_of_scope_budget");
    }

    #[test]
    fn a_request_names_only_what_it_changes_and_nothing_unknown() {
        let parameters: Parameters = serde_json::from_str(r#"{"epochs": 7}"#).unwrap();
        assert_eq!(parameters, Parameters { epochs: 7, ..Parameters::default() });
        assert!(serde_json::from_str::<Parameters>(r#"{"epoch": 7}"#).is_err());
    }
}
