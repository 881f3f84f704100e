//! Every text becomes UTF-8 before it is looked at.
//!
//! A byte-order mark says what follows. Without one, a file whose beginning is UTF-8 is taken for it, so that a stray
//! byte far below costs its row and not the file; NUL bytes at every other place give UTF-16 away; anything else is
//! guessed from the frequencies of its letters, as browsers do it (`chardetng`), and decoded as the Encoding Standard
//! says (`encoding_rs`).

use std::borrow::Cow;
use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, ISO_8859_2, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250};

/// Bytes decoded at a time.
const CHUNK_BYTES: usize = 16 * 1024;
/// Of a file that looks like UTF-8 so many broken places for each whole sequence beyond ASCII are damage, and more are
/// another encoding.
const DAMAGE: usize = 4;

/// What a file is encoded as: a name of the Encoding Standard.
pub(crate) fn detect(prefix: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(prefix) {
        return encoding;
    }
    if let Some(encoding) = wide(prefix) {
        return encoding;
    }
    let (whole, broken) = sequences(prefix);
    if broken == 0 || whole >= broken * DAMAGE {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(prefix, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    if guess == ISO_8859_2 && !is_iso_8859_2(prefix) { WINDOWS_1250 } else { guess }
}

/// Returns true if a text of Central Europe is in ISO 8859-2 rather than in windows-1250, which spreadsheets write: both have most
/// letters at the same places. In the one `±` and `¶` are letters, in the other control characters are.
fn is_iso_8859_2(prefix: &[u8]) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte >= 0xC0);
    let in_words = |at: usize| is_letter(prefix.get(at.wrapping_sub(1))) || is_letter(prefix.get(at + 1));
    let has = |bytes: &[u8]| prefix.iter().enumerate().any(|(at, byte)| bytes.contains(byte) && in_words(at));
    let controls: Vec<u8> = (0x80..0xA0).collect();
    !has(&controls) && has(&[0xB1, 0xB6, 0xA6])
}

/// The text of a small file, whatever it is encoded as. What cannot be decoded becomes U+FFFD.
pub fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    detect(bytes).decode(bytes).0
}

/// UTF-16 without a mark: of a text in most scripts, every other byte is NUL.
fn wide(prefix: &[u8]) -> Option<&'static Encoding> {
    let sample = &prefix[..prefix.len().min(4096) & !1];
    let zeros = |parity: usize| sample.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = sample.len() / 2;
    if pairs < 4 {
        return None;
    }
    match () {
        () if odd * 2 > pairs && even * 16 < pairs => Some(UTF_16LE),
        () if even * 2 > pairs && odd * 16 < pairs => Some(UTF_16BE),
        () => None,
    }
}

/// Whole sequences of UTF-8 beyond ASCII, and places where there is none; one cut off by the end counts as neither.
fn sequences(bytes: &[u8]) -> (usize, usize) {
    let (mut whole, mut broken) = (0, 0);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (valid, next) = match str::from_utf8(rest) {
            Ok(text) => (text, None),
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                (str::from_utf8(valid).unwrap_or_default(), error.error_len().map(|length| &after[length..]))
            }
        };
        whole += valid.chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(next.is_some());
        rest = next.unwrap_or_default();
    }
    (whole, broken)
}

/// A reader of UTF-8 over one of another encoding. What cannot be decoded becomes U+FFFD.
pub(crate) struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    raw: Box<[u8; CHUNK_BYTES]>,
    /// Decoded bytes, of which those before `given` were given away.
    ready: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    pub(crate) fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder(),
            raw: Box::new([0; CHUNK_BYTES]),
            ready: Vec::new(),
            given: 0,
            ended: false,
        }
    }

    fn decode(&mut self) -> io::Result<()> {
        let read = self.inner.read(&mut self.raw[..])?;
        self.ended = read == 0;
        let room = self.decoder.max_utf8_buffer_length(read).unwrap_or(4 * CHUNK_BYTES);
        self.ready.resize(room, 0);
        let (_, _, written, _) = self.decoder.decode_to_utf8(&self.raw[..read], &mut self.ready, self.ended);
        self.ready.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            if self.ended {
                return Ok(0);
            }
            self.decode()?;
        }
        let ready = &self.ready[self.given..];
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{WINDOWS_1251, WINDOWS_1252};
    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> String {
        let mut text = String::new();
        Decoded::new(bytes, detect(bytes)).read_to_string(&mut text).unwrap();
        text
    }

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    const GERMAN: &str = "text;intent\nMein Päckchen für München ist nicht angekommen;lieferung\nÜberweisung rückgängig machen;zahlung\n";
    const RUSSIAN: &str = "text;intent\nГде мой заказ, он должен был прийти вчера;доставка\nВерните деньги за чайник, пожалуйста;возврат\n";

    #[test]
    fn what_windows_wrote_is_told_by_its_letters() {
        assert_eq!(decoded(&WINDOWS_1252.encode(GERMAN).0), GERMAN);
        assert_eq!(decoded(&WINDOWS_1251.encode(RUSSIAN).0), RUSSIAN);
    }

    #[test]
    fn utf_16_is_told_by_its_mark_and_without_one() {
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(decoded(&utf_16(&format!("\u{FEFF}{RUSSIAN}"), to_bytes)), RUSSIAN);
            assert_eq!(decoded(&utf_16(GERMAN, to_bytes)), GERMAN);
        }
    }

    #[test]
    fn a_stray_byte_makes_no_other_encoding_of_utf_8() {
        let mut bytes = GERMAN.as_bytes().to_vec();
        bytes.insert(40, 0xFF);
        assert_eq!(detect(&bytes), UTF_8);
        assert_eq!(detect(b"plain ascii"), UTF_8);
        assert_eq!(detect(&GERMAN.as_bytes()[..25]), UTF_8);
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_and_the_rest_is_read() {
        let mut bytes = vec![0xFF, 0xFE];
        bytes.extend(utf_16("ab", u16::to_le_bytes));
        bytes.extend(0xD83D_u16.to_le_bytes());
        bytes.extend(utf_16("cd", u16::to_le_bytes));
        assert_eq!(decoded(&bytes), "ab\u{FFFD}cd");
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_decoder_and_utf_8_comes_out_as_it_went_in(bytes in prop::collection::vec(any::<u8>(), 0..2000), text in any::<String>()) {
            decoded(&bytes);
            let marked = format!("\u{FEFF}{text}");
            prop_assert_eq!(decoded(marked.as_bytes()), text);
        }
    }
}
