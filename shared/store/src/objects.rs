//! Files in the one bucket, as `<class>/<tenant>/…`: the class comes first because S3 can expire, announce and permit
//! by prefix only, and each class lives differently.
//!
//! - `raw/<tenant>/<upload>`: the bytes as they came. A new one is announced to the ingest queue; they expire.
//! - `parts/<tenant>/<upload>/<part>.ndjson`: accepted rows; one part becomes one training batch.
//! - `errors/<tenant>/<upload>.csv`: refused rows; they expire.
//! - `errors/<tenant>/<upload>/<piece>.json`: the same of one piece of a large file; they expire.
//! - `identities/<tenant>/<upload>/<piece>.bin`: which rows a piece holds, as sorted hashes; they expire.
//! - `known/<tenant>/<kind>.bin`: which rows all uploads of a kind hold, likewise.
//! - `features/<tenant>/<session>/<batch>.bin`: features of one batch; they expire.
//! - `notes/<tenant>/<session>/<batch>.json`: what else was seen in one batch: replies, languages; they expire.
//! - `embeddings/<tenant>/<encoder>.bin`: in which batch of features each text's embedding lies.
//! - `models/<tenant>/<hash>.safetensors`: artefacts, named by their content; beside each, under its hash, what later
//!   versions are compared by: `.twin.safetensors` and `.hold-out.bin`; and knowledge indexes: `<hash>.knowledge.bin`, with what
//!   past questions came to: `<hash>.outcomes.bin`. Topics
//!   by version: `<model>.topics.json`, and what the next version knows them by: `<model>.topic-memory.json`.
//! - `reports/<tenant>/<session>.json`: reports on sessions.
//! - `minings/<tenant>/<mining>.json`: what a mining found; they expire.
//! - `indexes/<tenant>/<hash>.templates.bin`: an index to search templates by, named by its content.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use romashka_domain::{MiningId, ModelId, TenantId, TrainingSessionId, UploadId};
use romashka_ingest::Kind;

use crate::error::aws;
use crate::{Error, TenantStore, setting, timeouts};

/// How long one attempt at a transfer may take, in seconds.
const TRANSFER_SECONDS: u64 = 30;

/// The largest object that is read into memory whole, in bytes.
const MAX_WHOLE_BYTES: u64 = 128 * 1024 * 1024;

/// Files of one tenant.
pub struct Objects<'a> {
    store: &'a TenantStore,
}

/// Names a file of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// An upload's bytes as they came.
    Raw(UploadId),
    /// Some of an upload's accepted rows, NDJSON.
    Part(UploadId, u32),
    /// An upload's refused rows, CSV.
    RowErrors(UploadId),
    /// The refused rows of one piece of an upload, JSON.
    PieceErrors(UploadId, u32),
    /// Which rows one piece of an upload holds.
    Identities(UploadId, u32),
    /// Which rows the tenant has sent of a kind.
    Known(Kind),
    /// The features of one batch of a session.
    Features(TrainingSessionId, u32),
    /// What else was seen in one batch of a session, JSON.
    Notes(TrainingSessionId, u32),
    /// In which batch the embedding of each text lies that this encoder read.
    Embeddings(String),
    /// A model artefact, by its SHA-256 in hexadecimal.
    Model(String),
    /// The evaluation twin of the artefact with this hash.
    Twin(String),
    /// The rows that the artefact with this hash was measured on.
    HoldOut(String),
    /// What the tenant's texts say, by its SHA-256 in hexadecimal.
    Knowledge(String),
    /// Outcomes of the past questions put to the knowledge index of this hash.
    Outcomes(String),
    /// The topics of a model version, JSON.
    Topics(ModelId),
    /// Memory by which later versions know the topics of a model version, JSON.
    TopicMemory(ModelId),
    /// The report on a session, JSON.
    Report(TrainingSessionId),
    /// What a mining found, JSON.
    Mined(MiningId),
    /// An index to search templates by, by its SHA-256 in hexadecimal.
    TemplateIndex(String),
}

impl Object {
    fn key(&self, tenant: &TenantId) -> String {
        match self {
            Self::Raw(upload) => format!("raw/{tenant}/{upload}"),
            Self::Part(upload, part) => format!("parts/{tenant}/{upload}/{part:05}.ndjson"),
            Self::RowErrors(upload) => format!("errors/{tenant}/{upload}.csv"),
            Self::PieceErrors(upload, piece) => format!("errors/{tenant}/{upload}/{piece:05}.json"),
            Self::Identities(upload, piece) => format!("identities/{tenant}/{upload}/{piece:05}.bin"),
            Self::Known(kind) => format!("known/{tenant}/{kind}.bin"),
            Self::Features(session, batch) => format!("features/{tenant}/{session}/{batch:05}.bin"),
            Self::Notes(session, batch) => format!("notes/{tenant}/{session}/{batch:05}.json"),
            Self::Embeddings(encoder) => format!("embeddings/{tenant}/{encoder}.bin"),
            Self::Model(hash) => format!("models/{tenant}/{hash}.safetensors"),
            Self::Twin(hash) => format!("models/{tenant}/{hash}.twin.safetensors"),
            Self::HoldOut(hash) => format!("models/{tenant}/{hash}.hold-out.bin"),
            Self::Knowledge(hash) => format!("models/{tenant}/{hash}.knowledge.bin"),
            Self::Outcomes(hash) => format!("models/{tenant}/{hash}.outcomes.bin"),
            Self::Topics(model) => format!("models/{tenant}/{model}.topics.json"),
            Self::TopicMemory(model) => format!("models/{tenant}/{model}.topic-memory.json"),
            Self::Report(session) => format!("reports/{tenant}/{session}.json"),
            Self::Mined(mining) => format!("minings/{tenant}/{mining}.json"),
            Self::TemplateIndex(hash) => format!("indexes/{tenant}/{hash}.templates.bin"),
        }
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Raw(_) => "uploaded file",
            Self::Part(..) => "part of an upload",
            Self::RowErrors(_) | Self::PieceErrors(..) => "error list",
            Self::Identities(..) | Self::Known(_) => "list of rows",
            Self::Features(..) => "feature batch",
            Self::Notes(..) => "notes on a batch",
            Self::Embeddings(_) => "list of embeddings",
            Self::Model(_) => "model artefact",
            Self::Twin(_) => "evaluation twin",
            Self::HoldOut(_) => "hold-out",
            Self::Knowledge(_) => "knowledge index",
            Self::Outcomes(_) => "outcomes of past questions",
            Self::Topics(_) | Self::TopicMemory(_) => "topics",
            Self::Report(_) => "report",
            Self::Mined(_) => "list of proposals",
            Self::TemplateIndex(_) => "search index",
        }
    }
}

/// The tenant and upload that a raw object's key names; `None` for any other key. The key must be URL-decoded.
pub fn parse_raw_key(key: &str) -> Option<(TenantId, UploadId)> {
    let (tenant, upload) = key.strip_prefix("raw/")?.split_once('/')?;
    Some((tenant.parse().ok()?, upload.parse().ok()?))
}

/// An address that takes or gives one file for a while, without any other proof of identity.
#[derive(Clone, Debug)]
pub struct Presigned {
    /// `PUT` or `GET`.
    pub method: String,
    /// Where.
    pub url: String,
    /// Headers that are part of the signature and must be sent as they stand.
    pub headers: Vec<(String, String)>,
}

impl Presigned {
    fn of(request: &PresignedRequest) -> Self {
        let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { method: request.method().to_owned(), url: request.uri().to_owned(), headers }
    }
}

/// A part of a file that has come.
#[derive(Clone, Debug)]
pub struct SentPart {
    /// Which, from 1.
    pub number: u32,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of its bytes, base64.
    pub checksum_sha256: Option<String>,
    tag: String,
}

/// What tells one writing of a file from the next.
#[derive(Clone, Debug)]
pub struct Tag(String);

/// What the signature of a presigned upload binds.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Exact size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the bytes, base64.
    pub checksum_sha256: String,
    /// Content type.
    pub content_type: String,
    /// How long the address works.
    pub seconds: u64,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// An address that takes exactly the announced bytes.
    pub async fn presign_put(&self, object: &Object, bound: &Bound) -> Result<Presigned, Error> {
        let size = i64::try_from(bound.size_bytes).unwrap_or(i64::MAX);
        let request = self
            .client()
            .put_object()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .content_length(size)
            .content_type(&bound.content_type)
            .checksum_sha256(&bound.checksum_sha256)
            .presigned(valid_for(bound.seconds)?)
            .await
            .map_err(aws("s3:PutObject"))?;
        Ok(Presigned::of(&request))
    }

    /// An address that gives a file under a name.
    pub async fn presign_get(&self, object: &Object, file_name: &str, seconds: u64) -> Result<Presigned, Error> {
        let request = self
            .client()
            .get_object()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .response_content_disposition(format!("attachment; filename=\"{file_name}\""))
            .presigned(valid_for(seconds)?)
            .await
            .map_err(aws("s3:GetObject"))?;
        Ok(Presigned { method: request.method().to_owned(), url: request.uri().to_owned(), headers: Vec::new() })
    }

    /// Begins to take a file in parts; what S3 calls it.
    pub async fn begin_transfer(&self, object: &Object, content_type: &str) -> Result<String, Error> {
        let begun = self
            .client()
            .create_multipart_upload()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .content_type(content_type)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .await
            .map_err(aws("s3:CreateMultipartUpload"))?;
        Ok(begun.upload_id.unwrap_or_default())
    }

    /// An address that takes exactly the announced bytes as a part, numbered from 1.
    pub async fn presign_part(
        &self,
        object: &Object,
        transfer: &str,
        number: u32,
        bound: &Bound,
    ) -> Result<Presigned, Error> {
        let size = i64::try_from(bound.size_bytes).unwrap_or(i64::MAX);
        let request = self
            .client()
            .upload_part()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .upload_id(transfer)
            .part_number(i32::try_from(number).unwrap_or(i32::MAX))
            .content_length(size)
            .checksum_sha256(&bound.checksum_sha256)
            .presigned(valid_for(bound.seconds)?)
            .await
            .map_err(aws("s3:UploadPart"))?;
        Ok(Presigned::of(&request))
    }

    /// The parts that have come, in order of their numbers; `None` where the transfer has ended, one way or the other.
    pub async fn sent_parts(&self, object: &Object, transfer: &str) -> Result<Option<Vec<SentPart>>, Error> {
        let mut parts = Vec::new();
        let mut pages = self
            .client()
            .list_parts()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .upload_id(transfer)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(SdkError::ServiceError(refusal)) if refusal.err().code() == Some("NoSuchUpload") => {
                    return Ok(None);
                }
                Err(error) => return Err(aws("s3:ListParts")(error)),
            };
            parts.extend(page.parts().iter().map(|part| SentPart {
                number: part.part_number().and_then(|number| u32::try_from(number).ok()).unwrap_or_default(),
                size_bytes: part.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                checksum_sha256: part.checksum_sha256().map(str::to_owned),
                tag: part.e_tag().unwrap_or_default().to_owned(),
            }));
        }
        Ok(Some(parts))
    }

    /// Makes one file of the parts; `false` where the transfer has ended, one way or the other.
    pub async fn end_transfer(&self, object: &Object, transfer: &str, parts: Vec<SentPart>) -> Result<bool, Error> {
        let part = |part: SentPart| {
            CompletedPart::builder()
                .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
                .e_tag(part.tag)
                .set_checksum_sha256(part.checksum_sha256)
                .build()
        };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().map(part).collect())).build();
        let ended = self
            .client()
            .complete_multipart_upload()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .upload_id(transfer)
            .multipart_upload(parts)
            .send()
            .await;
        match ended {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(refusal)) if refusal.err().code() == Some("NoSuchUpload") => Ok(false),
            Err(error) => Err(aws("s3:CompleteMultipartUpload")(error)),
        }
    }

    /// A file as a stream, of one version where the bucket keeps versions; `None` where there is none.
    pub async fn stream(&self, object: &Object, version: Option<&str>) -> Result<Option<ByteStream>, Error> {
        Ok(self.open(object, version, None).await?.map(|opened| opened.body))
    }

    /// Some bytes of a file, as a stream.
    pub async fn stream_range(
        &self,
        object: &Object,
        version: Option<&str>,
        bytes: Range<u64>,
    ) -> Result<Option<ByteStream>, Error> {
        if bytes.is_empty() {
            return Ok(Some(ByteStream::default()));
        }
        // Both ends are included.
        let range = format!("bytes={}-{}", bytes.start, bytes.end - 1);
        Ok(self.open(object, version, Some(range)).await?.map(|opened| opened.body))
    }

    /// A whole file, at most 128 MiB, with what tells it from what others write in its place.
    pub async fn get_tagged(&self, object: &Object) -> Result<Option<(Bytes, Tag)>, Error> {
        let Some(opened) = self.open(object, None, None).await? else { return Ok(None) };
        let tag = Tag(opened.e_tag.unwrap_or_default());
        Ok(Some((whole(object, opened.body).await?, tag)))
    }

    /// Writes a whole file where there is still what was read, or still none; `false` where somebody else wrote in between.
    pub async fn put_unless_changed(&self, object: &Object, body: Vec<u8>, read: Option<&Tag>) -> Result<bool, Error> {
        let put = self.client().put_object().bucket(setting("BUCKET")?).key(object.key(&self.store.tenant));
        let put = match read {
            Some(Tag(tag)) => put.if_match(tag),
            None => put.if_none_match("*"),
        };
        match put.body(ByteStream::from(body)).send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(refusal))
                if matches!(
                    refusal.err().code(),
                    Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey")
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(aws("s3:PutObject")(error)),
        }
    }

    async fn open(
        &self,
        object: &Object,
        version: Option<&str>,
        range: Option<String>,
    ) -> Result<Option<GetObjectOutput>, Error> {
        let got = self
            .client()
            .get_object()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .set_version_id(version.map(str::to_owned))
            .set_range(range.clone())
            .send()
            .await;
        match got {
            // Other bytes than those that were asked for must not be taken for them.
            Ok(output) if range.is_some() && output.content_range.is_none() => Err(Error::Aws {
                operation: "s3:GetObject",
                code: "RangeIgnored".to_owned(),
                detail: "the whole object came in answer to a range of it".to_owned(),
            }),
            Ok(output) => Ok(Some(output)),
            Err(SdkError::ServiceError(refusal))
                if refusal.err().is_no_such_key() || refusal.err().code() == Some("NoSuchVersion") =>
            {
                Ok(None)
            }
            Err(error) => Err(aws("s3:GetObject")(error)),
        }
    }

    /// A whole file, at most 128 MiB; `None` where there is none.
    pub async fn get(&self, object: &Object) -> Result<Option<Bytes>, Error> {
        match self.stream(object, None).await? {
            Some(stream) => whole(object, stream).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes a whole file over whatever was there.
    pub async fn put(&self, object: &Object, body: Vec<u8>) -> Result<(), Error> {
        self.client()
            .put_object()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(aws("s3:PutObject"))?;
        Ok(())
    }

    /// Deletes a file; one that is not there is deleted already.
    pub async fn delete(&self, object: &Object) -> Result<(), Error> {
        self.client()
            .delete_object()
            .bucket(setting("BUCKET")?)
            .key(object.key(&self.store.tenant))
            .send()
            .await
            .map_err(aws("s3:DeleteObject"))?;
        Ok(())
    }

    fn client(&self) -> &Client {
        &self.store.cloud.s3
    }
}

async fn whole(object: &Object, stream: ByteStream) -> Result<Bytes, Error> {
    let (_, longest) = stream.size_hint();
    if let Some(bytes) = longest.filter(|bytes| *bytes > MAX_WHOLE_BYTES) {
        return Err(Error::TooLarge { what: object.what(), bytes, limit: MAX_WHOLE_BYTES });
    }
    let body = stream.collect().await.map_err(|error| Error::Aws {
        operation: "s3:GetObject",
        code: "none".to_owned(),
        detail: error.to_string(),
    })?;
    Ok(body.into_bytes())
}

/// Whether the bucket answers.
pub(crate) async fn check(client: &Client) -> Result<(), Error> {
    client.head_bucket().bucket(setting("BUCKET")?).send().await.map_err(aws("s3:HeadBucket"))?;
    Ok(())
}

/// The S3 client: path-style addresses where the cloud has no wildcard names, checksums only where S3 demands them
/// (a presigned upload must carry no checksum but the one its owner announced).
pub(crate) fn client(sdk: &aws_config::SdkConfig) -> Client {
    let config = aws_sdk_s3::config::Builder::from(sdk)
        .timeout_config(timeouts(TRANSFER_SECONDS))
        .force_path_style(std::env::var("S3_PATH_STYLE").is_ok())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(config)
}

fn valid_for(seconds: u64) -> Result<PresigningConfig, Error> {
    PresigningConfig::expires_in(Duration::from_secs(seconds)).map_err(|error| Error::Aws {
        operation: "s3:presign",
        code: "malformed".to_owned(),
        detail: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_key_names_its_tenant_and_upload_and_no_other_key_does() {
        let id = "0190a7f2-7c1e-7d3a-9f00-1234567890ab";
        let tenant: TenantId = "acme".parse().unwrap();
        let key = Object::Raw(id.parse().unwrap()).key(&tenant);
        assert_eq!(parse_raw_key(&key), Some((tenant, id.parse().unwrap())));
        for other in [
            "raw/acme/".to_owned(),
            format!("errors/acme/{id}"),
            format!("raw/acme/x/{id}"),
            format!("raw/{id}"),
            format!("acme/raw/{id}"),
        ] {
            assert_eq!(parse_raw_key(&other), None, "{other}");
        }
    }
}
