//! The parts of the OpenAPI document that every operation shares.

use std::collections::BTreeMap;

use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};
use utoipa::{IntoParams, IntoResponses};

/// The problem documents that any operation may answer with.
pub struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let refusals = [
            ("400", "The request cannot be understood."),
            ("401", "The token is missing or not accepted; `code` says why."),
            ("403", "The caller's role does not carry the permission."),
            ("404", "There is no such resource in the caller's tenant."),
            ("409", "The resource's state does not allow it, or an idempotency key was used for another request."),
            ("412", "The resource has changed since the version that `If-Match` names."),
            ("413", "Something is over a bound; `detail` says what and which."),
            ("422", "A field is wrong; `field` says which and `detail` why."),
            ("500", "Something went wrong on our side; quote `correlation_id` when reporting it."),
            ("503", "A dependency does not answer; try again after `Retry-After`."),
        ];
        refusals.into_iter().map(|(status, why)| (status.to_owned(), RefOr::T(problem(why)))).collect()
    }
}

fn problem(why: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(why).content("application/problem+json", content).build()
}

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many resources, 1 to 100; 20 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u8>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A request that may be repeated without a second effect.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// 1 to 128 visible ASCII characters, unique to this request; kept for 24 hours.
    #[param(rename = "Idempotency-Key", max_length = 128)]
    pub idempotency_key: Option<String>,
}

/// A request that only holds for the version the client has read.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// The `ETag` of the version the client has read.
    #[param(rename = "If-Match")]
    pub if_match: Option<String>,
}
