//! Measures the emotion head on a file of GoEmotions, beside its text layer alone.
//!
//! ```text
//! cargo run --release -p romashka-learning --example goemotions -- test.tsv [polarities.txt]
//! ```
//!
//! The file has `text⇥emotions`, numbered and joined by commas as they are published. The second file, if any, has a line
//! for each comment with what another system makes of it: `negative`, `neutral` or `positive`.

use std::{fs, io::Write, time::Instant};

use anyhow::{Context, bail, ensure};
use romashka_learning::{
    emotion::{
        Emotion, EmotionHead, EmotionSet, Encoding, Example, Impression, LevelProbabilities, Polarity, SentimentLevel,
        SentimentPrior,
    },
    model_hash,
};

mod published;

/// Emotions are measured in this many bins of confidence.
const BINS: usize = 15;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    let (path, other) = match arguments.as_slice() {
        [path] => (path, None),
        [path, other] => (path, Some(other)),
        _ => bail!("usage: goemotions <test.tsv> [<polarities.txt>]"),
    };
    let (test, head) = (Comments::read(path)?, EmotionHead::shipped()?);
    let bytes = head.to_bytes()?;
    let start = Instant::now();
    let head = EmotionHead::from_bytes(&bytes)?;
    writeln!(out, "head              {} bytes, loaded in {:.2?}", bytes.len(), start.elapsed())?;
    writeln!(out, "hash              {}", model_hash(&bytes))?;

    let examples = test.examples();
    for (name, with_encoding) in [("text and meaning", true), ("text alone", false)] {
        let start = Instant::now();
        let impressions: Vec<Impression> = examples
            .iter()
            .map(|example| head.impression(example.text, with_encoding.then_some(example.encoding)))
            .collect();
        writeln!(out, "{name}: {:.1?} a message", start.elapsed() / u32::try_from(examples.len())?)?;
        report(&mut out, &examples, &impressions, &head.prior())?;
    }
    if let Some(other) = other {
        let said = fs::read_to_string(other).with_context(|| other.clone())?;
        ensure!(said.lines().count() == examples.len(), "{other} does not have one line for each comment");
        let agreeing = examples.iter().zip(said.lines()).filter(|(example, said)| {
            let level = SentimentLevel::of_labelled(example.text, example.emotions);
            name_of(level.polarity()) == *said
        });
        let share = agreeing.count() as f64 / examples.len() as f64;
        writeln!(out, "{other}: three polarities {share:.4}")?;
    }
    Ok(())
}

fn name_of(polarity: Polarity) -> &'static str {
    match polarity {
        Polarity::Negative => "negative",
        Polarity::Neutral | Polarity::Ambiguous => "neutral",
        Polarity::Positive => "positive",
    }
}

fn report(
    out: &mut impl Write,
    examples: &[Example<'_>],
    impressions: &[Impression],
    prior: &SentimentPrior,
) -> anyhow::Result<()> {
    let f1s: Vec<f64> = Emotion::ALL.iter().map(|emotion| f1(*emotion, examples, impressions)).collect();
    writeln!(out, "  macro F1        {:.4}", f1s.iter().sum::<f64>() / f1s.len() as f64)?;
    writeln!(out, "  emotions' error {:.4}", calibration_error(examples, impressions))?;
    let levels: Vec<SentimentLevel> =
        examples.iter().map(|example| SentimentLevel::of_labelled(example.text, example.emotions)).collect();
    let polarity = share(&levels, impressions, prior, |level, found| level.polarity() == found.polarity());
    writeln!(out, "  three polarities {polarity:.4}")?;
    writeln!(out, "  five levels     {:.4}", share(&levels, impressions, prior, |level, found| level == found))?;

    // A tenant of complaints: every negative message, and of the others one in six.
    let mut others = 0;
    let complaining: Vec<usize> = (0..levels.len())
        .filter(|row| {
            let negative = levels[*row].polarity() == Polarity::Negative;
            others += usize::from(!negative);
            negative || others % 6 == 0
        })
        .collect();
    let levels: Vec<_> = complaining.iter().map(|row| levels[*row]).collect();
    let impressions: Vec<_> = complaining.iter().map(|row| impressions[*row]).collect();
    let adapted = prior.estimate(impressions.iter().map(|impression| impression.levels));
    for (name, prior) in [("shipped", prior), ("adapted", &adapted)] {
        let polarity = share(&levels, &impressions, prior, |level, found| level.polarity() == found.polarity());
        writeln!(out, "  complaints, {name} prior {polarity:.4} {:.2?}", prior.shares())?;
    }
    let shares = |of: &dyn Fn(usize) -> f64| (0..5).map(of).map(|share| format!("{share:.2}")).collect::<Vec<_>>();
    let actual = |level: usize| levels.iter().filter(|l| **l as usize == level).count() as f64 / levels.len() as f64;
    writeln!(out, "  complaints, true shares {}", shares(&actual).join(", "))?;
    Ok(())
}

fn f1(emotion: Emotion, examples: &[Example<'_>], impressions: &[Impression]) -> f64 {
    let (mut right, mut either) = (0_u32, 0_u32);
    for (example, impression) in examples.iter().zip(impressions) {
        let (is, found) = (example.emotions.contains(emotion), impression.present().contains(emotion));
        right += u32::from(is && found);
        either += u32::from(is) + u32::from(found);
    }
    2.0 * f64::from(right) / f64::from(either.max(1))
}

/// Expected calibration error over all confidences of all emotions.
fn calibration_error(examples: &[Example<'_>], impressions: &[Impression]) -> f64 {
    let mut bins = [(0.0_f64, 0.0_f64); BINS];
    for (example, impression) in examples.iter().zip(impressions) {
        for felt in &impression.emotions {
            let bin = &mut bins[((felt.confidence * BINS as f32) as usize).min(BINS - 1)];
            bin.0 += f64::from(felt.confidence);
            bin.1 += f64::from(u8::from(example.emotions.contains(felt.emotion)));
        }
    }
    let total = (examples.len() * Emotion::ALL.len()) as f64;
    bins.iter().map(|(said, is)| (said - is).abs()).sum::<f64>() / total
}

fn share(
    levels: &[SentimentLevel],
    impressions: &[Impression],
    prior: &SentimentPrior,
    agrees: impl Fn(SentimentLevel, SentimentLevel) -> bool,
) -> f64 {
    let found = impressions.iter().map(|impression| {
        let adjusted: LevelProbabilities = prior.adjust(&impression.levels);
        adjusted.sentiment().level
    });
    levels.iter().zip(found).filter(|(level, found)| agrees(**level, *found)).count() as f64 / levels.len() as f64
}

/// Labelled comments and what the encoder says of them.
struct Comments {
    rows: Vec<(String, EmotionSet)>,
    encodings: Vec<romashka_encoder::Encoding>,
}

impl Comments {
    fn read(path: &str) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.to_owned())?;
        let rows = text.lines().map(labelled).collect::<anyhow::Result<Vec<_>>>().with_context(|| path.to_owned())?;
        let encodings = published::encode(&published::encoder()?, rows.iter().map(|(text, _)| text.as_str()));
        Ok(Self { rows, encodings })
    }

    fn examples(&self) -> Vec<Example<'_>> {
        let rows = self.rows.iter().zip(&self.encodings);
        rows.map(|((text, emotions), encoding)| Example {
            text,
            emotions: *emotions,
            encoding: Encoding { sentence: &encoding.sentence, middle: &encoding.middle },
        })
        .collect()
    }
}

fn labelled(line: &str) -> anyhow::Result<(String, EmotionSet)> {
    let mut columns = line.split('\t');
    let (text, numbers) = columns.next().zip(columns.next()).context("a line without a label")?;
    let emotions = numbers.split(',').map(|number| {
        let number: usize = number.parse().with_context(|| format!("`{number}` is no emotion's number"))?;
        Emotion::ALL.get(number).copied().with_context(|| format!("there is no emotion {number}"))
    });
    Ok((text.to_owned(), emotions.collect::<anyhow::Result<_>>()?))
}
