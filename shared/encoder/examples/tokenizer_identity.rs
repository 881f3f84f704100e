//! Compares our token ids with the `tokenizers` crate's: `tokenizer_identity <package> <tokenizer.json> <files>`.
//!
//! Each line of each file is a text, whatever its format; so is each character there is, between two letters.

use std::{env, fs, io::Write};

use anyhow::{Context, anyhow, bail};
use romashka_encoder::{Encoder, MAX_TOKENS};
use tokenizers::{Tokenizer, TruncationParams};

/// Mismatches that are shown.
const SHOWN: usize = 10;

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: tokenizer_identity <package> <tokenizer.json> <files>";
    let encoder = Encoder::open(arguments.next().context(usage)?.as_ref())?;
    let mut reference = Tokenizer::from_file(arguments.next().context(usage)?).map_err(|error| anyhow!(error))?;
    reference.with_padding(None);
    let limit = TruncationParams { max_length: MAX_TOKENS, ..TruncationParams::default() };
    reference.with_truncation(Some(limit)).map_err(|error| anyhow!(error))?;

    let mut out = std::io::stdout().lock();
    let mut different = 0;
    for path in arguments {
        let bytes = fs::read(&path).with_context(|| path.clone())?;
        let text = String::from_utf8_lossy(&bytes);
        let found = compare(&encoder, &reference, text.lines().map(str::to_owned), &mut out)?;
        writeln!(out, "{path}: {found}")?;
        different += found.different;
    }
    let characters = ('\0'..=char::MAX).map(|character| format!("a{character}b \u{e9}{character}"));
    let found = compare(&encoder, &reference, characters, &mut out)?;
    writeln!(out, "every character: {found}")?;
    if different + found.different > 0 {
        bail!("the tokenizers differ");
    }
    Ok(())
}

struct Found {
    texts: usize,
    different: usize,
}

impl std::fmt::Display for Found {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} texts, {} different", self.texts, self.different)
    }
}

fn compare(
    encoder: &Encoder,
    reference: &Tokenizer,
    texts: impl Iterator<Item = String>,
    out: &mut impl Write,
) -> anyhow::Result<Found> {
    let mut found = Found { texts: 0, different: 0 };
    for text in texts {
        let expected = reference.encode_fast(text.as_str(), true).map_err(|error| anyhow!(error))?;
        let ours: Vec<u32> = encoder.tokens(&text).ids().iter().copied().map(u32::from).collect();
        found.texts += 1;
        if ours != expected.get_ids() {
            found.different += 1;
            if found.different <= SHOWN {
                let excerpt: String = text.chars().take(200).collect();
                writeln!(out, "{excerpt:?}\n  ours {ours:?}\n  reference {:?}", expected.get_ids())?;
            }
        }
    }
    Ok(found)
}
