//! Lines of a file, each in the same buffer, which has a limit.

use std::io::{BufRead, BufReader, Read};

use crate::errors::Stop;
use crate::records;

pub(crate) struct Lines<R> {
    pub(crate) input: BufReader<R>,
    /// The line at hand as far as it fits, without its line feed.
    pub(crate) line: Vec<u8>,
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Bytes read so far.
    pub(crate) consumed: u64,
    limit: usize,
}

impl<R: Read> Lines<R> {
    pub(crate) fn open(input: BufReader<R>, limit: usize) -> Self {
        Self { input, line: Vec::new(), number: 0, consumed: 0, limit }
    }

    /// Reads the next line that is not blank and gives back how long it is in the file, in bytes.
    pub(crate) fn read(&mut self) -> Result<Option<u64>, Stop> {
        loop {
            let Some(length) = self.read_any()? else { return Ok(None) };
            if length > self.limit as u64 || !self.line.trim_ascii().is_empty() {
                return Ok(Some(length));
            }
        }
    }

    fn read_any(&mut self) -> Result<Option<u64>, Stop> {
        self.line.clear();
        self.number += 1;
        let mut length = 0;
        let mut at_start = true;
        loop {
            let input = records::fill(&mut self.input)?;
            if input.is_empty() {
                return Ok((!at_start).then_some(length));
            }
            at_start = false;
            let line_feed = memchr::memchr(b'\n', input);
            let content = &input[..line_feed.unwrap_or(input.len())];
            let room = self.limit - self.line.len();
            self.line.extend_from_slice(&content[..content.len().min(room)]);
            length += content.len() as u64;
            let read = content.len() + usize::from(line_feed.is_some());
            self.input.consume(read);
            self.consumed += read as u64;
            if line_feed.is_some() {
                return Ok(Some(length));
            }
        }
    }
}
