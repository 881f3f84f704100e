//! What the deployed model takes a message for, as a judge of suggestions.

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

/// The intents that a message is likely of, the likeliest first.
#[derive(Debug, Default)]
pub struct Likely(Vec<(String, f32)>);

impl Likely {
    /// What a model takes a message for; nothing where there is no model, or the message is about nothing that it knows.
    pub fn of(model: Option<&Model>, message: &str) -> Result<Self, Problem> {
        let Some(model) = model else { return Ok(Self::default()) };
        let message = Message::new(message, encoder()?);
        // A person chooses among suggestions, so what is too doubtful to act upon is told all the same.
        if !model.predict(&message, model.default_budget()).is_about_something() {
            return Ok(Self::default());
        }
        let likeliest = model.likeliest(&message, MOST_INTENTS).into_iter();
        Ok(Self(likeliest.map(|(intent, likely)| (intent.to_owned(), likely)).collect()))
    }

    /// The likeliest intent that a template answers: one that it lists, or one that is called like it where it lists none.
    pub fn answered_by(&self, entry: &Entry) -> Option<(&str, f32)> {
        let is_answered = |intent: &str| match &entry.intents[..] {
            [] => is_called(intent, &entry.name),
            listed => listed.iter().any(|listed| is_called(intent, listed)),
        };
        self.0.iter().find(|(intent, _)| is_answered(intent)).map(|(intent, likely)| (&**intent, *likely))
    }
}

/// Whether two names have the same letters and digits in their words: `Card arrival` is `card_arrival`. Nothing is copied, as every
/// template of the tenant is asked.
fn is_called(one: &str, other: &str) -> bool {
    words(one).eq(words(other))
}

/// The characters of a name's words in small letters, with a space before each word.
fn words(name: &str) -> impl Iterator<Item = char> {
    let words = name.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| std::iter::once(' ').chain(word.chars().flat_map(char::to_lowercase)))
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
        let likely = Likely(likely.map(|(name, likely)| (name.to_owned(), likely)).into());
        assert_eq!(likely.answered_by(&entry("Card arrival", &[])), Some(("card_arrival", 0.7)));
        assert_eq!(likely.answered_by(&entry("Card arrival", &["card_lost"])), Some(("Card lost", 0.2)));
        assert_eq!(likely.answered_by(&entry("x", &["card lost", "card-arrival"])), Some(("card_arrival", 0.7)));
        assert_eq!(likely.answered_by(&entry("Refund", &[])), None);
        assert_eq!(Likely::default().answered_by(&entry("Card arrival", &[])), None);
    }
}
