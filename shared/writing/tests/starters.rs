//! Templates that were written with care get no advice that they do not need.

use romashka_liquid::Template;
use romashka_writing::{Channel, Grammar, Mood, Review, Rule, Situation, review};
use serde::Deserialize;

#[derive(Deserialize)]
struct Starters {
    starter: Vec<Starter>,
}

#[derive(Deserialize)]
struct Starter {
    key: String,
    source: String,
}

const LANGUAGES: [(&str, &str); 4] = [
    ("en", include_str!("../../../functions/templates/starters/en.toml")),
    ("de", include_str!("../../../functions/templates/starters/de.toml")),
    ("es", include_str!("../../../functions/templates/starters/es.toml")),
    ("ru", include_str!("../../../functions/templates/starters/ru.toml")),
];

fn starters(starters: &str) -> Vec<Starter> {
    let starters: Starters = toml::from_str(starters).expect("the starters of the product are read");
    starters.starter
}

fn template(source: &str) -> Template {
    Template::parse(source).expect("a starter is a template")
}

fn reviews(mood: Mood) -> Vec<(&'static str, String, Review)> {
    let mut reviews = Vec::new();
    for (language, file) in LANGUAGES {
        let starters = starters(file);
        assert_eq!(starters.len(), 28, "{language}");
        for starter in starters {
            let situation =
                Situation { language: Some(language), channel: Channel::Email, mood, ..Situation::default() };
            reviews.push((language, starter.key, review(&template(&starter.source), &situation)));
        }
    }
    reviews
}

#[test]
fn a_starter_of_any_language_has_nothing_to_mend() {
    for (language, key, review) in reviews(Mood::Unknown) {
        let found: Vec<_> = review.findings.iter().map(|one| (one.rule, &one.message, &one.before)).collect();
        assert!(found.is_empty(), "{language} {key}: {found:#?}");
        assert_eq!(review.grammar, if language == "en" { Grammar::Checked } else { Grammar::NotChecked });
        assert_eq!(review.measures.readability.len(), if language == "en" { 2 } else { 1 }, "{language} {key}");
    }
}

#[test]
fn starters_that_say_sorry_are_told_from_those_that_do_not() {
    let sorry = ["order-delayed", "tech-details-needed", "tech-known-issue", "tech-first-steps"];
    let not_sorry = ["welcome-new-customer", "order-shipped", "tech-password-reset", "closing-feedback"];
    for (language, key, review) in reviews(Mood::Upset) {
        let rules: Vec<Rule> = review.findings.iter().map(|one| one.rule).collect();
        if sorry.contains(&key.as_str()) {
            assert_eq!(rules, [], "{language} {key} says sorry");
        } else if not_sorry.contains(&key.as_str()) {
            assert_eq!(rules, [Rule::MissingApology], "{language} {key} does not say sorry");
            let apology = &review.findings[0];
            assert!(apology.rewrite.is_some(), "{language} {key}: {:?}", apology.hint);
        }
    }
}

#[test]
fn starters_without_a_part_lack_it() {
    for (language, file) in LANGUAGES {
        for starter in starters(file) {
            // Without the first paragraph, and without the last one.
            let paragraphs: Vec<&str> = starter.source.trim().split("\n\n").collect();
            let source = paragraphs[1..paragraphs.len() - 1].join("\n\n");
            let Ok(template) = Template::parse(&source) else { continue };
            let situation = Situation { language: Some(language), channel: Channel::Email, ..Situation::default() };
            let rules: Vec<Rule> = review(&template, &situation).findings.iter().map(|one| one.rule).collect();
            let is_welcome = starter.key.starts_with("welcome-new");
            assert!(is_welcome || rules.contains(&Rule::MissingGreeting), "{language} {}: {rules:?}", starter.key);
        }
    }
}

#[test]
fn the_language_of_a_starter_is_guessed() {
    for (language, file) in LANGUAGES {
        for starter in starters(file) {
            let review = review(&template(&starter.source), &Situation::default());
            assert!(review.is_language_guessed);
            assert_eq!(review.language.map(|language| language.tag()), Some(language), "{}", starter.key);
        }
    }
}
