//! The vocabulary as a hash table that is used where it lies.
//!
//! Parsing thirty thousand lines into a map would be nearly all of a cold start. Here an id is looked up in 65,536
//! slots by the FNV-1a hash of its entry (Fowler, Noll & Vo), on a collision in the slots after it.

use crate::architecture::VOCABULARY;

/// Slots of the table: the power of two that leaves it half empty.
pub(crate) const SLOTS: usize = 1 << 16;
/// Longest entry in bytes, the `##` of a continuation included. BERT's longest has 18 characters.
pub(crate) const LONGEST_ENTRY: usize = 64;
/// Most slots a lookup tries, so that no package can make one long.
pub(crate) const LONGEST_PROBE: usize = 64;

const EMPTY: u16 = u16::MAX;
const CONTINUATION: &[u8] = b"##";

/// Where in a word a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Start,
    Continuation,
}

/// The three sections of a vocabulary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vocabulary<'package> {
    pub text: &'package [u8],
    pub offsets: &'package [u32],
    pub slots: &'package [u16],
}

impl Vocabulary<'_> {
    /// The longest entry that `word` begins with: its id and its length in bytes of `word`.
    pub(crate) fn longest_prefix(&self, word: &str, place: Place) -> Option<(u16, usize)> {
        let mark = match place {
            Place::Start => &b""[..],
            Place::Continuation => CONTINUATION,
        };
        let mut hash = mark.iter().fold(Hash::EMPTY, |hash, &byte| hash.with(byte));
        let mut longest = None;
        for (length, &byte) in (1..=LONGEST_ENTRY - mark.len()).zip(word.as_bytes()) {
            hash = hash.with(byte);
            if !word.is_char_boundary(length) {
                continue;
            }
            if let Some(id) = self.find(hash, mark, &word.as_bytes()[..length]) {
                longest = Some((id, length));
            }
        }
        longest
    }

    fn find(&self, hash: Hash, mark: &[u8], piece: &[u8]) -> Option<u16> {
        for probe in 0..LONGEST_PROBE {
            let id = self.slots[hash.slot(probe)];
            if usize::from(id) >= VOCABULARY {
                return None;
            }
            if self.entry(id).and_then(|entry| entry.strip_prefix(mark)) == Some(piece) {
                return Some(id);
            }
        }
        None
    }

    fn entry(&self, id: u16) -> Option<&[u8]> {
        let start = self.offsets[usize::from(id)] as usize;
        let end = self.offsets[usize::from(id) + 1] as usize;
        self.text.get(start..end)
    }
}

/// A running FNV-1a hash.
#[derive(Debug, Clone, Copy)]
struct Hash(u32);

impl Hash {
    const EMPTY: Self = Self(0x811c_9dc5);

    fn with(self, byte: u8) -> Self {
        Self((self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }

    fn slot(self, probe: usize) -> usize {
        ((self.0 ^ (self.0 >> 16)) as usize + probe) % SLOTS
    }
}

/// The content of a vocabulary's three sections.
#[derive(Debug)]
pub(crate) struct Table {
    pub text: Vec<u8>,
    pub offsets: Vec<u32>,
    pub slots: Vec<u16>,
}

/// Lays out the vocabulary whose ids are the entries' places.
///
/// # Errors
/// The id of an entry that finds no slot within [`LONGEST_PROBE`]; one of the others would have to go.
pub(crate) fn tabulate(entries: &[&str]) -> Result<Table, usize> {
    let mut text = Vec::new();
    let mut offsets = vec![0];
    let mut slots = vec![EMPTY; SLOTS];
    for (id, entry) in entries.iter().enumerate() {
        text.extend_from_slice(entry.as_bytes());
        offsets.push(text.len() as u32);
        let hash = entry.bytes().fold(Hash::EMPTY, Hash::with);
        let free = (0..LONGEST_PROBE).map(|probe| hash.slot(probe)).find(|&slot| slots[slot] == EMPTY).ok_or(id)?;
        slots[free] = id as u16;
    }
    Ok(Table { text, offsets, slots })
}
