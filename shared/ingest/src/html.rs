//! The words of an HTML body or page.
//!
//! Help desks keep what people wrote as HTML, and mail programs put the whole history of a conversation below a reply. The
//! document is read as a stream of tokens (the tokenizer of the WHATWG standard, which no markup can make fail) and never
//! becomes a tree, so neither its depth nor its mistakes cost more than its length.

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

/// Bytes of text that one document gives.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// Elements whose content nobody reads as text.
const NOT_TEXT: &[&str] =
    &["script", "style", "head", "template", "noscript", "svg", "math", "iframe", "object", "select", "textarea"];
/// Elements that hold the article of a page.
const ARTICLES: &[&str] = &["article", "main"];
/// Classes of what is no part of an article's text: Notion's table of who owns a page and the like.
const PROPERTIES: &[&str] = &["properties"];
/// Parts of the classes of buttons that open an answer.
const OPENING: &[&str] = &["accordion", "collaps", "faq", "question", "toggle"];
/// The level of a heading that a button is.
const BUTTON_LEVEL: u8 = 5;
/// Elements of a page around its article.
const AROUND: &[&str] = &["nav", "footer", "aside", "header", "menu"];
/// Elements that begin and end a line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "blockquote",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
    "body",
    "html",
    "summary",
    "details",
    "aside",
    "header",
    "form",
];
/// Elements without an end.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Classes and ids under which mail programs keep what was written before, or who writes.
const QUOTES: &[&str] = &[
    "gmail_quote",
    "gmail_quote_container",
    "gmail_extra",
    "gmail_signature",
    "yahoo_quoted",
    "moz-cite-prefix",
    "moz-signature",
    "protonmail_quote",
    "protonmail_signature_block",
    "zmail_extra",
    "tutanota_quote",
    "applemailsignature",
    "signature",
    "intercom-signature",
    "history_container",
    "gmail_signature_prefix",
    "ms-outlook-mobile-signature",
    "mail-quote-collapse",
    "js-quote-toggle",
];
/// Ids after which Outlook keeps everything that was written before.
const HISTORY: &[&str] = &["appendonsend", "divrplyfwdmsg", "mail-editor-reference-message-container", "stopspelling"];

/// What is left out besides markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// A message: what it quotes, and signatures.
    Message,
    /// A page: what stands around its article.
    Page,
}

/// A line or more of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// 1 to 6 for a heading, 0 for all else.
    pub(crate) level: u8,
    pub(crate) text: String,
}

/// Whether a body is HTML rather than plain text: it holds a whole tag that HTML knows.
pub(crate) fn is_html(body: &str) -> bool {
    const TAGS: &[&str] = &[
        "p",
        "br",
        "div",
        "span",
        "a",
        "b",
        "i",
        "ul",
        "ol",
        "li",
        "strong",
        "em",
        "html",
        "body",
        "table",
        "blockquote",
        "img",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "dl",
        "dt",
        "dd",
        "td",
        "tr",
        "details",
        "nav",
        "header",
        "font",
        "pre",
        "u",
        "hr",
        "article",
        "section",
        "main",
    ];
    body.match_indices('<').any(|(at, _)| {
        let tag = body[at + 1..].trim_start_matches('/');
        let length = tag.bytes().take_while(u8::is_ascii_alphanumeric).take(11).count();
        let (name, rest) = tag.split_at(length);
        let closes = || rest.find(['<', '>']).is_some_and(|end| rest[end..].starts_with('>'));
        TAGS.contains(&name.to_ascii_lowercase().as_str())
            && rest.starts_with(['>', ' ', '/', '\n', '\t', '\r'])
            && closes()
    })
}

/// The text of a message.
pub(crate) fn text(html: &str) -> String {
    let blocks = blocks(html, Body::Message);
    let mut text = String::new();
    for block in blocks {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&block.text);
    }
    text
}

/// The text of a page or of a part of one, with what it quotes.
pub(crate) fn page_text(html: &str) -> String {
    let blocks = blocks(html, Body::Page).into_iter().map(|block| block.text);
    blocks.collect::<Vec<_>>().join("\n")
}

/// The text of a document, block by block.
pub(crate) fn blocks(html: &str, body: Body) -> Vec<Block> {
    let mut emitter = DefaultEmitter::default();
    // Without it the text of a script would be read as markup.
    emitter.naively_switch_states(true);
    let mut page = Page { body, ..Page::default() };
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        page.take(token);
        if page.ended || page.bytes > MAX_TEXT_BYTES {
            break;
        }
    }
    page.end_block();
    page.blocks
}

struct Page {
    body: Body,
    blocks: Vec<Block>,
    bytes: usize,
    line: String,
    level: u8,
    /// The element that is left out, and how many of its name are open.
    skipping: Option<(String, usize)>,
    /// How many `pre` are open: in them a line break is one.
    preformatted: usize,
    /// Whether a space is due before the next word.
    space: bool,
    /// Whether the row at hand has a cell already.
    in_row: bool,
    /// Number of open elements that hold the article.
    articles: usize,
    ended: bool,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            body: Body::Page,
            blocks: Vec::new(),
            bytes: 0,
            line: String::new(),
            level: 0,
            skipping: None,
            preformatted: 0,
            space: false,
            in_row: false,
            articles: 0,
            ended: false,
        }
    }
}

impl Page {
    fn take(&mut self, token: Token) {
        match token {
            Token::StartTag(tag) => self.open(&tag),
            Token::EndTag(tag) => self.close(&name_of(&tag.name)),
            Token::String(text) if self.skipping.is_none() => self.write(&String::from_utf8_lossy(&text)),
            _ => {}
        }
    }

    fn open(&mut self, tag: &StartTag<()>) {
        let name = name_of(&tag.name);
        if let Some((skipped, open)) = &mut self.skipping {
            *open += usize::from(*skipped == name && !tag.self_closing);
            return;
        }
        let is_void = VOID.contains(&name.as_str());
        if self.body == Body::Message && marks(tag, HISTORY) {
            self.ended = true;
            return;
        }
        if !is_void && !tag.self_closing && self.is_left_out(&name, tag) {
            self.end_block();
            self.skipping = Some((name, 1));
            return;
        }
        match name.as_str() {
            "br" => self.line.push('\n'),
            "td" | "th" => {
                if self.in_row {
                    self.line.push_str(" |");
                    self.space = true;
                }
                self.in_row = true;
            }
            _ if BLOCKS.contains(&name.as_str()) => self.end_block(),
            _ => {}
        }
        match name.as_bytes() {
            b"article" | b"main" => self.articles += 1,
            // A button that opens an answer is the question, unless it stands in a heading already.
            b"button" if self.level == 0 => {
                self.end_block();
                self.level = BUTTON_LEVEL;
            }
            b"li" => self.line.push_str("- "),
            b"pre" => self.preformatted += 1,
            b"tr" => self.in_row = false,
            [b'h', level @ b'1'..=b'6'] => self.level = level - b'0',
            _ => {}
        }
    }

    fn is_left_out(&self, name: &str, tag: &StartTag<()>) -> bool {
        // Other buttons do something.
        let is_control = || name == "button" && self.level == 0 && !(self.body == Body::Page && opens(tag));
        NOT_TEXT.contains(&name)
            || is_control()
            || match self.body {
                Body::Message => name == "blockquote" || marks(tag, QUOTES),
                // What stands around an article stands in it, too: its head, a note beside it.
                Body::Page if self.articles > 0 => matches!(name, "nav" | "menu") || marks(tag, PROPERTIES),
                Body::Page => AROUND.contains(&name),
            }
    }

    fn close(&mut self, name: &str) {
        if let Some((skipped, open)) = &mut self.skipping {
            if skipped == name {
                *open -= 1;
            }
            if *open == 0 {
                self.skipping = None;
            }
            return;
        }
        if name == "pre" {
            self.preformatted = self.preformatted.saturating_sub(1);
        }
        if ARTICLES.contains(&name) {
            self.articles = self.articles.saturating_sub(1);
        }
        if BLOCKS.contains(&name) || name == "button" && self.level == BUTTON_LEVEL {
            self.end_block();
        }
    }

    fn write(&mut self, text: &str) {
        for c in text.chars() {
            let is_break = self.preformatted > 0 && c == '\n';
            if is_break {
                self.line.push('\n');
                self.space = false;
            } else if c.is_whitespace() {
                self.space = true;
            } else {
                if self.space && !self.line.is_empty() && !self.line.ends_with(['\n', ' ']) {
                    self.line.push(' ');
                }
                self.space = false;
                self.line.push(c);
            }
        }
    }

    fn end_block(&mut self) {
        let level = std::mem::take(&mut self.level);
        let line = std::mem::take(&mut self.line);
        self.space = false;
        let text = line.trim();
        if text.is_empty() || text == "-" {
            return;
        }
        self.bytes += text.len();
        self.blocks.push(Block { level, text: text.to_owned() });
    }
}

fn name_of(name: &HtmlString) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Returns true if a button opens an answer.
fn opens(tag: &StartTag<()>) -> bool {
    let has = |attribute: &[u8]| tag.attributes.contains_key(attribute);
    let class = tag.attributes.get(&b"class"[..]).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
    has(b"aria-expanded") || class.is_some_and(|class| OPENING.iter().any(|part| class.contains(part)))
}

/// Whether a tag has one of these as its id or as one of its classes.
fn marks(tag: &StartTag<()>, marks: &[&str]) -> bool {
    [&b"class"[..], b"id"].iter().any(|attribute| {
        tag.attributes.get(*attribute).is_some_and(|value| {
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            // Outlook puts `x_` before the names of what it quotes.
            value.split_ascii_whitespace().any(|name| marks.contains(&name.trim_start_matches("x_")))
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_breaks_and_lists_become_lines() {
        let html = "<p>Hello&nbsp;Anna,</p><div>two things:<ul><li>the <b>pot</b></li><li>the&amp;cup</li></ul>bye<br>Otto</div>";
        assert_eq!(text(html), "Hello Anna,\ntwo things:\n- the pot\n- the&cup\nbye\nOtto");
    }

    #[test]
    fn what_a_message_quotes_is_left_out() {
        for html in [
            "<div>yes please</div><div class=\"gmail_quote\"><div>On Monday Anna wrote:</div><blockquote>do you want it?</blockquote></div>",
            "yes please<blockquote><p>do you <blockquote>nested</blockquote> want it?</p></blockquote>",
            "<p>yes please</p><div id=\"appendonsend\"></div><hr><div>From: Anna</div>",
            "<p>yes please</p><div id=\"x_divRplyFwdMsg\"><b>From:</b> Anna</div><p>do you want it?</p>",
            "<style>p { color: red }</style><p>yes please</p><script>if (a < b) { document.write('<p>no</p>') }</script>",
        ] {
            assert_eq!(text(html), "yes please", "{html}");
        }
    }

    #[test]
    fn a_page_keeps_its_headings_and_loses_what_stands_around() {
        let html = "<html><head><title>x</title></head><nav><a>Home</a></nav><main><h1>Returns</h1><p>30 days</p>\
                    <table><tr><th>Land</th><th>Days</th></tr><tr><td>DE</td><td>2</td></tr></table></main><footer>©</footer></html>";
        let block = |level, text: &str| Block { level, text: text.to_owned() };
        assert_eq!(
            blocks(html, Body::Page),
            [block(1, "Returns"), block(0, "30 days"), block(0, "Land | Days"), block(0, "DE | 2")]
        );
    }

    #[test]
    fn questions_on_buttons_are_headings_and_an_article_keeps_its_head() {
        let html = "<form action=x><header>Shop</header><main><header><h1>FAQ</h1></header><h2><button>Ash or oak?</button></h2>\
                    <p>Ash.</p><button class=\"faq-toggle\">Where?</button><div>Here.</div><button>Send</button>\
                    <aside>By hand.</aside></main><aside>Advert</aside></form>";
        let block = |level, text: &str| Block { level, text: text.to_owned() };
        assert_eq!(
            blocks(html, Body::Page),
            [
                block(1, "FAQ"),
                block(2, "Ash or oak?"),
                block(0, "Ash."),
                block(5, "Where?"),
                block(0, "Here."),
                block(0, "By hand.")
            ]
        );
    }

    #[test]
    fn plain_text_with_angle_brackets_is_no_html() {
        assert!(is_html("<p>hi</p>") && is_html("line<br/>line") && is_html("<DIV class=\"x\">hi"));
        for plain in ["a < b and c > d", "write to <anna@example.org>", "<3", "if x<p then", "<python>"] {
            assert!(!is_html(plain), "{plain}");
        }
    }

    #[test]
    fn a_million_open_elements_cost_no_more_than_their_length() {
        assert_eq!(text(&format!("{}deep", "<div><p>".repeat(500_000))), "deep");
    }

    proptest! {
        #[test]
        fn no_markup_stops_it(html in "(<[a-z/!]{0,6}|>|&#?[a-z0-9]{0,5};?|[ a-z\n\"=]){0,200}") {
            blocks(&html, Body::Message);
            blocks(&html, Body::Page);
        }
    }
}
