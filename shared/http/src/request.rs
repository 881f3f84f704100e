//! A request as a handler sees it.

use std::collections::HashMap;
use std::str::FromStr;

use aws_lambda_events::query_map::QueryMap;
use lambda_http::http::HeaderMap;
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt};
use romashka_domain::{CorrelationId, Identity, Permission, without_values};
use romashka_store::{Cloud, Cursor, PageSize, TenantStore};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::authorizer::{Refusal, Verdict};
use crate::problem::{Problem, invalid, invalid_field, not_found, too_large};

/// The largest JSON body that is read, in bytes. Files go to S3 directly and never come through here.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The header in which a client may name the correlation id, and in which every answer does.
pub(crate) const CORRELATION_HEADER: &str = "x-correlation-id";

/// A request. It opens no data until it is authorised.
pub struct Request {
    cloud: Cloud,
    verdict: Verdict,
    correlation_id: CorrelationId,
    headers: HeaderMap,
    path: HashMap<String, String>,
    query: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) resource: String,
}

/// Somebody who may do what they ask.
pub struct Caller {
    /// Who it is.
    pub identity: Identity,
    /// Their tenant's data.
    pub store: TenantStore,
}

impl Request {
    pub(crate) fn read(cloud: Cloud, request: lambda_http::Request) -> Self {
        let verdict = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => match &context.authorizer {
                Some(authorizer) => Verdict::from_context(&authorizer.fields),
                None => Verdict::Refused(Refusal::Malformed),
            },
            _ => Verdict::Refused(Refusal::Malformed),
        };
        let headers = request.headers().clone();
        let named = headers.get(CORRELATION_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        let correlation_id = named.unwrap_or_else(|| fresh_correlation_id(&cloud));
        Self {
            cloud,
            verdict,
            correlation_id,
            headers,
            path: as_map(&request.path_parameters()),
            query: as_map(&request.query_string_parameters()),
            resource: format!("{} {}", request.method(), request.raw_http_path()),
            body: match request.into_body() {
                Body::Text(text) => text.into_bytes(),
                Body::Binary(bytes) => bytes,
                _ => Vec::new(),
            },
        }
    }

    /// Follows the request through logs, messages and frames.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.correlation_id
    }

    /// What is outside the function; it holds no tenant's data.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Who asks, by the verified token.
    pub fn identity(&self) -> Result<&Identity, Problem> {
        match &self.verdict {
            Verdict::Known(identity) => Ok(identity),
            Verdict::Refused(refusal) => Err(Problem::unauthorised(*refusal)),
        }
    }

    /// Opens the tenant's data to somebody who has this permission.
    pub fn authorise(&self, permission: Permission) -> Result<Caller, Problem> {
        let identity = self.identity()?;
        if !identity.role.may(permission) {
            let detail =
                format!("this needs the role {:?} or a more powerful one", permission.least_role()).to_lowercase();
            return Err(Problem::forbidden(detail));
        }
        Ok(Caller { identity: identity.clone(), store: self.cloud.tenant(identity.tenant.clone()) })
    }

    /// Whether it only reads.
    pub(crate) fn is_get(&self) -> bool {
        self.resource.starts_with("GET ")
    }

    /// Whether a header is there, readable or not.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// An identifier in the path. One that cannot be is one that is not there.
    pub fn path_id<T: FromStr>(&self, name: &str, what: &str) -> Result<T, Problem> {
        self.path.get(name).and_then(|text| text.parse().ok()).ok_or_else(|| not_found(what))
    }

    /// The JSON body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.json_within(MAX_BODY_BYTES)
    }

    /// The JSON body, where more is taken than usual: up to so many bytes.
    pub fn json_within<T: DeserializeOwned>(&self, most: usize) -> Result<T, Problem> {
        if self.body.len() > most {
            let detail = format!("the body has {} bytes; {most} are allowed", self.body.len());
            return Err(too_large("body_too_large", detail));
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| unlike(&error))?;
        reader.end().map_err(|cause| not_json(&cause))?;
        Ok(read)
    }

    /// The body as it came, where it is a file and no JSON document.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The JSON body, or what is meant where there is none.
    pub fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// Which page of a list is asked for (`?limit=&cursor=`).
    pub fn page(&self) -> Result<(PageSize, Option<Cursor>), Problem> {
        let size = match self.query.get("limit") {
            None => PageSize::default(),
            Some(text) => text.parse().ok().and_then(PageSize::new).ok_or_else(|| {
                invalid_field("limit", "out_of_range", format!("must be a whole number from 1 to {}", PageSize::MAX))
            })?,
        };
        let cursor = match self.query.get("cursor") {
            None => None,
            Some(text) => Some(Cursor::decode(text).ok_or_else(|| {
                invalid_field("cursor", "invalid_cursor", "give the `next_cursor` of the page before, as it was")
            })?),
        };
        Ok((size, cursor))
    }

    /// A parameter of the query that is one of a few words, which `words` names for people, where it is given.
    pub fn query_choice<T: DeserializeOwned>(&self, name: &'static str, words: &str) -> Result<Option<T>, Problem> {
        let choice = self.query.get(name).map(|text| serde_json::from_value(serde_json::Value::from(text.as_str())));
        choice.transpose().map_err(|_| invalid_field(name, "invalid_parameter", format!("must be {words}")))
    }

    /// A parameter of the query that is text, as it stands; one that is left out or blank is none.
    pub fn query_text(&self, name: &'static str, most: usize) -> Result<Option<&str>, Problem> {
        let text = self.query.get(name).map(String::as_str).filter(|text| !text.trim().is_empty());
        if text.is_some_and(|text| text.chars().count() > most) {
            return Err(invalid_field(name, "too_long", format!("has more than the {most} characters allowed")));
        }
        Ok(text)
    }

    /// Whether a parameter of the query is `true`; it is not where it is left out.
    pub fn query_flag(&self, name: &'static str) -> Result<bool, Problem> {
        match self.query.get(name).map(String::as_str) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid_field(name, "invalid_parameter", "must be `true` or `false`")),
        }
    }

    /// A parameter of the query that is a whole number, where it is given.
    pub fn query_number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        let number = self.query.get(name).map(|text| text.parse());
        number.transpose().map_err(|_| invalid_field(name, "invalid_parameter", "must be a whole number"))
    }

    /// The version that a client says it has read (`If-Match`), where it says so.
    pub fn if_match(&self) -> Result<Option<u64>, Problem> {
        let Some(text) = self.header("if-match").filter(|text| text.trim() != "*") else { return Ok(None) };
        let version = text.trim().trim_matches('"').parse().ok();
        version
            .map(Some)
            .ok_or_else(|| Problem::precondition_failed("If-Match must be the resource's ETag, as it was given"))
    }
}

/// What a JSON value says, where it comes from elsewhere than the body.
pub fn read_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| unlike(&error))
}

fn unlike(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let cause = error.inner();
    if cause.is_data() {
        return invalid_field(pointer(error.path()), "invalid_body", without_values(&cause.to_string()));
    }
    not_json(cause)
}

fn not_json(cause: &serde_json::Error) -> Problem {
    let place = format!("line {}, column {}", cause.line(), cause.column());
    invalid("invalid_json", format!("the body is not valid JSON at {place}; send one JSON object"))
}

/// A place in the body as a JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let segments = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => "/".to_owned(),
    });
    let pointer: String = segments.collect();
    if pointer.is_empty() { "/".to_owned() } else { pointer }
}

/// Parameters by name; where one is given twice, the last counts.
fn as_map(parameters: &QueryMap) -> HashMap<String, String> {
    parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A correlation id for work that arrived without one.
pub(crate) fn fresh_correlation_id(cloud: &Cloud) -> CorrelationId {
    let id = cloud.ids().next().simple().to_string();
    // 32 hexadecimal digits always are a correlation id.
    id.parse().unwrap_or_else(|_| unreachable!("a UUID is a correlation id"))
}
