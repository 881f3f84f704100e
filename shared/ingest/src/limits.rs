//! How much of a file is believed before it is refused.

/// The bounds of one reading. They decide how much memory a hostile file can take, so every one has a
/// value; the defaults leave honest exports a wide margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows in a file, blank ones and the header aside. Default 1,000,000. One more refuses the rest.
    pub rows: u64,
    /// Bytes of one row as it is held in memory. Default 1 MiB. A longer row is skipped, not buffered.
    pub row_bytes: usize,
    /// Bytes of one object of an export: a conversation with all its messages. Default 16 MiB.
    pub object_bytes: usize,
    /// Bytes of one document (an article, a page) that is cut into passages. Default 16 MiB.
    pub document_bytes: usize,
    /// Bytes of a file after it is unpacked. Default 4 GiB.
    pub unpacked_bytes: u64,
    /// Columns of one row, or keys of one JSON object. Default 1,000.
    pub columns: usize,
    /// Characters (Unicode scalar values) of a customer's text after its spaces are tidied. Default 4,000.
    pub text_chars: usize,
    /// Characters of a reply: an answer, an agent's turn or the body of an article. Default 20,000.
    pub reply_chars: usize,
    /// Nested arrays and objects in one JSON object. Default 32.
    pub json_depth: usize,
    /// Row errors that are worth keeping, for [`ErrorLog::new`](crate::ErrorLog::new). Default 10,000.
    pub errors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 1_000_000,
            row_bytes: 1 << 20,
            object_bytes: 16 << 20,
            document_bytes: 16 << 20,
            unpacked_bytes: 4 << 30,
            columns: 1_000,
            text_chars: 4_000,
            reply_chars: 20_000,
            json_depth: 32,
            errors: 10_000,
        }
    }
}
