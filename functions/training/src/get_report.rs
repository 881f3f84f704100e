//! The report on a training session.

use romashka_domain::{Permission, TrainingSessionId};
use romashka_http::{Problem, Refusals, Reply, Request, not_found};
use romashka_learning::report::Report;
use romashka_store::objects::Object;

/// Get the report on a session: what was learnt from what, how good it is, and what is wrong with the data. JSON, or a
/// page to read and print where the client accepts `text/html`.
#[utoipa::path(
    get, path = "/v1/training-sessions/{session_id}/report", operation_id = "training.report", tag = "training",
    params(("session_id" = String, Path, format = "uuid", description = "The session.")),
    responses(
        (status = 200, description = "The report.", content((Report = "application/json"), (String = "text/html"))),
        Refusals
    )
)]
pub async fn get_report(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadModels)?;
    let id: TrainingSessionId = request.path_id("session_id", "training session")?;
    let bytes = caller.store.objects().get(&Object::Report(id)).await?;
    let bytes = bytes.ok_or_else(|| not_found("report on this training session"))?;
    if request.header("accept").is_some_and(prefers_html) {
        let report: Report = serde_json::from_slice(&bytes).map_err(Problem::internal)?;
        return Ok(Reply::html(report.to_html()));
    }
    Ok(Reply::document(str::from_utf8(&bytes).map_err(Problem::internal)?))
}

/// Whether HTML is named before JSON and before anything at all, as browsers do.
fn prefers_html(accept: &str) -> bool {
    let place = |kinds: &[&str]| {
        accept.split(',').position(|kind| kinds.contains(&kind.split(';').next().unwrap_or_default().trim()))
    };
    place(&["text/html"]).is_some_and(|html| place(&["application/json", "*/*"]).is_none_or(|json| html < json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_page_and_a_program_the_data() {
        assert!(prefers_html("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"));
        assert!(!prefers_html("*/*"));
        assert!(!prefers_html("application/json, text/html;q=0.5"));
    }
}
