//! Text as it can be seen.

use unicode_normalization::UnicodeNormalization;

/// Returns true for characters that are not seen and carry no meaning in any script: marks of direction, zero-width spaces,
/// tags, fillers. Joiners are kept, since Persian, Indic scripts and emoji need them.
pub(super) fn is_hidden(sign: char) -> bool {
    matches!(
        u32::from(sign),
        0xAD | 0x34F
            | 0x61C
            | 0x115F..=0x1160
            | 0x17B4..=0x17B5
            | 0x180B..=0x180F
            | 0x200B
            | 0x200E..=0x200F
            | 0x202A..=0x202E
            | 0x2060..=0x206F
            | 0x3164
            | 0xFE00..=0xFE0E
            | 0xFEFF
            | 0xFFA0
            | 0xFFF0..=0xFFFB
            | 0x1_BCA0..=0x1_BCA3
            | 0x1_D173..=0x1_D17A
            | 0xE_0000..=0xE_0FFF
            | 0xE000..=0xF8FF
            | 0xF_0000..=0x10_FFFF
    )
}

/// Joiners and the selector of coloured emoji: without width, but with a use.
pub(super) fn is_joiner(sign: char) -> bool {
    matches!(sign, '\u{200C}' | '\u{200D}' | '\u{FE0F}' | '\u{20E3}')
}

/// Returns the text without hidden and control characters; line breaks and tabs stay.
pub(super) fn visible(text: &str) -> String {
    text.chars().filter(|&sign| !is_hidden(sign) && (!sign.is_control() || matches!(sign, '\n' | '\t'))).collect()
}

/// Returns the beginning of a text, at most so many bytes long.
pub(super) fn cut(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// Returns the text in one spelling: compatibility forms composed (NFKC), without invisible characters, with one kind of
/// dash, apostrophe and space. Line breaks stay.
pub(super) fn plain(text: &str) -> String {
    let is_kept = |sign: &char| !is_hidden(*sign) && !is_joiner(*sign) && !matches!(sign, '™' | '®' | '℠' | '©');
    let spelled = text.chars().filter(is_kept).nfkc();
    let unified = spelled.map(|sign| match sign {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{2BC}' | '`' | '\u{B4}' => '\'',
        '\u{2044}' | '\u{2215}' => '/',
        '\n' => '\n',
        sign if sign.is_whitespace() => ' ',
        sign => sign,
    });
    unified.collect()
}

/// Returns the words of a text with single spaces between them and one at either end.
pub(super) fn spaced(plain: &str) -> String {
    let mut spaced = String::with_capacity(plain.len() + 2);
    for word in plain.split_whitespace() {
        spaced.push(' ');
        spaced.push_str(word);
    }
    spaced.push(' ');
    spaced
}
