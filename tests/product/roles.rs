//! The permission table, cell by cell, through the API.

use serde_json::json;

use crate::sample::cloud;

const ANY: &str = "0190a7f2-7c1e-7d3a-9f00-1234567890ab";

#[test]
fn each_role_may_what_the_table_says_and_nothing_else() {
    let operations = [
        ("POST", "/v1/uploads".to_owned(), "agent"),
        ("GET", "/v1/uploads".to_owned(), "viewer"),
        ("GET", format!("/v1/uploads/{ANY}"), "viewer"),
        ("GET", format!("/v1/uploads/{ANY}/errors"), "viewer"),
        ("POST", format!("/v1/uploads/{ANY}/parts"), "agent"),
        ("GET", format!("/v1/uploads/{ANY}/parts"), "viewer"),
        ("POST", format!("/v1/uploads/{ANY}/complete"), "agent"),
        ("POST", format!("/v1/uploads/{ANY}/preview"), "agent"),
        ("POST", format!("/v1/uploads/{ANY}/commit"), "agent"),
        ("GET", "/v1/redaction".to_owned(), "viewer"),
        ("PUT", "/v1/redaction".to_owned(), "admin"),
        ("POST", "/v1/training-sessions".to_owned(), "admin"),
        ("GET", "/v1/training-sessions".to_owned(), "viewer"),
        ("GET", format!("/v1/training-sessions/{ANY}"), "viewer"),
        ("GET", format!("/v1/training-sessions/{ANY}/report"), "viewer"),
        ("POST", format!("/v1/training-sessions/{ANY}/cancel"), "admin"),
        ("POST", format!("/v1/training-sessions/{ANY}/retry"), "admin"),
        ("GET", "/v1/models".to_owned(), "viewer"),
        ("GET", format!("/v1/models/{ANY}"), "viewer"),
        ("POST", format!("/v1/models/{ANY}/deploy"), "admin"),
        ("GET", "/v1/topics".to_owned(), "viewer"),
        ("PATCH", format!("/v1/topics/{ANY}"), "admin"),
        ("GET", "/v1/deployment".to_owned(), "viewer"),
        ("POST", "/v1/deployment/rollback".to_owned(), "admin"),
        ("POST", "/v1/answers".to_owned(), "agent"),
        ("POST", format!("/v1/answers/{ANY}/feedback"), "agent"),
        ("GET", "/v1/feedback".to_owned(), "viewer"),
        ("POST", "/v1/feedback/uploads".to_owned(), "admin"),
        ("GET", "/v1/retraining".to_owned(), "viewer"),
        ("PUT", "/v1/retraining".to_owned(), "admin"),
        ("POST", "/v1/templates".to_owned(), "agent"),
        ("GET", "/v1/templates".to_owned(), "viewer"),
        ("POST", "/v1/templates/validate".to_owned(), "agent"),
        ("PUT", format!("/v1/templates/{ANY}/uses/{ANY}/outcome"), "agent"),
        ("GET", format!("/v1/templates/{ANY}/analytics"), "viewer"),
        ("GET", "/v1/templates/analytics".to_owned(), "viewer"),
        ("POST", "/v1/templates/import".to_owned(), "agent"),
        ("GET", "/v1/templates/export".to_owned(), "viewer"),
        ("GET", "/v1/templates/starters".to_owned(), "viewer"),
        ("POST", "/v1/templates/starters/install".to_owned(), "agent"),
        ("POST", "/v1/templates/draft".to_owned(), "agent"),
        ("GET", format!("/v1/templates/{ANY}/review"), "viewer"),
        ("POST", format!("/v1/templates/{ANY}/review/apply"), "agent"),
        ("POST", "/v1/templates/minings".to_owned(), "admin"),
        ("GET", "/v1/templates/minings".to_owned(), "viewer"),
        ("GET", format!("/v1/templates/minings/{ANY}"), "viewer"),
        ("GET", format!("/v1/templates/minings/{ANY}/proposals"), "agent"),
        ("POST", format!("/v1/templates/minings/{ANY}/accept"), "agent"),
        ("GET", "/v1/templates/search".to_owned(), "viewer"),
        ("POST", "/v1/templates/suggest".to_owned(), "viewer"),
        ("POST", format!("/v1/templates/{ANY}/uses"), "agent"),
        ("GET", format!("/v1/templates/{ANY}"), "viewer"),
        ("PUT", format!("/v1/templates/{ANY}"), "agent"),
        ("DELETE", format!("/v1/templates/{ANY}"), "agent"),
        ("POST", format!("/v1/templates/{ANY}/restore"), "agent"),
        ("POST", format!("/v1/templates/{ANY}/duplicate"), "agent"),
        ("GET", format!("/v1/templates/{ANY}/versions"), "viewer"),
        ("GET", format!("/v1/templates/{ANY}/versions/1"), "viewer"),
        ("POST", format!("/v1/templates/{ANY}/versions/1/restore"), "agent"),
        ("GET", format!("/v1/templates/{ANY}/diff"), "viewer"),
        ("POST", format!("/v1/templates/{ANY}/process"), "viewer"),
        ("POST", format!("/v1/templates/{ANY}/process-batch"), "viewer"),
        ("POST", "/v1/realtime/tickets".to_owned(), "viewer"),
    ];
    let contract = cloud().api().unwrap().call("GET", "/openapi.json").send().unwrap().body;
    let paths = contract["paths"].as_object().unwrap();
    let guarded = paths.values().flat_map(|verbs| verbs.as_object().unwrap().values());
    let guarded = guarded.filter(|operation| operation["security"].is_null()).count();
    assert_eq!(guarded, operations.len(), "an operation is missing from this table");

    let roles = ["owner", "admin", "agent", "viewer"];
    for (rank, role) in roles.iter().enumerate() {
        let caller = cloud().tenant("roles", role).unwrap();
        for (method, path, least) in &operations {
            let mut call = caller.call(method, path);
            if *method == "POST" {
                call = call.json(&json!({}));
            }
            let answer = call.send().unwrap();
            let may = rank <= roles.iter().position(|role| role == least).unwrap();
            assert_eq!(answer.status != 403, may, "{role} {method} {path}: {} {}", answer.status, answer.body);
            assert!(answer.status < 500, "{role} {method} {path}: {}", answer.body);
        }
    }
}
