//! Announces a file and says where to send it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use romashka_domain::time::after;
use romashka_domain::upload::{
    Announcement, MAX_FILE_BYTES, MAX_NAME_CHARS, SENT_PART_BYTES, SENT_WHOLE_BYTES, Transfer, UPLOAD_WINDOW_SECONDS,
    Upload,
};
use romashka_domain::{Permission, Timestamp, UploadId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, invalid_field, too_large};
use romashka_ingest::{Kind, Mapping, MappingError};
use romashka_store::TenantStore;
use romashka_store::objects::{Bound, Object, Presigned};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The content type that the signature binds. What a file holds is told by its content, never by its name or type.
const CONTENT_TYPE: &str = "application/octet-stream";

/// A file that a client is about to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// The file's name, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What the file holds.
    pub kind: Kind,
    /// Its exact size in bytes, at most 5,368,709,120 (5 GiB). From 104,857,600 (100 MiB) on it is sent in parts.
    #[schema(minimum = 0, maximum = 5_368_709_120_i64)]
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, base64 (44 characters). A file that is sent in parts has one for each of them instead.
    #[schema(min_length = 44, max_length = 44)]
    pub checksum_sha256: Option<String>,
    /// Whether it is to wait, once it has come, for a commit: see `POST /v1/uploads/{upload_id}/preview`.
    #[serde(default)]
    pub review: bool,
    /// What its columns are called, where they are not recognised by themselves.
    #[serde(default)]
    pub mapping: Mapping,
}

/// An announced upload and where to send its bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedUpload {
    /// The upload.
    pub upload: Upload,
    /// The request that delivers the bytes. A file that is sent in parts has none: `upload.transfer` tells its parts, and
    /// `POST /v1/uploads/{upload_id}/parts` where to send them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<SendRequest>,
}

/// A request that takes exactly the announced bytes: size, type and checksum are part of its signature.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendRequest {
    /// `PUT`.
    pub method: String,
    /// Where.
    pub url: String,
    /// Headers to send as they stand.
    pub headers: BTreeMap<String, String>,
    /// When the address stops working.
    pub expires_at: Timestamp,
}

impl SendRequest {
    pub(crate) fn new(signed: Presigned, now: Timestamp) -> Self {
        Self {
            method: signed.method,
            url: signed.url,
            headers: signed.headers.into_iter().collect(),
            expires_at: after(now, UPLOAD_WINDOW_SECONDS),
        }
    }
}

/// What the signature of an address binds.
pub(crate) fn bound(size_bytes: u64, checksum_sha256: String) -> Bound {
    let content_type = CONTENT_TYPE.to_owned();
    Bound { size_bytes, checksum_sha256, content_type, seconds: UPLOAD_WINDOW_SECONDS as u64 }
}

pub(crate) fn is_sha_256(checksum: &str) -> bool {
    STANDARD.decode(checksum).is_ok_and(|digest| digest.len() == 32)
}

/// Announce a file; the answer says where to send its bytes.
///
/// Reading starts by itself when the bytes have come.
#[utoipa::path(
    post, path = "/v1/uploads", operation_id = "uploads.create", tag = "uploads",
    params(IdempotencyKey), request_body = NewUpload,
    responses((status = 201, description = "Announced.", body = CreatedUpload), Refusals)
)]
pub async fn create_upload(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::CreateUpload)?;
    let new: NewUpload = request.json()?;
    check(&new)?;
    let correlation_id = request.correlation_id().clone();
    let (store, user) = (caller.store.clone(), caller.identity.user.clone());
    request
        .once("uploads.create", &caller, |id| async move {
            let id = UploadId::new(id);
            let now = store.now();
            let object = Object::Raw(id);
            let transfer = match new.size_bytes >= SENT_WHOLE_BYTES {
                true => Some(begin_transfer(&store, &object, new.size_bytes).await?),
                false => None,
            };
            let announcement = Announcement {
                name: new.name,
                kind: new.kind,
                size_bytes: new.size_bytes,
                review: new.review,
                mapping: new.mapping,
                transfer,
            };
            let mut upload = Upload::announced(id, announcement, correlation_id, user, now);
            if !store.uploads().create(&upload).await? {
                // An earlier arrival of this request made it and crashed. What it began to transfer goes on.
                upload = store.uploads().get(id).await?.unwrap_or(upload);
            }
            let send = match new.checksum_sha256.filter(|_| upload.transfer.is_none()) {
                Some(checksum) => {
                    let signed = store.objects().presign_put(&object, &bound(new.size_bytes, checksum)).await?;
                    Some(SendRequest::new(signed, now))
                }
                None => None,
            };
            Reply::created(&format!("/v1/uploads/{id}"), &CreatedUpload { upload, send })
        })
        .await
}

async fn begin_transfer(store: &TenantStore, object: &Object, size_bytes: u64) -> Result<Transfer, Problem> {
    let parts = u32::try_from(size_bytes.div_ceil(SENT_PART_BYTES)).unwrap_or(u32::MAX);
    let id = store.objects().begin_transfer(object, CONTENT_TYPE).await?;
    Ok(Transfer { id, part_bytes: SENT_PART_BYTES, parts })
}

fn check(new: &NewUpload) -> Result<(), Problem> {
    let chars = new.name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&chars) || new.name.chars().any(char::is_control) {
        let detail = format!("must be 1 to {MAX_NAME_CHARS} characters without control characters");
        return Err(invalid_field("/name", "invalid_name", detail));
    }
    if new.size_bytes > MAX_FILE_BYTES {
        let detail = format!(
            "the file has {} bytes; one upload takes at most {MAX_FILE_BYTES}; split the file and upload its parts",
            new.size_bytes
        );
        return Err(too_large("file_too_large", detail));
    }
    check_mapping(&new.mapping, new.kind)?;
    let is_good = match &new.checksum_sha256 {
        Some(checksum) => is_sha_256(checksum),
        None => new.size_bytes >= SENT_WHOLE_BYTES,
    };
    if is_good {
        return Ok(());
    }
    let detail = "must be the SHA-256 of the file's bytes in base64, 44 characters";
    Err(invalid_field("/checksum_sha256", "invalid_checksum", detail))
}

/// Refuses names of columns that this kind of file cannot have.
pub(crate) fn check_mapping(mapping: &Mapping, kind: Kind) -> Result<(), Problem> {
    let wrong = |(column, error): (String, MappingError)| {
        // A slash in a name would look like another step of the path (RFC 6901).
        let column = column.replace('~', "~0").replace('/', "~1");
        invalid_field(format!("/mapping/{column}"), "invalid_mapping", error.to_string())
    };
    mapping.check(kind).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(size_bytes: u64, name: &str, checksum: &str) -> NewUpload {
        NewUpload {
            name: name.into(),
            kind: Kind::Utterances,
            size_bytes,
            checksum_sha256: Some(checksum.into()),
            review: false,
            mapping: Mapping::default(),
        }
    }

    const CHECKSUM: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn an_empty_file_may_be_announced_and_a_too_large_one_not() {
        assert!(check(&new(0, "a.csv", CHECKSUM)).is_ok());
        assert!(check(&new(MAX_FILE_BYTES, "a.csv", CHECKSUM)).is_ok());
        assert_eq!(check(&new(MAX_FILE_BYTES + 1, "a.csv", CHECKSUM)).unwrap_err().code(), "file_too_large");
    }

    #[test]
    fn only_a_file_that_is_sent_in_parts_needs_no_checksum_of_the_whole() {
        let without = |size_bytes| check(&NewUpload { checksum_sha256: None, ..new(size_bytes, "a.csv", CHECKSUM) });
        assert_eq!(without(SENT_WHOLE_BYTES - 1).unwrap_err().code(), "invalid_checksum");
        assert!(without(SENT_WHOLE_BYTES).is_ok());
    }

    #[test]
    fn a_mapping_must_name_columns_of_the_kind() {
        let mapping = Mapping::from_iter([("question", "Frage")]);
        let refusal = check(&NewUpload { mapping, ..new(1, "a.csv", CHECKSUM) }).unwrap_err();
        assert_eq!(refusal.code(), "invalid_mapping");
    }

    #[test]
    fn a_name_must_be_short_and_printable() {
        for name in ["", "a\nb", &"x".repeat(201)] {
            assert_eq!(check(&new(1, name, CHECKSUM)).unwrap_err().code(), "invalid_name");
        }
    }

    #[test]
    fn a_checksum_must_be_a_sha_256() {
        for checksum in ["", "abc", "1B2M2Y8AsgTpgAmY7PhCfg=="] {
            assert_eq!(check(&new(1, "a", checksum)).unwrap_err().code(), "invalid_checksum");
        }
    }
}
