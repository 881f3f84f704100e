//! Reply templates: what they hold, who may see and change them, and how they change.
//!
//! Every change makes a version, and a version never changes. What is deleted can be restored; what is restored is a
//! version of its own, so that history only grows.

pub mod effect;
pub mod usage;
pub mod variable;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::variable::{DateStyle, Rules, Typed, Variable, VariableType, Violation};
use crate::{Identity, Permission, TeamId, TemplateId, Timestamp, UserId};

/// Characters of a name.
pub const MAX_NAME_CHARS: usize = 200;
/// Categories inside categories.
pub const MAX_CATEGORY_DEPTH: usize = 5;
/// Tags of a template.
pub const MAX_TAGS: usize = 20;
/// Characters of a tag and of one part of a category.
pub const MAX_LABEL_CHARS: usize = 50;
/// Intents that a template answers.
pub const MAX_INTENTS: usize = 20;
/// Characters of an intent.
pub const MAX_INTENT_CHARS: usize = 200;
/// Characters of the reason for a change.
pub const MAX_REASON_CHARS: usize = 500;
/// Characters of a language tag.
const MAX_LANGUAGE_CHARS: usize = 35;

/// A field that does not make sense, as a JSON Pointer, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct Invalid {
    /// The field.
    pub field: String,
    /// What is wrong with it, to follow its name.
    pub why: String,
}

impl Invalid {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }

    /// The same field, which lies below this one.
    #[must_use]
    pub fn below(self, parent: &str) -> Self {
        Self { field: format!("{parent}{}", self.field), ..self }
    }
}

/// Who sees a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Only who made it.
    Private,
    /// The people of one team.
    Team,
    /// Everybody in the tenant.
    Everyone,
}

/// What the text of a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text.
    #[default]
    Text,
    /// HTML: what comes of variables is escaped.
    Html,
}

/// What agents type to get a template: 1 to 32 of `a-z 0-9 _ -`, unique in its tenant. The `/` before it is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(pattern = "^/?[a-z0-9_-]{1,32}$")]
pub struct Shortcut(String);

/// A text that is no shortcut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a shortcut is 1 to 32 of `a-z 0-9 _ -`, such as `/refund`")]
pub struct InvalidShortcut;

impl Shortcut {
    /// The shortcut without the `/` before it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Shortcut {
    type Err = InvalidShortcut;

    fn from_str(text: &str) -> Result<Self, InvalidShortcut> {
        let code = text.strip_prefix('/').unwrap_or(text).to_lowercase();
        let is_of_code = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || matches!(char, '_' | '-');
        let fits = (1..=32).contains(&code.len()) && code.chars().all(is_of_code);
        fits.then_some(Self(code)).ok_or(InvalidShortcut)
    }
}

impl TryFrom<String> for Shortcut {
    type Error = InvalidShortcut;

    fn try_from(text: String) -> Result<Self, InvalidShortcut> {
        text.parse()
    }
}

impl From<Shortcut> for String {
    fn from(shortcut: Shortcut) -> Self {
        shortcut.0
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0)
    }
}

/// What people write into a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Content {
    /// What it is called, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The text in Liquid, up to 64 KiB.
    pub source: String,
    /// What the text is for.
    #[serde(default)]
    pub format: Format,
    /// The language that it is written in, as a language tag such as `en` or `de-AT`; numbers and dates follow it.
    pub language: String,
    /// The categories that it lies in, the outermost first; at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 5)]
    pub category: Vec<String>,
    /// Up to 20 words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub tags: Vec<String>,
    /// Up to 20 intents of trained models whose messages it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub intents: Vec<String>,
    /// Who sees it.
    pub visibility: Visibility,
    /// The team that sees it, where a team does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// What agents type to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<Shortcut>,
    /// The variables that it defines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub variables: Vec<Variable>,
}

impl Content {
    /// Whether everything but the source makes sense; the source is for the language to judge.
    pub fn check(&self) -> Result<(), Invalid> {
        label(&self.name, MAX_NAME_CHARS).map_err(|why| Invalid::new("/name", why))?;
        let is_tag = |char: char| char.is_ascii_alphanumeric() || char == '-';
        let length = self.language.len();
        if !(2..=MAX_LANGUAGE_CHARS).contains(&length) || !self.language.chars().all(is_tag) {
            return Err(Invalid::new("/language", "must be a language tag, such as `en` or `de-AT`"));
        }
        if self.category.len() > MAX_CATEGORY_DEPTH {
            return Err(Invalid::new(
                "/category",
                format!("is nested deeper than the {MAX_CATEGORY_DEPTH} levels allowed"),
            ));
        }
        if self.tags.len() > MAX_TAGS {
            return Err(Invalid::new("/tags", format!("has more than the {MAX_TAGS} tags allowed")));
        }
        for (field, labels) in [("/category", &self.category), ("/tags", &self.tags)] {
            for (place, text) in labels.iter().enumerate() {
                label(text, MAX_LABEL_CHARS).map_err(|why| Invalid::new(format!("{field}/{place}"), why))?;
            }
        }
        if self.intents.len() > MAX_INTENTS {
            return Err(Invalid::new("/intents", format!("has more than the {MAX_INTENTS} intents allowed")));
        }
        for (place, intent) in self.intents.iter().enumerate() {
            label(intent, MAX_INTENT_CHARS).map_err(|why| Invalid::new(format!("/intents/{place}"), why))?;
        }
        match (self.visibility, &self.team) {
            (Visibility::Team, None) => return Err(Invalid::new("/team", "is missing: say which team sees it")),
            (Visibility::Private | Visibility::Everyone, Some(_)) => {
                return Err(Invalid::new("/team", "belongs to the visibility `team` only"));
            }
            _ => {}
        }
        check_variables(&self.variables)
    }
}

/// Whether variables make sense together.
///
/// # Errors
///
/// The first thing that does not.
pub fn check_variables(variables: &[Variable]) -> Result<(), Invalid> {
    if variables.len() > variable::MAX_VARIABLES {
        let why = format!("has more than the {} variables allowed", variable::MAX_VARIABLES);
        return Err(Invalid::new("/variables", why));
    }
    let bytes = serde_json::to_string(variables).map_or(usize::MAX, |text| text.len());
    if bytes > variable::MAX_VARIABLES_BYTES {
        let why = format!("are {bytes} bytes; {} are allowed", variable::MAX_VARIABLES_BYTES);
        return Err(Invalid::new("/variables", why));
    }
    let mut names = BTreeSet::new();
    for (place, variable) in variables.iter().enumerate() {
        let at = format!("/variables/{place}");
        variable.check_definition().map_err(|invalid| invalid.below(&at))?;
        if !names.insert(&*variable.name) {
            return Err(Invalid::new(format!("{at}/name"), "is defined twice"));
        }
    }
    // What holds a value cannot hold others.
    for (place, variable) in variables.iter().enumerate() {
        let holds = |other: &&&str| other.strip_prefix(&*variable.name).is_some_and(|rest| rest.starts_with('.'));
        if names.iter().any(|other| holds(&other)) {
            let why = "is a value, and other variables lie below its name; give it a name of its own";
            return Err(Invalid::new(format!("/variables/{place}/name"), why));
        }
    }
    Ok(())
}

fn label(text: &str, most: usize) -> Result<(), String> {
    let is_plain = !text.chars().any(char::is_control) && text.trim() == text;
    if text.is_empty() || text.chars().count() > most || !is_plain {
        return Err(format!("must be 1 to {most} characters, without control characters or spaces around them"));
    }
    Ok(())
}

/// A template as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// Its identifier.
    pub id: TemplateId,
    /// Counts its changes, from 1; also the resource's `ETag`.
    pub version: u64,
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Who changed it last.
    pub updated_by: UserId,
    /// When.
    pub updated_at: Timestamp,
    /// Since when it is deleted, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// What made a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The template was made.
    Created,
    /// It was made of another one.
    Duplicated,
    /// It came out of a file, or a file changed it.
    Imported,
    /// It was made of a starter.
    Installed,
    /// It was proposed by a mining.
    Mined,
    /// It was edited.
    Edited,
    /// It was deleted.
    Deleted,
    /// It was brought back after it had been deleted.
    Restored,
    /// It was set back to an earlier version.
    Reverted,
}

/// One state that a template was in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateVersion {
    /// The template.
    pub template_id: TemplateId,
    /// Which version, from 1.
    pub version: u64,
    /// What made it.
    pub change: Change,
    /// The version that it was set back to, or what it was made of: a template, a starter, or what a file calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Why, in the words of who changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who changed it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// What it held from then on.
    #[serde(flatten)]
    pub content: Content,
}

/// A change that is about to be made.
#[derive(Debug, Clone)]
pub struct Author<'who> {
    /// Who makes it.
    pub who: &'who Identity,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
}

/// What a template is made of that is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// [`Change::Imported`], [`Change::Installed`] or [`Change::Mined`].
    pub change: Change,
    /// What it is called there, such as `starters/de/order-shipped`.
    pub of: String,
}

/// A template after a change, and the version that the change made.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The template as it is now.
    pub template: Template,
    /// The version.
    pub version: TemplateVersion,
}

impl Template {
    /// A new template.
    pub fn create(id: TemplateId, content: Content, author: Author<'_>) -> Changed {
        Self::made(id, content, Change::Created, None, author)
    }

    /// One like this, of the author's own: it is private and has no shortcut, which is unique.
    pub fn duplicate(&self, id: TemplateId, name: String, author: Author<'_>) -> Changed {
        let content =
            Content { name, visibility: Visibility::Private, team: None, shortcut: None, ..self.content.clone() };
        Self::made(id, content, Change::Duplicated, Some(self.id.to_string()), author)
    }

    /// A new template of something that is not one: a starter, or what a file holds.
    pub fn bring_in(id: TemplateId, content: Content, origin: Origin, author: Author<'_>) -> Changed {
        Self::made(id, content, origin.change, Some(origin.of), author)
    }

    /// This with the content that what it was made of has now.
    pub fn bring_in_again(&self, content: Content, origin: Origin, author: Author<'_>) -> Changed {
        self.next(content, None, origin.change, Some(origin.of), author)
    }

    fn made(id: TemplateId, content: Content, change: Change, of: Option<String>, author: Author<'_>) -> Changed {
        let by = &author.who.user;
        let template = Self {
            id,
            version: 1,
            content,
            created_by: by.clone(),
            created_at: author.at,
            updated_by: by.clone(),
            updated_at: author.at,
            deleted_at: None,
        };
        template.with_version(change, of, author)
    }

    /// This with other content.
    pub fn edit(&self, content: Content, author: Author<'_>) -> Changed {
        self.next(content, None, Change::Edited, None, author)
    }

    /// This, deleted.
    pub fn delete(&self, author: Author<'_>) -> Changed {
        self.next(self.content.clone(), Some(author.at), Change::Deleted, None, author)
    }

    /// This, no longer deleted.
    pub fn restore(&self, author: Author<'_>) -> Changed {
        self.next(self.content.clone(), None, Change::Restored, None, author)
    }

    /// This with the content of an earlier version. Who sees it stays as it is: that is no matter of its words.
    pub fn revert(&self, to: &TemplateVersion, author: Author<'_>) -> Changed {
        let Content { visibility, team, .. } = self.content.clone();
        let content = Content { visibility, team, ..to.content.clone() };
        self.next(content, None, Change::Reverted, Some(to.version.to_string()), author)
    }

    fn next(
        &self,
        content: Content,
        deleted_at: Option<Timestamp>,
        change: Change,
        of: Option<String>,
        author: Author<'_>,
    ) -> Changed {
        let template = Self {
            version: self.version + 1,
            content,
            updated_by: author.who.user.clone(),
            updated_at: author.at,
            deleted_at,
            ..self.clone()
        };
        template.with_version(change, of, author)
    }

    fn with_version(self, change: Change, of: Option<String>, author: Author<'_>) -> Changed {
        let version = TemplateVersion {
            template_id: self.id,
            version: self.version,
            change,
            of,
            reason: author.reason,
            by: self.updated_by.clone(),
            at: self.updated_at,
            content: self.content.clone(),
        };
        Changed { template: self, version }
    }

    /// Whether somebody sees it. What they do not see is not there for them.
    pub fn is_seen_by(&self, who: &Identity) -> bool {
        may_see(who, self.content.visibility, self.content.team.as_ref(), &self.created_by)
    }

    /// Whether somebody who sees it and may write templates may change it: what everybody sees is an admin's to change.
    pub fn is_changed_by(&self, who: &Identity) -> bool {
        self.is_seen_by(who) && may_set(who, &self.content)
    }
}

/// Whether somebody sees what somebody made for these.
pub fn may_see(who: &Identity, visibility: Visibility, team: Option<&TeamId>, made_by: &UserId) -> bool {
    match visibility {
        Visibility::Private => *made_by == who.user,
        Visibility::Team => is_of_team(who, team),
        Visibility::Everyone => true,
    }
}

/// Whether somebody may give a template this visibility.
pub fn may_set(who: &Identity, content: &Content) -> bool {
    match content.visibility {
        Visibility::Private => true,
        Visibility::Team => is_of_team(who, content.team.as_ref()),
        Visibility::Everyone => who.role.may(Permission::PublishTemplates),
    }
}

/// Who may publish is of every team.
fn is_of_team(who: &Identity, team: Option<&TeamId>) -> bool {
    who.role.may(Permission::PublishTemplates) || team.is_some_and(|team| who.teams.contains(team))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Role;

    fn identity(user: &str, role: Role, teams: &[&str]) -> Identity {
        let teams = teams.iter().map(|team| team.parse().unwrap()).collect();
        Identity { tenant: "acme".parse().unwrap(), user: user.parse().unwrap(), role, teams }
    }

    fn content(visibility: Visibility, team: Option<&str>) -> Content {
        Content {
            name: "Refund".to_owned(),
            source: "Hello".to_owned(),
            format: Format::Text,
            language: "en".to_owned(),
            category: Vec::new(),
            tags: Vec::new(),
            visibility,
            team: team.map(|team| team.parse().unwrap()),
            intents: Vec::new(),
            shortcut: None,
            variables: Vec::new(),
        }
    }

    fn author(who: &Identity) -> Author<'_> {
        Author { who, at: Timestamp::UNIX_EPOCH, reason: None }
    }

    fn template(content: Content, who: &Identity) -> Template {
        Template::create(TemplateId::new(Uuid::from_u128(1)), content, author(who)).template
    }

    #[test]
    fn who_sees_and_who_changes() {
        let ann = identity("ann", Role::Agent, &["emea"]);
        let people = [
            ("ann", ann.clone()),
            ("bob, her team", identity("bob", Role::Agent, &["emea"])),
            ("cid, another team", identity("cid", Role::Agent, &["apac"])),
            ("dan, an admin", identity("dan", Role::Admin, &[])),
        ];
        let mut table = String::new();
        for content in [
            content(Visibility::Private, None),
            content(Visibility::Team, Some("emea")),
            content(Visibility::Everyone, None),
        ] {
            let template = template(content, &ann);
            for (name, who) in &people {
                let cell = (template.is_seen_by(who), template.is_changed_by(who));
                let may = match cell {
                    (true, true) => "sees and changes",
                    (true, false) => "sees",
                    _ => "-",
                };
                table += &format!("{:?}: {name}: {may}\n", template.content.visibility);
            }
        }
        insta::assert_snapshot!(table, @r#"
            Private: ann: sees and changes
            Private: bob, her team: -
            Private: cid, another team: -
            Private: dan, an admin: -
            Team: ann: sees and changes
            Team: bob, her team: sees and changes
            Team: cid, another team: -
            Team: dan, an admin: sees and changes
            Everyone: ann: sees
            Everyone: bob, her team: sees
            Everyone: cid, another team: sees
            Everyone: dan, an admin: sees and changes
            "#);
    }

    #[test]
    fn history_only_grows() {
        let ann = identity("ann", Role::Agent, &[]);
        let first =
            Template::create(TemplateId::new(Uuid::from_u128(1)), content(Visibility::Private, None), author(&ann));
        let edited = first
            .template
            .edit(Content { name: "Money back".to_owned(), ..first.template.content.clone() }, author(&ann));
        let deleted = edited.template.delete(author(&ann));
        let restored = deleted.template.restore(author(&ann));
        let reverted = restored.template.revert(&first.version, author(&ann));
        let versions: Vec<_> = [&first, &edited, &deleted, &restored, &reverted]
            .map(|changed| (changed.version.version, changed.version.change))
            .into();
        assert_eq!(
            versions,
            [
                (1, Change::Created),
                (2, Change::Edited),
                (3, Change::Deleted),
                (4, Change::Restored),
                (5, Change::Reverted)
            ]
        );
        assert_eq!((deleted.template.deleted_at.is_some(), restored.template.deleted_at), (true, None));
        assert_eq!(reverted.template.content, first.template.content);
        assert_eq!(reverted.version.of.as_deref(), Some("1"));
    }

    #[test]
    fn a_duplicate_is_ones_own_and_has_no_shortcut() {
        let (ann, bob) = (identity("ann", Role::Admin, &[]), identity("bob", Role::Agent, &[]));
        let shared = Content { shortcut: Some("refund".parse().unwrap()), ..content(Visibility::Everyone, None) };
        let copy =
            template(shared, &ann).duplicate(TemplateId::new(Uuid::from_u128(2)), "Mine".to_owned(), author(&bob));
        assert_eq!((copy.template.content.visibility, &copy.template.content.shortcut), (Visibility::Private, &None));
        assert!(copy.template.is_changed_by(&bob) && !copy.template.is_seen_by(&ann));
    }

    #[test]
    fn content_that_makes_no_sense_is_refused_with_its_field() {
        let field = |change: fn(&mut Content)| {
            let mut content = content(Visibility::Private, None);
            change(&mut content);
            content.check().err().map(|invalid| invalid.field)
        };
        assert_eq!(field(|_| {}), None);
        assert_eq!(field(|content| content.name = " x".to_owned()).as_deref(), Some("/name"));
        assert_eq!(field(|content| content.language = "e".to_owned()).as_deref(), Some("/language"));
        assert_eq!(field(|content| content.category = vec!["a".to_owned(); 6]).as_deref(), Some("/category"));
        assert_eq!(field(|content| content.tags = vec!["a".to_owned(), String::new()]).as_deref(), Some("/tags/1"));
        assert_eq!(field(|content| content.visibility = Visibility::Team).as_deref(), Some("/team"));
        assert_eq!(field(|content| content.team = "t".parse().ok()).as_deref(), Some("/team"));
        let twice = |content: &mut Content| content.variables = vec![Variable::new("a", VariableType::Text); 2];
        assert_eq!(field(twice).as_deref(), Some("/variables/1/name"));
        let below = |content: &mut Content| {
            content.variables = ["a.b", "a"].map(|name| Variable::new(name, VariableType::Text)).into();
        };
        assert_eq!(field(below).as_deref(), Some("/variables/1/name"));
        let wrong = |content: &mut Content| content.variables = vec![Variable::new("a", VariableType::Select)];
        assert_eq!(field(wrong).as_deref(), Some("/variables/0/options"));
        let large = |content: &mut Content| {
            let variable = |at| Variable {
                options: (0..100).map(|option| format!("{option:0200}")).collect(),
                ..Variable::new(format!("v{at}"), VariableType::Select)
            };
            content.variables = (0..10).map(variable).collect();
        };
        assert_eq!(field(large).as_deref(), Some("/variables"), "an item of the table would be too large");
    }

    #[test]
    fn a_shortcut_has_one_spelling() {
        assert_eq!("/Refund-2".parse::<Shortcut>().unwrap().to_string(), "/refund-2");
        for wrong in ["", "/", "a b", "//a", "ä", &"x".repeat(33)] {
            assert!(wrong.parse::<Shortcut>().is_err(), "{wrong}");
        }
    }
}
