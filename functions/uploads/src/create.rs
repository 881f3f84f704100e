//! Announces a file and says where to send it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use romashka_domain::time::after;
use romashka_domain::upload::{Announcement, MAX_FILE_BYTES, MAX_NAME_CHARS, UPLOAD_WINDOW_SECONDS, Upload};
use romashka_domain::{Permission, Timestamp, UploadId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, invalid_field, too_large};
use romashka_ingest::Kind;
use romashka_store::objects::{Bound, Object};
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
    /// Its exact size in bytes, at most 268,435,456 (256 MiB).
    #[schema(minimum = 0, maximum = 268_435_456)]
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, base64 (44 characters).
    #[schema(min_length = 44, max_length = 44)]
    pub checksum_sha256: String,
}

/// An announced upload and where to send its bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedUpload {
    /// The upload.
    pub upload: Upload,
    /// The request that delivers the bytes.
    pub send: SendRequest,
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
            let announcement = Announcement { name: new.name, kind: new.kind, size_bytes: new.size_bytes };
            let upload = Upload::announced(id, announcement, correlation_id, user, now);
            // Where there is one already, an earlier arrival of this request made it and crashed.
            store.uploads().create(&upload).await?;
            let bound = Bound {
                size_bytes: new.size_bytes,
                checksum_sha256: new.checksum_sha256,
                content_type: CONTENT_TYPE.to_owned(),
                seconds: UPLOAD_WINDOW_SECONDS as u64,
            };
            let signed = store.objects().presign_put(&Object::Raw(id), &bound).await?;
            let send = SendRequest {
                method: signed.method,
                url: signed.url,
                headers: signed.headers.into_iter().collect(),
                expires_at: after(now, UPLOAD_WINDOW_SECONDS),
            };
            Reply::created(&format!("/v1/uploads/{id}"), &CreatedUpload { upload, send })
        })
        .await
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
    if STANDARD.decode(&new.checksum_sha256).is_ok_and(|digest| digest.len() == 32) {
        return Ok(());
    }
    let detail = "must be the SHA-256 of the file's bytes in base64, 44 characters";
    Err(invalid_field("/checksum_sha256", "invalid_checksum", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(size_bytes: u64, name: &str, checksum: &str) -> NewUpload {
        NewUpload { name: name.into(), kind: Kind::Utterances, size_bytes, checksum_sha256: checksum.into() }
    }

    const CHECKSUM: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn an_empty_file_may_be_announced_and_a_too_large_one_not() {
        assert!(check(&new(0, "a.csv", CHECKSUM)).is_ok());
        assert!(check(&new(MAX_FILE_BYTES, "a.csv", CHECKSUM)).is_ok());
        assert_eq!(check(&new(MAX_FILE_BYTES + 1, "a.csv", CHECKSUM)).unwrap_err().code(), "file_too_large");
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
