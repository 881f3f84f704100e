//! Files that are sent in parts: where to send each, which have come, and that all have.
//!
//! Each part has its own checksum and size in its signature, so what S3 has of a part is right. A client that was broken off
//! asks what has come and sends the rest.

use romashka_domain::Permission;
use romashka_domain::upload::{Transfer, Upload, UploadState};
use romashka_http::{Problem, Refusals, Reply, Request, conflict, invalid_field};
use romashka_store::objects::{Object, SentPart};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::create::{SendRequest, bound, is_sha_256};
use crate::get::named;

/// Parts in one request.
const MAX_PARTS: usize = 100;
/// Missing parts that are named.
const NAMED: usize = 10;

/// The parts that a client is about to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewParts {
    /// 1 to 100 of them.
    #[schema(min_items = 1, max_items = 100)]
    pub parts: Vec<NewPart>,
}

/// A part that a client is about to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPart {
    /// Which, from 1.
    #[schema(minimum = 1)]
    pub number: u32,
    /// The SHA-256 of its bytes, base64 (44 characters).
    #[schema(min_length = 44, max_length = 44)]
    pub checksum_sha256: String,
}

/// Where to send parts.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartAddresses {
    /// In the order in which they were asked for.
    pub parts: Vec<PartAddress>,
}

/// Where to send a part.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartAddress {
    /// Which.
    pub number: u32,
    /// The request that delivers its bytes.
    pub send: SendRequest,
}

/// The parts of a file that have come.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedParts {
    /// Bytes of each part; the last one has what is left.
    pub part_bytes: u64,
    /// Parts that there are.
    pub parts: u32,
    /// Those that have come.
    pub received: Vec<ReceivedPart>,
}

/// A part that has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedPart {
    /// Which.
    pub number: u32,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_sha256: Option<String>,
}

/// Ask where to send parts of a file.
///
/// The addresses work for 15 minutes; ask again for parts that took longer. A part that is sent twice counts once.
#[utoipa::path(
    post, path = "/v1/uploads/{upload_id}/parts", operation_id = "uploads.sign_parts", tag = "uploads",
    params(("upload_id" = String, Path, format = "uuid", description = "The upload.")), request_body = NewParts,
    responses((status = 200, description = "Where to send them.", body = PartAddresses), Refusals)
)]
pub async fn sign_parts(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::CreateUpload)?;
    let (id, upload) = named(&request, &caller).await?;
    let new: NewParts = request.json()?;
    let transfer = awaited(&upload)?;
    check(&new, transfer)?;
    let (store, now) = (&caller.store, caller.store.now());
    let mut parts = Vec::with_capacity(new.parts.len());
    for part in new.parts {
        let size = size_of(part.number, transfer, upload.size_bytes);
        let bound = bound(size, part.checksum_sha256);
        let signed = store.objects().presign_part(&Object::Raw(id), &transfer.id, part.number, &bound).await?;
        parts.push(PartAddress { number: part.number, send: SendRequest::new(signed, now) });
    }
    Reply::ok(&PartAddresses { parts })
}

/// List the parts of a file that have come.
#[utoipa::path(
    get, path = "/v1/uploads/{upload_id}/parts", operation_id = "uploads.list_parts", tag = "uploads",
    params(("upload_id" = String, Path, format = "uuid", description = "The upload.")),
    responses((status = 200, description = "The parts.", body = ReceivedParts), Refusals)
)]
pub async fn list_parts(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadUploads)?;
    let (id, upload) = named(&request, &caller).await?;
    let transfer = awaited(&upload)?;
    let sent = caller.store.objects().sent_parts(&Object::Raw(id), &transfer.id).await?.ok_or_else(ended)?;
    let received = sent.into_iter().map(|part| ReceivedPart {
        number: part.number,
        size_bytes: part.size_bytes,
        checksum_sha256: part.checksum_sha256,
    });
    Reply::ok(&ReceivedParts { part_bytes: transfer.part_bytes, parts: transfer.parts, received: received.collect() })
}

/// Say that all parts of a file are sent.
///
/// Reading starts by itself then. Said again, it changes nothing.
#[utoipa::path(
    post, path = "/v1/uploads/{upload_id}/complete", operation_id = "uploads.complete", tag = "uploads",
    params(("upload_id" = String, Path, format = "uuid", description = "The upload.")),
    responses((status = 200, description = "The upload.", body = Upload), Refusals)
)]
pub async fn complete(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::CreateUpload)?;
    let (id, upload) = named(&request, &caller).await?;
    let Some(transfer) = upload.transfer.as_ref().filter(|_| upload.state == UploadState::Pending) else {
        // Sent whole, or completed before: it has come, or will.
        return Ok(Reply::ok(&upload)?.etag(upload.seq));
    };
    let objects = caller.store.objects();
    if let Some(sent) = objects.sent_parts(&Object::Raw(id), &transfer.id).await? {
        refuse_gaps(&sent, transfer, upload.size_bytes)?;
        objects.end_transfer(&Object::Raw(id), &transfer.id, sent).await?;
    }
    Ok(Reply::ok(&upload)?.etag(upload.seq))
}

fn awaited(upload: &Upload) -> Result<&Transfer, Problem> {
    match &upload.transfer {
        None => Err(conflict("sent_whole", "the file is sent whole, to the address that came with its announcement")),
        Some(_) if upload.state != UploadState::Pending => Err(ended()),
        Some(transfer) => Ok(transfer),
    }
}

fn ended() -> Problem {
    conflict("transfer_ended", "nothing more is taken of this file: it is complete, or was not completed within a day")
}

/// Bytes of a part.
fn size_of(number: u32, transfer: &Transfer, size_bytes: u64) -> u64 {
    let before = u64::from(number - 1) * transfer.part_bytes;
    transfer.part_bytes.min(size_bytes.saturating_sub(before))
}

fn check(new: &NewParts, transfer: &Transfer) -> Result<(), Problem> {
    if !(1..=MAX_PARTS).contains(&new.parts.len()) {
        return Err(invalid_field("/parts", "out_of_range", format!("name 1 to {MAX_PARTS} parts")));
    }
    for (at, part) in new.parts.iter().enumerate() {
        if !(1..=transfer.parts).contains(&part.number) {
            let detail = format!("must be a number from 1 to {}", transfer.parts);
            return Err(invalid_field(format!("/parts/{at}/number"), "out_of_range", detail));
        }
        if !is_sha_256(&part.checksum_sha256) {
            let detail = "must be the SHA-256 of the part's bytes in base64, 44 characters";
            return Err(invalid_field(format!("/parts/{at}/checksum_sha256"), "invalid_checksum", detail));
        }
    }
    Ok(())
}

fn refuse_gaps(sent: &[SentPart], transfer: &Transfer, size_bytes: u64) -> Result<(), Problem> {
    let has = |number| {
        sent.iter().any(|part| part.number == number && part.size_bytes == size_of(number, transfer, size_bytes))
    };
    let missing: Vec<u32> = (1..=transfer.parts).filter(|number| !has(*number)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let named = missing.iter().take(NAMED).map(u32::to_string).collect::<Vec<_>>().join(", ");
    let more = if missing.len() > NAMED { " and more" } else { "" };
    let detail = format!("{} of {} parts have not come: {named}{more}; send them first", missing.len(), transfer.parts);
    Err(conflict("parts_missing", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_has_what_is_left() {
        let transfer = Transfer { id: String::new(), part_bytes: 10, parts: 3 };
        assert_eq!([1, 2, 3].map(|number| size_of(number, &transfer, 21)), [10, 10, 1]);
    }

    #[test]
    fn parts_are_asked_for_by_numbers_that_exist() {
        let transfer = Transfer { id: String::new(), part_bytes: 10, parts: 3 };
        let ask = |number| {
            let checksum_sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned();
            check(&NewParts { parts: vec![NewPart { number, checksum_sha256 }] }, &transfer).map_err(|no| no.code())
        };
        assert_eq!([0, 1, 3, 4].map(ask), [Err("out_of_range"), Ok(()), Ok(()), Err("out_of_range")]);
    }
}
