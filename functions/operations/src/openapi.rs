//! The contract itself.

use romashka_http::{Problem, Reply, Request};

/// The document as it stands in the repository. A test compares it with the code, so it cannot fall behind.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// Get this document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi.get", tag = "operations", security(()),
    responses((status = 200, description = "The OpenAPI 3.1 document.", body = Object))
)]
pub async fn openapi(_request: Request) -> Result<Reply, Problem> {
    Ok(Reply::document(DOCUMENT))
}
