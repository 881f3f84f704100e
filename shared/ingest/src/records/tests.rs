use std::io::{Cursor, repeat};

use proptest::prelude::*;

use super::*;
use crate::errors::{ErrorLog, RowCode};
use crate::record::Role;
use crate::source::PREFIX_BYTES;

/// What a file gave, row by row, until its end or its refusal.
struct Outcome {
    accepted: Vec<Record>,
    errors: Vec<RowError>,
    refused: Option<FileError>,
}

fn read_within(file: impl Read, kind: Kind, limits: Limits) -> Outcome {
    let mut outcome = Outcome { accepted: Vec::new(), errors: Vec::new(), refused: None };
    let mut keep = |row| match row {
        Ok(Ok(record)) => outcome.accepted.push(record),
        Ok(Err(error)) => outcome.errors.push(error),
        Err(Stop::Refused(error)) => outcome.refused = Some(error),
        Err(Stop::Failed(error)) => panic!("the reader of a test failed: {error}"),
    };
    match Records::open(file, kind, &Options { limits, ..Options::default() }) {
        Ok(records) => records.for_each(keep),
        Err(stop) => keep(Err(stop)),
    }
    outcome
}

fn read(file: impl AsRef<[u8]>, kind: Kind) -> Outcome {
    read_within(file.as_ref(), kind, Limits::default())
}

/// Reads a file in which every row must be accepted.
fn accepted(file: impl AsRef<[u8]>, kind: Kind) -> Vec<Record> {
    let outcome = read(file, kind);
    assert_eq!((outcome.errors, outcome.refused), (vec![], None));
    outcome.accepted
}

fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.text.as_str()).collect()
}

fn faults(outcome: &Outcome) -> Vec<(u64, &str)> {
    let fault = |error: &RowError| (error.row, error.code.as_str());
    outcome.errors.iter().map(fault).collect()
}

fn refusal(file: impl AsRef<[u8]>, kind: Kind) -> (&'static str, String) {
    let error = read(file, kind).refused.expect("the file should be refused");
    (error.code(), error.to_string())
}

mod csv_files {
    use super::*;

    #[test]
    fn an_export_of_excel_is_read_with_its_mark_its_semicolons_and_its_line_breaks() {
        let file = "\u{FEFF}Category;\"Message\";notes\r\n\
                    order_status;\"where is; my \"\"parcel\"\"?\";x\r\n\
                    ;\"two\r\nlines\";\r\n";
        let records = accepted(file, Kind::Utterances);
        assert_eq!(texts(&records), [r#"where is; my "parcel"?"#, "two lines"]);
        assert_eq!(records[0].intent.as_deref(), Some("order_status"));
        assert_eq!(records[1].intent, None);
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_numbers_them() {
        let file = "text,intent\r\n\r\nfirst,a\r\n\"second\nline\",a\r\n,\r\n  \r\n\n\nthird,a";
        let rows: Vec<u64> = accepted(file, Kind::Utterances).iter().map(|record| record.row).collect();
        assert_eq!(rows, [3, 4, 9]);
    }

    #[test]
    fn a_file_of_old_macs_ends_its_rows_with_carriage_returns() {
        let records = accepted("text\rfirst\r\rsecond\r", Kind::Utterances);
        assert_eq!(texts(&records), ["first", "second"]);
        assert_eq!(records[1].row, 4);
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_is_a_customers_words() {
        let records = accepted("text\n\"=HYPERLINK(\"\"x\"\")\"\n@shop hello\n-1\n", Kind::Utterances);
        assert_eq!(texts(&records), [r#"=HYPERLINK("x")"#, "@shop hello", "-1"]);
    }

    #[test]
    fn a_bad_row_costs_that_row_alone() {
        let outcome = read("text,intent\nfirst,a\n  ,a\nlast, b \n", Kind::Utterances);
        assert_eq!(texts(&outcome.accepted), ["first", "last"]);
        assert_eq!(faults(&outcome), [(3, "empty_text")]);
        assert_eq!(outcome.errors[0].column.as_deref(), Some("text"));
        assert_eq!(outcome.accepted[1].intent.as_deref(), Some("b"));
    }

    #[test]
    fn a_file_that_windows_wrote_is_decoded() {
        let records = accepted(b"text,note\ngood,x\ncaf\xE9 closed,x\n\xDCber M\xFCnchen\n", Kind::Utterances);
        assert_eq!(texts(&records), ["good", "café closed", "Über München"]);
    }

    #[test]
    fn a_stray_byte_in_utf_8_costs_its_row_and_says_which_byte_it_is() {
        let file =
            ["text,note\nschön für Köln und Überall,x\n".as_bytes(), &b"caf\xE9 closed,x\nfine,x\n"[..]].concat();
        let outcome = read(file, Kind::Utterances);
        assert_eq!(texts(&outcome.accepted), ["schön für Köln und Überall", "fine"]);
        assert_eq!(faults(&outcome), [(3, "not_utf8")]);
        let why = &outcome.errors[0].why;
        assert!(why.contains("byte 4") && why.contains("save the file as UTF-8"), "{why}");
    }

    #[test]
    fn a_row_with_more_cells_than_the_header_says_how_many_and_what_to_do() {
        let outcome = read("text,intent\nhi, my parcel, please,a\nok,a,,,\n", Kind::Utterances);
        assert_eq!(texts(&outcome.accepted), ["ok"]);
        assert_eq!(faults(&outcome), [(2, "too_many_columns")]);
        let why = &outcome.errors[0].why;
        assert!(why.contains("4 columns") && why.contains("has 2"), "{why}");
        assert!(why.contains("double quotes"), "{why}");
    }

    #[test]
    fn a_row_of_ten_thousand_columns_is_counted_and_not_kept() {
        let file = format!("text\n{}x\nstill here\n", "x,".repeat(9_999));
        let outcome = read(file, Kind::Utterances);
        assert_eq!(texts(&outcome.accepted), ["still here"]);
        let why = &outcome.errors[0].why;
        assert!(why.contains("10000") && why.contains("1000 allowed"), "{why}");
    }

    #[test]
    fn a_header_of_exactly_a_thousand_columns_is_read_and_one_more_is_refused() {
        let header = |columns: usize| format!("text{}\nhello\n", ",x".repeat(columns - 1));
        assert_eq!(accepted(header(1_000), Kind::Utterances).len(), 1);
        let (code, sentence) = refusal(header(1_001), Kind::Utterances);
        assert_eq!(code, "too_many_columns");
        assert!(sentence.contains("1001") && sentence.contains("1000"), "{sentence}");
    }

    #[test]
    fn a_short_row_lacks_its_column() {
        let outcome = read("question,answer\nwhen?,soon\nwhy?\n", Kind::Faq);
        assert_eq!(faults(&outcome), [(3, "missing_column")]);
        assert_eq!(outcome.errors[0].column.as_deref(), Some("answer"));
    }

    #[test]
    fn a_header_without_the_column_is_refused_with_what_it_has_and_what_it_needs() {
        let (code, sentence) = refusal("Ticket ID,Betreff\n1,hello\n", Kind::Utterances);
        assert_eq!(code, "missing_column");
        for part in ["row 1", "text, utterance, message, question, query", "Ticket ID, Betreff"] {
            assert!(sentence.contains(part), "{sentence}");
        }
        assert!(refusal("question\nwhy?\n", Kind::Faq).1.contains("`answer`"));
    }

    #[test]
    fn a_file_without_a_header_does_not_see_its_first_customer_quoted() {
        let (code, sentence) = refusal("where is the parcel of Ada Canary,order_status\n", Kind::Utterances);
        assert_eq!(code, "missing_column");
        assert!(!sentence.contains("Canary"), "{sentence}");
        assert!(sentence.contains("first row must hold the names"), "{sentence}");
    }

    #[test]
    fn a_header_alone_has_no_rows() {
        assert_eq!(refusal("text,intent\n\n , \n", Kind::Utterances).0, "no_rows");
    }

    #[test]
    fn a_quote_left_open_is_named_and_does_not_become_a_text() {
        let outcome = read("text\nfirst\n\"second\nthird\nfourth\n", Kind::Utterances);
        assert_eq!(texts(&outcome.accepted), ["first"]);
        assert_eq!(faults(&outcome), [(3, "unclosed_quote")]);
    }

    #[test]
    fn inches_are_not_an_open_quote() {
        let records = accepted("text\na 5\" plate\na 7\" plate", Kind::Utterances);
        assert_eq!(texts(&records), ["a 5\" plate", "a 7\" plate"]);
    }

    #[test]
    fn a_line_of_32_mib_is_skipped_in_the_memory_of_one_row() {
        let line = repeat(b'a').take(32 << 20);
        let file = (&b"text\nfirst\n"[..]).chain(line).chain(&b"\nlast\n"[..]);
        let mut records = Records::open(file, Kind::Utterances, &Options::default()).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = records.next() {
            assert!(records.held_bytes() <= 2 << 20);
            rows.push(row.unwrap());
        }
        let [Ok(first), Err(error), Ok(last)] = rows.as_slice() else {
            panic!("three rows were written: {rows:?}");
        };
        assert_eq!((first.row, last.row), (2, 4));
        assert_eq!(error.code, RowCode::RowTooLarge);
        assert!(error.why.contains("33554433 bytes"), "{}", error.why);
    }
}

mod ndjson_files {
    use super::*;

    #[test]
    fn objects_are_read_whatever_else_they_hold() {
        let file = "{\"id\": 7, \"Text\": \"caf\\u00e9\\n open?\", \"label\": \"store_hours\", \"meta\": {\"a\": [1, {}]}}\n\
                    \n\
                    {\"text\": null, \"message\": \"second\", \"intent\": null}\r\n";
        let records = accepted(file, Kind::Utterances);
        assert_eq!(texts(&records), ["café open?", "second"]);
        assert_eq!(records[0].intent.as_deref(), Some("store_hours"));
        assert_eq!(records[1].row, 3);
    }

    #[test]
    fn every_bad_line_says_what_is_wrong_with_it() {
        let deep = format!("{{\"text\": {}1{}}}", "[".repeat(40), "]".repeat(40));
        let keys: Vec<String> = (0..1_200).map(|i| format!("\"k{i}\": 1")).collect();
        let wide = format!("{{{}}}", keys.join(","));
        let lines: [(&[u8], &str); 9] = [
            (br#"{"text": "canary" oops}"#, "invalid_json"),
            (br#"{"text": "canary""#, "invalid_json"),
            (br#"{"text": "canary"} {"text": "canary"}"#, "invalid_json"),
            (br#"["canary"]"#, "not_an_object"),
            (br#""canary""#, "not_an_object"),
            (br#"{"words": "canary"}"#, "missing_column"),
            (br#"{"text": {"canary": 1}}"#, "wrong_type"),
            (deep.as_bytes(), "json_too_deep"),
            (wide.as_bytes(), "too_many_columns"),
        ];
        for (line, code) in lines {
            let file = [b"{\"text\": \"hi\"}\n", line, b"\n{\"text\": \"bye\"}"].concat();
            let outcome = read(file, Kind::Utterances);
            assert_eq!(texts(&outcome.accepted), ["hi", "bye"], "{code}");
            assert_eq!(faults(&outcome), [(2, code)]);
            assert!(!outcome.errors[0].why.contains("canary"), "{}", outcome.errors[0].why);
        }
    }

    #[test]
    fn invalid_json_is_placed_by_its_byte() {
        let outcome = read("{\"text\": \"hi\"}\n{\"text\": nope}\n", Kind::Utterances);
        assert!(outcome.errors[0].why.contains("at byte 11"), "{}", outcome.errors[0].why);
    }

    #[test]
    fn a_stray_byte_costs_its_line() {
        let file = ["{\"text\": \"Öl für ähnliche Übel\"}\n".as_bytes(), &b"{\"text\": \"caf\xE9\"}\n"[..]].concat();
        let outcome = read(file, Kind::Utterances);
        assert_eq!(faults(&outcome), [(2, "not_utf8")]);
        assert!(outcome.errors[0].why.contains("byte 14"), "{}", outcome.errors[0].why);
    }

    #[test]
    fn a_line_of_200_mib_is_skipped_in_the_memory_of_one_object() {
        let line = repeat(b'[').take(200 << 20);
        let file = (&b"{\"text\": \"first\"}\n"[..]).chain(line).chain(&b"\n{\"text\": \"last\"}"[..]);
        let mut records = Records::open(file, Kind::Utterances, &Options::default()).unwrap();
        let mut codes = Vec::new();
        while let Some(row) = records.next() {
            assert!(records.held_bytes() <= 32 << 20);
            codes.push(row.unwrap().map_or_else(|error| error.code.as_str(), |_| "accepted"));
        }
        assert_eq!(codes, ["accepted", "row_too_large", "accepted"]);
    }
}

mod kinds {
    use super::*;

    #[test]
    fn a_question_comes_with_its_answer() {
        let records = accepted("question,answer,intent\nDo you ship?,\"Yes.\n\nDaily.\",delivery_time\n", Kind::Faq);
        assert_eq!(records[0].reply.as_deref(), Some("Yes.\n\nDaily."));
        assert_eq!(records[0].intent.as_deref(), Some("delivery_time"));
    }

    #[test]
    fn an_article_is_its_title_with_its_body_as_reply() {
        let body = "word ".repeat(2_000);
        let file = format!("{{\"title\": \"Brewing\", \"body\": \"{body}\"}}");
        let records = accepted(file, Kind::Knowledge);
        assert_eq!(records[0].text, "Brewing");
        assert_eq!(records[0].reply.as_deref(), Some(body.trim()));
    }

    fn pairs(file: &str) -> Vec<(String, Option<String>)> {
        accepted(file, Kind::Conversations).into_iter().map(|record| (record.text, record.reply)).collect()
    }

    #[test]
    fn numbers_tell_the_speaker_only_where_their_column_says_so() {
        let asked = [("Where is it?".to_owned(), Some("On its way.".to_owned()))];
        for file in [
            "ticket,sender,incoming,text\n1,Rosa,1,Where is it?\n1,Shop,0,On its way.\n",
            "ticket,role,type,text\n1,customer,1,Where is it?\n1,agent,1,On its way.\n",
            "ticket,role,type,text\n1,customer,call,Where is it?\n1,agent,call,On its way.\n",
            "ticket,sender_type,message_type,content\n1,Contact,0,Where is it?\n1,User,1,On its way.\n1,User,2,Done\n",
        ] {
            assert_eq!(pairs(file), asked, "{file}");
        }
    }

    #[test]
    fn a_name_for_a_role_is_hidden_in_the_reply() {
        let file = "ticket,from,direction,text\n1,Rosalinde Blum,incoming,Where is it?\n1,Shop,outgoing,\"Rosalinde, it left.\"\n";
        assert_eq!(pairs(file)[0].1.as_deref(), Some("{{customer.name}}, it left."));
    }

    #[test]
    fn a_date_and_a_time_of_day_in_two_columns_put_messages_in_order() {
        let file = "ticket,role,text,date,time\n1,agent,Two.,3/1/2026,9:05\n1,customer,Two?,3/1/2026,9:04\n\
                    1,agent,One.,2/28/2026,23:05\n1,customer,One?,2/28/2026,23:04\n";
        let one = |text: &str, reply: &str| (text.to_owned(), Some(reply.to_owned()));
        assert_eq!(pairs(file), [one("One?", "One."), one("Two?", "Two.")]);
    }

    #[test]
    fn a_refusal_names_the_first_row_and_not_one_that_people_filled() {
        let why = refusal(",kunde,anliegen\n0,Rosalinde Blum,Kanne\n", Kind::Faq).1;
        assert!(why.contains("kunde, anliegen") && !why.contains("Rosalinde"), "{why}");
    }

    #[test]
    fn words_for_speakers_are_those_of_the_mapping() {
        let file = "conversation_id,role,text\n1,Ракета,Где заказ?\n1,Марта,Он в пути.\n1,Джой,Выберите пункт.\n";
        let mapping = r#"{"roles": {"ракета": "customer", "Марта": "agent", "джой": "nobody"}}"#;
        let options = Options { mapping: serde_json::from_str(mapping).unwrap(), ..Options::default() };
        let mut records = Records::open(file.as_bytes(), Kind::Conversations, &options).unwrap();
        let record = records.next().unwrap().unwrap().unwrap();
        assert_eq!((record.text.as_str(), record.reply.as_deref()), ("Где заказ?", Some("Он в пути.")));
        assert!(records.next().is_none());
        assert_eq!((records.rows_read(), records.rows_left_out()), (3, 1));
        let why = &read(file, Kind::Conversations).errors[0].why;
        assert!(why.contains("roles"), "{why}");
    }

    #[test]
    fn a_mapped_column_that_is_not_there_is_named() {
        let options = Options { mapping: Mapping::from_iter([("question", "Anliegen")]), ..Options::default() };
        let refused = Records::open("question,answer\na,b\n".as_bytes(), Kind::Faq, &options).err().unwrap();
        let Stop::Refused(refusal) = refused else { panic!("{refused:?}") };
        let why = refusal.to_string();
        assert!(why.contains("`anliegen`, as the mapping says; columns found: question, answer"), "{why}");
    }

    #[test]
    fn a_customers_turn_gets_the_agents_turns_after_it_as_its_reply() {
        let file = "conversation_id,role,text,created_at,intent\n\
                    1,customer,hello,2025-01-01T10:00:00Z,\n\
                    1,User,where is it,2025-01-01T10:01:00Z,order_status\n\
                    1,agent,on its way,,\n\
                    1,assistant,anything else?,,\n\
                    1,visitor,no thanks,,\n\
                    2,operator,hi there,,\n\
                    2,contact,cancel please,,cancel_order\n";
        let records = accepted(file, Kind::Conversations);
        let turns: Vec<_> = records
            .iter()
            .map(|turn| {
                let conversation = turn.conversation.as_deref().unwrap();
                (turn.row, conversation, turn.text.as_str(), turn.reply.as_deref())
            })
            .collect();
        assert_eq!(
            turns,
            [
                (2, "1", "hello", None),
                (3, "1", "where is it", Some("on its way\nanything else?")),
                (6, "1", "no thanks", None),
                (8, "2", "cancel please", None),
            ]
        );
        assert!(records.iter().all(|turn| turn.role == Some(Role::Customer)));
        assert_eq!(records[1].intent.as_deref(), Some("order_status"));
        let before =
            |record: &Record| record.before.iter().map(|turn| (turn.role, turn.text.clone())).collect::<Vec<_>>();
        assert_eq!(
            before(&records[2]),
            [
                (Role::Customer, "hello".to_owned()),
                (Role::Customer, "where is it".to_owned()),
                (Role::Agent, "on its way\nanything else?".to_owned()),
            ]
        );
        assert_eq!(before(&records[3]), [(Role::Agent, "hi there".to_owned())]);
    }

    /// Reads all records, and what was found personal.
    fn redacted(file: &str, kind: Kind) -> (Vec<Record>, Vec<(&'static str, u64)>) {
        let mut records = Records::open(file.as_bytes(), kind, &Options::default()).unwrap();
        let kept = records.by_ref().map(|row| row.unwrap().unwrap()).collect();
        (kept, records.found().iter().map(|(what, count)| (what.as_str(), count)).collect())
    }

    #[test]
    fn personal_data_of_a_turn_is_hidden_everywhere_and_counted_once() {
        let file = "conversation_id,role,text\n\
                    1,agent,we wrote to cleo@example.org\n\
                    1,user,i am ada@example.org\n\
                    1,agent,hello ada@example.org\n\
                    1,agent,or bea@example.org?\n\
                    1,user,yes\n\
                    1,user,and now\n";
        let (records, found) = redacted(file, Kind::Conversations);
        assert_eq!(found, [("email", 4)]);
        assert!(!serde_json::to_string(&records).unwrap().contains("example.org"), "{records:?}");
        let before: Vec<&str> = records[2].before.iter().map(|turn| turn.text.as_str()).collect();
        assert_eq!(
            before,
            [
                "we wrote to {{customer.email}}",
                "i am {{customer.email}}",
                "hello {{customer.email}}\nor {{customer.email}}?",
                "yes",
            ]
        );
    }

    #[test]
    fn names_of_a_conversation_are_hidden_in_it_alone() {
        let object = |id: &str, name: &str| {
            serde_json::json!({
                "id": id,
                "contact": { "name": name },
                "messages": [
                    { "author_type": "visitor", "message": "this is Wilhelmina" },
                    { "author_type": "operator", "message": "hello Wilhelmina" },
                    { "author_type": "visitor", "message": "goodbye" },
                ],
            })
        };
        let file = format!("{}\n{}\n", object("1", "Wilhelmina"), object("1", "Ada"));
        for kind in [Kind::Conversations, Kind::Utterances] {
            let (records, found) = redacted(&file, kind);
            assert_eq!(found, [("name", 2)]);
            let before: Vec<Vec<&str>> =
                records.iter().map(|record| record.before.iter().map(|turn| turn.text.as_str()).collect()).collect();
            let hidden = vec!["this is {{customer.name}}", "hello {{customer.name}}"];
            assert_eq!(before, [vec![], hidden, vec![], vec!["this is Wilhelmina", "hello Wilhelmina"]]);
        }
    }

    #[test]
    fn only_conversations_have_turns_before_a_text() {
        for (file, kind) in [
            ("text\na\nb\n", Kind::Utterances),
            ("question,answer\na,b\nc,d\n", Kind::Faq),
            ("title,body\na,b\nc,d\n", Kind::Knowledge),
        ] {
            assert!(accepted(file, kind).iter().all(|record| record.before.is_empty()));
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_ends_the_wait_for_a_reply() {
        let outcome = read(
            "conversation_id,role,text\n1,user,where is it\n1,robot,on its way\n1,agent,delivered\n,user,hm\n",
            Kind::Conversations,
        );
        assert_eq!(faults(&outcome), [(3, "unknown_role"), (5, "invalid_conversation")]);
        assert_eq!(outcome.accepted.len(), 1);
        assert_eq!(outcome.accepted[0].reply, None);
    }

    #[test]
    fn the_number_of_a_conversation_may_be_a_json_number() {
        let file = "{\"conversation_id\": 12, \"role\": \"user\", \"text\": \"hi\"}\n\
                    {\"conversation_id\": \"12\", \"role\": \"agent\", \"text\": \"hello\"}\n";
        let records = accepted(file, Kind::Conversations);
        assert_eq!(records[0].reply.as_deref(), Some("hello"));
    }
}

mod whole_files {
    use super::*;

    #[test]
    fn the_row_after_the_last_allowed_one_refuses_the_rest_and_keeps_what_came_before() {
        let limits = Limits { rows: 3, ..Limits::default() };
        let exact = read_within(&b"text\na\nb\nc\n\n"[..], Kind::Utterances, limits);
        assert_eq!((exact.accepted.len(), exact.refused), (3, None));

        let over = read_within(&b"text,intent\na\n,x\nc\nd\ne\n"[..], Kind::Utterances, limits);
        assert_eq!((over.accepted.len(), over.errors.len()), (2, 1));
        assert_eq!(over.refused, Some(FileError::TooManyRows { limit: 3 }));
    }

    #[test]
    fn nothing_follows_a_refusal() {
        let limits = Limits { rows: 1, ..Limits::default() };
        let mut records =
            Records::open(&b"text\na\nb\nc\n"[..], Kind::Utterances, &Options { limits, ..Options::default() })
                .unwrap();
        assert!(records.next().unwrap().unwrap().is_ok());
        assert!(records.next().unwrap().is_err());
        assert!(records.next().is_none());
        assert!(records.next().is_none());
    }

    #[test]
    fn a_reader_that_breaks_is_a_failure_and_not_a_refusal() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            }
        }
        let start = format!("conversation_id,role,text\n{}", "1,user,hello\n".repeat(25_000));
        assert!(start.len() > PREFIX_BYTES);
        let file = start.as_bytes().chain(Broken);
        let rows: Vec<_> = Records::open(file, Kind::Conversations, &Options::default()).unwrap().collect();
        assert_eq!(rows.len(), 25_001);
        assert!(matches!(rows.last(), Some(Err(Stop::Failed(_)))));
    }

    #[test]
    fn an_empty_file_is_empty_for_every_kind() {
        for kind in Kind::ALL {
            assert_eq!(refusal("", kind).0, "empty_file");
            assert_eq!(refusal("\u{FEFF}", kind).0, "empty_file");
            assert_eq!(refusal("\n".repeat(100_000), kind).0, "empty_file");
        }
    }

    #[test]
    fn limits_of_zero_refuse_and_do_not_hang() {
        let limits = Limits {
            rows: 0,
            row_bytes: 0,
            object_bytes: 0,
            document_bytes: 0,
            unpacked_bytes: 0,
            columns: 0,
            text_chars: 0,
            reply_chars: 0,
            json_depth: 0,
            errors: 0,
        };
        for file in ["text,intent\nhello,a\n", "{\"text\": \"hi\"}\n"] {
            assert!(read_within(file.as_bytes(), Kind::Utterances, limits).accepted.is_empty());
        }
    }

    #[test]
    fn a_file_wrong_in_every_row_does_not_fill_the_memory_with_its_errors() {
        let file = (&b"text,intent\n"[..]).chain(Cursor::new(",a\n".repeat(20_000)));
        let limits = Limits::default();
        let mut log = ErrorLog::new(limits.errors);
        for row in Records::open(file, Kind::Utterances, &Options { limits, ..Options::default() }).unwrap() {
            log.push(row.unwrap().unwrap_err());
        }
        assert_eq!((log.kept().len(), log.total()), (10_000, 20_000));
    }
}

/// Limits so narrow that every one is met by short inputs.
const NARROW: Limits = Limits {
    rows: 20,
    row_bytes: 64,
    object_bytes: 64,
    columns: 4,
    text_chars: 12,
    reply_chars: 12,
    json_depth: 3,
    errors: 5,
    document_bytes: 100_000,
    unpacked_bytes: 100_000,
};

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

/// Bytes of which many are headers, delimiters, quotes, brackets: what parsers trip over.
fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "text",
        "intent",
        "question,answer\n",
        "conversation_id,role,text\n",
        "title,body\n",
        ",",
        ";",
        "\"",
        "\n",
        "\r",
        "\r\n",
        "{",
        "}",
        "[",
        "]",
        ":",
        "\\",
        "{\"text\":",
        "\"a\"",
        "user",
        "agent",
        " ",
        "é",
        "\u{FEFF}",
    ]);
    let piece = prop_oneof![
        8 => word.prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<Vec<u8>>(),
    ];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_hold_more_than_a_row(bytes in hostile_bytes(), kind in kinds()) {
        if let Ok(mut records) = Records::open(bytes.as_slice(), kind, &Options { limits: NARROW, ..Options::default() }) {
            let mut rows = 0;
            while let Some(row) = records.next() {
                rows += 1;
                prop_assert!(records.held_bytes() <= 2 * NARROW.row_bytes + 16 * NARROW.columns);
                if let Ok(Ok(record)) = row {
                    prop_assert!(!record.text.is_empty());
                    prop_assert!(record.text.chars().count() <= NARROW.text_chars);
                }
            }
            prop_assert!(rows <= NARROW.rows + 1);
        }
    }

    #[test]
    fn how_the_bytes_arrive_changes_nothing(bytes in hostile_bytes(), kind in kinds()) {
        struct OneByOne<'a>(&'a [u8], bool);
        impl Read for OneByOne<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                self.1 = !self.1;
                if self.1 {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                let length = out.len().min(1);
                self.0.read(&mut out[..length])
            }
        }
        // The first bytes are read at once; blank lines push the rest beyond them.
        let padded = [vec![b'\n'; PREFIX_BYTES], bytes].concat();
        let at_once = read_within(padded.as_slice(), kind, NARROW);
        let one_by_one = read_within(OneByOne(&padded, false), kind, NARROW);
        prop_assert_eq!(at_once.accepted, one_by_one.accepted);
        prop_assert_eq!(at_once.errors, one_by_one.errors);
        prop_assert_eq!(at_once.refused, one_by_one.refused);
    }

    #[test]
    fn what_a_csv_writer_writes_is_read_back(
        rows in prop::collection::vec(("[a-z,;\"\n=|é]{0,20}[a-z]", "[a-z_]{1,10}"), 1..20),
        delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["text", "intent"]).unwrap();
        for (text, intent) in &rows {
            writer.write_record([text, intent]).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let records = accepted(file, Kind::Utterances);
        prop_assert_eq!(records.len(), rows.len());
        for (number, (record, (text, intent))) in records.iter().zip(&rows).enumerate() {
            let tidy: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(&record.text, &tidy.join(" "));
            prop_assert_eq!(record.intent.as_ref(), Some(intent));
            prop_assert_eq!(record.row, number as u64 + 2);
        }
    }

    #[test]
    fn csv_and_ndjson_of_the_same_rows_give_the_same_records(
        rows in prop::collection::vec(("[ -~é]{1,20}", "[ -~]{0,10}"), 1..20),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["text", "intent"]).unwrap();
        let mut lines = String::new();
        for (text, intent) in &rows {
            writer.write_record([text, intent]).unwrap();
            lines += &format!("{}\n", serde_json::json!({"text": text, "intent": intent}));
        }
        let sheet = read(writer.into_inner().unwrap(), Kind::Utterances);
        let objects = read(lines, Kind::Utterances);
        let content = |outcome: Outcome| -> Vec<_> {
            let of = |record: Record| (record.text, record.intent);
            outcome.accepted.into_iter().map(of).collect()
        };
        prop_assert_eq!(content(sheet), content(objects));
    }

    #[test]
    fn no_error_repeats_what_a_cell_holds(filler in "[ -~]{0,30}", kind in kinds()) {
        let words = format!("{filler} zzcanaryzz {filler}");
        let header = "conversation_id,role,text,question,answer,title,body,intent";
        let long = format!("{words}\u{7}\n{}", "zzcanaryzz".repeat(20));
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(header.split(',')).unwrap();
        for cell in [&words, &long] {
            writer.write_record(vec![cell.as_str(); 8]).unwrap();
            writer.write_record(["1", "user", cell, cell, cell, cell, cell, cell]).unwrap();
        }
        let sheet = writer.into_inner().unwrap();
        for file in [sheet, format!("{{\"text\": 1}}\n{long}\n{{\"text\": {words}}}").into_bytes()] {
            let outcome = read_within(file.as_slice(), kind, NARROW);
            prop_assert!(!outcome.errors.is_empty() || outcome.refused.is_some());
            for error in &outcome.errors {
                prop_assert!(!format!("{error:?}").contains("canary"), "{:?}", error);
            }
            if let Some(error) = outcome.refused {
                prop_assert!(!error.to_string().contains("canary"), "{}", error);
            }
        }
    }
}
