//! Answers that went well.

use lambda_http::http::StatusCode;
use romashka_store::Page;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;

/// An answer: a status, headers and a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// 200 with this resource.
    pub fn ok<T: Serialize>(resource: &T) -> Result<Self, Problem> {
        Self::json(StatusCode::OK, resource)
    }

    /// 201 with this resource, which lives at `location` from now on.
    pub fn created<T: Serialize>(location: &str, resource: &T) -> Result<Self, Problem> {
        Ok(Self::json(StatusCode::CREATED, resource)?.header("location", location))
    }

    /// 503 with this resource.
    pub fn unavailable<T: Serialize>(resource: &T) -> Result<Self, Problem> {
        Self::json(StatusCode::SERVICE_UNAVAILABLE, resource)
    }

    /// 200 with a JSON document that is ready made.
    pub fn document(json: &str) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: json.to_owned() }
    }

    /// 200 with a page for people. It is shown by itself and loads nothing.
    pub fn html(page: String) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: page }
            .header("content-type", "text/html; charset=utf-8")
            .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    }

    /// 200 with a file to keep under this name.
    pub fn file(name: &str, kind: &str, content: String) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: content }
            .header("content-type", kind)
            .header("content-disposition", &format!("attachment; filename=\"{name}\""))
    }

    /// The same answer, of which more is at `path` (RFC 8288, `rel="next"`).
    #[must_use]
    pub fn next(self, path: &str) -> Self {
        self.header("link", &format!("<{path}>; rel=\"next\""))
    }

    /// 200 with a page of resources.
    pub fn page<T: Serialize>(page: Page<T>) -> Result<Self, Problem> {
        Self::ok(&Listing { items: page.items, next_cursor: page.next.map(|cursor| cursor.encode()) })
    }

    /// The same answer, which changes whenever `version` does (RFC 9110, `ETag`).
    pub fn etag(self, version: u64) -> Self {
        self.header("etag", &format!("\"{version}\""))
    }

    fn json<T: Serialize>(status: StatusCode, resource: &T) -> Result<Self, Problem> {
        let body = serde_json::to_string(resource).map_err(Problem::internal)?;
        Ok(Self { status, headers: Vec::new(), body })
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// 304 where the client already holds this very version.
    pub(crate) fn unless_held(self, if_none_match: Option<&str>) -> Self {
        let etag = self.headers.iter().find(|(name, _)| name == "etag").map(|(_, value)| value.as_str());
        let (Some(held), Some(etag)) = (if_none_match, etag) else { return self };
        if self.status != StatusCode::OK || !held.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag) {
            return self;
        }
        Self { status: StatusCode::NOT_MODIFIED, headers: self.headers, body: String::new() }
    }
}

/// A page of resources, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listing<T> {
    /// The resources.
    pub items: Vec<T>,
    /// Give it as `cursor` for the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_the_client_holds_is_not_sent_again() {
        let reply = || Reply::ok(&1).unwrap().etag(7);
        assert_eq!(reply().unless_held(Some("\"7\"")).status, StatusCode::NOT_MODIFIED);
        assert_eq!(reply().unless_held(Some("\"6\", W/\"7\"")).status, StatusCode::NOT_MODIFIED);
        assert_eq!(reply().unless_held(Some("\"8\"")).status, StatusCode::OK);
        assert_eq!(reply().unless_held(None).status, StatusCode::OK);
    }
}
