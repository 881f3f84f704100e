//! How fast files are read: `cargo run --release -p romashka-ingest --example throughput`.
//!
//! The input is made as it is read, so the figure holds no disk, and a line of 200 MiB shows that its
//! memory does not grow with it.
#![expect(clippy::print_stdout, reason = "a measurement is for the terminal")]

use std::io::{Cursor, Read, repeat};
use std::time::Instant;

use romashka_ingest::{ErrorLog, Kind, Options, Records, Stop};

const ROWS: usize = 900_000;

fn main() -> Result<(), Stop> {
    let csv_row = "\"Hello, where is my parcel? I ordered two tins of Darjeeling last week\",order_status\n";
    let csv = Cursor::new("text,intent\n").chain(Repeated::new(csv_row, ROWS));
    measure("CSV", csv)?;

    let ndjson_row = "{\"text\": \"Hello, where is my parcel? I ordered two tins of Darjeeling last week\", \
                      \"intent\": \"order_status\", \"tags\": [\"web\", \"de\"]}\n";
    measure("NDJSON", Repeated::new(ndjson_row, ROWS))?;

    let one_line = || repeat(b'a').take(200 << 20);
    measure("CSV, one line", Cursor::new("text\n").chain(one_line()))?;
    measure("NDJSON, one line", Cursor::new("{\"text\": \"hi\"}\n").chain(one_line()))
}

/// The same row again and again, made as it is read.
struct Repeated {
    row: Cursor<&'static str>,
    left: usize,
}

impl Repeated {
    fn new(row: &'static str, times: usize) -> Self {
        Self { row: Cursor::new(row), left: times }
    }
}

impl Read for Repeated {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while self.left > 0 && filled < out.len() {
            filled += self.row.read(&mut out[filled..])?;
            if self.row.position() == self.row.get_ref().len() as u64 {
                self.row.set_position(0);
                self.left -= 1;
            }
        }
        Ok(filled)
    }
}

/// Counts the bytes that pass.
struct Counted<R> {
    input: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(out)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

fn measure(name: &str, input: impl Read) -> Result<(), Stop> {
    let mut counted = Counted { input, bytes: 0 };
    let options = Options::default();
    let mut errors = ErrorLog::new(options.limits.errors);
    let mut accepted = 0_u64;
    let started = Instant::now();
    for row in Records::open(&mut counted, Kind::Utterances, &options)? {
        match row? {
            Ok(_) => accepted += 1,
            Err(error) => errors.push(error),
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let megabytes = counted.bytes as f64 / 1e6;
    println!(
        "{name}: {megabytes:.0} MB, {accepted} accepted, {} refused, {:.0} MB/s",
        errors.total(),
        megabytes / seconds
    );
    Ok(())
}
