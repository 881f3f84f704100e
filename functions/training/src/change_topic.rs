//! A person's decision about a topic.

use romashka_domain::topic::{Topic, TopicChange, TopicRefusal};
use romashka_domain::{Permission, TopicId};
use romashka_http::{IfMatch, Problem, Refusals, Reply, Request, conflict, invalid_field, not_found};

/// Rename a topic, accept it as an intent, ignore it, merge it into another, or have it split by the next training.
#[utoipa::path(
    patch, path = "/v1/topics/{topic_id}", operation_id = "topics.change", tag = "topics",
    params(IfMatch, ("topic_id" = String, Path, format = "uuid", description = "The topic.")),
    request_body = TopicChange,
    responses((status = 200, description = "The topic as decided.", body = Topic), Refusals)
)]
pub async fn change_topic(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::DecideTopics)?;
    let id: TopicId = request.path_id("topic_id", "topic")?;
    let topics = caller.store.topics();
    let current = topics.catalogue().await?;
    current.get(id).ok_or_else(|| not_found("topic"))?;
    let change: TopicChange = request.json()?;
    let expected = request.if_match()?;
    if expected.is_some_and(|expected| expected != current.revision) {
        return Err(Problem::precondition_failed("the topics were changed meanwhile; read them and decide again"));
    }
    let next = current.decided(id, &change, &caller.identity.user, caller.store.now()).map_err(refused)?;
    if !topics.supersede(&current, &next).await? {
        return Err(Problem::precondition_failed("somebody else decided at the same moment; read the topics again"));
    }
    let topic = next.get(id).ok_or_else(|| not_found("topic"))?;
    Ok(Reply::ok(topic)?.etag(next.revision))
}

fn refused(refusal: TopicRefusal) -> Problem {
    let detail = refusal.to_string();
    match refusal {
        TopicRefusal::Unknown => not_found("topic"),
        TopicRefusal::Name => invalid_field("/name", "invalid_name", detail),
        TopicRefusal::NameTaken => conflict("name_taken", detail),
        TopicRefusal::State => invalid_field("/state", "invalid_state", detail),
        TopicRefusal::Both | TopicRefusal::Target => invalid_field("/merge_into", "invalid_target", detail),
        TopicRefusal::SplitMerged => conflict("topic_is_merged", detail),
    }
}
