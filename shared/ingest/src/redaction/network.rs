//! What the Internet knows people by: e-mail addresses, addresses of the Internet Protocol, secrets in web addresses.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{before, expression, follows_word, precedes_word};

/// Addresses as people write them (RFC 5322's quoted local parts are not among those), in any script (RFC 6531).
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"[\p{L}\p{N}!#$%&*/=?^_`|~][\p{L}\p{N}.!#$%&'*+/=?^_`|~-]{0,63}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62}[\p{L}\p{N}])?\.){1,8}\p{L}{2,63}",
    )
});

/// `user:password` of a web address (RFC 3986, section 3.2.1).
static USER_INFO: LazyLock<Regex> =
    LazyLock::new(|| expression(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://([^\s/?#@:]+:[^\s/?#@]+)@"));

/// A parameter that by its name holds a secret.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?i)[?&;#](?:[a-z]{0,16}[_-]?token|auth|authorization|pass(?:word|wd|phrase)?|pwd|secret|client_?secret|api_?key|apikey|key|signature|sig|session(?:_?id)?|sid|otp|pin|reset(?:_?token)?|invite)=([^\s&#;\x22'<>()]+)",
    )
});

static IPV4: LazyLock<Regex> = LazyLock::new(|| expression(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"));

static IPV6: LazyLock<Regex> =
    LazyLock::new(|| expression(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:[0-9.]{0,12})"));

/// A word before four numbers with dots between them that says they are a version and not an address.
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?i)(?:\bv|\bver|\bversion\p{L}*|\bversión|\bversão|\bversione|\bversie|\bwersj\p{L}|верси\p{L}|\bfirmware|прошивк\p{L}|\bbuild|\brelease|\bupdate|\bchrome|\bfirefox|\bsafari|\bapp|\bsdk|\bsection|\bkapitel|\bparagraph)[\s:.#(nr°º]*$",
    )
});

pub(super) fn emails(text: &str) -> Vec<Range<usize>> {
    let trimmed = |found: regex::Match<'_>| {
        // "mailto:" and a bracket are no part of an address, nor is what ends the sentence.
        let local = text[found.start()..].trim_start_matches(['/', '=', '?', '&', '#', '*', '|', '`', '~', '!']);
        text.len() - local.len()..found.end()
    };
    EMAIL.find_iter(text).map(trimmed).filter(|found| !found.is_empty()).collect()
}

pub(super) fn credentials(text: &str) -> Vec<Range<usize>> {
    let inside = |captures: regex::Captures<'_>| captures.get(1).map(|found| found.range());
    let trimmed = |found: Range<usize>| {
        let secret = text[found.clone()].trim_end_matches(['.', ',', '!', '?', ':', ']', '}', '"']);
        found.start..found.start + secret.len()
    };
    let user_infos = USER_INFO.captures_iter(text).filter_map(inside);
    let secrets = SECRET.captures_iter(text).filter_map(inside).map(trimmed);
    user_infos.chain(secrets).filter(|found| !found.is_empty()).collect()
}

pub(super) fn ip_addresses(text: &str) -> Vec<Range<usize>> {
    let fourth = IPV4.find_iter(text).map(|found| found.range()).filter(|found| is_ipv4(text, found));
    let sixth = IPV6.find_iter(text).filter_map(|found| ipv6(text, found.range()));
    fourth.chain(sixth).collect()
}

fn is_ipv4(text: &str, found: &Range<usize>) -> bool {
    let goes_on = || {
        let mut rest = text[found.end..].chars();
        rest.next() == Some('.') && rest.next().is_some_and(|c| c.is_ascii_digit())
    };
    let came_from = || {
        let mut front = text[..found.start].chars();
        front.next_back().is_some_and(|c| c == '.' || c == '-') && front.next_back().is_some_and(char::is_alphanumeric)
    };
    text[found.clone()].parse::<Ipv4Addr>().is_ok()
        && !follows_word(text, found.start)
        && !precedes_word(text, found.end)
        && !goes_on()
        && !came_from()
        && !VERSION.is_match(before(text, found.start, 32))
}

/// The address in a run of groups and colons: the end of a sentence may be a colon too.
fn ipv6(text: &str, found: Range<usize>) -> Option<Range<usize>> {
    if follows_word(text, found.start) || precedes_word(text, found.end) {
        return None;
    }
    let words = text[found.clone()].trim_end_matches('.');
    let words = if words.ends_with("::") { words } else { words.trim_end_matches(':') };
    let is_written = words.bytes().filter(u8::is_ascii_hexdigit).count() >= 3 || words == "::1";
    (is_written && words.parse::<Ipv6Addr>().is_ok()).then(|| found.start..found.start + words.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, find: fn(&str) -> Vec<Range<usize>>) -> Vec<&str> {
        find(text).into_iter().map(|bytes| &text[bytes]).collect()
    }

    #[test]
    fn an_address_ends_before_what_ends_the_sentence() {
        let text = "mailto:anna.w+tea@shop.example.org. <OTTO@EXAMPLE.COM>, (jürgen@müller.example)";
        assert_eq!(words(text, emails), ["anna.w+tea@shop.example.org", "OTTO@EXAMPLE.COM", "jürgen@müller.example"]);
    }

    #[test]
    fn a_handle_and_a_price_are_no_address() {
        assert!(emails("ask @lindenhof, 2 pots @ 5.99, a@b").is_empty());
    }

    #[test]
    fn only_the_secret_of_a_web_address_goes() {
        let text = "https://anna:s3cret@shop.example/x and https://shop.example/r?lang=de&token=abc.def-1, thanks";
        assert_eq!(words(text, credentials), ["anna:s3cret", "abc.def-1"]);
        assert!(credentials("https://shop.example/tea?page=2&sort=price").is_empty());
    }

    #[test]
    fn an_address_is_one_and_a_version_is_none() {
        assert_eq!(words("from 192.0.2.17:8080 and [2001:db8::7]", ip_addresses), ["192.0.2.17", "2001:db8::7"]);
        for text in
            ["version 1.2.3.4", "v1.2.3.4", "firmware: 2.0.11.5", "1.2.3.4.5", "300.1.1.1", "10:12:13", "a::b::c"]
        {
            assert!(ip_addresses(text).is_empty(), "{text}");
        }
        assert!(ip_addresses("00:1B:44:11:3A:B7").is_empty());
    }
}
