//! Decides when the tenant's corrections train by themselves.

use romashka_domain::Permission;
use romashka_domain::retraining::{DEFAULT_AFTER, MAX_GATHERED, RetrainingPolicy};
use romashka_http::{IfMatch, Problem, Refusals, Reply, Request, invalid_field};
use serde::Deserialize;
use utoipa::ToSchema;

/// When corrections are to train by themselves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRetrainingPolicy {
    /// Whether they do.
    pub enabled: bool,
    /// After how many that are not yet learnt, 1 to 10,000; 50 where it is left out.
    #[serde(default = "default_after")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub after_corrections: u32,
    /// Whether the model is deployed by itself where it is better than the one that answers.
    #[serde(default)]
    pub auto_deploy: bool,
}

fn default_after() -> u32 {
    DEFAULT_AFTER
}

/// Decide when corrections train by themselves.
///
/// It is looked at with every correction and once a day. A retraining learns from what the deployed version learnt from
/// and from the corrections.
#[utoipa::path(
    put, path = "/v1/retraining", operation_id = "retraining.set", tag = "training",
    params(IfMatch), request_body = NewRetrainingPolicy,
    responses((status = 200, description = "The policy now in force.", body = RetrainingPolicy), Refusals)
)]
pub async fn set_retraining(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Retrain)?;
    let new: NewRetrainingPolicy = request.json()?;
    if new.auto_deploy {
        request.authorise(Permission::Deploy)?;
    }
    check(&new)?;
    let expected = request.if_match()?;
    let retraining = caller.store.retraining();
    let current = retraining.policy().await?;
    if expected.is_some_and(|expected| expected != current.revision) {
        return Err(Problem::precondition_failed("the policy was changed meanwhile; read it and decide again"));
    }
    let next = RetrainingPolicy {
        enabled: new.enabled,
        after_corrections: new.after_corrections,
        auto_deploy: new.auto_deploy,
        revision: current.revision + 1,
        by: Some(caller.identity.user),
        at: Some(caller.store.now()),
    };
    if !retraining.decide(&current, &next).await? {
        return Err(Problem::precondition_failed("somebody else decided at the same moment; read the policy again"));
    }
    Ok(Reply::ok(&next)?.etag(next.revision))
}

fn check(new: &NewRetrainingPolicy) -> Result<(), Problem> {
    if (1..=MAX_GATHERED).contains(&(new.after_corrections as usize)) {
        return Ok(());
    }
    let detail = format!("must be a whole number from 1 to {MAX_GATHERED}");
    Err(invalid_field("/after_corrections", "out_of_range", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_corrections_are_waited_for_than_one_upload_gathers() {
        let after = |json: &str| check(&serde_json::from_str(json).unwrap()).map_err(|problem| problem.code());
        assert_eq!(after(r#"{"enabled":true}"#), Ok(()));
        assert_eq!(after(r#"{"enabled":true,"after_corrections":10000}"#), Ok(()));
        for wrong in [0, 10_001] {
            let json = format!(r#"{{"enabled":true,"after_corrections":{wrong}}}"#);
            assert_eq!(after(&json), Err("out_of_range"), "{wrong}");
        }
    }
}
