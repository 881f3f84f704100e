//! What would become of a file.

use std::collections::BTreeMap;

use romashka_domain::Permission;
use romashka_http::{Problem, Refusals, Reply, Request, conflict};
use romashka_ingest::preview::Preview;
use romashka_ingest::{Mapping, Options};
use romashka_store::objects::Object;
use serde::{Deserialize, Serialize};
use tokio_util::io::SyncIoBridge;
use utoipa::ToSchema;

use crate::create::check_mapping;
use crate::get::named;
use crate::ingest::redactor;
use crate::reading;

/// Under which names of columns to look at a file.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewOrder {
    /// Those that are to be tried; those of the upload where it is left out.
    pub mapping: Option<Mapping>,
}

/// What would become of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadPreview {
    /// What its beginning gives.
    #[serde(flatten)]
    pub preview: Preview,
    /// In how many of the shown rows each language was recognised (ISO 639-1), most first.
    pub languages: Vec<LanguageCount>,
}

/// A language of the shown rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct LanguageCount {
    /// Two letters of ISO 639-1.
    pub language: String,
    /// Rows.
    pub rows: u64,
}

/// Look at a file before it is read.
///
/// The file must have come and its bytes must still be there (30 days). Nothing is kept; what is personal is hidden.
#[utoipa::path(
    post, path = "/v1/uploads/{upload_id}/preview", operation_id = "uploads.preview", tag = "uploads",
    params(("upload_id" = String, Path, format = "uuid", description = "The upload.")), request_body = PreviewOrder,
    responses((status = 200, description = "What would become of it.", body = UploadPreview), Refusals)
)]
pub async fn preview_upload(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::CreateUpload)?;
    let (id, upload) = named(&request, &caller).await?;
    let order: PreviewOrder = request.json_or_default()?;
    let mapping = order.mapping.unwrap_or(upload.mapping);
    check_mapping(&mapping, upload.kind)?;
    let Some(stream) = caller.store.objects().stream(&Object::Raw(id), None).await? else {
        return Err(conflict("bytes_not_there", "the file has not come, or is gone already; send it, then look at it"));
    };
    let options = Options { redactor: redactor(&caller.store).await?, mapping, ..Options::default() };
    let (file, kind) = (SyncIoBridge::new(stream.into_async_read()), upload.kind);
    let preview = tokio::task::spawn_blocking(move || reading::preview(file, kind, &options))
        .await
        .map_err(Problem::internal)?
        .map_err(Problem::unavailable)?;
    let languages = languages(&preview);
    Reply::ok(&UploadPreview { preview, languages })
}

fn languages(preview: &Preview) -> Vec<LanguageCount> {
    let mut counts = BTreeMap::new();
    for found in preview.rows.iter().filter_map(|row| romashka_learning::language::detect(&row.text)) {
        *counts.entry(found.language.code().to_owned()).or_insert(0_u64) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(language, rows)| LanguageCount { language, rows }).collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.rows));
    counts
}
