//! Writes templates into a file.

use romashka_domain::Permission;
use romashka_domain::template::Template;
use romashka_http::{Problem, Refusals, Reply, Request, invalid_field};
use romashka_store::PageSize;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::interchange::{CSV_COLUMNS, Layout, MAX_TEMPLATES, Row};

/// Bytes of templates, as JSON, after which a file ends: an answer has six megabytes, and a page of templates may still follow.
const ENOUGH_BYTES: usize = 2 * 1024 * 1024;
/// Templates that are read at once: each has up to 200 kB.
const A_PAGE: usize = 10;
/// Pages that are read for one file; what the caller does not see is read, too.
const MOST_PAGES: usize = 150;

/// Templates, as a file that can be imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    /// The templates.
    templates: Vec<Template>,
}

/// Write the templates that the caller sees into a file: JSON or CSV, which can be imported again.
///
/// A file has at most 500 templates, or none where the caller sees few of many; where there may be more, a `Link` header with `rel="next"` says where the next file is.
#[utoipa::path(
    get, path = "/v1/templates/export", operation_id = "templates.export", tag = "templates",
    params(
        ("layout" = Option<String>, Query, description = "`json`, which it is where it is left out, or `csv`."),
        ("cursor" = Option<String>, Query, description = "From where on, as the `Link` of the file before says."),
    ),
    responses(
        (status = 200, description = "The file.", content((Export = "application/json"), (String = "text/csv"))),
        Refusals
    )
)]
pub async fn export(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let layout = request.query_choice("layout", "`json` or `csv`")?.unwrap_or(Layout::Json);
    if !matches!(layout, Layout::Json | Layout::Csv) {
        return Err(invalid_field("layout", "invalid_parameter", "must be `json` or `csv`"));
    }
    let (_, mut cursor) = request.page()?;
    let (mut templates, mut bytes) = (Vec::new(), 0);
    for _ in 0..MOST_PAGES {
        if templates.len() >= MAX_TEMPLATES || bytes >= ENOUGH_BYTES {
            break;
        }
        let room = PageSize::new((MAX_TEMPLATES - templates.len()).min(A_PAGE) as u8).unwrap_or_default();
        let page = caller.store.templates().list(room, cursor.as_ref()).await?;
        let seen = page.items.into_iter().filter(|template| template.is_seen_by(&caller.identity));
        for template in seen.filter(|template| template.deleted_at.is_none()) {
            bytes += json!(template).to_string().len();
            templates.push(template);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let (name, kind, body) = match layout {
        Layout::Csv => ("templates.csv", "text/csv; charset=utf-8", table(&templates).map_err(Problem::internal)?),
        _ => ("templates.json", "application/json", json!(Export { templates }).to_string()),
    };
    let reply = Reply::file(name, kind, body);
    let word = if layout == Layout::Csv { "csv" } else { "json" };
    Ok(match cursor {
        None => reply,
        Some(cursor) => reply.next(&format!("/v1/templates/export?layout={word}&cursor={}", cursor.encode())),
    })
}

fn table(templates: &[Template]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(CSV_COLUMNS)?;
    for template in templates {
        writer.write_record(Row::of(template).0)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
