//! A template as its caller may see and change it.

use std::collections::BTreeSet;

use romashka_domain::audit::AuditRecord;
use romashka_domain::template::{Author, Changed, Content, Template, may_set};
use romashka_domain::{Permission, TemplateId};
use romashka_http::{Caller, Problem, Reply, Request, conflict, not_found};
use romashka_store::templates::Written;
use serde_json::Value;

pub const WHAT: &str = "template";

/// The template that the path names. One that the caller does not see is not there.
pub async fn seen(request: &Request, caller: &Caller) -> Result<Template, Problem> {
    let id: TemplateId = request.path_id("template_id", WHAT)?;
    let template = caller.store.templates().get(id).await?;
    template.filter(|template| template.is_seen_by(&caller.identity)).ok_or_else(|| not_found(WHAT))
}

/// The same, and it is not deleted.
pub async fn in_use(request: &Request, caller: &Caller) -> Result<Template, Problem> {
    let template = seen(request, caller).await?;
    match template.deleted_at {
        None => Ok(template),
        Some(_) => Err(conflict("template_deleted", "the template is deleted; restore it first")),
    }
}

/// The same, and the caller may change it, as the version that `If-Match` names.
pub async fn changeable(request: &Request, caller: &Caller) -> Result<Template, Problem> {
    let template = in_use(request, caller).await?;
    as_read(request, caller, &template)?;
    Ok(template)
}

/// Whether the caller may change this template, and has read it as it is.
pub fn as_read(request: &Request, caller: &Caller, template: &Template) -> Result<(), Problem> {
    if !template.is_changed_by(&caller.identity) {
        return Err(Problem::forbidden(publishing()));
    }
    if request.if_match()?.is_some_and(|version| version != template.version) {
        return Err(overtaken());
    }
    Ok(())
}

/// Whether the caller may let those see a template who are to see it.
pub fn may_publish(caller: &Caller, content: &Content) -> Result<(), Problem> {
    if may_set(&caller.identity, content) { Ok(()) } else { Err(Problem::forbidden(publishing())) }
}

fn publishing() -> String {
    let role = format!("{:?}", Permission::PublishTemplates.least_role()).to_lowercase();
    format!("what everybody sees, or a team that you are not of, needs the role {role} or a more powerful one")
}

fn overtaken() -> Problem {
    Problem::precondition_failed("the template was changed meanwhile; read it and change it again")
}

/// The author of a change.
pub fn author(caller: &Caller, reason: Option<String>) -> Author<'_> {
    Author { who: &caller.identity, at: caller.store.now(), reason }
}

/// Makes a change and answers with the template as it is then. One that is made already, by an arrival of the same request that
/// crashed, is found.
pub async fn write(caller: &Caller, before: Option<&Template>, changed: Changed) -> Result<Template, Problem> {
    let templates = caller.store.templates();
    match templates.write(before, &changed, &record(caller, before, &changed)).await? {
        Written::Done => Ok(changed.template),
        Written::ShortcutTaken => {
            let shortcut = changed.template.content.shortcut.map(|shortcut| shortcut.to_string()).unwrap_or_default();
            Err(conflict("shortcut_taken", format!("another template has the shortcut {shortcut}; choose another one")))
        }
        Written::Overtaken => {
            let now = templates.get(changed.template.id).await?;
            now.filter(|now| before.is_none() && now.content == changed.template.content).ok_or_else(overtaken)
        }
    }
}

/// The template, as the answer to a request that changed it.
pub fn changed(template: &Template) -> Result<Reply, Problem> {
    Ok(Reply::ok(template)?.etag(template.version))
}

fn record(caller: &Caller, before: Option<&Template>, changed: &Changed) -> AuditRecord {
    let (template, version) = (&changed.template, &changed.version);
    let name = serde_json::to_value(version.change).ok().and_then(|name| name.as_str().map(str::to_owned));
    let mut record = AuditRecord::new(
        &caller.identity,
        version.at,
        format!("template.{}", name.unwrap_or_default()),
        format!("templates/{}", template.id),
        version.version,
    );
    let content = |template: &Template| serde_json::to_value(&template.content).unwrap_or_default();
    record.fields = differing(&before.map(content).unwrap_or_default(), &content(template));
    record
}

/// The names of fields that two contents do not share.
pub fn differing(before: &Value, after: &Value) -> Vec<String> {
    let fields =
        |value: &'_ Value| value.as_object().into_iter().flat_map(serde_json::Map::keys).cloned().collect::<Vec<_>>();
    let names: BTreeSet<String> = [before, after].into_iter().flat_map(fields).collect();
    names.into_iter().filter(|name| before.get(name) != after.get(name)).collect()
}
