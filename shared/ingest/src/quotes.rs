//! What a person wrote in an e-mail, without what the mail quotes and who signed it.
//!
//! Mail programs put the conversation so far below a reply, and signatures below both. Learnt from, the same words would
//! count once for every reply to them, and under the wrong speaker. The rules are those of mail programs: a line that says
//! who wrote when, the block of headers that Outlook writes, lines that begin with `>`, the two dashes of RFC 3676.

use std::sync::LazyLock;

use regex::Regex;

/// Lines of a closing formula and what follows it; more than that is text.
const MAX_CLOSING_LINES: usize = 8;
/// Characters of one such line.
const MAX_CLOSING_CHARS: usize = 80;

/// "On Mon, 3 Mar 2026 at 10:12, Anna wrote:" in the languages of the mail programs.
static ATTRIBUTION: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?i)^\W*(?:on\b.{4,250}\bwrote\s?:|am\b.{4,250}\bschrieb\b.{0,120}:|el\b.{4,250}\bescribi[oó]\s?:|le\b.{4,250}\ba écrit\s?:|em\b.{4,250}\bescreveu\s?:|il\b.{4,250}\bha scritto\s?:|op\b.{4,250}\bschreef\b.{0,120}:|w dniu\b.{4,250}\b(?:napisał(?:\(a\)|a)?|pisze)\b.{0,120}:|.{4,250}(?:пишет|пише|написал(?:а|\(а\))?|написав(?:ла|\(ла\))?|писал(?:а|\(а\))?|şunu yazdı|yazdı)\s?:)\s*$",
    )
});

/// An attribution in any language: a time, and an address in angle brackets before the colon at its end.
static STAMPED: LazyLock<Regex> =
    LazyLock::new(|| expression(r"^\W*\S.{0,200}\b\d{1,2}[:.]\d{2}\b.{0,200}<[^<>\s@]+@[^<>\s]+>[^<>]{0,40}:\s*$"));

/// The rule above the headers that a mail program on a telephone writes.
static RULE: LazyLock<Regex> = LazyLock::new(|| expression(r"^\s*[-_=*]{8,}\s*$"));

/// "-----Original Message-----".
static ORIGINAL: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?i)^\W*-{2,}\s*(?:original message|forwarded message|begin forwarded message|ursprüngliche nachricht|weitergeleitete nachricht|mensaje original|mensaje reenviado|message d'origine|message transféré|исходное сообщение|пересылаемое сообщение|оригінальне повідомлення|переслане повідомлення|özgün ileti|iletilen ileti|messaggio originale|messaggio inoltrato|mensagem original|oorspronkelijk bericht|wiadomość oryginalna)\s*-{2,}\s*$",
    )
});

/// The first line of the headers that Outlook writes.
static FROM: LazyLock<Regex> = LazyLock::new(|| {
    expression(r"(?i)^[\s*>]*(?:from|von|de|от|від|da|van|od|expéditeur|kimden|gönderen)\s?\*?:\s?\*?\s*\S")
});
/// The lines after it.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?i)^[\s*>]*(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|enviado(?: el)?|fecha|para|asunto|envoyé|à|objet|отправлено|дата|кому|копия|тема|inviato|data|a|oggetto|verzonden|aan|onderwerp|wysłano|do|temat|assunto|надіслано|кому|дата|gönderilen|gönderildi|tarih|kime|konu)\s?\*?:",
    )
});

/// What programs on telephones sign with.
static DEVICE: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?i)^\W*(?:sent from (?:my )?\p{L}+|get outlook for|sent via|von meinem .{2,40} gesendet|gesendet (?:von|mit)|enviado desde mi|enviado do meu|envoyé de(?:puis)? mon|inviato da(?:l mio)?|verzonden (?:vanaf|met)|отправлено (?:с|из)|надіслано (?:з|із)|wysłane z|diese nachricht wurde von meinem)\b.{0,60}$",
    )
});

/// A formula that closes a letter, on a line of its own.
static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?i)^\W*(?:(?:kind|best|warm|many|with kind|with best) (?:regards|wishes)|(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?|regards|cheers|mit (?:freundlichen|besten|lieben|herzlichen) gr(?:üßen|uessen|üssen)|(?:viele|liebe|beste|freundliche|herzliche) gr(?:üße|uesse|üsse)|mfg|lg|vg|saludos(?: cordiales)?|un (?:cordial )?saludo|atentamente|cordialement|bien cordialement|(?:meilleures|cordiales) salutations|с уважением|с наилучшими пожеланиями|всего доброго|з повагою|з найкращими побажаннями|saygılarımla|saygılarımızla|iyi günler(?: dilerim| dileriz)?|iyi çalışmalar|cordiali saluti|distinti saluti|atenciosamente|com os melhores cumprimentos|met vriendelijke groet(?:en)?|groetjes|z poważaniem|pozdrawiam)[\s,.!]*(?:\p{Lu}[\p{L}.-]+\s?){0,3}$",
    )
});

/// What was written, trimmed; empty where the message is nothing but quotes.
pub(crate) fn written(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim_end).collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let is_above_headers =
            |line| RULE.is_match(line) && lines.get(at + 1).is_some_and(|next| HEADER.is_match(next));
        if ORIGINAL.is_match(line) || is_above_headers(line) || begins_headers(&lines[at..]) {
            break;
        }
        if let Some(length) = attribution(&lines[at..]) {
            let quoted = at + length + blank(&lines[at + length..]);
            if lines.get(quoted).is_some_and(|line| is_quoted(line)) {
                // The reply may stand below what it quotes.
                at = quoted;
                continue;
            }
            break;
        }
        if matches!(line, "--" | "---" | "-- " | "—") || DEVICE.is_match(line) {
            break;
        }
        if !is_quoted(line) {
            kept.push(line);
        }
        at += 1;
    }
    without_closing(&mut kept);
    let text = kept.join("\n");
    text.trim_matches(|c: char| c.is_whitespace() || c == '_').to_owned()
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

fn blank(lines: &[&str]) -> usize {
    lines.iter().take_while(|line| line.trim().is_empty()).count()
}

/// How many lines, one or two, say who wrote what follows.
fn attribution(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?;
    if first.len() > 300 || first.trim().is_empty() {
        return None;
    }
    if ATTRIBUTION.is_match(first) || STAMPED.is_match(first) {
        return Some(1);
    }
    let second = lines.get(1).filter(|second| second.len() <= 200 && second.ends_with(':'))?;
    ATTRIBUTION.is_match(&format!("{first} {second}")).then_some(2)
}

/// Whether Outlook's headers begin here: who, and at least two more of them.
fn begins_headers(lines: &[&str]) -> bool {
    let Some(first) = lines.first().filter(|first| FROM.is_match(first)) else { return false };
    first.len() <= 300 && lines[1..].iter().take(5).filter(|line| HEADER.is_match(line)).count() >= 2
}

/// Takes off a closing formula with the few short lines below it.
fn without_closing(lines: &mut Vec<&str>) {
    let end = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    let first = end.saturating_sub(MAX_CLOSING_LINES);
    let closing = (first..end).find(|at| CLOSING.is_match(lines[*at]));
    let short = |line: &&str| line.chars().count() <= MAX_CLOSING_CHARS;
    if let Some(closing) = closing.filter(|closing| lines[*closing..end].iter().all(short)) {
        lines.truncate(closing);
    }
}

#[expect(clippy::expect_used, reason = "the pattern is a constant of this crate")]
pub(crate) fn expression(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this crate compiles")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_follows_an_attribution_is_cut_in_every_language() {
        for attribution in [
            "On Mon, 3 Mar 2026 at 10:12, Anna Weiss <anna@example.org> wrote:",
            "Am 03.03.2026 um 10:12 schrieb Anna Weiss <anna@example.org>:",
            "El lun, 3 mar 2026 a las 10:12, Anna escribió:",
            "Le lun. 3 mars 2026 à 10:12, Anna a écrit :",
            "3 марта 2026 г., 10:12, Анна <anna@example.org> пишет:",
            "Il giorno lun 3 mar 2026 alle ore 10:12 Anna ha scritto:",
            "Op ma 3 mrt 2026 om 10:12 schreef Anna:",
            "W dniu 3.03.2026 o 10:12, Anna pisze:",
            "Em seg., 3 de mar. de 2026, Anna escreveu:",
            "On Mon, 3 Mar 2026 at 10:12, Anna Weiss\n<anna@example.org> wrote:",
            "пт, 6 мар. 2026 г. в 09:40, Анна Вайс <anna@example.org>:",
            "Пятница, 6 марта 2026, 9:40 +03:00 от Анна <anna@example.org>:",
            "06.03.2026, 09:40, \"Анна\" <anna@example.org>:",
            "пт, 6 бер. 2026 р. о 09:40 Анна <anna@example.org> пише:",
            "Anna Weiss <anna@example.org>, 6 Mar 2026 Cum, 09:40 tarihinde şunu yazdı:",
            "----------------\nКому: shop@example.org\nТема: Чайник",
            "Від: Анна\nНадіслано: п'ятниця\nКому: Магазин\nТема: чайник",
            "-----Original Message-----",
            "From: Anna\nSent: Monday\nTo: Support\nSubject: pot",
            "Von: Anna\nGesendet: Montag\nAn: Support\nBetreff: Kanne",
            "-- ",
            "Sent from my iPhone",
        ] {
            let message = format!("my pot is broken\n\n{attribution}\nwhat is the matter?\n");
            assert_eq!(written(&message), "my pot is broken", "{attribution}");
        }
    }

    #[test]
    fn a_reply_below_or_between_quotes_stays() {
        let message = "On Monday Anna wrote:\n> which pot?\n> the blue one?\n\nthe green one\n> and the cup?\nwhole";
        assert_eq!(written(message), "the green one\nwhole");
    }

    #[test]
    fn a_closing_goes_with_who_signed_and_a_sentence_with_such_words_stays() {
        assert_eq!(written("where is it?\n\nMit freundlichen Grüßen\nAnna Weiss\nTel. 030 901820"), "where is it?");
        assert_eq!(written("where is it?\nBest regards, Anna"), "where is it?");
        assert_eq!(written("Де він?\n\nЗ повагою,\nАнна\n+380 67 000 00 00"), "Де він?");
        assert_eq!(written("Nerede?\n\nSaygılarımla\nAnna"), "Nerede?");
        let sentence = "best regards to the team that packed it so well, it came whole";
        assert_eq!(written(sentence), sentence);
        let long = "Regards\nthis goes on for more than a signature does, in a line that nobody would write below a name, ever.";
        assert_eq!(written(long), long);
    }

    #[test]
    fn nothing_but_a_quote_is_nothing() {
        assert_eq!(written("> what is it?\n> tell"), "");
        assert_eq!(written("On Monday Anna wrote:\n\nwhat is it?"), "");
    }

    #[test]
    fn words_that_only_look_like_headers_stay() {
        let message = "from: berlin\nit should go to hamburg";
        assert_eq!(written(message), message);
        let message = "To: the one who reads this\nwhere is my order";
        assert_eq!(written(message), message);
    }

    proptest! {
        #[test]
        fn nothing_is_added_and_cutting_twice_changes_nothing_more(message in "([a-z ]{0,12}|> |On a wrote:|-- |From: a|Sent: b|To: c|Regards|\n){0,30}") {
            let once = written(&message);
            prop_assert!(once.lines().all(|line| message.contains(line)));
            prop_assert!(once.len() <= message.len());
        }
    }
}
