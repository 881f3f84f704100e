//! What rendering a template may cost.

use std::time::Duration;

use crate::render::Fault;
use crate::value::Value;

/// Bounds of one rendering.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Steps: each thing rendered, each filter, each item looked at is one, and so are every 64 bytes that a filter goes
    /// through.
    pub steps: u64,
    /// Bytes of the rendered text, and of every text on the way to it.
    pub output_bytes: usize,
    /// Items of a list, and turns of a loop.
    pub items: usize,
    /// Time, for what steps do not foresee.
    pub time: Duration,
}

impl Default for Limits {
    /// What an answer to a customer never needs.
    fn default() -> Self {
        Self { steps: 100_000, output_bytes: 256 * 1024, items: 1_000, time: Duration::from_millis(40) }
    }
}

/// Bytes that a step may go through.
const BYTES_OF_A_STEP: usize = 64;
/// Steps between two looks at the clock.
const STEPS_OF_A_LOOK: u64 = 64;

/// Counts what a rendering costs.
pub(crate) struct Meter<'run> {
    limits: Limits,
    steps: u64,
    next_look: u64,
    elapsed: &'run dyn Fn() -> Duration,
}

impl<'run> Meter<'run> {
    pub(crate) fn new(limits: Limits, elapsed: &'run dyn Fn() -> Duration) -> Self {
        Self { limits, steps: 0, next_look: 0, elapsed }
    }

    /// One step, or as many as going through so many bytes takes.
    pub(crate) fn step(&mut self, bytes: usize) -> Result<(), Fault> {
        self.steps += 1 + (bytes / BYTES_OF_A_STEP) as u64;
        if self.steps > self.limits.steps {
            return Err(Fault::TooManySteps(self.limits.steps));
        }
        if self.steps >= self.next_look {
            self.next_look = self.steps + STEPS_OF_A_LOOK;
            if (self.elapsed)() > self.limits.time {
                return Err(Fault::TooSlow(self.limits.time));
            }
        }
        Ok(())
    }

    /// Going through a value. Lists share what they hold, so one can hold far more than there is: it is not looked at for longer
    /// than may be gone through.
    pub(crate) fn value(&mut self, value: &Value) -> Result<(), Fault> {
        self.step(value.weight(self.room()))
    }

    /// Comparing two values.
    pub(crate) fn comparison(&mut self, one: &Value, other: &Value) -> Result<(), Fault> {
        self.step(one.cost_of_comparing(other, self.room()))
    }

    /// Bytes that may be gone through before there are too many steps, and one more step.
    pub(crate) fn room(&self) -> usize {
        let steps = usize::try_from(self.limits.steps.saturating_sub(self.steps)).unwrap_or(usize::MAX);
        steps.saturating_add(1).saturating_mul(BYTES_OF_A_STEP)
    }

    /// A text of so many bytes is made.
    pub(crate) fn text(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.limits.output_bytes {
            return Err(Fault::TooLong(self.limits.output_bytes));
        }
        self.step(bytes)
    }

    /// A list of so many items is made or gone through.
    pub(crate) fn items(&mut self, count: usize) -> Result<(), Fault> {
        if count > self.limits.items {
            return Err(Fault::TooManyItems(self.limits.items));
        }
        self.step(count * BYTES_OF_A_STEP)
    }

    /// Steps taken so far.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }
}
