//! Problem documents (RFC 9457): the only place that knows which failure is which status.

use lambda_http::http::StatusCode;
use romashka_domain::NotAllowed;
use romashka_domain::template::Invalid;
use romashka_store::ChangeError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::authorizer::Refusal;

/// A problem document, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Names the kind of problem: `urn:romashka:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status, in words.
    pub title: String,
    /// The status, as a number.
    pub status: u16,
    /// Stable, for programs.
    pub code: String,
    /// What was wrong, where, and how to mend it.
    pub detail: String,
    /// The field of the request that was wrong, as a JSON Pointer (RFC 6901) or a parameter's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Leads to the logs of the request.
    pub correlation_id: String,
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
    /// Goes to the log and never to the client.
    cause: Option<String>,
    retry_after_seconds: Option<u32>,
}

/// The resource is not there, or belongs to another tenant, which must look the same.
pub fn not_found(what: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
}

/// The request as a whole cannot be understood.
pub fn invalid(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}

/// One field of the request is wrong.
pub fn invalid_field(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Problem {
    Problem { field: Some(field.into()), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
}

/// The resource is not in a state that allows the request.
pub fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}

/// What was sent or announced is over a bound.
pub fn too_large(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, code, detail)
}

/// How long API Gateway keeps what the authorizer said of a token, in seconds (`ReauthorizeEvery` in the template).
const VERDICT_SECONDS: u32 = 60;

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), field: None, cause: None, retry_after_seconds: None }
    }

    /// The token was not accepted.
    pub fn unauthorised(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::IssuerUnreachable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        };
        let retry_after_seconds = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(VERDICT_SECONDS);
        Self { retry_after_seconds, ..Self::new(status, refusal.code(), refusal.detail()) }
    }

    /// The role does not carry the permission.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// The resource changed since the client read it.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
    }

    /// Another request with the same idempotency key is still being done.
    pub fn in_progress() -> Self {
        let detail = "a request with this Idempotency-Key is still being done; ask again in a moment";
        Self { retry_after_seconds: Some(1), ..Self::new(StatusCode::CONFLICT, "request_in_progress", detail) }
    }

    /// A dependency does not answer.
    pub fn unavailable(cause: impl ToString) -> Self {
        Self {
            cause: Some(cause.to_string()),
            retry_after_seconds: Some(1),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "a service this depends on does not answer; try again",
            )
        }
    }

    /// Something that should not happen did.
    pub fn internal(cause: impl ToString) -> Self {
        let detail = "something went wrong on our side; quote the correlation id when you report it";
        Self { cause: Some(cause.to_string()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail) }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What goes to the log and never to the client.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub(crate) fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// The document, for a request that this correlation id follows.
    pub fn body(&self, correlation_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:romashka:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail.clone(),
            field: self.field.clone(),
            correlation_id: correlation_id.to_owned(),
        }
    }
}

impl From<romashka_store::Error> for Problem {
    fn from(error: romashka_store::Error) -> Self {
        match error {
            romashka_store::Error::Aws { .. } | romashka_store::Error::Conflict(_) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl From<NotAllowed> for Problem {
    fn from(refusal: NotAllowed) -> Self {
        conflict("state_conflict", format!("the {refusal}"))
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        invalid_field(invalid.field, "invalid_template", invalid.why)
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound(what) => not_found(what),
            ChangeError::NotAllowed(refusal) => refusal.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_fault_tells_the_client_nothing_internal() {
        let body = Problem::internal("table arn:aws:dynamodb:secret exploded").body("c-1");
        insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap(), @r#"
        {
          "type": "urn:romashka:problem:internal",
          "title": "Internal Server Error",
          "status": 500,
          "code": "internal",
          "detail": "something went wrong on our side; quote the correlation id when you report it",
          "correlation_id": "c-1"
        }
        "#);
    }

    #[test]
    fn a_field_problem_points_at_the_field() {
        let body = invalid_field("/size_bytes", "out_of_range", "must be at least 1").body("c-1");
        assert_eq!((body.status, body.field.as_deref()), (422, Some("/size_bytes")));
    }
}
