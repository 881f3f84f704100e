//! What a tenant calls the columns of its file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kind::Kind;
use crate::schema;

/// Characters of a column's name.
const NAME_CHARS: usize = 200;

/// Our names of columns with those of the file, such as `{"question": "Frage", "answer": "Antwort"}`. Ours are
/// `text, intent` of utterances, `question, answer, intent` of a FAQ, `conversation_id, role, text, intent` of
/// conversations, `title, body` of articles. Columns that are not named are recognised by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Mapping(BTreeMap<String, String>);

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
}

impl Mapping {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Our names with the file's.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(ours, theirs)| (ours.as_str(), theirs.as_str()))
    }

    /// Whether it can be used for a kind of file; where not, which entry is wrong and why.
    ///
    /// # Errors
    ///
    /// The first entry that is wrong.
    pub fn check(&self, kind: Kind) -> Result<(), (String, MappingError)> {
        let mut seen = Vec::new();
        for (ours, theirs) in &self.0 {
            let wrong = |error| Err((ours.clone(), error));
            if !schema::preferred_names(kind).any(|name| name == ours) {
                let names: Vec<_> = schema::preferred_names(kind).collect();
                return wrong(MappingError::UnknownColumn(names.join(", ")));
            }
            let name = theirs.trim().to_lowercase();
            if name.is_empty() || name.chars().count() > NAME_CHARS {
                return wrong(MappingError::BadName);
            }
            if seen.contains(&name) {
                return wrong(MappingError::Twice);
            }
            seen.push(name);
        }
        Ok(())
    }
}

impl<S: Into<String>> FromIterator<(S, S)> for Mapping {
    fn from_iter<I: IntoIterator<Item = (S, S)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(ours, theirs)| (ours.into(), theirs.into())).collect())
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
}
