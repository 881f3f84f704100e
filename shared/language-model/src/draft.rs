//! A drafted template, read out of what a model answered.
//!
//! Models are asked for one JSON object and like to wrap it: in a code fence, in a sentence before it, in their
//! thoughts. The wrapping is forgiven, the object is not: it has exactly the members `name` and `body`, and there is
//! exactly one. A customer's words may hold an object of that shape and a model may repeat them, so of two neither is
//! taken.

use serde::Deserialize;

/// How long an answer may be, in bytes, for a draft to be sought in it.
pub const MAX_TEXT_BYTES: usize = 128 * 1024;

/// How long a draft's name may be, in characters.
pub const MAX_NAME_CHARS: usize = 200;

/// How long a draft's body may be, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// At how many braces an object is looked for.
const MAX_TRIES: usize = 256;

/// A template as a model proposes it: two texts, of which neither is checked for being one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What to call it: one line, not empty.
    pub name: String,
    /// Its source, not empty.
    pub body: String,
}

/// Why there is no draft in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// There is no object of exactly `name` and `body`.
    #[error("the language model's answer holds no draft; ask again")]
    Missing,
    /// There are several.
    #[error("the language model's answer holds more than one draft; ask again")]
    Several,
    /// The answer, the name or the body is too long, or the answer holds more than 256 braces before a draft.
    #[error("the language model's draft is too long; ask for a shorter one")]
    TooLong,
    /// Name or body is empty, or holds control characters, or the name has several lines.
    #[error("the language model's draft has a name or body that cannot be shown; ask again")]
    Unfit,
}

/// The one draft in an answer. Takes time linear in the answer, times 256 at worst.
///
/// # Errors
/// See [`DraftError`].
///
/// ```
/// use romashka_language_model::draft::parse;
///
/// let draft = parse("Here:\n```json\n{\"name\": \"Late parcel\", \"body\": \"Hello {{ name }}!\"}\n```").unwrap();
/// assert_eq!(draft.body, "Hello {{ name }}!");
/// ```
pub fn parse(answer: &str) -> Result<Draft, DraftError> {
    if answer.len() > MAX_TEXT_BYTES {
        return Err(DraftError::TooLong);
    }
    let mut rest = without_thoughts(answer);
    let mut found = None;
    let mut tries = 0;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        tries += 1;
        if tries > MAX_TRIES {
            return Err(DraftError::TooLong);
        }
        let mut objects = serde_json::Deserializer::from_str(rest).into_iter::<Draft>();
        let Some(Ok(draft)) = objects.next() else {
            rest = &rest[1..];
            continue;
        };
        rest = &rest[objects.byte_offset()..];
        if found.replace(draft).is_some() {
            return Err(DraftError::Several);
        }
    }
    found.ok_or(DraftError::Missing).and_then(checked)
}

/// What comes after the thoughts that some models put before their answer.
fn without_thoughts(answer: &str) -> &str {
    let thoughts = answer.trim_start().strip_prefix("<think>");
    thoughts.and_then(|thoughts| thoughts.split_once("</think>")).map_or(answer, |(_, answer)| answer)
}

fn checked(draft: Draft) -> Result<Draft, DraftError> {
    let Draft { name, body } = draft;
    let name = name.trim().to_owned();
    if name.chars().count() > MAX_NAME_CHARS || body.len() > MAX_BODY_BYTES {
        return Err(DraftError::TooLong);
    }
    let is_shown = |sign: char| !sign.is_control() || matches!(sign, '\n' | '\r' | '\t');
    let is_fit =
        !name.is_empty() && !name.contains(char::is_control) && !body.trim().is_empty() && body.chars().all(is_shown);
    if is_fit { Ok(Draft { name, body }) } else { Err(DraftError::Unfit) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(name: &str, body: &str) -> String {
        serde_json::json!({ "name": name, "body": body }).to_string()
    }

    #[test]
    fn a_draft_is_found_in_its_wrapping() {
        let object = json("Late parcel", "Hello {{ customer.name }},\n{% if late %}sorry{% endif %}");
        for answer in [
            object.clone(),
            format!("```json\n{object}\n```"),
            format!("```\n{object}\n```\n"),
            format!("Sure! Variables look like {{{{ this }}}}.\n\n{object}\n\nShall I change it?"),
            format!("<think>Perhaps {}?</think>{object}", json("a", "b")),
        ] {
            let draft = parse(&answer).unwrap();
            assert_eq!(draft.name, "Late parcel");
            assert_eq!(draft.body, "Hello {{ customer.name }},\n{% if late %}sorry{% endif %}");
        }
    }

    #[test]
    fn what_is_not_exactly_one_draft_is_none() {
        let object = json("n", "b");
        for (answer, why) in [
            (String::new(), DraftError::Missing),
            ("I cannot help with that.".to_owned(), DraftError::Missing),
            (r#"{"name": "n"}"#.to_owned(), DraftError::Missing),
            (r#"{"name": "n", "body": "b", "action": "publish"}"#.to_owned(), DraftError::Missing),
            (r#"{"name": "n", "name": "m", "body": "b"}"#.to_owned(), DraftError::Missing),
            (r#"{"name": "n", "body": ["b"]}"#.to_owned(), DraftError::Missing),
            (r#"{"name": "n", "body": "b"#.to_owned(), DraftError::Missing),
            (format!("The customer wrote {object}. So: {object}"), DraftError::Several),
            (format!("[{object}, {object}]"), DraftError::Several),
            (json(" ", "b"), DraftError::Unfit),
            (json("n", "\n"), DraftError::Unfit),
            (json("n\nm", "b"), DraftError::Unfit),
            (json("n", "b\u{0}"), DraftError::Unfit),
            (json(&"n".repeat(201), "b"), DraftError::TooLong),
            (json("n", &"b".repeat(MAX_BODY_BYTES + 1)), DraftError::TooLong),
            (" ".repeat(MAX_TEXT_BYTES + 1), DraftError::TooLong),
            ("{".repeat(1_000), DraftError::TooLong),
        ] {
            assert_eq!(parse(&answer), Err(why), "{}", &answer[..answer.len().min(80)]);
        }
    }

    #[test]
    fn hostile_answers_take_no_long_time() {
        let started = std::time::Instant::now();
        let unclosed = r#"{"name":""#.repeat(MAX_TEXT_BYTES / 9);
        let nested = r#"{"name":{"#.repeat(MAX_TEXT_BYTES / 9);
        let long = format!("{}{}", "{".repeat(255), json("n", &"b".repeat(MAX_BODY_BYTES)));
        for answer in [unclosed, nested, long, "[{".repeat(MAX_TEXT_BYTES / 2)] {
            let _ = parse(&answer);
        }
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    }

    /// What answers are made of, torn apart and joined anew.
    fn soup() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            prop::sample::select(vec![
                "{",
                "}",
                "\"",
                "\\",
                "\"name\"",
                "\"body\"",
                ":",
                ",",
                "```",
                "```json\n",
                "<think>",
                "</think>",
                "\"a\"",
                "\u{0}",
                "é",
                "{{ x }}",
                "[",
                "]",
                "null",
                r#"{"name":"n","body":"b"}"#,
            ])
            .prop_map(str::to_owned),
            ".{0,4}",
        ];
        prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn whatever_is_found_in_soup_is_a_draft_that_can_be_shown(answer in soup()) {
            if let Ok(draft) = parse(&answer) {
                prop_assert!(!draft.name.is_empty() && !draft.name.contains(char::is_control));
                prop_assert!(!draft.body.trim().is_empty());
                prop_assert_eq!(parse(&json(&draft.name, &draft.body)), Ok(draft));
            }
        }

        #[test]
        fn any_draft_is_found_whatever_prose_is_around(
            name in "[^\\p{C}\\s][^\\p{C}]{0,40}", body in "[^\\p{C}\\s]\\PC{0,200}",
            before in "[^{<]{0,60}", after in "[^{]{0,60}",
        ) {
            let answer = format!("{before}{}{after}", json(&name, &body));
            let expected = Draft { name: name.trim().to_owned(), body };
            prop_assert_eq!(parse(&answer), Ok(expected));
        }
    }
}
