//! What a tenant uploads, turned into records one row at a time.
//!
//! Support teams export their words from whatever they use, so a file is read by its content and never
//! by its name, column names are matched loosely, and a bad row costs that row alone: its siblings go
//! on. The crate knows no cloud and no clock; its input is any [`std::io::Read`].
//!
//! Three promises hold for every input, hostile ones too:
//!
//! * **bounded memory**: one row of at most [`Limits::row_bytes`] is held at a time, whatever the size
//!   of the file and of its lines;
//! * **an answer for every row**: each row that is not blank becomes a [`Record`], a [`RowError`], or an
//!   agent's turn, which is the reply in one record and stands before the text of the next;
//! * **no leaks**: an error says where and why, and never repeats what a cell contains.
//!
//! ```
//! use romashka_ingest::{Kind, Options, Records};
//!
//! let file = "Question;Category\nwhere is my parcel?;order_status\n;order_status\n";
//! let mut accepted = Vec::new();
//! for row in Records::open(file.as_bytes(), Kind::Utterances, &Options::default())? {
//!     match row? {
//!         Ok(record) => accepted.push(record.text),
//!         Err(error) => assert_eq!((error.row, error.code.as_str()), (3, "empty_text")),
//!     }
//! }
//! assert_eq!(accepted, ["where is my parcel?"]);
//! # Ok::<(), romashka_ingest::Stop>(())
//! ```

mod csv_rows;
mod dialogue;
mod encoding;
mod engines;
pub mod errors;
mod exports;
mod format;
mod headings;
mod html;
mod interpret;
mod json_cells;
mod json_objects;
mod kind;
mod limits;
mod lines;
mod mapping;
mod moments;
pub mod pieces;
pub mod preview;
mod quotes;
mod record;
mod records;
pub mod redaction;
mod schema;
mod section_rows;
mod sections;
mod source;
mod speakers;
mod text_rows;
mod threads;
mod unpack;

pub use dialogue::MAX_JOINED_REPLY_BYTES;
pub use encoding::decoded;
pub use errors::{ErrorLog, FileError, RowCode, RowError, Stop};
pub use exports::Adapter;
pub use format::Format;
pub use kind::{Kind, UnknownKind};
pub use limits::Limits;
pub use mapping::{Mapping, MappingError};
pub use record::{MAX_TURN_BYTES, MAX_TURNS_BEFORE, Record, Role, Turn};
pub use records::{Continuation, Facts, Options, Records};
pub use source::File;
pub use speakers::Speaker;
