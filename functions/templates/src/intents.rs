//! What the deployed model takes a message for, as a judge of suggestions.

use std::collections::BTreeMap;
use std::sync::Arc;

use romashka_http::Problem;
use romashka_learning::{Message, Model};
use romashka_store::TenantStore;
use romashka_store::kept::Kept;
use romashka_store::objects::Object;

use crate::index::Entry;
use crate::known::encoder;

/// Models are kept up to so many bytes: a tenth of the function's memory.
const KEPT_BYTES: usize = 160 * 1024 * 1024;
/// Intents that a message may be of.
const MOST_INTENTS: usize = 10;

static MODELS: Kept<Model> = Kept::new(KEPT_BYTES);

/// The model that is deployed, if one is and it knows intents. Suggestions do without one that cannot be read.
pub async fn model_in_force(store: &TenantStore) -> Result<Option<Arc<Model>>, Problem> {
    let deployment = store.deployments().current().await?;
    let Some(version) = deployment.map(|deployment| deployment.version).filter(|version| version.knows_intents) else {
        return Ok(None);
    };
    let object = Object::Model(version.model_hash.clone());
    let read = |bytes: &[u8]| Model::from_bytes(bytes).ok();
    let model = MODELS.get(store, &version.model_hash, &object, read).await.unwrap_or_else(|error| {
        tracing::warn!(cause = %error, "the deployed model cannot be read; suggestions go without");
        None
    });
    Ok(model)
}

/// The intents that a message is likely of, by their plain names.
#[derive(Debug, Default)]
pub struct Likely(BTreeMap<String, (String, f32)>);

impl Likely {
    /// What a model takes a message for; nothing where there is no model, or the message is about nothing that it knows.
    pub fn of(model: Option<&Model>, message: &str) -> Result<Self, Problem> {
        let Some(model) = model else { return Ok(Self::default()) };
        let message = Message::new(message, encoder()?);
        // A person chooses among suggestions, so what is too doubtful to act upon is told all the same.
        if !model.predict(&message, model.default_budget()).is_about_something() {
            return Ok(Self::default());
        }
        let mut by_name = BTreeMap::new();
        for (intent, likely) in model.likeliest(&message, MOST_INTENTS) {
            // Of intents that are called the same but for capitals and marks, the likeliest counts.
            by_name.entry(plain(intent)).or_insert_with(|| (intent.to_owned(), likely));
        }
        Ok(Self(by_name))
    }

    /// The likeliest intent that a template answers: one that it lists, or one that is called like it where it lists none.
    pub fn answered_by(&self, entry: &Entry) -> Option<(&str, f32)> {
        if self.0.is_empty() {
            return None;
        }
        let named = |name: &String| self.0.get(&plain(name));
        let answered: Option<&(String, f32)> = if entry.intents.is_empty() {
            named(&entry.name)
        } else {
            entry.intents.iter().filter_map(named).max_by(|(_, one), (_, other)| one.total_cmp(other))
        };
        answered.map(|(intent, likely)| (&**intent, *likely))
    }
}

/// A name in small letters and digits, with `_` between its words: `Card arrival` is `card_arrival`.
fn plain(name: &str) -> String {
    let words = name.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use romashka_domain::template::{Format, Visibility};
    use romashka_domain::{TemplateId, Timestamp};

    use super::*;

    fn entry(name: &str, intents: &[&str]) -> Entry {
        Entry {
            id: TemplateId::new(uuid::Uuid::from_u128(1)),
            version: 1,
            name: name.to_owned(),
            format: Format::Text,
            language: "en".to_owned(),
            category: Vec::new(),
            tags: Vec::new(),
            intents: intents.iter().map(|intent| (*intent).to_owned()).collect(),
            visibility: Visibility::Everyone,
            team: None,
            shortcut: None,
            created_by: "ann".parse().unwrap(),
            updated_at: Timestamp::UNIX_EPOCH,
            text: String::new(),
        }
    }

    #[test]
    fn a_template_answers_what_it_lists_or_what_it_is_called() {
        let likely = [("card_arrival", 0.7), ("Card lost", 0.2)];
        let likely = Likely(likely.map(|(name, likely)| (plain(name), (name.to_owned(), likely))).into());
        assert_eq!(likely.answered_by(&entry("Card arrival", &[])), Some(("card_arrival", 0.7)));
        assert_eq!(likely.answered_by(&entry("Card arrival", &["card_lost"])), Some(("Card lost", 0.2)));
        assert_eq!(likely.answered_by(&entry("x", &["card lost", "card-arrival"])), Some(("card_arrival", 0.7)));
        assert_eq!(likely.answered_by(&entry("Refund", &[])), None);
        assert_eq!(Likely::default().answered_by(&entry("Card arrival", &[])), None);
    }
}
