//! Several embeddings of the same thing as one.

use crate::{
    embedding::{DIMENSIONS, Embedding},
    lexical::{Lexicon, Reading},
    parallel,
    subspace::{SparseRow, Subspace},
};

/// Things that the leading directions are learnt from, at most.
const SAMPLE: usize = 3_000;

/// One embedding of each thing: by its words or by an encoder, of its question or of its reply.
pub(super) struct View<'points> {
    /// Share of the view in the squared length of the whole.
    pub weight: f32,
    /// In the same order in all views; `None` and zero are the same.
    pub points: Vec<Option<&'points Embedding>>,
}

/// Views side by side, each relative to its own mean and of length one, reduced to their leading directions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fusion {
    scales: Vec<f32>,
    means: Vec<[f32; DIMENSIONS]>,
    subspace: Subspace,
}

impl Fusion {
    /// Learns means and directions, and puts the views of each thing together. Things come in the order of their content:
    /// where there are many, the directions are learnt from evenly spaced ones.
    pub(super) fn of(views: &[View<'_>]) -> (Self, Vec<Embedding>) {
        let count = views.first().map_or(0, |view| view.points.len());
        let mut fusion = Self {
            scales: views.iter().map(|view| view.weight.sqrt()).collect(),
            means: views.iter().map(mean).collect(),
            subspace: Subspace::of(&[], 0),
        };
        let points_of = |at: usize| -> Vec<Option<&Embedding>> { views.iter().map(|view| view.points[at]).collect() };
        let size = count.min(SAMPLE);
        let sample: Vec<SparseRow> = (0..size).map(|at| fusion.row(&points_of(at * count / size))).collect();
        fusion.subspace = Subspace::of(&sample, views.len() * DIMENSIONS);
        let all: Vec<usize> = (0..count).collect();
        let fused = parallel::map(&all, |&at| fusion.fuse(&points_of(at)));
        (fusion, fused)
    }

    /// The views of one thing as one, in the order in which they were learnt.
    pub(super) fn fuse(&self, views: &[Option<&Embedding>]) -> Embedding {
        Embedding::of(&self.subspace.project(&self.row(views)))
    }

    fn row(&self, views: &[Option<&Embedding>]) -> SparseRow {
        let mut row = SparseRow::new();
        let settings = self.scales.iter().zip(&self.means).zip((0..).step_by(DIMENSIONS));
        for (point, ((scale, mean), offset)) in views.iter().zip(settings) {
            let Some(point) = point.filter(|point| !point.is_zero()) else { continue };
            let mut vector = point.to_vector();
            vector.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            if length > LEAST_LENGTH {
                row.extend((offset..).zip(vector.iter().map(|value| value * scale / length)));
            }
        }
        row
    }
}

/// Length below which a point is at the mean and the rest is rounding.
const LEAST_LENGTH: f32 = 1e-3;

fn mean(view: &View<'_>) -> [f32; DIMENSIONS] {
    let mut sum = [0.0; DIMENSIONS];
    let mut count = 0_usize;
    for point in view.points.iter().flatten().filter(|point| !point.is_zero()) {
        sum.iter_mut().zip(point.to_vector()).for_each(|(sum, value)| *sum += value);
        count += 1;
    }
    sum.map(|value| value / count.max(1) as f32)
}

/// Texts as points: by their words and, where an encoder knows them, by their meaning.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextSpace {
    lexicon: Lexicon,
    encoder_weight: f32,
    fusion: Fusion,
}

/// A text in its space.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub embedding: Embedding,
    /// Share of the text that is in the embedding, 0 to 1.
    pub coverage: f32,
}

/// A text and its embedding, where an encoder knows its language.
pub(super) type Text<'text> = (&'text str, Option<&'text Embedding>);

impl TextSpace {
    /// Learns from texts in the order of their content and gives the point of each.
    pub(super) fn of(texts: &[Text<'_>], encoder_weight: f32) -> (Self, Vec<Point>) {
        let words: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
        let lexicon = Lexicon::of(&words);
        let readings = parallel::map(&words, |text| lexicon.read(text));
        let views = [
            View { weight: 1.0, points: readings.iter().map(|reading| Some(&reading.embedding)).collect() },
            View { weight: encoder_weight, points: texts.iter().map(|(_, embedding)| *embedding).collect() },
        ];
        let (fusion, embeddings) = Fusion::of(&views);
        let space = Self { lexicon, encoder_weight, fusion };
        let with_coverage = |((embedding, reading), text): ((Embedding, Reading), &Text<'_>)| Point {
            embedding,
            coverage: space.coverage(&reading, text.1),
        };
        let points = embeddings.into_iter().zip(readings).zip(texts).map(with_coverage).collect();
        (space, points)
    }

    /// The point of a new text.
    pub(super) fn point(&self, (text, embedding): Text<'_>) -> Point {
        let reading = self.lexicon.read(text);
        let coverage = self.coverage(&reading, embedding);
        Point { embedding: self.fusion.fuse(&[Some(&reading.embedding), embedding]), coverage }
    }

    fn coverage(&self, reading: &Reading, embedding: Option<&Embedding>) -> f32 {
        let encoder = if embedding.is_some() { self.encoder_weight } else { 0.0 };
        ((reading.coverage * reading.coverage + encoder) / (1.0 + encoder)).sqrt()
    }
}
