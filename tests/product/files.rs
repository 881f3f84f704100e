//! Files, good and bad.

use std::fs;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use xtask::client::{Tenant, announcement, text};

use crate::operator::Operator;
use crate::sample::{cloud, ended, ended_within, questions, s3_event, states, tenant};

/// What became of a file that was sent under this name.
fn sent(tenant: &Tenant, name: &str, kind: &str, bytes: &[u8]) -> Value {
    let id = tenant.upload(name, kind, bytes).unwrap();
    ended(tenant, &format!("/v1/uploads/{id}"))
}

/// The list of refused rows.
fn row_errors(tenant: &Tenant, upload: &Value) -> String {
    let list = tenant.get(&format!("/v1/uploads/{}/errors", text(upload, "id").unwrap())).unwrap();
    ureq::get(text(&list, "url").unwrap()).call().unwrap().body_mut().read_to_string().unwrap()
}

#[test]
fn a_good_file_becomes_ready_row_by_row() {
    let tenant = tenant();
    let upload = sent(&tenant, "questions.csv", "utterances", &questions(400));
    assert_eq!(states(&upload), ["pending", "uploaded", "ingesting", "ready"]);
    let rows = json!({ "read": 1200, "accepted": 1200, "unlabelled": 0, "duplicate": 0, "invalid": 0, "left_out": 0,
        "known": 0, "near_duplicate": 1197 });
    assert_eq!((&upload["rows"], &upload["parts"]), (&rows, &json!(3)));
    assert_eq!(upload["bytes_read"], upload["size_bytes"]);
    let errors = tenant.call("GET", &format!("/v1/uploads/{}/errors", text(&upload, "id").unwrap())).send().unwrap();
    assert_eq!(errors.status, 404, "there is nothing to list");
}

#[test]
fn ndjson_is_told_by_its_content_and_not_by_its_name() {
    let tenant = tenant();
    let file =
        b"{\"text\":\"hello there\",\"intent\":\"greeting\"}\n{\"text\":\"hello there\",\"intent\":\"greeting\"}\n";
    let upload = sent(&tenant, "looks-like.csv", "utterances", file);
    assert_eq!((&upload["rows"]["accepted"], &upload["rows"]["duplicate"]), (&json!(1), &json!(1)));
}

#[test]
fn an_empty_file_says_that_it_is_empty() {
    let upload = sent(&tenant(), "empty.csv", "utterances", b"");
    assert_eq!((&upload["state"], &upload["error"]["code"]), (&json!("failed"), &json!("empty_file")));
}

#[test]
fn a_picture_that_is_called_csv_says_that_it_is_a_picture() {
    let upload = sent(&tenant(), "table.csv", "utterances", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01");
    assert_eq!((&upload["state"], &upload["error"]["code"]), (&json!("failed"), &json!("not_text")));
    assert!(text(&upload["error"], "message").unwrap().contains("PNG"));
}

#[test]
fn what_windows_wrote_is_read_and_a_stray_byte_costs_its_row() {
    let tenant = tenant();
    let file = b"text,intent\nwo bleibt mein Geld,refund\nR\xfcckgabe f\xfcr M\xfcller bitte,refund\n";
    let upload = sent(&tenant, "latin1.csv", "utterances", file);
    assert_eq!((&upload["state"], &upload["rows"]["accepted"]), (&json!("ready"), &json!(2)));
    assert_eq!(upload["facts"]["encoding"], "windows-1252");
    let file =
        ["text,intent\nRückgabe für Müller möglich?,refund\n".as_bytes(), b"R\xfcckgabe bitte,refund\n"].concat();
    let upload = sent(&tenant, "utf8.csv", "utterances", &file);
    assert_eq!(upload["state"], "completed_with_errors");
    let errors = row_errors(&tenant, &upload);
    assert!(errors.starts_with("row,column,code,why\n3,"), "{errors}");
    assert!(errors.contains("not_utf8") && errors.contains("UTF-8"), "{errors}");
}

#[test]
fn a_gzipped_export_of_a_help_desk_is_recognised_and_read_without_what_is_personal() {
    let tenant = tenant();
    let export = fs::read(xtask::root().join("shared/ingest/tests/exports/zendesk-tickets-page.json")).unwrap();
    let mut archive = GzEncoder::new(Vec::new(), Compression::default());
    archive.write_all(&export).unwrap();
    let upload = sent(&tenant, "tickets.json.gz", "conversations", &archive.finish().unwrap());
    assert_eq!(upload["state"], "ready", "{upload}");
    let facts = json!({ "format": "json", "encoding": "UTF-8", "gzipped": true, "adapter": "zendesk_tickets" });
    assert_eq!(upload["facts"], facts);
    assert_eq!(upload["redacted"], json!({ "email": 1, "phone": 1, "name": 7 }));
    assert!(upload["rows"]["left_out"].as_u64().unwrap() > 0, "{upload}");
}

#[test]
fn a_sheet_and_a_document_are_read_like_tables_and_articles() {
    let tenant = tenant();
    let sheet = include_bytes!("../../shared/documents/tests/samples/faq.xlsx");
    let upload = sent(&tenant, "faq.xlsx", "faq", sheet);
    assert_eq!((&upload["state"], &upload["rows"]["accepted"]), (&json!("ready"), &json!(4)), "{upload}");
    assert_eq!(upload["facts"]["format"], json!("xlsx"));
    assert_eq!(upload["redacted"], json!({}), "the telephone number in an answer is the shop's own");
    let document = include_bytes!("../../shared/documents/tests/samples/returns.pdf");
    let upload = sent(&tenant, "returns.pdf", "knowledge", document);
    assert_eq!((&upload["state"], &upload["rows"]["accepted"]), (&json!("ready"), &json!(3)), "{upload}");
    assert_eq!(upload["facts"]["format"], json!("pdf"));
}

#[test]
fn a_document_that_never_ends_costs_itself_and_not_its_neighbours() {
    let tenant = tenant();
    let deep = [b"%PDF-1.4\n1 0 obj\n".to_vec(), b"[".repeat(4 << 20)].concat();
    let files: [(&str, &[u8]); 3] = [
        ("cut.xlsx", &b"PK\x03\x04and nothing that follows"[..]),
        ("deep.pdf", &deep),
        ("good.csv", b"text,intent\na,x\n"),
    ];
    let ids = files.map(|(name, bytes)| tenant.upload(name, "utterances", bytes).unwrap());
    let [cut, deep, good] = ids.map(|id| ended(&tenant, &format!("/v1/uploads/{id}")));
    assert_eq!((&cut["state"], &cut["error"]["code"]), (&json!("failed"), &json!("broken_document")));
    assert_eq!(deep["state"], json!("failed"));
    assert_eq!(good["state"], json!("ready"));
}

/// Announces a file that is to be looked at, sends it, and waits until it has come.
fn sent_for_review(tenant: &Tenant, name: &str, kind: &str, bytes: &[u8]) -> String {
    let mut new = announcement(name, kind, bytes);
    new["review"] = json!(true);
    let created = tenant.post("/v1/uploads", &new).unwrap();
    assert_eq!(tenant.api().send_file(&created["send"], bytes).unwrap(), 200);
    let path = format!("/v1/uploads/{}", text(&created["upload"], "id").unwrap());
    tenant.poll(&path, Duration::from_secs(30), |upload| upload["state"] == "uploaded").unwrap();
    path
}

#[test]
fn a_file_is_looked_at_its_columns_are_named_and_then_it_is_read() {
    let tenant = tenant();
    let file = "Anliegen;Abhilfe\nWo ist mein Paket, ich bin bob@mail.example?;Es ist unterwegs.\nWann kommt es denn an?;Morgen.\n;x\n";
    let path = sent_for_review(&tenant, "fragen.csv", "faq", file.as_bytes());
    let seen = tenant.post(&format!("{path}/preview"), &json!({})).unwrap();
    assert_eq!(
        (&seen["refusal"]["code"], &seen["columns"]),
        (&json!("missing_column"), &json!(["Anliegen", "Abhilfe"]))
    );
    let mapping = json!({ "mapping": { "question": "Anliegen", "answer": "Abhilfe" } });
    let seen = tenant.post(&format!("{path}/preview"), &mapping).unwrap();
    assert_eq!(seen["rows"][0]["text"], "Wo ist mein Paket, ich bin {{customer.email}}?");
    assert_eq!(seen["problems"][0]["row"], json!(4), "{seen}");
    assert_eq!((&seen["languages"][0]["language"], &seen["facts"]["encoding"]), (&json!("de"), &json!("UTF-8")));
    assert_eq!(tenant.get(&path).unwrap()["state"], "uploaded", "looking changes nothing");

    let wrong = json!({ "mapping": { "frage": "question" } });
    let refused = tenant.call("POST", &format!("{path}/commit")).json(&wrong).send().unwrap();
    assert_eq!((refused.status, refused.body["code"].as_str()), (422, Some("invalid_mapping")));
    tenant.post(&format!("{path}/commit"), &mapping).unwrap();
    let upload = ended(&tenant, &path);
    assert_eq!((&upload["state"], &upload["rows"]["accepted"]), (&json!("completed_with_errors"), &json!(2)));
    assert_eq!(upload["mapping"], mapping["mapping"]);
    let again = tenant.call("POST", &format!("{path}/commit")).json(&mapping).send().unwrap();
    assert_eq!((again.status, again.body["code"].as_str()), (409, Some("state_conflict")));
}

#[test]
fn a_document_is_looked_at_too_and_what_has_not_come_cannot_be() {
    let tenant = tenant();
    let document = include_bytes!("../../shared/documents/tests/samples/returns.pdf");
    let path = sent_for_review(&tenant, "returns.pdf", "knowledge", document);
    let seen = tenant.post(&format!("{path}/preview"), &json!({})).unwrap();
    assert_eq!((&seen["facts"]["format"], seen["rows"].as_array().unwrap().len()), (&json!("pdf"), 3));
    let announced = tenant.post("/v1/uploads", &announcement("a.csv", "faq", b"x")).unwrap();
    let path = format!("/v1/uploads/{}", text(&announced["upload"], "id").unwrap());
    let seen = tenant.call("POST", &format!("{path}/preview")).json(&json!({})).send().unwrap();
    assert_eq!((seen.status, seen.body["code"].as_str()), (409, Some("bytes_not_there")));
    let committed = tenant.call("POST", &format!("{path}/commit")).json(&json!({})).send().unwrap();
    assert_eq!((committed.status, committed.body["code"].as_str()), (409, Some("state_conflict")));
}

#[test]
fn what_is_hidden_is_what_the_tenant_decided() {
    let tenant = tenant();
    let file =
        b"text,intent\nwhere is LT-12345 please,a\ni wrote to help@shop.example about it,b\ncall +49 30 901820,c\n";
    let policy = json!({ "leave": ["phone"], "order_patterns": ["LT-[0-9]{5}"], "own": ["help@shop.example"] });
    let set = tenant.call("PUT", "/v1/redaction").json(&policy).header("if-match", "\"0\"").send().unwrap();
    assert_eq!((set.status, &set.body["revision"]), (200, &json!(1)), "{}", set.body);
    let late = tenant.call("PUT", "/v1/redaction").json(&policy).header("if-match", "\"0\"").send().unwrap();
    assert_eq!(late.status, 412);
    let wrong = json!({ "order_patterns": ["("] });
    let wrong = tenant.call("PUT", "/v1/redaction").json(&wrong).send().unwrap();
    assert_eq!((wrong.status, wrong.body["code"].as_str()), (422, Some("invalid_pattern")));
    assert_eq!(tenant.get("/v1/redaction").unwrap()["order_patterns"], policy["order_patterns"]);
    assert_eq!(sent(&tenant, "a.csv", "utterances", file)["redacted"], json!({ "order": 1 }));
    let other = crate::sample::tenant();
    assert_eq!(sent(&other, "a.csv", "utterances", file)["redacted"], json!({ "email": 1, "phone": 1 }));
}

#[test]
fn the_same_file_adds_nothing_and_a_changed_one_its_change() {
    let tenant = tenant();
    let file = questions(100);
    let rows = |upload: &Value| {
        let rows = &upload["rows"];
        ["accepted", "duplicate", "known"].map(|field| rows[field].as_u64().unwrap())
    };
    assert_eq!(rows(&sent(&tenant, "a.csv", "utterances", &file)), [300, 0, 0]);
    let again = sent(&tenant, "b.csv", "utterances", &file);
    assert_eq!((rows(&again), &again["state"]), ([0, 300, 300], &json!("ready")));
    let changed = [file.as_slice(), b"what do you sell,catalogue\nwhat do you sell,catalogue\n"].concat();
    assert_eq!(rows(&sent(&tenant, "c.csv", "utterances", &changed)), [1, 301, 300]);
    assert_eq!(rows(&sent(&tenant, "c.csv", "faq", b"question,answer\nwho,me\n")), [1, 0, 0]);
    assert_eq!(rows(&sent(&crate::sample::tenant(), "a.csv", "utterances", &file)), [300, 0, 0], "another tenant's");
}

#[test]
fn a_large_file_is_sent_in_parts_that_survive_a_broken_connection_and_is_read_in_pieces() {
    let tenant = tenant();
    let mut file = String::from("text,intent\n");
    let mut row = 0;
    while file.len() < 104 << 20 {
        file.push_str(&format!("where is parcel {row} and what {},\"order, status\"\n", "is the matter ".repeat(30)));
        row += 1;
    }
    // One in each of two pieces, in lines that are not where a piece begins.
    file.push_str("where is parcel 0 and what ");
    file.push_str(&"is the matter ".repeat(30));
    file.push_str(",\"order, status\"\n,nothing\n");
    let created = tenant.post("/v1/uploads", &announcement("large.csv", "utterances", file.as_bytes())).unwrap();
    assert!(created["send"].is_null());
    let id = text(&created["upload"], "id").unwrap();
    let part_bytes = created["upload"]["transfer"]["part_bytes"].as_u64().unwrap() as usize;
    tenant.send_part(&id, 2, &file.as_bytes()[part_bytes..2 * part_bytes]).unwrap();
    let early = tenant.call("POST", &format!("/v1/uploads/{id}/complete")).send().unwrap();
    assert_eq!((early.status, early.body["code"].as_str()), (409, Some("parts_missing")), "{}", early.body);
    let there = tenant.get(&format!("/v1/uploads/{id}/parts")).unwrap();
    assert_eq!((&there["parts"], &there["received"][0]["number"]), (&json!(7), &json!(2)));
    let asked = json!({ "parts": [{ "number": 1, "checksum_sha256": there["received"][0]["checksum_sha256"] }] });
    let signed = tenant.post(&format!("/v1/uploads/{id}/parts"), &asked).unwrap();
    let forged = tenant.api().send_file(&signed["parts"][0]["send"], &file.as_bytes()[..part_bytes]).unwrap();
    assert!((400..500).contains(&forged), "other bytes than the announced ones: {forged}");

    tenant.send_parts(&id, file.as_bytes()).unwrap();
    tenant.post(&format!("/v1/uploads/{id}/complete"), &json!({})).unwrap();
    // S3 says so again and again: the file is cut anew each time, and its pieces come twice and in any order.
    let path = format!("/v1/uploads/{id}");
    let operator = Operator::new();
    operator.send("IngestQueueUrl", &s3_event(&tenant, &id, "null"));
    let is_begun =
        |upload: &Value| upload["pieces"].as_array().is_some_and(|pieces| pieces.iter().any(Value::is_object));
    tenant.poll(&path, Duration::from_secs(120), is_begun).unwrap();
    operator.send("IngestQueueUrl", &s3_event(&tenant, &id, "null"));
    let upload = ended_within(&tenant, &path, Duration::from_secs(300));
    assert_eq!(upload["state"], "completed_with_errors", "{upload}");
    assert_eq!(upload["pieces"].as_array().unwrap().len(), 4);
    let counts = ["read", "accepted", "duplicate", "invalid"].map(|field| upload["rows"][field].as_u64().unwrap());
    assert_eq!(counts, [row + 2, row, 1, 1]);
    assert_eq!(upload["bytes_read"].as_u64().unwrap(), (file.len() - "text,intent\n".len()) as u64);
    let list = row_errors(&tenant, &upload);
    assert!(list.contains(&format!("\n{},text,empty_text,", row + 3)), "numbered as in the whole file: {list}");
    operator.send("IngestQueueUrl", &s3_event(&tenant, &id, "null"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(tenant.get(&path).unwrap(), upload);
    let over = tenant.call("GET", &format!("/v1/uploads/{id}/parts")).send().unwrap();
    assert_eq!((over.status, over.body["code"].as_str()), (409, Some("transfer_ended")));
}

#[test]
fn an_archive_that_would_unpack_to_gigabytes_is_refused_and_its_neighbour_is_read() {
    let tenant = tenant();
    let mut archive = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b'a'; 1 << 20];
    for _ in 0..256 {
        archive.write_all(&zeros).unwrap();
    }
    let bomb = tenant.upload("bomb.csv.gz", "utterances", &archive.finish().unwrap()).unwrap();
    assert_eq!(sent(&tenant, "small.csv", "utterances", &questions(5))["state"], "ready");
    let upload = ended_within(&tenant, &format!("/v1/uploads/{bomb}"), Duration::from_secs(60));
    assert_eq!(upload["error"]["code"], "archive_bomb", "{upload}");
}

#[test]
fn a_row_with_ten_thousand_columns_costs_that_row() {
    let tenant = tenant();
    let mut file = b"text,intent\nhello there,greeting\n".to_vec();
    file.extend("x,".repeat(10_000).into_bytes());
    file.extend(b"y\nbye now,farewell\n");
    let upload = sent(&tenant, "wide.csv", "utterances", &file);
    assert_eq!((&upload["rows"]["accepted"], &upload["rows"]["invalid"]), (&json!(2), &json!(1)));
    let errors = row_errors(&tenant, &upload);
    assert!(errors.contains("too_many_columns") && errors.contains("10001"), "{errors}");
}

#[test]
fn a_header_without_the_needed_column_says_which_would_do() {
    let upload = sent(&tenant(), "other.csv", "utterances", b"id,colour\n1,red\n");
    assert_eq!(upload["error"]["code"], "missing_column");
    let message = text(&upload["error"], "message").unwrap();
    assert!(message.contains("text") && message.contains("colour"), "{message}");
}

#[test]
fn two_hundred_megabytes_are_read_or_refused_and_nothing_falls_over() {
    let tenant = tenant();
    let mut file = b"text,intent\n".to_vec();
    let mut row = 0u64;
    while file.len() < 200_000_000 {
        let words = "and then it said that the number was not known to anybody there ".repeat(4);
        file.extend(format!("my order {row} did not come {words},order_status\n").into_bytes());
        row += 1;
    }
    let id = tenant.upload("large.csv", "utterances", &file).unwrap();
    let small = sent(&tenant, "small.csv", "utterances", &questions(5));
    assert_eq!(small["state"], "ready", "a large neighbour holds nobody up");
    let upload = ended_within(&tenant, &format!("/v1/uploads/{id}"), Duration::from_secs(300));
    assert_eq!((&upload["state"], &upload["rows"]["accepted"]), (&json!("ready"), &json!(row)), "{upload}");
}

#[test]
fn more_than_an_upload_takes_is_refused_before_it_is_sent() {
    let tenant = tenant();
    let mut announced = announcement("huge.csv", "utterances", b"x");
    announced["size_bytes"] = json!(6_000_000_000_u64);
    let answer = tenant.call("POST", "/v1/uploads").json(&announced).send().unwrap();
    assert_eq!((answer.status, &answer.body["code"]), (413, &json!("file_too_large")));
}

#[test]
fn the_address_takes_the_announced_bytes_and_no_others() {
    let tenant = tenant();
    let created = tenant.post("/v1/uploads", &announcement("a.csv", "utterances", b"text\nhello\n")).unwrap();
    for other in [&b"text\nhullo\n"[..], b"text\nhello there, and more than was announced\n", b""] {
        let status = tenant.api().send_file(&created["send"], other).unwrap();
        assert!((400..500).contains(&status), "{status}");
    }
    assert_eq!(tenant.api().send_file(&created["send"], b"text\nhello\n").unwrap(), 200);
    assert_eq!(ended(&tenant, &format!("/v1/uploads/{}", text(&created["upload"], "id").unwrap()))["state"], "ready");
}

#[test]
fn a_request_that_makes_no_sense_says_where() {
    let tenant = tenant();
    let post = |body: &[u8]| tenant.call("POST", "/v1/uploads").bytes(body.to_vec()).send().unwrap();
    for (body, status, code, field) in [
        (&b"{"[..], 400, "invalid_json", Value::Null),
        (b"", 400, "invalid_json", Value::Null),
        (b"{\"name\":\"a\"}", 422, "invalid_body", json!("/")),
        (br#"{"name":"a","kind":"poems","size_bytes":1,"checksum_sha256":""}"#, 422, "invalid_body", json!("/kind")),
        (
            br#"{"name":"a","kind":"faq","size_bytes":-1,"checksum_sha256":""}"#,
            422,
            "invalid_body",
            json!("/size_bytes"),
        ),
        (
            br#"{"name":"a","kind":"faq","size_bytes":1,"checksum_sha256":"no"}"#,
            422,
            "invalid_checksum",
            json!("/checksum_sha256"),
        ),
        (br#"{"name":"","kind":"faq","size_bytes":1,"checksum_sha256":""}"#, 422, "invalid_name", json!("/name")),
    ] {
        let answer = post(body);
        let said = (answer.status, answer.body["code"].as_str().unwrap(), &answer.body["field"]);
        assert_eq!(said, (status, code, &field), "{}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(post(deep.as_bytes()).status, 422);
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(300_000));
    assert_eq!(
        (post(long.as_bytes()).status, &*post(long.as_bytes()).body["code"].to_string()),
        (413, "\"body_too_large\"")
    );
}

#[test]
fn lists_are_paged_newest_first() {
    let tenant = tenant();
    let ids: Vec<_> = (0..5)
        .map(|n| {
            let created = tenant.post("/v1/uploads", &announcement(&format!("{n}.csv"), "faq", b"x")).unwrap();
            text(&created["upload"], "id").unwrap()
        })
        .collect();
    let mut seen = Vec::new();
    let mut path = "/v1/uploads?limit=2".to_owned();
    loop {
        let page = tenant.get(&path).unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|upload| text(upload, "id").unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/uploads?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids.into_iter().rev().collect::<Vec<_>>());
    for (query, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=%25", "cursor")]
    {
        let answer = tenant.call("GET", &format!("/v1/uploads?{query}")).send().unwrap();
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{query}");
    }
}

#[test]
fn what_a_client_holds_already_is_not_sent_again() {
    let tenant = tenant();
    let created = tenant.post("/v1/uploads", &announcement("a.csv", "faq", b"x")).unwrap();
    let path = format!("/v1/uploads/{}", text(&created["upload"], "id").unwrap());
    let first = tenant.call("GET", &path).send().unwrap();
    let again = tenant.call("GET", &path).header("if-none-match", &first.headers["etag"]).send().unwrap();
    assert_eq!((first.status, again.status), (200, 304));
    let named = tenant.call("GET", &path).header("x-correlation-id", "trace-7").send().unwrap();
    assert_eq!(named.headers["x-correlation-id"], "trace-7");
}

#[test]
fn the_cloud_says_that_it_is_well_and_what_it_can_do() {
    let api = cloud().api().unwrap();
    assert_eq!(api.call("GET", "/v1/health/live").send().unwrap().expect(200).unwrap()["status"], "ok");
    assert_eq!(api.call("GET", "/v1/health/ready").send().unwrap().expect(200).unwrap()["storage"], "ok");
    assert_eq!(api.call("GET", "/openapi.json").send().unwrap().expect(200).unwrap()["openapi"], "3.1.0");
}
