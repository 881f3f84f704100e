//! Placeholders of other products, made into variables of ours.
//!
//! Zendesk and Chatwoot write Liquid, with other names; Zammad writes `#{…}`. What has no counterpart stays where it is: as a
//! variable where it can be one, and as plain text where it cannot, so that a person sees it and nothing of the text is lost.

use std::collections::BTreeSet;

use romashka_liquid::Template;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Note, NoteCode};
use crate::rendering::is_known;

/// A placeholder with another name here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Translated {
    /// As it was written.
    pub from: String,
    /// As it is written here.
    pub to: String,
}

/// How a product writes placeholders.
pub struct Dialect {
    /// What stands before and after a placeholder.
    pub marks: Marks,
    /// Names there and here.
    pub names: &'static [(&'static str, &'static str)],
}

/// What stands before and after a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// `{{ … }}`, in Liquid.
    Liquid,
    /// `#{…}`, in text that knows no Liquid.
    Hash,
}

/// A text that was translated.
#[derive(Debug)]
pub struct Read {
    pub source: String,
    pub translated: Vec<Translated>,
    /// What stands as text.
    pub notes: Vec<Note>,
    /// Variables that no template is given by itself.
    pub unknown: Vec<String>,
}

/// Translates the placeholders of a text.
pub fn translate(written: &str, dialect: &Dialect) -> Read {
    let mut work = Work { dialect, translated: BTreeSet::new(), kept: BTreeSet::new() };
    let mut source = match dialect.marks {
        // Where no name means anything else, what can be read is left as it stands.
        Marks::Liquid if dialect.names.is_empty() && Template::parse(written).is_ok() => written.to_owned(),
        Marks::Liquid => work.liquid(written),
        Marks::Hash => work.hash(written),
    };
    let mut notes: Vec<Note> = work
        .kept
        .iter()
        .map(|kept| Note::new(NoteCode::KeptAsText, format!("`{kept}` means nothing here; it stands as text")))
        .collect();
    let mut unknown = Vec::new();
    match Template::parse(&source) {
        Ok(template) => {
            let names = template.variables().into_iter().map(|variable| variable.name);
            unknown.extend(names.filter(|name| !is_known(name)));
        }
        Err(problems) => {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            let detail = format!("it cannot be read as a template ({first}); all of it stands as text");
            notes.insert(0, Note::new(NoteCode::KeptAsText, detail));
            source = escaped(written);
        }
    }
    Read { source, translated: work.translated.into_iter().collect(), notes, unknown }
}

/// The same text with nothing in it that this language would read.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        escaped.push_str(before);
        let length = match from.as_bytes().get(1) {
            Some(b'{' | b'%') => 2,
            _ => 1,
        };
        let (mark, after) = from.split_at(length);
        // `{` by itself means nothing, unless what follows is escaped to begin with one.
        escaped.push_str(&if length == 2 { format!("{{{{ \"{mark}\" }}}}") } else { mark.to_owned() });
        if length == 1 && after.starts_with('{') {
            escaped.push_str("{{ \"\" }}");
        }
        rest = after;
    }
    escaped + rest
}

struct Work<'dialect> {
    dialect: &'dialect Dialect,
    translated: BTreeSet<Translated>,
    kept: BTreeSet<String>,
}

impl Work<'_> {
    /// A Liquid text: names inside of marks are replaced, and outputs that cannot be read are kept as text.
    fn liquid(&mut self, written: &str) -> String {
        let mut source = String::with_capacity(written.len());
        let mut rest = written;
        while let Some(at) = ["{{", "{%"].iter().filter_map(|mark| rest.find(mark)).min() {
            let (before, from) = rest.split_at(at);
            source.push_str(before);
            let close = if from.starts_with("{{") { "}}" } else { "%}" };
            let Some(end) = from.find(close).map(|end| end + close.len()) else {
                self.kept.insert(short(from));
                source.push_str(&escaped(from));
                return source;
            };
            let (markup, after) = from.split_at(end);
            rest = after;
            let named = self.renamed(markup);
            if close == "%}" || Template::parse(&named).is_ok() {
                source.push_str(&named);
            } else if let Some(name) = loose_name(markup) {
                let to = format!("{{{{ {name} }}}}");
                self.translated.insert(Translated { from: markup.to_owned(), to: to.clone() });
                source.push_str(&to);
            } else {
                self.kept.insert(short(markup));
                source.push_str(&escaped(markup));
            }
        }
        source + rest
    }

    /// A text with `#{…}`.
    fn hash(&mut self, written: &str) -> String {
        let mut source = String::with_capacity(written.len());
        let mut rest = written;
        while let Some(at) = rest.find("#{") {
            let (before, from) = rest.split_at(at);
            source.push_str(&escaped(before));
            let Some(end) = from.find('}') else {
                rest = from;
                break;
            };
            let (markup, after) = from.split_at(end + 1);
            rest = after;
            let name = markup[2..end].trim();
            if is_path(name) {
                let to = self.name(name).unwrap_or(name).to_owned();
                source.push_str(&format!("{{{{ {to} }}}}"));
            } else {
                self.kept.insert(short(markup));
                source.push_str(&escaped(markup));
            }
        }
        source + &escaped(rest)
    }

    /// Markup with names of ours in it. What is quoted is left alone.
    fn renamed(&mut self, markup: &str) -> String {
        let mut renamed = String::with_capacity(markup.len());
        let mut rest = markup;
        while let Some(char) = rest.chars().next() {
            let length = match char {
                '"' | '\'' => rest[1..].find(char).map_or(rest.len(), |end| end + 2),
                _ if is_of_path(char) => rest.find(|char| !is_of_path(char)).unwrap_or(rest.len()),
                _ => char.len_utf8(),
            };
            let (word, after) = rest.split_at(length);
            renamed.push_str(if is_path(word) { self.name(word).unwrap_or(word) } else { word });
            rest = after;
        }
        renamed
    }

    /// The name of ours for a name of theirs.
    fn name(&mut self, theirs: &str) -> Option<&'static str> {
        let (_, ours) = self.dialect.names.iter().find(|(name, _)| *name == theirs)?;
        self.translated.insert(Translated { from: theirs.to_owned(), to: (*ours).to_owned() });
        Some(ours)
    }
}

fn is_of_path(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '.')
}

/// Names with points between them.
fn is_path(text: &str) -> bool {
    text.split('.').all(|name| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
    })
}

/// What somebody wrote in words, as a name: `{{Order Number}}` is `order_number`.
fn loose_name(markup: &str) -> Option<String> {
    let words = markup.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_' | '/' | '&' | '\'' | '’');
    if words.is_empty() || words.chars().count() > 60 || !words.chars().all(is_plain) {
        return None;
    }
    let name = words
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join("_");
    is_path(&name).then_some(name)
}

/// The beginning of a piece of markup, to tell which one it is.
fn short(markup: &str) -> String {
    markup.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use romashka_liquid::{Channel, Limits, Locale, Object, Rendering};

    use super::*;

    const THEIRS: Dialect = Dialect { marks: Marks::Liquid, names: &[("ticket.requester.name", "customer.name")] };
    const HASH: Dialect =
        Dialect { marks: Marks::Hash, names: &[("ticket.customer.firstname", "customer.first_name")] };

    fn rendered(source: &str) -> String {
        let rendering = Rendering {
            limits: Limits::default(),
            channel: Channel::Text,
            locale: &Locale::default(),
            now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
            elapsed: &|| std::time::Duration::ZERO,
        };
        Template::parse(source).unwrap().render(&Object::new(), &rendering).unwrap().text
    }

    #[test]
    fn names_are_replaced_where_they_are_names() {
        let read = translate(
            "{{ticket.requester.name | default: 'ticket.requester.name'}} ticket.requester.name {% if ticket.requester.name == \"x\" %}a{% endif %}",
            &THEIRS,
        );
        assert_eq!(
            read.source,
            "{{customer.name | default: 'ticket.requester.name'}} ticket.requester.name {% if customer.name == \"x\" %}a{% endif %}"
        );
        assert_eq!(read.translated.len(), 1);
        assert_eq!(read.notes, []);
    }

    #[test]
    fn what_has_no_counterpart_is_told_and_not_lost() {
        let read = translate("{{dc.welcome}} {{ 1 | odd: }} {{Order Number}}", &THEIRS);
        assert_eq!(read.source, "{{dc.welcome}} {{ \"{{\" }} 1 | odd: }} {{ order_number }}");
        assert_eq!(read.unknown, ["dc.welcome", "order_number"]);
        let notes: Vec<_> = read.notes.iter().map(|note| (note.code, &*note.detail)).collect();
        assert_eq!(notes, [(NoteCode::KeptAsText, "`{{ 1 | odd: }}` means nothing here; it stands as text")]);
        let broken = translate("{% if ticket.requester.name %}a", &THEIRS);
        assert_eq!(rendered(&broken.source), "{% if ticket.requester.name %}a");
        assert_eq!(broken.notes[0].code, NoteCode::KeptAsText);
    }

    #[test]
    fn text_that_knows_no_liquid_keeps_its_braces() {
        let read = translate("Hi #{ticket.customer.firstname}, {{ x }} {{{ #{a.b c} #{open", &HASH);
        assert_eq!(rendered(&read.source), "Hi , {{ x }} {{{ #{a.b c} #{open");
        assert_eq!(
            read.translated,
            [Translated { from: "ticket.customer.firstname".to_owned(), to: "customer.first_name".to_owned() }]
        );
    }

    proptest! {
        #[test]
        fn every_text_becomes_a_template_and_what_is_escaped_says_the_same(text in "([{}%#$\"'a-z .|-]|\\{\\{|\\{%|%\\}|\\}\\}|#\\{){0,40}") {
            prop_assert_eq!(rendered(&escaped(&text)), text.clone());
            for dialect in [&THEIRS, &HASH] {
                let read = translate(&text, dialect);
                prop_assert!(Template::parse(&read.source).is_ok(), "{}", read.source);
            }
        }
    }
}
