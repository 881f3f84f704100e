//! What a tenant calls the columns of its file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kind::Kind;
use crate::speakers::Speaker;
use crate::{headings, schema};

/// Characters of a column's name.
const NAME_CHARS: usize = 200;

/// Words for those who speak.
const ROLES: usize = 200;
/// The entry that translates them.
const ROLES_NAME: &str = "roles";

/// Our names of columns with those of the file, such as `{"question": "Frage", "answer": "Antwort"}`. Ours are
/// `text, intent` of utterances, `question, answer, intent` of a FAQ, `conversation_id, role, text, intent, created_at,
/// private, public, message_type` of conversations, `title, body` of articles. Columns that are not named are recognised by
/// themselves. `roles` translates the words for those who speak: `{"roles": {"Клиент": "customer", "Bot": "nobody"}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mapping {
    /// Words of the file for those who speak, whatever their case, at most 200.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<String, Speaker>,
    #[serde(flatten)]
    columns: BTreeMap<String, String>,
}

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// We have no such column.
    #[error("there is no such column; use {0}")]
    UnknownColumn(String),
    /// The name of the file's column is empty or too long.
    #[error("must be the name of a column of the file, 1 to {NAME_CHARS} characters")]
    BadName,
    /// Two of our columns are to be the same one.
    #[error("two columns cannot be the same column of the file")]
    Twice,
    /// There are more words for speakers than a file has.
    #[error("at most {ROLES} words of 1 to {NAME_CHARS} characters, in files of conversations")]
    BadRoles,
}

impl Mapping {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.roles.is_empty()
    }

    /// Our names of columns with the file's.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().map(|(ours, theirs)| (ours.as_str(), theirs.as_str()))
    }

    /// The file's words for those who speak.
    pub(crate) fn roles(&self) -> impl Iterator<Item = (&str, Speaker)> {
        self.roles.iter().map(|(word, speaker)| (word.as_str(), *speaker))
    }

    /// Whether it can be used for a kind of file; where not, which entry is wrong and why.
    ///
    /// # Errors
    ///
    /// The first entry that is wrong.
    pub fn check(&self, kind: Kind) -> Result<(), (String, MappingError)> {
        let mut seen = Vec::new();
        for (ours, theirs) in &self.columns {
            let wrong = |error| Err((ours.clone(), error));
            if !schema::preferred_names(kind).any(|name| name == ours) {
                let names: Vec<_> = schema::preferred_names(kind).collect();
                return wrong(MappingError::UnknownColumn(names.join(", ")));
            }
            let name = headings::normal(theirs);
            if name.is_empty() || theirs.chars().count() > NAME_CHARS {
                return wrong(MappingError::BadName);
            }
            if seen.contains(&name) {
                return wrong(MappingError::Twice);
            }
            seen.push(name);
        }
        let is_word = |word: &String| (1..=NAME_CHARS).contains(&word.trim().chars().count());
        let are_words = self.roles.len() <= ROLES && self.roles.keys().all(is_word);
        if !self.roles.is_empty() && (kind != Kind::Conversations || !are_words) {
            return Err((ROLES_NAME.to_owned(), MappingError::BadRoles));
        }
        Ok(())
    }
}

impl<S: Into<String>> FromIterator<(S, S)> for Mapping {
    fn from_iter<I: IntoIterator<Item = (S, S)>>(pairs: I) -> Self {
        let columns = pairs.into_iter().map(|(ours, theirs)| (ours.into(), theirs.into())).collect();
        Self { columns, roles: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_our_columns_once_each() {
        let check = |pairs: &[(&str, &str)], kind| {
            pairs
                .iter()
                .copied()
                .collect::<Mapping>()
                .check(kind)
                .map_err(|(column, error)| (column, error.to_string()))
        };
        assert_eq!(check(&[("question", "Frage"), ("answer", "Antwort")], Kind::Faq), Ok(()));
        let (column, why) = check(&[("text", "Frage")], Kind::Faq).unwrap_err();
        assert!(column == "text" && why.contains("question, answer, intent"), "{why}");
        assert!(check(&[("text", " ")], Kind::Utterances).is_err());
        assert!(check(&[("question", "Frage"), ("answer", "frage ")], Kind::Faq).is_err());
    }

    #[test]
    fn words_for_speakers_are_translated_in_conversations_alone() {
        let mapping: Mapping = serde_json::from_str(r#"{"text": "Текст", "roles": {"Марта": "agent"}}"#).unwrap();
        assert_eq!(mapping.check(Kind::Conversations), Ok(()));
        assert_eq!(mapping.check(Kind::Utterances), Err(("roles".to_owned(), MappingError::BadRoles)));
        let written = serde_json::to_string(&mapping).unwrap();
        assert_eq!(written, r#"{"roles":{"Марта":"agent"},"text":"Текст"}"#);
        assert!(serde_json::from_str::<Mapping>(r#"{"roles": {"Марта": "boss"}}"#).is_err());
    }
}
