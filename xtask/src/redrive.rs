//! Puts messages that rest in a dead-letter queue back to work.

use anyhow::{Context, Result};

use crate::cloud::Cloud;
use crate::{root, setup};

/// Moves every message of a queue's dead-letter queue back to the queue.
pub fn redrive(cloud: &Cloud, queue: &str) -> Result<()> {
    let from = cloud.output(&format!("{queue}DeadLettersUrl"))?;
    let to = cloud.output(&format!("{queue}QueueUrl"))?;
    let python = setup::python()?;
    let mut command = std::process::Command::new(python);
    command.arg(root().join("infra/redrive.py")).args(["--from", &from, "--to", &to, "--endpoint", &cloud.endpoint()]);
    setup::run(&mut command).context("not all messages were moved; it is safe to run this again")
}
