//! Articles cut into passages that can answer by themselves.
//!
//! A policy of ten pages answers no question; the paragraph below the right heading does. A document is cut at its headings,
//! each passage carries the headings above it as its title, and what is still too long is cut between paragraphs.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::html::{self, Block};

/// Characters of a passage beyond which it is cut at the next paragraph: about as much as the encoder reads.
const PASSAGE_CHARS: usize = 1_000;
/// Characters of a title; of headings that do not fit, the outermost go.
const TITLE_CHARS: usize = 200;

/// A passage of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// The headings above it, outermost first, with ` › ` between them; the first words where there are none.
    pub(crate) title: String,
    pub(crate) body: String,
}

/// Cuts a page.
pub(crate) fn of_html(page: &str) -> Vec<Section> {
    cut(html::blocks(page, html::Body::Page))
}

/// Cuts a document in Markdown (CommonMark, with tables).
pub(crate) fn of_markdown(document: &str) -> Vec<Section> {
    let mut blocks = Blocks::default();
    let (front, document) = without_front_matter(document);
    if let Some(title) = front {
        blocks.end(1, title);
    }
    let mut done = blocks.done;
    done.extend(blocks_of_markdown(document));
    cut(done)
}

fn blocks_of_markdown(document: &str) -> Vec<Block> {
    let mut blocks = Blocks::default();
    for event in Parser::new_ext(document, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        blocks.take(event);
    }
    blocks.flush();
    blocks.done
}

/// Cuts the body of an article that is called so, whatever it is written in; one that is short and plain stays as it is.
pub(crate) fn of_article(title: &str, body: &str) -> Vec<Section> {
    let mut blocks = if html::is_html(body) {
        html::blocks(body, html::Body::Page)
    } else if body.lines().any(|line| line.starts_with("# ") || line.starts_with("## ")) {
        blocks_of_markdown(body)
    } else if body.chars().count() > 2 * PASSAGE_CHARS {
        body.split("\n\n").map(|text| Block { level: 0, text: text.trim().to_owned() }).collect()
    } else {
        return vec![Section { title: title.to_owned(), body: body.to_owned() }];
    };
    blocks.retain(|block| !block.text.is_empty());
    blocks.iter_mut().filter(|block| block.level > 0).for_each(|block| block.level += 1);
    // Many articles begin with their title.
    if blocks.first().is_some_and(|first| first.level > 0 && first.text == title.trim()) {
        blocks.remove(0);
    }
    blocks.insert(0, Block { level: 1, text: title.trim().to_owned() });
    cut(blocks)
}

/// Cuts plain text: a line underlined with `=` or `-` is a heading, as is a short line between blank ones that ends no
/// sentence.
pub(crate) fn of_text(text: &str) -> Vec<Section> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut blocks = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let underline = lines.get(at + 1).copied().unwrap_or_default();
        let level = if line.trim().is_empty() || !paragraph.is_empty() {
            0
        } else if is_underline(underline, '=') {
            1
        } else if is_underline(underline, '-') {
            2
        } else if underline.trim().is_empty() && at + 1 < lines.len() && is_like_a_heading(line, blocks.is_empty()) {
            3
        } else {
            0
        };
        if level > 0 {
            let level = if level == 3 && blocks.is_empty() { 1 } else { level };
            blocks.push(Block { level, text: line.trim().to_owned() });
            at += if matches!(level, 1 | 2) && !underline.trim().is_empty() { 2 } else { 1 };
            continue;
        }
        if line.trim().is_empty() {
            end_paragraph(&mut paragraph, &mut blocks);
        } else {
            paragraph.push(line);
        }
        at += 1;
    }
    end_paragraph(&mut paragraph, &mut blocks);
    demote_lists(&mut blocks);
    cut(blocks)
}

/// Makes text of short lines that follow each other: they are a list, not headings of nothing. The first line stays the title.
fn demote_lists(blocks: &mut [Block]) {
    let Some((_, below)) = blocks.split_first_mut() else { return };
    for run in below.chunk_by_mut(|a, b| a.level == 3 && b.level == 3).filter(|run| run.len() > 1) {
        run.iter_mut().for_each(|block| block.level = 0);
    }
}

fn end_paragraph(paragraph: &mut Vec<&str>, blocks: &mut Vec<Block>) {
    if !paragraph.is_empty() {
        blocks.push(Block { level: 0, text: paragraph.join("\n").trim().to_owned() });
        paragraph.clear();
    }
}

fn is_underline(line: &str, with: char) -> bool {
    let line = line.trim();
    line.chars().count() >= 3 && line.chars().all(|c| c == with)
}

fn is_like_a_heading(line: &str, is_first: bool) -> bool {
    let line = line.trim();
    let words = line.split_whitespace().count();
    let ends_sentence = line.ends_with(['.', ',', ';', ':', '!']);
    let begins_large = line.chars().next().is_some_and(|c| c.is_uppercase() || c.is_numeric());
    let is_item = line.starts_with(['-', '*', '•', '>']);
    !ends_sentence && !is_item && begins_large && (1..=10).contains(&words) && (is_first || line.chars().count() <= 70)
}

/// The title that a document's front matter gives, and what follows it.
fn without_front_matter(document: &str) -> (Option<String>, &str) {
    let Some(rest) = document.strip_prefix("---\n").or_else(|| document.strip_prefix("---\r\n")) else {
        return (None, document);
    };
    let Some((front, body)) = rest.split_once("\n---") else { return (None, document) };
    let title = front.lines().find_map(|line| line.strip_prefix("title:"));
    let title = title.map(|title| title.trim().trim_matches(['"', '\'']).to_owned());
    (title.filter(|title| !title.is_empty()), body.trim_start_matches('-'))
}

/// Markdown's events on their way to blocks.
#[derive(Default)]
struct Blocks {
    done: Vec<Block>,
    text: String,
    level: u8,
    /// Of each list that is open the number of its next item, if it numbers them.
    lists: Vec<Option<u64>>,
    first_cell: bool,
}

impl Blocks {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::Html(html) | Event::InlineHtml(html) => {
                let text = html::text(&html);
                self.text.push_str(&text);
            }
            _ => {}
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.level = match level {
                    HeadingLevel::H1 => 1,
                    HeadingLevel::H2 => 2,
                    HeadingLevel::H3 => 3,
                    HeadingLevel::H4 => 4,
                    HeadingLevel::H5 => 5,
                    HeadingLevel::H6 => 6,
                };
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(*first);
            }
            Tag::Item => {
                self.flush();
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.text.push_str(&mark);
            }
            Tag::TableHead | Tag::TableRow => {
                self.flush();
                self.first_cell = true;
            }
            Tag::TableCell => {
                if !self.first_cell {
                    self.text.push_str(" | ");
                }
                self.first_cell = false;
            }
            Tag::CodeBlock(_) | Tag::BlockQuote(_) => self.flush(),
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::Heading(_)
            | TagEnd::Paragraph
            | TagEnd::Item
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock => self.flush(),
            _ => {}
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let level = std::mem::take(&mut self.level);
        self.end(level, text);
    }

    fn end(&mut self, level: u8, text: String) {
        let text = text.trim();
        if !text.is_empty() && text != "-" {
            self.done.push(Block { level, text: text.to_owned() });
        }
    }
}

fn cut(blocks: Vec<Block>) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut headings: Vec<(u8, String)> = Vec::new();
    let mut body = String::new();
    for block in blocks {
        if block.level > 0 {
            end_section(&headings, &mut body, &mut sections);
            headings.retain(|(level, _)| *level < block.level);
            // What is longer would be cut from every title below it.
            headings.push((block.level, block.text.chars().take(TITLE_CHARS).collect()));
            continue;
        }
        let grown = body.chars().count() + block.text.chars().count();
        if !body.is_empty() && grown > PASSAGE_CHARS {
            end_section(&headings, &mut body, &mut sections);
        }
        if !body.is_empty() {
            body.push('\n');
        }
        body.push_str(&block.text);
    }
    end_section(&headings, &mut body, &mut sections);
    sections
}

fn end_section(headings: &[(u8, String)], body: &mut String, sections: &mut Vec<Section>) {
    if body.is_empty() {
        return;
    }
    let mut shown = headings;
    let title = loop {
        let title = shown.iter().map(|(_, heading)| heading.as_str()).collect::<Vec<_>>().join(" › ");
        match shown {
            [_, rest @ ..] if title.chars().count() > TITLE_CHARS && !rest.is_empty() => shown = rest,
            _ => break title,
        }
    };
    let title = if title.is_empty() { body.as_str() } else { &title };
    let line = title.lines().next().unwrap_or_default();
    let title = line.chars().take(TITLE_CHARS).collect::<String>().trim().to_owned();
    sections.push(Section { title, body: std::mem::take(body) });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn section(title: &str, body: &str) -> Section {
        Section { title: title.to_owned(), body: body.to_owned() }
    }

    #[test]
    fn a_passage_carries_the_headings_above_it() {
        let document = "# Returns\nSend it back.\n\n## Costs\n- free in the EU\n- 5 € elsewhere\n\n## How long\n1. pack\n2. send\n\n# Care\n| pot | wash |\n|---|---|\n| clay | by hand |\n";
        assert_eq!(
            of_markdown(document),
            [
                section("Returns", "Send it back."),
                section("Returns › Costs", "- free in the EU\n- 5 € elsewhere"),
                section("Returns › How long", "1. pack\n2. send"),
                section("Care", "pot | wash\nclay | by hand"),
            ]
        );
    }

    #[test]
    fn plain_text_has_underlined_and_lonely_headings() {
        let text =
            "Care guide\n==========\n\nWash by hand.\nDry well.\n\nSteel pots\n\nThey may go into the machine.\n";
        assert_eq!(
            of_text(text),
            [
                section("Care guide", "Wash by hand.\nDry well."),
                section("Care guide › Steel pots", "They may go into the machine."),
            ]
        );
    }

    #[test]
    fn short_lines_one_after_another_are_no_headings() {
        let text = "Wood\n\nShelves ash\n\nBoards oak\n\nTrays walnut\n\nAsk us for other kinds.\n";
        let body = "Shelves ash\nBoards oak\nTrays walnut\nAsk us for other kinds.";
        assert_eq!(of_text(text), [section("Wood", body)]);
    }

    #[test]
    fn the_body_of_an_article_is_cut_below_its_title() {
        let body = "<h1>Care</h1><p>Oil it.</p><h2>How often</h2><ul><li>once</li><li>a year</li></ul>";
        let cut = [section("Care", "Oil it."), section("Care › How often", "- once\n- a year")];
        assert_eq!(of_article("Care", body), cut);
        assert_eq!(of_article("Care", "# How often\nonce a year"), [section("Care › How often", "once a year")]);
        assert_eq!(of_article("Care", "Oil it.\n\nNow."), [section("Care", "Oil it.\n\nNow.")]);
        let long = format!("{0}\n\n{0}\n\n{0}", "word ".repeat(150).trim());
        assert_eq!(of_article("Care", &long).len(), 3);
    }

    #[test]
    fn a_text_without_headings_is_called_by_its_first_words() {
        assert_eq!(
            of_text("we ship on mondays.\nalways."),
            [section("we ship on mondays.", "we ship on mondays.\nalways.")]
        );
    }

    #[test]
    fn a_long_section_is_cut_between_paragraphs() {
        let document = format!(
            "# Long\n\n{}",
            "word ".repeat(60).trim_end().to_owned() + "\n\n" + &"more ".repeat(160) + "\n\nend"
        );
        let bodies: Vec<_> = of_markdown(&document).into_iter().map(|section| section.body.chars().count()).collect();
        assert_eq!(bodies, [299, 803]);
    }

    #[test]
    fn a_page_is_cut_like_a_document() {
        let page = "<html><body><h1>Shipping</h1><p>Monday.</p><h2>Abroad</h2><p>Later.</p></body></html>";
        assert_eq!(of_html(page), [section("Shipping", "Monday."), section("Shipping › Abroad", "Later.")]);
    }

    #[test]
    fn front_matter_gives_the_title() {
        assert_eq!(of_markdown("---\ntitle: \"Returns\"\ntags: x\n---\nSend it."), [section("Returns", "Send it.")]);
    }

    proptest! {
        #[test]
        fn every_passage_has_a_title_and_a_body(document in "([#*>|`=-]{0,3} ?[a-zA-Z.]{0,8}[ \n]{0,2}){0,60}") {
            for sections in [of_markdown(&document), of_text(&document), of_html(&document)] {
                for section in sections {
                    prop_assert!(!section.title.is_empty() && !section.body.is_empty());
                }
            }
        }
    }
}
