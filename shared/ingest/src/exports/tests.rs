//! What each sample export is read as. The samples are told in `tests/exports/README.md`.

use std::fmt::Write;
use std::path::Path;

use crate::redaction::Redactor;
use crate::{Kind, Options, Records, Role};

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exports").join(name)).unwrap()
}

/// A file as a person would check it: what it is, and each record with the turns before it and its reply.
fn read(name: &str, kind: Kind) -> String {
    let file = sample(name);
    let mut records = Records::open(file.as_slice(), kind, &Options::default()).unwrap();
    let mut shown = String::new();
    for row in records.by_ref() {
        match row.unwrap() {
            Ok(record) => {
                let place = record.conversation.unwrap_or_else(|| format!("row {}", record.row));
                let intent = record.intent.map(|intent| format!(" [{intent}]")).unwrap_or_default();
                for turn in record.before {
                    let by = if turn.role == Role::Agent { "agent" } else { "customer" };
                    writeln!(shown, "    ^ {by}: {}", turn.text.replace('\n', " / ")).unwrap();
                }
                writeln!(shown, "{place}{intent}: {}", record.text).unwrap();
                for line in record.reply.iter().flat_map(|reply| reply.lines()) {
                    writeln!(shown, "    | {line}").unwrap();
                }
            }
            Err(error) => writeln!(shown, "{} {error}", error.code).unwrap(),
        }
    }
    let facts = records.facts();
    let found: Vec<_> = records.found().iter().map(|(what, count)| format!("{} {count}", what.as_str())).collect();
    let adapter = facts.adapter.map_or_else(|| "rows".to_owned(), |adapter| adapter.to_string());
    let (read, left_out) = (records.rows_read(), records.rows_left_out());
    format!("{}, {adapter}, {read} read, {left_out} left out; {}\n{shown}", facts.format, found.join(", "))
}

#[test]
fn every_sample_is_read_as_it_should_be() {
    for (name, kind) in [
        ("zendesk-tickets-page.json", Kind::Conversations),
        ("zendesk-incremental.json", Kind::Conversations),
        ("zendesk-tickets.ndjson", Kind::Conversations),
        ("zendesk-comments.json", Kind::Conversations),
        ("intercom-conversations.json", Kind::Conversations),
        ("intercom-conversation.ndjson", Kind::Conversations),
        ("chatwoot-conversations.json", Kind::Conversations),
        ("chatwoot-messages.json", Kind::Conversations),
        ("chatwoot-conversations.ndjson", Kind::Conversations),
        ("tidio-conversations.jsonl", Kind::Conversations),
        ("generic-conversations.csv", Kind::Conversations),
        ("conversation.txt", Kind::Conversations),
        ("zendesk-connector.ndjson", Kind::Conversations),
        ("freshdesk-tickets.json", Kind::Conversations),
        ("freshdesk-account.json", Kind::Conversations),
        ("help-scout-conversations.json", Kind::Conversations),
        ("front-conversations.json", Kind::Conversations),
        ("gorgias-tickets.json", Kind::Conversations),
        ("hubspot-messages.json", Kind::Conversations),
        ("crisp-conversations.json", Kind::Conversations),
        ("telegram-chat.json", Kind::Conversations),
        ("telegram-export.json", Kind::Conversations),
        ("chatwoot-messages.csv", Kind::Conversations),
        ("chatwoot-messages.ndjson", Kind::Conversations),
        ("messages-newest-first.csv", Kind::Conversations),
        ("messages-uk.csv", Kind::Conversations),
        ("chat-with-times.txt", Kind::Conversations),
        ("articles-de.csv", Kind::Knowledge),
        ("zendesk-guide.json", Kind::Knowledge),
        ("faq-html.csv", Kind::Faq),
        ("faq-windows-1250.csv", Kind::Faq),
        ("faq-title-above.csv", Kind::Faq),
        ("faq-sep.csv", Kind::Faq),
        ("rows-with-lists.ndjson", Kind::Utterances),
        ("luis-app.json", Kind::Utterances),
        ("watson-workspace.json", Kind::Utterances),
        ("dialogflow-cx-intents.json", Kind::Utterances),
        ("dialogflow-es-usersays.json", Kind::Utterances),
        ("lex-v1-bot.json", Kind::Utterances),
        ("lex-v2-intent.json", Kind::Utterances),
        ("botpress-intents.json", Kind::Utterances),
        ("rasa-nlu.json", Kind::Utterances),
        ("rasa-nlu.yml", Kind::Utterances),
        ("rasa-nlu.md", Kind::Utterances),
        ("wit-utterances.json", Kind::Utterances),
        ("generic-qa.tsv", Kind::Faq),
        ("faq.csv", Kind::Faq),
        ("utterances.csv", Kind::Utterances),
        ("returns-policy.md", Kind::Knowledge),
        ("shipping.html", Kind::Knowledge),
        ("care-guide.txt", Kind::Knowledge),
    ] {
        insta::assert_snapshot!(name.replace(['.', '-'], "_"), read(name, kind));
    }
}

#[test]
fn nothing_that_was_private_redacted_deleted_or_quoted_is_learnt_from() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exports");
    let mut read = 0;
    for entry in folder.read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.contains("json") && !name.contains("messages") {
            continue;
        }
        let plain = Options { redactor: Redactor::none(), ..Options::default() };
        let file = sample(&name);
        // Training files of other engines are no conversations.
        let Ok(records) = Records::open(file.as_slice(), Kind::Conversations, &plain) else { continue };
        for record in records.filter_map(|row| row.ok()?.ok()) {
            let words = record.before.into_iter().map(|turn| turn.text).chain([record.text]).chain(record.reply);
            let words = words.collect::<Vec<_>>().join(" ");
            for marker in ["SECRETNOTE", "REDACTEDPART", "DELETEDTICKET", "OLDQUOTE"] {
                assert!(!words.contains(marker), "{name}, {:?}: {words}", record.conversation);
            }
            read += 1;
        }
    }
    assert!(read > 50, "{read}");
}
