//! One layer: a logit for every emotion and every level, linear in its inputs.
//!
//! Emotions are independent yes-or-no questions (logistic regression); the levels exclude one another (softmax). Both
//! are fitted together by plain stochastic gradient descent with an L2 penalty and a step that falls linearly to zero
//! (Bottou 2012), one row at a time. Stored weights are 8-bit multiples of one scale per input.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{EMOTIONS, LEVELS, OUTPUTS};

/// Inputs that are not zero, by position.
pub(super) type Vector = Vec<(u32, f32)>;

/// Below this the decayed scale is folded into the weights, long before `f32` loses precision.
const SMALLEST_SCALE: f64 = 1e-4;
/// Fixes the order in which rows are visited.
const ORDER_SEED: u64 = 0x656d_6f74_696f_6e01;

/// How a layer is fitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    pub epochs: u32,
    /// Step at the beginning.
    pub learning_rate: f64,
    pub l2: f64,
}

/// What a row should say: 1 for each of its emotions, and for its level.
pub(super) type Target = [f32; OUTPUTS];

/// Rows to learn from, by their number.
pub(super) trait Lesson {
    /// Writes what the layer reads of a row over `vector`.
    fn write_inputs(&self, row: usize, vector: &mut Vector);
    /// The logits of the layer before, or zeros.
    fn said_before(&self, row: usize) -> [f32; OUTPUTS];
    /// What the row should say.
    fn target(&self, row: usize) -> Target;
}

/// A layer being fitted.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub weights: Vec<[f32; OUTPUTS]>,
    pub bias: [f32; OUTPUTS],
}

impl Layer {
    /// Fits a layer to rows, which adds its logits to what the layer before it said of them.
    pub fn fit(dimensions: usize, rows: &[usize], lesson: &impl Lesson, recipe: &Recipe) -> Self {
        let mut layer = Self { weights: vec![[0.0; OUTPUTS]; dimensions], bias: [0.0; OUTPUTS] };
        let steps = f64::from(recipe.epochs) * rows.len() as f64;
        let mut step = 0.0;
        // The weights in use are `scale × weights`: the penalty then costs one multiplication a step.
        let mut scale = 1.0_f64;
        let mut vector = Vector::new();
        let mut order = rows.to_vec();
        for epoch in 0..recipe.epochs {
            order.sort_by_cached_key(|row| (visit(*row, epoch), *row));
            for &row in &order {
                let rate = recipe.learning_rate * (1.0 - step / steps);
                step += 1.0;
                lesson.write_inputs(row, &mut vector);
                let mut gradient = layer.logits(&vector, scale as f32);
                add_scaled(&mut gradient, 1.0, &lesson.said_before(row));
                subtract(&mut gradient, &lesson.target(row));
                layer.descend(&vector, &gradient, rate, scale);
                scale *= 1.0 - rate * recipe.l2;
                if scale < SMALLEST_SCALE {
                    layer.fold(scale as f32);
                    scale = 1.0;
                }
            }
        }
        layer.fold(scale as f32);
        layer
    }

    fn logits(&self, vector: &[(u32, f32)], scale: f32) -> [f32; OUTPUTS] {
        let mut logits = [0.0; OUTPUTS];
        for &(position, value) in vector {
            add_scaled(&mut logits, value, &self.weights[position as usize]);
        }
        for (logit, bias) in logits.iter_mut().zip(&self.bias) {
            *logit = *logit * scale + bias;
        }
        logits
    }

    fn descend(&mut self, vector: &[(u32, f32)], gradient: &[f32; OUTPUTS], rate: f64, scale: f64) {
        let step = (-rate / scale) as f32;
        for &(position, value) in vector {
            add_scaled(&mut self.weights[position as usize], step * value, gradient);
        }
        add_scaled(&mut self.bias, -rate as f32, gradient);
    }

    fn fold(&mut self, scale: f32) {
        self.weights.iter_mut().flatten().for_each(|weight| *weight *= scale);
    }

    pub fn quantise(&self) -> QuantisedLayer {
        let mut scales = Vec::with_capacity(self.weights.len());
        let mut weights = Vec::with_capacity(self.weights.len());
        for row in &self.weights {
            let greatest = row.iter().fold(0.0_f32, |greatest, weight| greatest.max(weight.abs()));
            let scale = greatest / f32::from(i8::MAX);
            scales.push(scale);
            weights.push(row.map(|weight| if scale > 0.0 { (weight / scale).round() as i8 } else { 0 }));
        }
        QuantisedLayer { scales, weights, bias: self.bias }
    }
}

/// When a row is visited in an epoch: a hash, which needs no state and no row before it.
fn visit(row: usize, epoch: u32) -> u64 {
    xxh3_64_with_seed(&(row as u64).to_le_bytes(), ORDER_SEED ^ u64::from(epoch))
}

#[inline]
fn add_scaled(target: &mut [f32; OUTPUTS], factor: f32, source: &[f32; OUTPUTS]) {
    for at in 0..OUTPUTS {
        target[at] += factor * source[at];
    }
}

/// Turns logits into the gradient of the loss with respect to them.
fn subtract(logits: &mut [f32; OUTPUTS], target: &Target) {
    logits[..EMOTIONS].iter_mut().for_each(|logit| *logit = sigmoid(*logit));
    let levels = softmax(&levels_of(logits), 1.0);
    logits[EMOTIONS..].copy_from_slice(&levels);
    logits.iter_mut().zip(target).for_each(|(probability, target)| *probability -= target);
}

/// The logits of the levels among all.
pub(super) fn levels_of(logits: &[f32; OUTPUTS]) -> [f32; LEVELS] {
    std::array::from_fn(|level| logits[EMOTIONS + level])
}

pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-logit))
}

/// Logits divided by `temperature` as probabilities.
pub(super) fn softmax(logits: &[f32; LEVELS], temperature: f32) -> [f32; LEVELS] {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers = logits.map(|logit| libm::expf((logit - greatest) / temperature));
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}

/// A layer as it is stored and served.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QuantisedLayer {
    /// One per input.
    pub scales: Vec<f32>,
    /// One row per input.
    pub weights: Vec<[i8; OUTPUTS]>,
    pub bias: [f32; OUTPUTS],
}

impl QuantisedLayer {
    pub fn logits(&self, vector: &[(u32, f32)]) -> [f32; OUTPUTS] {
        let mut logits = self.bias;
        for &(position, value) in vector {
            let factor = value * self.scales[position as usize];
            let row = &self.weights[position as usize];
            for (logit, weight) in logits.iter_mut().zip(row) {
                *logit += factor * f32::from(*weight);
            }
        }
        logits
    }
}
