//! `Idempotency-Key`: a POST that arrives again has no second effect and is answered as the first time.

use std::future::Future;

use lambda_http::http::StatusCode;
use romashka_store::idempotency::{Arrival, KeptAnswer};
use uuid::Uuid;

use crate::problem::{Problem, conflict, invalid_field};
use crate::{Caller, Reply, Request};

const MAX_KEY_CHARS: usize = 128;

impl Request {
    /// Does `work` once for each `Idempotency-Key` of the caller's tenant; without a key, each time.
    ///
    /// `work` is given the identifier to use for what it makes. An arrival that takes over from one that crashed is
    /// given the same identifier, so `work` must find what is there already instead of making it again.
    pub async fn once<F, W>(&self, operation: &'static str, caller: &Caller, work: F) -> Result<Reply, Problem>
    where
        F: FnOnce(Uuid) -> W,
        W: Future<Output = Result<Reply, Problem>>,
    {
        if !self.has_header("idempotency-key") {
            return work(caller.store.ids().next()).await;
        }
        let key = self.header("idempotency-key").filter(|key| (1..=MAX_KEY_CHARS).contains(&key.len()));
        let Some(key) = key else {
            let detail = format!("must be 1 to {MAX_KEY_CHARS} visible ASCII characters");
            return Err(invalid_field("Idempotency-Key", "invalid_idempotency_key", detail));
        };
        let request = [self.resource.as_bytes(), b"\n", &self.body].concat();
        let kept = caller.store.idempotency();
        let id = match kept.arrive(operation, key, &request).await? {
            Arrival::First(id) => id,
            Arrival::Repeated(answer) => return Ok(repeat(answer)),
            Arrival::InProgress => return Err(Problem::in_progress()),
            Arrival::OtherRequest => {
                let detail = "this Idempotency-Key came with another request before; use a new key for a new request";
                return Err(conflict("idempotency_key_reused", detail));
            }
        };
        let done = work(id).await;
        match &done {
            Ok(reply) => kept.keep(operation, key, &request, id, &keep(reply)).await?,
            Err(problem) if problem.status().is_server_error() => kept.release(operation, key, &request, id).await?,
            Err(_) => kept.forget(operation, key).await?,
        }
        done
    }
}

fn keep(reply: &Reply) -> KeptAnswer {
    KeptAnswer { status: reply.status.as_u16(), headers: reply.headers.clone(), body: reply.body.clone() }
}

fn repeat(answer: KeptAnswer) -> Reply {
    let mut headers = answer.headers;
    headers.push(("idempotency-replayed".to_owned(), "true".to_owned()));
    Reply { status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK), headers, body: answer.body }
}
