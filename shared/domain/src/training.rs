//! One run of training, from a list of uploads to a model version.

use romashka_learning::Parameters;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::feed::Transition;
use crate::time::millis_between;
use crate::{CorrelationId, Fault, ModelId, NotAllowed, Timestamp, TrainingSessionId, UploadId, UserId};

/// The most uploads one session may draw on.
pub const MAX_UPLOADS: usize = 100;

/// The most batches one session may split into.
pub const MAX_BATCHES: u32 = 4_000;

/// How often one session may be started. It bounds the history that every frame carries.
pub const MAX_ATTEMPTS: u32 = 20;

/// What AWS asks for a gigabyte-second of an arm64 function, in US dollars (us-east-1, first tier).
const USD_PER_GB_SECOND: f64 = 0.000_013_333_4;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Waits for its turn.
    Queued,
    /// Its sources are being listed and split into batches.
    Preparing,
    /// Batches are being turned into features, then one model is fitted to them.
    Training,
    /// The model is fitted and measured on the hold-out; what it scored and what it is are being stored.
    Evaluating,
    /// The model is ready to be deployed.
    Completed,
    /// It cannot go on; `error` says why. It may be retried.
    Failed,
    /// Somebody stopped it. It may be retried.
    Cancelled,
}

impl SessionState {
    /// Whether nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The name as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Training => "training",
            Self::Evaluating => "evaluating",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What the state `training` is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Many workers turn batches of rows into features.
    Featurising,
    /// One reducer fits the model to all of them.
    Fitting,
}

/// A run of training as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSession {
    /// Identifies it.
    pub id: TrainingSessionId,
    /// Where it stands.
    pub state: SessionState,
    /// What the state `training` is busy with.
    pub stage: Stage,
    /// The uploads it learns from, each once, in order of id.
    pub upload_ids: Vec<UploadId>,
    /// How it learns.
    pub parameters: Parameters,
    /// Whether its model is deployed where it is better than the one that answers.
    #[serde(default)]
    pub auto_deploy: bool,
    /// Batches whose effect is in.
    pub batches_done: u32,
    /// Batches in all; zero until they are counted.
    pub batches_total: u32,
    /// Rows in the batches done.
    pub rows: u64,
    /// How far fitting has come, in thousandths.
    pub fitted_permille: u32,
    /// Function time used so far, in gigabyte-milliseconds.
    pub gb_millis: u64,
    /// The model version it makes.
    pub model_id: ModelId,
    /// Why it failed, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// How often it was started.
    pub attempt: u32,
    /// The last request to cancel or retry it, so that a repetition is known for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_command: Option<Uuid>,
    /// Counts every change.
    pub seq: u64,
    /// Every state it entered, in order.
    pub transitions: Vec<Transition<SessionState>>,
    /// Follows the work it caused through logs and frames.
    pub correlation_id: CorrelationId,
    /// Who started it.
    pub created_by: UserId,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A run of training as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TrainingSession)]
pub struct SessionView {
    /// Identifies it.
    pub id: TrainingSessionId,
    /// Where it stands.
    pub state: SessionState,
    /// What the state `training` is busy with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The uploads it learns from.
    pub upload_ids: Vec<UploadId>,
    /// How it learns.
    pub parameters: Parameters,
    /// Whether its model is deployed where it is better than the one that answers.
    pub auto_deploy: bool,
    /// Batches whose effect is in, of how many.
    pub batches: Batches,
    /// Rows in the batches done.
    pub rows: u64,
    /// How far it has come, 0 to 1.
    pub progress: f64,
    /// Seconds it will probably still take; absent before there is anything to judge by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<u64>,
    /// What it has cost so far.
    pub cost: Cost,
    /// The model it made; absent until it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<ModelId>,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// How often it was started.
    pub attempt: u32,
    /// Counts every change.
    pub seq: u64,
    /// Every state it entered, in order.
    pub transitions: Vec<Transition<SessionState>>,
    /// Follows the work it caused through logs and frames.
    pub correlation_id: CorrelationId,
    /// Who started it.
    pub created_by: UserId,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A count of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Batches {
    /// Whose effect is in.
    pub done: u32,
    /// In all; zero until they are counted.
    pub total: u32,
}

/// Function time and what it costs on AWS.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Cost {
    /// Gigabyte-seconds of function time.
    pub gb_seconds: f64,
    /// The same at AWS's list price, in US dollars, without requests, storage or free tier.
    pub usd: f64,
}

/// Who starts a session, of what, and under which names.
#[derive(Clone, Debug)]
pub struct Order {
    /// Names the session.
    pub id: TrainingSessionId,
    /// Names the model it will make.
    pub model_id: ModelId,
    /// What it learns from.
    pub upload_ids: Vec<UploadId>,
    /// How.
    pub parameters: Parameters,
    /// Whether the model is to be deployed where it is better than the one that answers.
    pub auto_deploy: bool,
    /// Follows the work.
    pub correlation_id: CorrelationId,
    /// Who asked.
    pub created_by: UserId,
}

impl TrainingSession {
    /// A session that waits for its turn.
    pub fn queued(order: Order, now: Timestamp) -> Self {
        let mut upload_ids = order.upload_ids;
        upload_ids.sort_unstable();
        upload_ids.dedup();
        Self {
            id: order.id,
            state: SessionState::Queued,
            stage: Stage::Featurising,
            upload_ids,
            parameters: order.parameters,
            auto_deploy: order.auto_deploy,
            batches_done: 0,
            batches_total: 0,
            rows: 0,
            fitted_permille: 0,
            gb_millis: 0,
            model_id: order.model_id,
            error: None,
            attempt: 1,
            last_command: None,
            seq: 1,
            transitions: vec![Transition { seq: 1, state: SessionState::Queued, at: now }],
            correlation_id: order.correlation_id,
            created_by: order.created_by,
            created_at: now,
            updated_at: now,
        }
    }

    /// Starts to split the sources. Repeating it changes nothing.
    pub fn begin_preparing(&mut self, now: Timestamp) -> Result<(), NotAllowed> {
        match self.state {
            SessionState::Preparing => Ok(()),
            SessionState::Queued => {
                self.enter(SessionState::Preparing, now);
                Ok(())
            }
            _ => Err(self.refuse("be prepared")),
        }
    }

    /// Starts to featurise `batches` batches, of which an earlier attempt has brought in `done` with `rows` rows.
    pub fn begin_training(&mut self, batches: u32, done: u32, rows: u64, now: Timestamp) -> Result<(), NotAllowed> {
        if self.state != SessionState::Preparing {
            return Err(self.refuse("begin to train"));
        }
        self.batches_total = batches;
        self.batches_done = done;
        self.rows = rows;
        self.stage = Stage::Featurising;
        self.enter(SessionState::Training, now);
        Ok(())
    }

    /// Whether every batch's effect is in and nobody has begun to fit.
    pub fn is_ready_to_fit(&self) -> bool {
        self.state == SessionState::Training
            && self.stage == Stage::Featurising
            && self.batches_total > 0
            && self.batches_done >= self.batches_total
    }

    /// Whether the reducer has work here.
    pub fn is_fitting(&self) -> bool {
        self.state == SessionState::Evaluating || (self.state == SessionState::Training && self.stage == Stage::Fitting)
    }

    /// Flips from featurising to fitting, once.
    pub fn begin_fitting(&mut self, now: Timestamp) -> Result<(), NotAllowed> {
        if !self.is_ready_to_fit() {
            return Err(self.refuse("begin to fit"));
        }
        self.stage = Stage::Fitting;
        self.touch(now);
        Ok(())
    }

    /// Notes how far fitting has come, in thousandths.
    pub fn fitted(&mut self, permille: u32, now: Timestamp) -> Result<(), NotAllowed> {
        if !self.is_fitting() {
            return Err(self.refuse("be fitted"));
        }
        self.fitted_permille = self.fitted_permille.max(permille.min(1000));
        self.touch(now);
        Ok(())
    }

    /// Starts to measure the model. Repeating it changes nothing.
    pub fn begin_evaluating(&mut self, now: Timestamp) -> Result<(), NotAllowed> {
        match (self.state, self.stage) {
            (SessionState::Evaluating, _) => Ok(()),
            (SessionState::Training, Stage::Fitting) => {
                self.fitted_permille = 1000;
                self.enter(SessionState::Evaluating, now);
                Ok(())
            }
            _ => Err(self.refuse("be evaluated")),
        }
    }

    /// Ends it with a model.
    pub fn complete(&mut self, now: Timestamp) -> Result<(), NotAllowed> {
        if self.state != SessionState::Evaluating {
            return Err(self.refuse("be completed"));
        }
        self.enter(SessionState::Completed, now);
        Ok(())
    }

    /// Ends it without one.
    pub fn fail(&mut self, fault: Fault, now: Timestamp) -> Result<(), NotAllowed> {
        if self.state.is_final() {
            return Err(self.refuse("fail"));
        }
        self.error = Some(fault);
        self.enter(SessionState::Failed, now);
        Ok(())
    }

    /// Stops it. A worker notices before its next batch.
    pub fn cancel(&mut self, now: Timestamp) -> Result<(), NotAllowed> {
        if self.state.is_final() {
            return Err(self.refuse("be cancelled"));
        }
        self.enter(SessionState::Cancelled, now);
        Ok(())
    }

    /// Queues a failed or cancelled session again. What its batches have brought in stays; only the rest is done.
    pub fn retry(&mut self, now: Timestamp) -> Result<(), NotAllowed> {
        if !matches!(self.state, SessionState::Failed | SessionState::Cancelled) {
            return Err(self.refuse("be retried"));
        }
        if self.attempt >= MAX_ATTEMPTS {
            return Err(self.refuse("be retried more often; start a new one"));
        }
        self.error = None;
        self.attempt += 1;
        self.stage = Stage::Featurising;
        self.fitted_permille = 0;
        self.enter(SessionState::Queued, now);
        Ok(())
    }

    /// Does what a request asks for, unless this very request did it before.
    pub fn command(
        &mut self,
        request: Uuid,
        step: impl FnOnce(&mut Self) -> Result<(), NotAllowed>,
    ) -> Result<(), NotAllowed> {
        if self.last_command == Some(request) {
            return Ok(());
        }
        step(self)?;
        self.last_command = Some(request);
        Ok(())
    }

    /// The session as people see it at `now`.
    pub fn view(&self, now: Timestamp) -> SessionView {
        let gb_seconds = self.gb_millis as f64 / 1000.0;
        let training = self.state == SessionState::Training;
        SessionView {
            id: self.id,
            state: self.state,
            stage: training.then_some(self.stage),
            upload_ids: self.upload_ids.clone(),
            parameters: self.parameters.clone(),
            auto_deploy: self.auto_deploy,
            batches: Batches { done: self.batches_done, total: self.batches_total },
            rows: self.rows,
            progress: self.progress(),
            eta_seconds: self.eta_seconds(now),
            cost: Cost { gb_seconds, usd: gb_seconds * USD_PER_GB_SECOND },
            model_id: (self.state == SessionState::Completed).then_some(self.model_id),
            error: self.error.clone(),
            attempt: self.attempt,
            seq: self.seq,
            transitions: self.transitions.clone(),
            correlation_id: self.correlation_id.clone(),
            created_by: self.created_by.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The share of the whole that is done, by what the stages took in measurements: featurising half of it.
    fn progress(&self) -> f64 {
        let featurised = match self.batches_total {
            0 => 0.0,
            total => f64::from(self.batches_done.min(total)) / f64::from(total),
        };
        match self.state {
            SessionState::Queued => 0.0,
            SessionState::Preparing => 0.02,
            SessionState::Training | SessionState::Failed | SessionState::Cancelled => {
                0.05 + 0.5 * featurised + 0.4 * f64::from(self.fitted_permille) / 1000.0
            }
            SessionState::Evaluating => 0.95,
            SessionState::Completed => 1.0,
        }
    }

    fn eta_seconds(&self, now: Timestamp) -> Option<u64> {
        if !matches!(self.state, SessionState::Training | SessionState::Evaluating) {
            return None;
        }
        let queued = self.transitions.iter().rfind(|transition| transition.state == SessionState::Queued)?;
        let progress = self.progress();
        if progress <= 0.05 {
            return None;
        }
        let elapsed = millis_between(queued.at, now) as f64;
        Some((elapsed * (1.0 - progress) / progress / 1000.0).ceil() as u64)
    }

    fn refuse(&self, action: &'static str) -> NotAllowed {
        NotAllowed { what: "training session", state: self.state.name(), action }
    }

    fn enter(&mut self, state: SessionState, now: Timestamp) {
        self.touch(now);
        self.state = state;
        self.transitions.push(Transition { seq: self.seq, state, at: now });
    }

    fn touch(&mut self, now: Timestamp) {
        self.seq += 1;
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn session() -> TrainingSession {
        let order = Order {
            id: TrainingSessionId::new(Uuid::nil()),
            model_id: ModelId::new(Uuid::nil()),
            upload_ids: vec![
                UploadId::new(Uuid::from_u128(2)),
                UploadId::new(Uuid::from_u128(1)),
                UploadId::new(Uuid::from_u128(2)),
            ],
            parameters: Parameters::default(),
            auto_deploy: false,
            correlation_id: "c".parse().unwrap(),
            created_by: "u".parse().unwrap(),
        };
        TrainingSession::queued(order, NOW)
    }

    #[test]
    fn sources_are_kept_once_and_in_one_order() {
        assert_eq!(session().upload_ids, [UploadId::new(Uuid::from_u128(1)), UploadId::new(Uuid::from_u128(2))]);
    }

    #[test]
    fn fitting_begins_once_and_only_when_every_batch_is_in() {
        let mut session = session();
        session.begin_preparing(NOW).unwrap();
        session.begin_training(2, 0, 0, NOW).unwrap();
        session.batches_done = 1;
        assert!(session.begin_fitting(NOW).is_err());
        session.batches_done = 2;
        assert!(session.begin_fitting(NOW).is_ok());
        assert!(session.begin_fitting(NOW).is_err());
    }

    #[test]
    fn a_cancelled_session_takes_no_result() {
        let mut session = session();
        session.begin_preparing(NOW).unwrap();
        session.begin_training(1, 0, 0, NOW).unwrap();
        session.cancel(NOW).unwrap();
        assert!(session.begin_evaluating(NOW).is_err());
        assert!(session.complete(NOW).is_err());
        assert_eq!(session.view(NOW).model_id, None);
    }

    #[test]
    fn a_retry_keeps_the_batches_that_are_in() {
        let mut session = session();
        session.begin_preparing(NOW).unwrap();
        session.begin_training(2, 0, 0, NOW).unwrap();
        session.batches_done = 1;
        session.fail(Fault::new("x", "y"), NOW).unwrap();
        session.retry(NOW).unwrap();
        assert_eq!((session.batches_done, session.attempt, session.error.as_ref()), (1, 2, None));
    }

    #[test]
    fn a_request_that_arrives_again_commands_nothing_anew() {
        let mut session = session();
        let request = Uuid::from_u128(9);
        session.command(request, |session| session.cancel(NOW)).unwrap();
        let cancelled = session.clone();
        session.command(request, |session| session.cancel(NOW)).unwrap();
        assert_eq!(session, cancelled);
        assert!(session.command(Uuid::from_u128(10), |session| session.cancel(NOW)).is_err());
    }

    proptest! {
        #[test]
        fn any_order_of_steps_keeps_the_history_honest(steps in prop::collection::vec(0u8..10, 0..60)) {
            let mut session = session();
            for step in steps {
                let before = session.clone();
                let taken = match step {
                    0 => session.begin_preparing(NOW),
                    1 => session.begin_training(1, 0, 0, NOW),
                    2 => { if session.batches_total > 0 { session.batches_done = 1; } Ok(()) }
                    3 => session.begin_fitting(NOW),
                    4 => session.fitted(500, NOW),
                    5 => session.begin_evaluating(NOW),
                    6 => session.complete(NOW),
                    7 => session.fail(Fault::new("x", "y"), NOW),
                    8 => session.cancel(NOW),
                    _ => session.retry(NOW),
                };
                if taken.is_err() {
                    prop_assert_eq!(&before, &session, "a refused step changes nothing");
                }
                if before.state == SessionState::Completed {
                    prop_assert_eq!(session.state, SessionState::Completed, "completed is the end");
                }
                prop_assert_eq!(session.transitions.last().unwrap().state, session.state);
                prop_assert!(session.transitions.windows(2).all(|pair| pair[0].seq < pair[1].seq));
                prop_assert!(session.seq >= before.seq);
                prop_assert!((0.0..=1.0).contains(&session.view(NOW).progress));
            }
        }
    }
}
