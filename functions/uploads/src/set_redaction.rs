//! Decides what is hidden in what the tenant sends.

use romashka_domain::Permission;
use romashka_domain::redaction::RedactionPolicy;
use romashka_http::{IfMatch, Problem, Refusals, Reply, Request, invalid_field};
use romashka_ingest::redaction::{MAX_OWN, MAX_OWN_CHARS, PatternError, Redactor, Settings};

/// Decide what is hidden in uploads.
///
/// It holds for files that are read from now on.
#[utoipa::path(
    put, path = "/v1/redaction", operation_id = "redaction.set", tag = "uploads",
    params(IfMatch), request_body = Settings,
    responses((status = 200, description = "The policy now in force.", body = RedactionPolicy), Refusals)
)]
pub async fn set_redaction(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::SetRedaction)?;
    let settings: Settings = request.json()?;
    check(&settings)?;
    let expected = request.if_match()?;
    let redaction = caller.store.redaction();
    let current = redaction.policy().await?;
    if expected.is_some_and(|expected| expected != current.revision) {
        return Err(Problem::precondition_failed("the policy was changed meanwhile; read it and decide again"));
    }
    let next = RedactionPolicy {
        settings,
        revision: current.revision + 1,
        by: Some(caller.identity.user),
        at: Some(caller.store.now()),
    };
    if !redaction.decide(&current, &next).await? {
        return Err(Problem::precondition_failed("somebody else decided at the same moment; read the policy again"));
    }
    Ok(Reply::ok(&next)?.etag(next.revision))
}

fn check(settings: &Settings) -> Result<(), Problem> {
    if settings.own.len() > MAX_OWN {
        return Err(invalid_field("/own", "out_of_range", format!("name at most {MAX_OWN}")));
    }
    if settings.own.iter().any(|own| !(1..=MAX_OWN_CHARS).contains(&own.trim().chars().count())) {
        return Err(invalid_field("/own", "out_of_range", format!("each must have 1 to {MAX_OWN_CHARS} characters")));
    }
    let wrong =
        |error: PatternError| invalid_field(format!("/order_patterns/{}", error.place), "invalid_pattern", error.why);
    Redactor::new(settings).map(|_| ()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused_by_its_place() {
        let refused = |json: &str| check(&serde_json::from_str(json).unwrap()).map_err(|problem| problem.code());
        assert_eq!(
            refused(r#"{"leave":["name"],"order_patterns":["LT-[0-9]{5}"],"own":["help@shop.example"]}"#),
            Ok(())
        );
        assert_eq!(refused(r#"{"order_patterns":["LT-[0-9]{5}","("]}"#), Err("invalid_pattern"));
        assert_eq!(refused(r#"{"own":[" "]}"#), Err("out_of_range"));
    }
}
