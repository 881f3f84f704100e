//! Words.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;

use super::{Applied, Whose};
use crate::render::Fault;
use crate::value::Value;

/// What stands for what was cut off.
const ELLIPSIS: &str = "...";

pub(super) fn append(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let (input, other) = (call.input()?, call.words(Whose::Argument(0))?);
    joined(call, &input, &other)
}

pub(super) fn prepend(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let (input, other) = (call.input()?, call.words(Whose::Argument(0))?);
    joined(call, &other, &input)
}

fn joined(call: &mut Applied<'_, '_>, first: &str, second: &str) -> Result<Value, Fault> {
    call.meter.text(first.len() + second.len())?;
    Ok(Value::text([first, second].concat()))
}

/// The first letter large, the others small, as Liquid has it.
pub(super) fn capitalize(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let mut chars = input.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    call.made((first + &chars.as_str().to_lowercase()).into())
}

pub(super) fn upcase(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    call.made(input.to_uppercase().into())
}

pub(super) fn downcase(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    call.made(input.to_lowercase().into())
}

pub(super) fn strip(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    call.made(input.trim().into())
}

pub(super) fn lstrip(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    call.made(input.trim_start().into())
}

pub(super) fn rstrip(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    call.made(input.trim_end().into())
}

pub(super) fn strip_newlines(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    call.made(input.replace(['\r', '\n'], "").into())
}

/// Takes tags, comments, and the content of scripts and styles away.
pub(super) fn strip_html(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    // As many bytes, so that a place in one is the same place in the other.
    let lower = input.to_ascii_lowercase();
    let mut words = String::with_capacity(input.len());
    let mut at = 0;
    // An end that is missing once is missing from there on: nobody looks for it again.
    let mut missing = [false; 3];
    while let Some(opened) = lower[at..].find('<') {
        words.push_str(&input[at..at + opened]);
        at += opened;
        let rest = &lower[at..];
        let whole = [("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->")];
        let kind = whole.iter().position(|(begin, _)| rest.starts_with(begin)).filter(|kind| !missing[*kind]);
        let end = kind.and_then(|kind| {
            let end = rest.find(whole[kind].1).map(|end| end + whole[kind].1.len());
            missing[kind] = end.is_none();
            end
        });
        let Some(end) = end.or_else(|| rest.find('>').map(|end| end + 1)) else { break };
        at += end;
    }
    words.push_str(&input[at..]);
    call.made(words.into())
}

pub(super) fn newline_to_br(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    call.meter.text(input.len().saturating_mul(2))?;
    call.made(input.replace("\r\n", "\n").replace('\n', "<br />\n").into())
}

pub(super) fn escape(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let mut escaped = String::with_capacity(input.len());
    escape_into(&input, &mut escaped);
    call.made(escaped.into())
}

/// Leaves alone what is escaped already.
pub(super) fn escape_once(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let mut escaped = String::with_capacity(input.len());
    let mut rest = &*input;
    while let Some(at) = rest.find('&') {
        escape_into(&rest[..at], &mut escaped);
        let entity = entity(&rest[at..]);
        escaped.push_str(if entity > 0 { &rest[at..at + entity] } else { "&amp;" });
        rest = &rest[at + entity.max(1)..];
    }
    escape_into(rest, &mut escaped);
    call.made(escaped.into())
}

/// The length of the entity that a text begins with, or 0.
fn entity(text: &str) -> usize {
    const MOST: usize = 12;
    let Some(end) = text.bytes().take(MOST).position(|byte| byte == b';') else { return 0 };
    let name = &text[1..end];
    let is_number = name.strip_prefix('#').is_some_and(|number| {
        let hex = number
            .strip_prefix(['x', 'X'])
            .is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        hex || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_number || is_name { end + 1 } else { 0 }
}

/// Writes words so that HTML shows them as they are.
pub(crate) fn escape_into(words: &str, html: &mut String) {
    for char in words.chars() {
        match char {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// For the value of a query: a space is `+`.
pub(super) fn url_encode(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let mut encoded = String::with_capacity(input.len());
    for byte in input.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            other => write!(encoded, "%{other:02X}").unwrap_or_default(),
        }
    }
    call.made(encoded.into())
}

pub(super) fn url_decode(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let mut decoded = Vec::with_capacity(input.len());
    let mut bytes = input.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            #[expect(clippy::cast_possible_truncation, reason = "two digits of sixteen are a byte")]
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                bytes = ahead;
            }
            (b'+', ..) => decoded.push(b' '),
            (other, ..) => decoded.push(other),
        }
    }
    let text = String::from_utf8(decoded).map_err(|_| Fault::NoUtf8)?;
    call.made(text.into())
}

pub(super) fn replace(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let (what, by) = (call.words(Whose::Argument(0))?, call.words(Whose::Argument(1))?);
    let count = if what.is_empty() { input.chars().count() + 1 } else { input.matches(&*what).count() };
    call.meter.text(input.len().saturating_add(count.saturating_mul(by.len())))?;
    call.made(input.replace(&*what, &by).into())
}

pub(super) fn replace_first(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let (what, by) = (call.words(Whose::Argument(0))?, call.words(Whose::Argument(1))?);
    call.meter.text(input.len() + by.len())?;
    call.made(input.replacen(&*what, &by, 1).into())
}

pub(super) fn remove(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let (input, what) = (call.input()?, call.words(Whose::Argument(0))?);
    call.made(input.replace(&*what, "").into())
}

pub(super) fn remove_first(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let (input, what) = (call.input()?, call.words(Whose::Argument(0))?);
    call.made(input.replacen(&*what, "", 1).into())
}

/// At most so many characters as a reader sees them, the ellipsis among them; 50 where it is not said.
pub(super) fn truncate(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let length = usize::try_from(call.whole(0)?.unwrap_or(50)).unwrap_or(0);
    let ellipsis = ellipsis(call)?;
    if input.graphemes(true).nth(length).is_none() {
        return call.made(Cow::Borrowed(&input));
    }
    let kept = length.saturating_sub(ellipsis.graphemes(true).count());
    let end = input.grapheme_indices(true).nth(kept).map_or(input.len(), |(at, _)| at);
    joined(call, &input[..end], &ellipsis)
}

/// At most so many words; 15 where it is not said.
pub(super) fn truncatewords(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let input = call.input()?;
    let count = usize::try_from(call.whole(0)?.unwrap_or(15)).unwrap_or(0).max(1);
    let ellipsis = ellipsis(call)?;
    if input.split_whitespace().nth(count).is_none() {
        return call.made(Cow::Borrowed(&input));
    }
    let kept: Vec<_> = input.split_whitespace().take(count).collect();
    joined(call, &kept.join(" "), &ellipsis)
}

fn ellipsis(call: &mut Applied<'_, '_>) -> Result<std::sync::Arc<str>, Fault> {
    if call.arguments.len() > 1 { call.words(Whose::Argument(1)) } else { Ok(ELLIPSIS.into()) }
}

/// So many characters, or items, from a place on; a place below zero counts from the end.
pub(super) fn slice(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let start = call.whole(0)?.unwrap_or_default();
    let length = usize::try_from(call.whole(1)?.unwrap_or(1)).unwrap_or(0);
    let from = |size: usize| {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let from = if start < 0 { size.saturating_add(start) } else { start };
        usize::try_from(from).ok().filter(|_| from <= size)
    };
    if let Value::List(_) = call.input.plain() {
        let items = call.items()?;
        let from = from(items.len());
        return Ok(Value::List(
            from.map(|from| items.iter().skip(from).take(length).cloned().collect()).unwrap_or_default(),
        ));
    }
    let input = call.input()?;
    let from = from(input.chars().count());
    let sliced = from.map(|from| input.chars().skip(from).take(length).collect::<String>());
    call.made(sliced.unwrap_or_default().into())
}

/// Between separators, without empty texts at the end; between white space for `" "`, into characters for `""`.
pub(super) fn split(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let (input, by) = (call.input()?, call.words(Whose::Argument(0))?);
    let most = call.rendering.limits.items + 1;
    let mut parts: Vec<&str> = match &*by {
        " " => input.split_whitespace().take(most).collect(),
        "" => input.split("").filter(|part| !part.is_empty()).take(most).collect(),
        by => input.split(by).take(most).collect(),
    };
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    call.meter.items(parts.len())?;
    Ok(Value::List(parts.into_iter().map(Value::text).collect()))
}
