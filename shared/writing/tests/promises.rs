//! What holds for every template and every choice of findings.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use romashka_liquid::{MAX_SOURCE_BYTES, Template};
use romashka_writing::{
    Channel, Finding, FindingId, Format, MAX_FINDINGS, Mood, Review, Rule, Situation, apply, review,
};

/// What templates are made of: advice waiting to be given, beside and inside markup of all kinds.
const PARTS: &[&str] = &[
    "In order to ",
    "please be advised that ",
    "Please be advised that, ",
    "you failed to ",
    "Unfortunately, we cannot ",
    "Your request has been received",
    "as I already told you",
    "asap",
    "utilize",
    "PLEASE READ THIS NOW",
    "!!!",
    "?!",
    "Leider können wir ",
    "zum jetzigen Zeitpunkt",
    "con el fin de ",
    "К сожалению, мы не можем ",
    "Сообщаем Вам, что ",
    "Hello,\n\n",
    "Kind regards,\n",
    "We recieve the the parcel. ",
    "an banana ",
    "its going too be ",
    "word ",
    "word, ",
    "and we ",
    "; ",
    ". ",
    ".\n\n",
    "\n",
    " ",
    "\t",
    "'",
    "\"",
    "it's ",
    "don’t ",
    "{",
    "}",
    "%",
    "%}",
    "}}",
    "- ",
    "1. ",
    "é",
    "👩‍👩‍👧 ",
    "ß",
    "{{ a }}",
    "{{ b.c | default: 'there' }}",
    "{{- a -}}",
    "{{ \"it's\" }}",
    "{% if a %}",
    "{% elsif b %}",
    "{% else %}",
    "{% endif %}",
    "{%- endif -%}",
    "{% unless a %}",
    "{% endunless %}",
    "{% for x in list %}",
    "{{ x }}",
    "{% endfor %}",
    "{% case a %}{% when 1 %}",
    "{% when 2 %}",
    "{% endcase %}",
    "{% capture d %}",
    "{% endcapture %}",
    "{{ d }}",
    "{% assign d = a %}",
    "{% raw %}",
    "{% endraw %}",
    "{% comment %}it's {% endcomment %}",
    "{% # it's %}",
    // Words that become markup, or hide its end, if what stands beside them is rewritten.
    "{Please be advised that {{ a }}",
    "{% # it's %}Unfortunately, we cannot {{ a }}{% if a %}x{% endif %}",
    "{% raw %}{{ in order to }}{% endraw %}",
    "{% else it's %}",
    "<p>",
    "<a href=\"",
    "\">",
    "&amp;",
    "<!-- ",
];

fn source() -> impl Strategy<Value = String> {
    let soup = prop::collection::vec(prop::sample::select(PARTS), 0..30).prop_map(|parts| parts.concat());
    prop_oneof![8 => soup, 1 => any::<String>(), 1 => "[a-zA-Z{}% .'\"\n]{0,60}"]
}

fn situation() -> impl Strategy<Value = Situation<'static>> {
    let languages = vec![Some("en"), Some("de"), Some("es-MX"), Some("ru"), Some("fr"), None];
    let channels = vec![Channel::Email, Channel::Chat, Channel::Other];
    let moods = vec![Mood::Unknown, Mood::Neutral, Mood::Upset];
    let formats = vec![Format::Text, Format::Html];
    let language = prop::sample::select(languages);
    (language, prop::sample::select(formats), prop::sample::select(channels), prop::sample::select(moods))
        .prop_map(|(language, format, channel, mood)| Situation { language, format, channel, mood })
}

fn names(template: &Template) -> Vec<String> {
    template.variables().into_iter().map(|variable| variable.name).collect()
}

fn rewrites(review: &Review) -> Vec<&Finding> {
    review.findings.iter().filter(|finding| finding.rewrite.is_some()).collect()
}

/// The rules whose rewrites are ours.
fn is_settled(rule: Rule) -> bool {
    !matches!(rule, Rule::Grammar | Rule::Spelling | Rule::LongSentence)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_choice_of_findings_gives_a_template_with_the_same_variables(
        source in source(), situation in situation(), choice in any::<u128>(),
    ) {
        let Ok(template) = Template::parse(&source) else { return Ok(()) };
        let review = review(&template, &situation);
        prop_assert_eq!(&review, &romashka_writing::review(&template, &situation));
        prop_assert!(review.findings.len() <= MAX_FINDINGS);
        let chosen: Vec<&Finding> = rewrites(&review)
            .into_iter()
            .enumerate()
            .filter(|(at, _)| choice >> (at % 128) & 1 == 1)
            .map(|(_, finding)| finding)
            .collect();
        let ids: Vec<FindingId> = chosen.iter().map(|finding| finding.id.clone()).collect();
        let written = apply(&template, &review, &ids);
        prop_assert!(written.is_ok(), "{:?} of {:?}", written, chosen);
        let written = written.unwrap_or_default();
        let rewritten = Template::parse(&written).map_err(|problems| TestCaseError::fail(format!("{problems:?}")))?;
        prop_assert_eq!(names(&rewritten), names(&template));

        // Everything between the rewrites stands where it stood.
        let (mut from, mut left) = (0, written.as_str());
        for rewrite in chosen.iter().filter_map(|finding| finding.rewrite.as_ref()) {
            for part in [&source[from..rewrite.start], &rewrite.replacement] {
                prop_assert!(left.starts_with(part), "{:?} does not begin with {:?}", left, part);
                left = &left[part.len()..];
            }
            prop_assert_eq!(&source[rewrite.start..rewrite.end], rewrite.words.as_str());
            from = rewrite.end;
        }
        prop_assert_eq!(left, &source[from..]);
    }

    #[test]
    fn what_was_rewritten_is_not_found_again(source in source(), situation in situation()) {
        let Ok(mut template) = Template::parse(&source) else { return Ok(()) };
        // One phrase may have hidden another, so it may take more than one turn.
        for _ in 0..6 {
            let review = review(&template, &situation);
            let settled = rewrites(&review).into_iter().filter(|finding| is_settled(finding.rule));
            let ids: Vec<FindingId> = settled.map(|finding| finding.id.clone()).collect();
            if ids.is_empty() {
                return Ok(());
            }
            let written = apply(&template, &review, &ids).map_err(|error| TestCaseError::fail(error.to_string()))?;
            template = Template::parse(&written).map_err(|problems| TestCaseError::fail(format!("{problems:?}")))?;
        }
        prop_assert!(false, "it goes on and on: {}", template.source());
    }
}

#[test]
fn a_finding_keeps_its_name_and_a_changed_template_is_noticed() {
    let situation = Situation { language: Some("en"), ..Situation::default() };
    let first = Template::parse("Please do it asap, in order to pay.").unwrap();
    let second = Template::parse("Please do that asap, in order to pay.").unwrap();
    let review = review(&first, &situation);
    let ids: Vec<FindingId> = review.findings.iter().map(|finding| finding.id.clone()).collect();
    assert_eq!(review.findings.len(), 2, "{:#?}", review.findings);
    assert!(apply(&second, &review, &ids).unwrap_err().to_string().contains("another version"));
    assert!(apply(&first, &review, &["0".into()]).unwrap_err().to_string().contains("no finding 0"));
    let twice = [&ids[..], &ids[..]].concat();
    assert_eq!(apply(&first, &review, &twice).unwrap(), "Please do it as soon as possible, to pay.");
}

#[test]
fn rewrites_of_the_same_words_are_refused_with_both_names() {
    let situation = Situation { language: Some("en"), ..Situation::default() };
    let template = Template::parse("Please do it asap.").unwrap();
    let mut review = review(&template, &situation);
    let mut other = review.findings[0].clone();
    other.id = "other".into();
    review.findings.push(other);
    let ids: Vec<FindingId> = review.findings.iter().map(|finding| finding.id.clone()).collect();
    let error = apply(&template, &review, &ids).unwrap_err().to_string();
    assert_eq!(error, format!("findings {} and other rewrite the same words; choose one of them", ids[0]));
}

#[test]
fn hints_cannot_be_applied() {
    let template = Template::parse("Please calm down, you can write to us.").unwrap();
    let review = review(&template, &Situation { language: Some("en"), ..Situation::default() });
    let [finding] = &review.findings[..] else { panic!("{:#?}", review.findings) };
    assert_eq!((finding.rule, finding.hint.is_some()), (Rule::Dismissive, true));
    assert!(apply(&template, &review, std::slice::from_ref(&finding.id)).unwrap_err().to_string().contains("hint"));
}

/// A template of the greatest size, made of one part again and again.
fn filled(part: &str, before: &str, after: &str) -> String {
    let room = MAX_SOURCE_BYTES.saturating_sub(before.len() + after.len());
    format!("{before}{}{after}", part.repeat(room / part.len()))
}

/// A number as letters.
fn letters(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'q')).collect()
}

#[test]
fn a_template_made_to_take_long_does_not() {
    romashka_writing::warm_up();
    let arms: String = (0..1_500).map(|at| format!("{{% elsif a == {at} %}}b{at} ")).collect();
    let nested = "{% if a %}in order to {% else %}asap ";
    let hostile = [
        filled("in order to ", "", ""),
        filled("in order ", "", ""),
        filled("please be advised that ", "", ""),
        filled("qzxwv ", "", ""),
        filled("xyqzk. ", "", ""),
        (0..9_000).map(|at| format!("zq{}x ", at)).collect::<String>(),
        (0..9_000).map(|at| format!("z{at}. ")).collect::<String>(),
        (0..9_000)
            .map(|at| format!("it is an {}{}", letters(at), if at % 100 == 0 { ". " } else { " " }))
            .collect::<String>(),
        (0..9_000).map(|at| format!("{}\n", letters(at))).collect::<String>(),
        filled("a", "", ""),
        filled("a ", "", ""),
        filled("A", "", ""),
        filled("PLEASE ", "", ""),
        filled("!", "", ""),
        filled("\n", "Hello", ""),
        filled("a\n", "", ""),
        filled(". ", "", ""),
        filled("'", "", ""),
        filled("and we, ", "We go ", "."),
        filled("; and so ", "We go ", "."),
        filled("{{ a }}", "", ""),
        filled("{{ a }} the the ", "", ""),
        filled("{{ a | default: 'in order to' }} ", "", ""),
        filled("a.a@a:/", "", ""),
        filled("ab.cd ", "", ""),
        filled("é", "", ""),
        filled("The the an apple a apple. ", "", ""),
        filled("{% if a %}an banana {% else %}asap {% endif %}", "", ""),
        filled("x ", &format!("{{% if z %}}{arms}"), "{% endif %}"),
        filled("x ", &nested.repeat(16), &"{% endif %}".repeat(16)),
        filled("{% comment %}'{% endcomment %}", "", ""),
    ];
    for source in hostile {
        let source: String = source.chars().take(MAX_SOURCE_BYTES).collect();
        let Ok(template) = Template::parse(&source) else { continue };
        let situation =
            Situation { language: Some("en"), channel: Channel::Email, mood: Mood::Upset, ..Situation::default() };
        let start = Instant::now();
        let review = review(&template, &situation);
        let took = start.elapsed();
        let shown: String = source.chars().take(30).collect();
        assert!(took < Duration::from_secs(2), "{took:?}: {shown:?}");
        assert!(review.findings.len() <= MAX_FINDINGS);
        let ids: Vec<FindingId> = rewrites(&review).into_iter().map(|finding| finding.id.clone()).collect();
        assert!(apply(&template, &review, &ids).is_ok(), "{shown:?}");
    }
}

#[test]
fn of_html_the_words_are_reviewed_and_the_markup_stays() {
    let source = "<p>Dear {{ name }},</p>\n<p>Please be advised that your <b>order</b> left. \
                  <a href=\"https://example.com/recieve?at={{ time }}\">Track it</a>!!!</p>";
    let template = Template::parse(source).unwrap();
    let situation =
        Situation { language: Some("en"), format: Format::Html, channel: Channel::Email, mood: Mood::Upset };
    let review = review(&template, &situation);
    let all: Vec<FindingId> = rewrites(&review).into_iter().map(|finding| finding.id.clone()).collect();
    let rules: Vec<Rule> = review.findings.iter().map(|finding| finding.rule).collect();
    assert!(rules.contains(&Rule::WordyPhrase) && rules.contains(&Rule::Shouting), "{rules:?}");
    assert!(!rules.contains(&Rule::Spelling), "an address is not read: {rules:?}");
    let missing = review.findings.iter().find(|finding| finding.rule == Rule::MissingClosing).unwrap();
    assert!(missing.rewrite.is_none() && missing.hint.is_some(), "a paragraph is a person's to put in");
    let written = apply(&template, &review, &all).unwrap();
    assert!(written.contains("our <b>order</b> left.") && !written.contains("Please be advised"), "{written}");
    assert!(written.contains("{{ time }}\">Track it</a>!"), "{written}");
}
