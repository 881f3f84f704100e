use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;

fn redacted(text: &str) -> String {
    Redactor::default().redact(text, &Names::default(), &mut Findings::default()).into_owned()
}

#[test]
fn a_text_without_anything_personal_is_not_even_copied() {
    let text = "where is my parcel? i ordered 2 pots in 2025, paid 19.99";
    let redacted = Redactor::default().redact(text, &Names::default(), &mut Findings::default());
    assert!(matches!(redacted, Cow::Borrowed(same) if same == text));
}

#[test]
fn each_kind_has_its_own_placeholder_and_is_counted() {
    let settings = Settings { order_patterns: vec!["LT-[0-9]{5}".to_owned()], ..Settings::default() };
    let mut found = Findings::default();
    let text = "order LT-12345, card 4111 1111 1111 1111, mail anna@example.org, call +49 30 901820";
    let redacted = Redactor::new(&settings).unwrap().redact(text, &Names::default(), &mut found);
    assert_eq!(
        redacted,
        "order {{order.number}}, card {{customer.card}}, mail {{customer.email}}, call {{customer.phone}}"
    );
    assert_eq!(
        found.iter().map(|(what, count)| (what.as_str(), count)).collect::<Vec<_>>(),
        [("email", 1), ("order", 1), ("card", 1), ("phone", 1)]
    );
}

#[test]
fn what_a_tenant_leaves_and_what_is_its_own_stays() {
    let settings = Settings {
        leave: [Personal::IpAddress].into(),
        own: ["Support@shop.example".to_owned(), "030 901820".to_owned()].into(),
        ..Settings::default()
    };
    let redactor = Redactor::new(&settings).unwrap();
    let text = "support@shop.example, tel. (030) 90 18 20, from 192.0.2.1; i am otto@example.com";
    let redacted = redactor.redact(text, &Names::default(), &mut Findings::default());
    assert_eq!(redacted, "support@shop.example, tel. (030) 90 18 20, from 192.0.2.1; i am {{customer.email}}");
}

#[test]
fn a_wire_name_and_a_placeholder_stand_for_one_kind_only() {
    for what in Personal::ALL {
        assert_eq!(serde_json::to_string(&what).unwrap(), format!("\"{}\"", what.as_str()));
        let same = Personal::ALL.into_iter().filter(|other| other.placeholder() == what.placeholder());
        assert_eq!(same.count(), 1);
    }
}

#[test]
fn a_long_text_of_hostile_beginnings_takes_no_longer_than_its_length() {
    for piece in ["a@", "+1 ", "1.", "0 ", "DE89 ", ":", "://a:", "(0", "tel 1", "12 A ", "ул. "] {
        let text = piece.repeat(20_000 / piece.len());
        // Quadratic work would take minutes here.
        redacted(&text);
    }
}

proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(text in text()) {
        let once = redacted(&text);
        prop_assert_eq!(redacted(&once), once);
    }

    #[test]
    fn spans_are_in_order_apart_and_cut_between_characters(text in text()) {
        let spans = Redactor::default().find(&text, &Names::of(["Anna Weiß"]));
        let mut end = 0;
        for span in spans {
            prop_assert!(span.bytes.start >= end && span.bytes.end > span.bytes.start);
            prop_assert!(text.get(span.bytes.clone()).is_some());
            end = span.bytes.end;
        }
    }
}

/// Texts made of pieces that the rules look at.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ .,:;/@+()#-]{1,3}",
        "[0-9]{1,12}",
        prop::sample::select(vec![
            "anna@example.org",
            "4111 1111 1111 1111",
            "+49 30 901820",
            "DE89370400440532013000",
            "192.0.2.1",
            "2001:db8::1",
            "https://a:b@c.example/?token=x",
            "call",
            "tel.",
            "Hauptstraße 5",
            "Anna",
            "Weiß",
            "{{customer.email}}",
            "{{",
            "ул. Ленина, 5",
            "123-45-6789",
            "529.982.247-25",
            "order",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// How the rules do on one kind.
#[derive(Debug, Default, Clone, Copy)]
struct Measured {
    marked: usize,
    /// Marked spans of which nothing is left.
    hidden: usize,
    found: usize,
    /// Found spans that touch a marked one of their kind.
    right: usize,
}

/// The labelled messages: language, known names, text with `⟦kind:words⟧`.
fn labelled() -> Vec<(String, Names, String, Vec<Span>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redaction/messages.tsv");
    let lines = std::fs::read_to_string(path).unwrap();
    lines.lines().map(parse).collect()
}

fn parse(line: &str) -> (String, Names, String, Vec<Span>) {
    let mut columns = line.splitn(3, '\t');
    let mut column = || columns.next().unwrap_or_default();
    let (language, names, marked) = (column().to_owned(), Names::of(column().split(';')), column());
    let (mut text, mut spans) = (String::new(), Vec::new());
    let mut rest = marked;
    while let Some((before, after)) = rest.split_once('⟦') {
        let (inside, next) = after.split_once('⟧').unwrap();
        let (kind, words) = inside.split_once(':').unwrap();
        text.push_str(before);
        spans.push(Span { what: kind_of(kind), bytes: text.len()..text.len() + words.len() });
        text.push_str(words);
        rest = next;
    }
    text.push_str(rest);
    (language, names, text, spans)
}

fn kind_of(name: &str) -> Personal {
    let name = match name {
        "ip" => "ip_address",
        "url_credentials" => "credentials",
        other => other,
    };
    Personal::ALL.into_iter().find(|what| what.as_str() == name).unwrap()
}

fn measure() -> (BTreeMap<Personal, Measured>, Vec<String>) {
    let patterns = vec!["LT-[0-9]{5,7}".to_owned(), "#[0-9]{6}".to_owned()];
    let redactor = Redactor::new(&Settings { order_patterns: patterns, ..Settings::default() }).unwrap();
    let mut measured: BTreeMap<Personal, Measured> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (language, names, text, marked) in labelled() {
        let found = redactor.find(&text, &names);
        for span in &marked {
            let entry = measured.entry(span.what).or_default();
            entry.marked += 1;
            let left = text[span.bytes.clone()].char_indices().any(|(at, c)| {
                let at = span.bytes.start + at;
                c.is_alphanumeric() && !found.iter().any(|other| other.bytes.contains(&at))
            });
            entry.hidden += usize::from(!left);
            if left {
                mistakes.push(format!("{language} left {}: {text}", span.what.as_str()));
            }
        }
        for span in &found {
            let entry = measured.entry(span.what).or_default();
            entry.found += 1;
            let touches = |other: &Span| other.bytes.start < span.bytes.end && span.bytes.start < other.bytes.end;
            if marked.iter().any(|other| other.what == span.what && touches(other)) {
                entry.right += 1;
            } else {
                mistakes.push(format!(
                    "{language} took {} as {}: {text}",
                    &text[span.bytes.clone()],
                    span.what.as_str()
                ));
            }
        }
    }
    (measured, mistakes)
}

#[test]
fn the_published_figures_are_those_of_the_labelled_messages() {
    let (measured, mistakes) = measure();
    let percent = |part: usize, of: usize| format!("{:.1}", 100.0 * part as f64 / of.max(1) as f64);
    let mut table = String::from("| kind | marked | recall % | precision % |\n|---|---:|---:|---:|\n");
    for (what, m) in &measured {
        let (recall, precision) = (percent(m.hidden, m.marked), percent(m.right, m.found));
        table.push_str(&format!("| {} | {} | {recall} | {precision} |\n", what.as_str(), m.marked));
    }
    if std::env::var_os("SHOW_MISTAKES").is_some() {
        panic!("{}\n{table}", mistakes.join("\n"));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/redaction.md");
    let published = std::fs::read_to_string(path).unwrap();
    assert!(published.contains(&table), "docs/redaction.md should hold this table:\n{table}");
}

#[test]
fn a_customers_number_is_hidden_where_nothing_was_set() {
    assert_eq!(by_default("call me at +49 30 901820".to_owned()), "call me at {{customer.phone}}");
    assert_eq!(by_default("where is it?".to_owned()), "where is it?");
}
