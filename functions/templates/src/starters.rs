//! Templates that come with the product: what support teams write again and again, in several languages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use romashka_domain::Permission;
use romashka_domain::template::{Content, Format, Variable, Visibility};
use romashka_http::{Problem, Refusals, Reply, Request, invalid_field};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of a parameter.
const MAX_CHARS: usize = 64;

/// What is the same in all languages.
const CATALOGUE: &str = include_str!("../starters/catalogue.toml");
/// What each language says.
const LANGUAGES: &[(&str, &str)] = &[
    ("en", include_str!("../starters/en.toml")),
    ("de", include_str!("../starters/de.toml")),
    ("es", include_str!("../starters/es.toml")),
    ("ru", include_str!("../starters/ru.toml")),
];

static ALL: LazyLock<Result<Vec<Starter>, toml::de::Error>> = LazyLock::new(read);

/// A template that comes with the product.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Starter {
    /// What it is called in every language.
    pub key: &'static str,
    /// What it is about: `welcome`, `order-status`, `technical-support`, `refunds`, `billing` or `closing`.
    pub topic: &'static str,
    /// The language that it is written in.
    pub language: &'static str,
    /// What it will be called.
    pub name: &'static str,
    /// The category that it will lie in.
    pub category: &'static str,
    /// Words to find it by.
    pub tags: Vec<&'static str>,
    /// The text in Liquid.
    pub source: &'static str,
    /// The variables that it defines.
    pub variables: Vec<Variable>,
}

impl Starter {
    /// What a template made of it holds.
    pub fn content(&self, visibility: Visibility, team: Option<romashka_domain::TeamId>) -> Content {
        Content {
            name: self.name.to_owned(),
            source: self.source.to_owned(),
            format: Format::Text,
            language: self.language.to_owned(),
            category: vec![self.category.to_owned()],
            tags: self.tags.iter().map(|tag| (*tag).to_owned()).collect(),
            visibility,
            team,
            intents: Vec::new(),
            shortcut: None,
            variables: self.variables.clone(),
        }
    }
}

#[derive(Deserialize)]
struct Catalogue {
    #[serde(borrow)]
    starter: Vec<Listed<'static>>,
}

#[derive(Deserialize)]
struct Listed<'text> {
    key: &'text str,
    topic: &'text str,
    tags: Vec<&'text str>,
    variables: Vec<Variable>,
}

#[derive(Deserialize)]
struct Edition {
    #[serde(borrow)]
    topics: BTreeMap<&'static str, &'static str>,
    #[serde(borrow)]
    starter: Vec<Written<'static>>,
}

#[derive(Deserialize)]
struct Written<'text> {
    key: &'text str,
    name: &'text str,
    source: &'text str,
}

fn read() -> Result<Vec<Starter>, toml::de::Error> {
    let catalogue: Catalogue = toml::from_str(CATALOGUE)?;
    let mut all = Vec::new();
    for (language, edition) in LANGUAGES {
        let edition: Edition = toml::from_str(edition)?;
        for written in edition.starter {
            let Some(listed) = catalogue.starter.iter().find(|listed| listed.key == written.key) else { continue };
            all.push(Starter {
                key: listed.key,
                topic: listed.topic,
                language,
                name: written.name,
                category: edition.topics.get(listed.topic).copied().unwrap_or(listed.topic),
                tags: listed.tags.clone(),
                source: written.source,
                variables: listed.variables.clone(),
            });
        }
    }
    Ok(all)
}

/// All starters, language by language.
pub fn all() -> Result<&'static [Starter], Problem> {
    ALL.as_deref().map_err(Problem::internal)
}

/// The languages that there are starters in.
pub fn languages() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|(language, _)| *language)
}

/// The language of a parameter or field: one that there are starters in.
pub fn language(text: &str) -> Result<&'static str, Problem> {
    let primary = text.split('-').next().unwrap_or_default().to_lowercase();
    languages().find(|language| *language == primary).ok_or_else(|| {
        let words = languages().map(|language| format!("`{language}`")).collect::<Vec<_>>().join(", ");
        invalid_field("language", "unknown_language", format!("must be one of {words}"))
    })
}

/// The starters.
#[derive(Debug, Serialize, ToSchema)]
pub struct Starters {
    /// Those that were asked for, in the order of the catalogue.
    items: Vec<Starter>,
    /// The languages that there are.
    languages: Vec<&'static str>,
}

/// List the templates that come with the product.
#[utoipa::path(
    get, path = "/v1/templates/starters", operation_id = "templates.list_starters", tag = "templates",
    params(
        ("language" = Option<String>, Query, description = "Only in this language: `en`, `de`, `es` or `ru`."),
        ("topic" = Option<String>, Query, description = "Only about this: `welcome`, `order-status`, `technical-support`, `refunds`, `billing` or `closing`."),
    ),
    responses((status = 200, description = "The starters.", body = Starters), Refusals)
)]
pub async fn list_starters(request: Request) -> Result<Reply, Problem> {
    request.authorise(Permission::ReadTemplates)?;
    let in_language = request.query_text("language", MAX_CHARS)?.map(language).transpose()?;
    let topic = request.query_text("topic", MAX_CHARS)?;
    if topic.is_some_and(|topic| !all().is_ok_and(|all| all.iter().any(|starter| starter.topic == topic))) {
        return Err(invalid_field(
            "topic",
            "unknown_topic",
            "there are no starters about this; leave it out to see all",
        ));
    }
    let is_wanted = |starter: &&Starter| {
        in_language.is_none_or(|language| starter.language == language)
            && topic.is_none_or(|topic| starter.topic == topic)
    };
    Reply::ok(&Starters { items: all()?.iter().filter(is_wanted).cloned().collect(), languages: languages().collect() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use romashka_liquid::Template;

    use super::*;
    use crate::rendering::{definitions, known};

    #[test]
    fn every_language_has_every_starter_and_none_has_a_fault() {
        let all = all().unwrap();
        let keys: BTreeSet<_> = all.iter().map(|starter| starter.key).collect();
        assert!(keys.len() >= 24, "{}", keys.len());
        assert_eq!(all.len(), keys.len() * LANGUAGES.len(), "each once in each language");
        let mut names = BTreeSet::new();
        for starter in all {
            let what = format!("{}/{}", starter.language, starter.key);
            assert!(names.insert((starter.language, starter.name)), "{what}: its name is taken");
            assert_ne!(starter.category, starter.topic, "{what}: its topic has no title");
            starter.content(Visibility::Everyone, None).check().unwrap_or_else(|error| panic!("{what}: {error}"));
            let template = Template::parse(starter.source).unwrap_or_else(|problems| panic!("{what}: {problems:?}"));
            let problems = template.lint(&definitions(&starter.variables), &known());
            assert!(problems.is_empty(), "{what}: {problems:?}");
        }
        let topics: BTreeSet<_> = all.iter().map(|starter| starter.topic).collect();
        assert_eq!(
            topics.into_iter().collect::<Vec<_>>(),
            ["billing", "closing", "order-status", "refunds", "technical-support", "welcome"]
        );
    }
}
