use romashka_domain::Timestamp;
use romashka_domain::template::{Format, Template, Visibility};
use serde_json::json;
use uuid::Uuid;

use super::*;

fn read_all(bytes: &[u8]) -> File {
    read(bytes, None, &Map::new()).unwrap_or_else(|problem| panic!("{:?}", problem.body("c")))
}

fn content(found: &Found) -> &Content {
    match &found.becomes {
        Becomes::Content { content, .. } => content,
        other => panic!("{}: {other:?}", found.name),
    }
}

fn says_who_sees(found: &Found) -> bool {
    matches!(found.becomes, Becomes::Content { says_who_sees: true, .. })
}

fn noted(found: &Found) -> Vec<NoteCode> {
    found.notes.iter().map(|note| note.code).collect()
}

fn refusal(found: &Found) -> (String, String) {
    match &found.becomes {
        Becomes::Refused(problem) => (problem.body("c").field.unwrap_or_default(), problem.body("c").code.to_owned()),
        other => panic!("{}: {other:?}", found.name),
    }
}

#[test]
fn macros_of_zendesk() {
    let file = json!({
        "macros": [
            { "id": 1, "title": "Billing::Refunds::Refund sent", "active": true, "restriction": null, "actions": [
                { "field": "comment_value", "value": ["channel:all", "Hi {{ticket.requester.first_name}}, ticket {{ticket.id}}: {{dc.refund}}"] },
                { "field": "status", "value": "solved" },
                { "field": "current_tags", "value": "refund" },
            ] },
            { "id": 2, "title": "For one group", "restriction": { "type": "Group", "id": 7 }, "actions": [
                { "field": "comment_value_html", "value": "<p>Hello <b>{{current_user.name}}</b></p>" },
            ] },
            { "id": 3, "title": "Close", "actions": [{ "field": "status", "value": "closed" }] },
            { "id": 4, "title": "Old", "active": false, "actions": [{ "field": "comment_value", "value": "x" }] },
            { "id": 5, "title": "Script", "actions": [{ "field": "comment_value_html", "value": "<img src=x onerror=alert(1)>" }] },
            { "id": 6, "title": "Note", "actions": [
                { "field": "comment_mode_is_public", "value": false }, { "field": "comment_value", "value": "Ask billing" },
            ] },
        ],
        "count": 6,
    });
    let file = read_all(file.to_string().as_bytes());
    assert_eq!(file.layout, Layout::ZendeskMacros);
    let [refund, group, close, old, script, internal] = &file.templates[..] else { panic!("{file:?}") };
    assert_eq!(refund.key, "1");
    assert_eq!(content(refund).category, ["Billing", "Refunds"]);
    assert_eq!(content(refund).name, "Refund sent");
    assert_eq!(content(refund).source, "Hi {{customer.first_name}}, ticket {{conversation.id}}: {{dc.refund}}");
    assert_eq!(refund.translated.len(), 2);
    assert_eq!(noted(refund), [NoteCode::UnknownVariable, NoteCode::ActionDropped, NoteCode::ActionDropped]);
    assert_eq!((content(group).format, content(group).visibility), (Format::Html, Visibility::Private));
    assert_eq!(content(group).source, "<p>Hello <b>{{agent.name}}</b></p>");
    assert_eq!(noted(group), [NoteCode::MadePrivate]);
    assert!(!says_who_sees(group), "whoever shared it since keeps it shared");
    for skipped in [close, old, internal] {
        assert!(matches!(skipped.becomes, Becomes::Nothing) && noted(skipped).contains(&NoteCode::NotInUse));
    }
    assert_eq!(refusal(script), ("/source".to_owned(), "active_markup".to_owned()));
}

#[test]
fn what_is_too_much_to_tell_is_counted() {
    let placeholders: String = (0..14).map(|at| format!("{{{{ other.field_{at} }}}} ")).collect();
    let actions =
        json!([{ "field": "comment_value", "value": placeholders }, { "field": "status", "value": "solved" }]);
    let file = read_all(json!({ "macros": [{ "id": 1, "title": "Many", "actions": actions }] }).to_string().as_bytes());
    let notes = &file.templates[0].notes;
    assert_eq!((notes.len(), &*notes[MAX_NOTES].detail), (MAX_NOTES + 1, "and 5 notes more"));
}

#[test]
fn canned_responses_of_chatwoot() {
    let file = br#"[{"id":9,"account_id":1,"short_code":"Say Hi","content":"Hi {{contact.name}} from {{ account.name | upcase }}\n\nBye"},
        {"id":10,"short_code":"\u043f\u0440\u0438\u0432\u0435\u0442","content":"{% unknown %}"}]"#;
    let file = read_all(file);
    assert_eq!(file.layout, Layout::ChatwootCannedResponses);
    let [hi, broken] = &file.templates[..] else { panic!("{file:?}") };
    assert_eq!(content(hi).source, "Hi {{customer.name}} from {{ company.name | upcase }}\n\nBye");
    assert_eq!(content(hi).shortcut.as_ref().map(ToString::to_string).as_deref(), Some("/say-hi"));
    assert_eq!(noted(hi), [NoteCode::ShortcutChanged]);
    assert_eq!(content(broken).source, "{{ \"{%\" }} unknown %}");
    assert_eq!(noted(broken), [NoteCode::ShortcutChanged, NoteCode::KeptAsText]);
}

#[test]
fn text_modules_of_zammad() {
    let file = json!([{ "id": 3, "name": "Greeting", "keywords": "hello, hi", "active": true, "group_ids": [],
        "content": "Dear #{ticket.customer.firstname},<br>#{ticket.tags.join(' ')} {{ braces }}" }]);
    let file = read_all(file.to_string().as_bytes());
    assert_eq!(file.layout, Layout::ZammadTextModules);
    let greeting = &file.templates[0];
    assert_eq!(
        content(greeting).source,
        "Dear {{ customer.first_name }},<br>#{ticket.tags.join(' ')} {{ \"{{\" }} braces }}"
    );
    assert_eq!(content(greeting).tags, ["hello", "hi"]);
    assert_eq!(content(greeting).shortcut.as_ref().map(ToString::to_string).as_deref(), Some("/hello"));
    assert_eq!(noted(greeting), [NoteCode::KeptAsText]);
    let html = read_all(br#"[{ "id": 4, "name": "Terms", "keywords": "t", "content": "Terms &amp; conditions" }]"#);
    assert_eq!(content(&html.templates[0]).format, Format::Html);
}

#[test]
fn tables_of_other_products() {
    let file = "Title;Body;Folder;Keywords;Locale\n\
                Refund;\"Hello {{Customer Name}},\nyour refund\";Billing::Money;a, b;de\n\
                ;no name;;;\n";
    let file = read_all(file.as_bytes());
    assert_eq!(file.layout, Layout::Csv);
    let [refund, nameless] = &file.templates[..] else { panic!("{file:?}") };
    assert_eq!(content(refund).source, "Hello {{ customer_name }},\nyour refund");
    assert_eq!(
        (&content(refund).category, &content(refund).tags),
        (&vec!["Billing".to_owned(), "Money".to_owned()], &vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(content(refund).language, "de");
    assert_eq!(refusal(nameless).0, "/");
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    let before: Content = serde_json::from_value(json!({
        "name": "=Refund", "source": "'Hello {{ order.total }}, \"you\"\r\n;{{ customer.name }}{% raw %}{{ Order Number }}{% endraw %}{{ \"}}\" }}", "format": "html",
        "language": "de-AT", "category": ["Billing", "24/7"], "tags": ["a b", "c, d"], "intents": ["[x", "y"], "visibility": "team", "team": "emea",
        "shortcut": "refund", "variables": [{ "name": "order.total", "type": "number", "decimals": 2, "min": 0, "required": true }],
    }))
    .unwrap();
    let id = TemplateId::new(Uuid::from_u128(7));
    let template = Template {
        id,
        version: 3,
        content: before.clone(),
        created_by: "ann".parse().unwrap(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_by: "ann".parse().unwrap(),
        updated_at: Timestamp::UNIX_EPOCH,
        deleted_at: None,
    };
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(CSV_COLUMNS).unwrap();
    table.write_record(Row::of(&template).0).unwrap();
    let table = table.into_inner().unwrap();
    assert!(!String::from_utf8_lossy(&table).contains(",="), "a spreadsheet would run it");
    for file in [table, json!({ "templates": [template] }).to_string().into_bytes()] {
        let file = read_all(&file);
        assert_eq!((content(&file.templates[0]), file.templates[0].id), (&before, Some(id)), "{:?}", file.layout);
        assert_eq!(file.templates[0].notes, []);
    }
}

#[test]
fn files_that_are_none_are_refused_with_a_reason() {
    let code = |bytes: &[u8], layout| {
        let problem = read(bytes, layout, &Map::new()).unwrap_err();
        problem.code()
    };
    assert_eq!(code(b" ", None), "empty_file");
    assert_eq!(code(b"{", None), "invalid_json");
    assert_eq!(code(b"[1]", None), "invalid_file");
    assert_eq!(code(b"a,b\n1,2\n", None), "missing_columns");
    assert_eq!(code(&vec![b'x'; MAX_BYTES + 1], None), "file_too_large");
    assert_eq!(code("[{}]".replace("{}", &vec!["{}"; 501].join(",")).as_bytes(), None), "too_many_templates");
    assert_eq!(code(b"\xff\xfe\x00\x01binary\x00", Some(Layout::ZendeskMacros)), "invalid_json");
}

#[test]
fn a_file_in_another_encoding_is_read() {
    let file = read_all("\u{feff}name,source\nGruß,Schöne Grüße\n".as_bytes());
    assert_eq!(content(&file.templates[0]).source, "Schöne Grüße");
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("name,source\nGruß,Tschüß\n".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert_eq!(content(&read_all(&utf16).templates[0]).name, "Gruß");
}
