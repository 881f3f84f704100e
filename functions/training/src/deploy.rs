//! Lets a model version answer.

use romashka_domain::model::{Decision, Deployment, DeploymentCause, Model, Thresholds};
use romashka_domain::{ModelId, Permission};
use romashka_http::{IdempotencyKey, IfMatch, Problem, Refusals, Reply, Request, conflict, invalid_field, not_found};
use serde::Deserialize;
use utoipa::ToSchema;

/// Agreement below which nobody wants to be answered.
const LEAST_AGREEMENT: f64 = 0.5;

/// How to deploy.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeployment {
    /// The limits to act by; the model's own where they are left out. Deploying the version that answers already with
    /// other limits changes them.
    #[serde(default)]
    pub thresholds: Option<NewThresholds>,
    /// Agreement with people that past replies must promise, 0.5 to 1: the threshold `reply` is read off the version's curve.
    /// The version's own, for nine of ten, where it is left out.
    #[serde(default)]
    #[schema(minimum = 0.5, maximum = 1.0)]
    pub agreement: Option<f64>,
}

/// Limits of a deployment; the model's own where they are left out.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewThresholds {
    /// Budget of the operating point, 0 to 0.1.
    #[serde(default)]
    #[schema(minimum = 0.0, maximum = 0.1)]
    pub out_of_scope_budget: Option<f32>,
    /// Confidence from which the top intent is acted upon, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub sure: Option<f64>,
    /// Lead of the top intent over the runner-up from which it is acted upon, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub gap: Option<f64>,
    /// Probability from which an agent's past reply is given, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub reply: Option<f64>,
    /// Probability from which an entry of an FAQ or an article is given, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub curated: Option<f64>,
}

impl NewDeployment {
    /// The limits that are asked for, with the model's own in place of those left out; `None` where nothing is asked for.
    fn chosen(&self, model: &Model) -> Result<Option<Thresholds>, Problem> {
        if self.thresholds.is_none() && self.agreement.is_none() {
            return Ok(None);
        }
        let (own, new) = (Thresholds::of(model), self.thresholds.unwrap_or_default());
        let reply = match self.agreement {
            Some(_) if new.reply.is_some() => {
                return Err(invalid_field(
                    "/agreement",
                    "both",
                    "names an agreement where `thresholds.reply` is named, too",
                ));
            }
            Some(target) => agreeing(model, target)?,
            None => new.reply.unwrap_or(own.reply),
        };
        Ok(Some(Thresholds {
            out_of_scope_budget: new.out_of_scope_budget.unwrap_or(own.out_of_scope_budget),
            sure: new.sure.unwrap_or(own.sure),
            gap: new.gap.unwrap_or(own.gap),
            reply,
            curated: new.curated.unwrap_or(own.curated),
        }))
    }
}

/// The lowest threshold of past replies at which a version agrees with people this often.
fn agreeing(model: &Model, target: f64) -> Result<f64, Problem> {
    if !(LEAST_AGREEMENT..=1.0).contains(&target) {
        return Err(invalid_field("/agreement", "out_of_range", "lies outside 0.5 to 1"));
    }
    let agreement = model.knowledge.as_ref().and_then(|knowledge| knowledge.agreement.as_ref());
    let agreement = agreement.ok_or_else(|| {
        conflict("no_agreement", "this version has too few past questions to know its agreement; name a threshold")
    })?;
    agreement.threshold_for(target).ok_or_else(|| {
        conflict("agreement_not_reached", "no threshold of this version reaches this agreement; see its curve")
    })
}

/// Deploy a model version. It answers from the next question on.
#[utoipa::path(
    post, path = "/v1/models/{model_id}/deploy", operation_id = "models.deploy", tag = "models",
    params(("model_id" = String, Path, format = "uuid", description = "The model version."), IdempotencyKey, IfMatch),
    request_body = Option<NewDeployment>,
    responses((status = 200, description = "The deployment now in force.", body = Deployment), Refusals)
)]
pub async fn deploy_model(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Deploy)?;
    let id: ModelId = request.path_id("model_id", "model")?;
    let expected = request.if_match()?;
    let new: NewDeployment = request.json_or_default()?;
    let (store, user) = (caller.store.clone(), caller.identity.user.clone());
    request
        .once("models.deploy", &caller, |decision| async move {
            let model = store.models().get(id).await?.ok_or_else(|| not_found("model"))?;
            let current = store.deployments().current().await?;
            let chosen = new.chosen(&model)?;
            let thresholds = chosen.unwrap_or_else(|| Thresholds::of(&model));
            if let Some(limit) = thresholds.invalid() {
                return Err(invalid_field(format!("/thresholds/{limit}"), "out_of_range", "lies outside its range"));
            }
            // It answers already: decided before, or by an earlier arrival of this request that crashed.
            let is_in_force = |current: &&Deployment| {
                let version = &current.version;
                version.model_id == id && chosen.is_none_or(|thresholds| thresholds == version.thresholds)
            };
            if let Some(current) = current.as_ref().filter(is_in_force) {
                return Ok(Reply::ok(current)?.etag(current.revision));
            }
            check_version(current.as_ref(), expected)?;
            let decision = Decision { id: decision, cause: DeploymentCause::Deploy, by: user, at: store.now() };
            let next = Deployment::deploy(current.as_ref(), &model, thresholds, decision);
            if !store.deployments().supersede(current.as_ref(), &next).await? {
                return Err(overtaken());
            }
            Ok(Reply::ok(&next)?.etag(next.revision))
        })
        .await
}

/// Refuses a client that decided on the ground of another deployment than the one in force.
pub(crate) fn check_version(current: Option<&Deployment>, expected: Option<u64>) -> Result<(), Problem> {
    let revision = current.map_or(0, |current| current.revision);
    if expected.is_none_or(|expected| expected == revision) {
        return Ok(());
    }
    Err(Problem::precondition_failed("another deployment is in force by now; read it and decide again"))
}

pub(crate) fn overtaken() -> Problem {
    Problem::precondition_failed("somebody else deployed at the same moment; read the deployment and decide again")
}
