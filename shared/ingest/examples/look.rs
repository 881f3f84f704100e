//! Prints what is read of files: `cargo run -p romashka-ingest --example look -- KIND FILE…`.

use std::fs::File;

use romashka_ingest::{File as Upload, Limits, Options, preview::Preview};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().ok_or("usage: look KIND FILE…")?.parse()?;
    for path in arguments {
        let file = Upload::open(File::open(&path)?, &Limits::default())?;
        let preview = Preview::of(file, kind, &Options::default())?;
        serde_json::to_writer_pretty(std::io::stdout(), &preview)?;
    }
    Ok(())
}
