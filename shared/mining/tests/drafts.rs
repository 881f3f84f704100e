//! What a draft from a goal and examples is, and what it promises of hostile ones.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use romashka_liquid::{Channel, Limits, Locale, Object, Rendering, Template};
use romashka_mining::SlotKind;
use romashka_mining::draft::{
    Draft, DraftError, Exemplar, Goal, Length, MAX_DRAFT_EXEMPLARS, MAX_GOAL_BYTES, Material, Role, Text, Warning,
};

fn goal(text: &str) -> Goal {
    Goal { text: text.to_owned(), language: None, length: None }
}

fn exemplar(id: &str, text: Text, closeness: f64) -> Exemplar {
    Exemplar { id: id.to_owned(), text, language: None, closeness }
}

fn replies(texts: &[&str]) -> Vec<Exemplar> {
    let one = |(at, text): (usize, &&str)| exemplar(&format!("r-{at}"), Text::Reply((*text).to_owned()), 0.8);
    texts.iter().enumerate().map(one).collect()
}

fn draft(aim: &str, exemplars: &[Exemplar]) -> Draft {
    Material::read(&goal(aim), exemplars).expect("the examples can be drafted from").draft(None)
}

/// What a template shows where nothing is known.
fn shown(source: &str) -> String {
    let rendering = Rendering {
        limits: Limits::default(),
        channel: Channel::Text,
        locale: &Locale::default(),
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC),
        elapsed: &|| Duration::ZERO,
    };
    let template = Template::parse(source).expect("every source parses");
    template.render(&Object::new(), &rendering).expect("nothing in it can fail").text
}

#[test]
fn one_example_gives_its_own_text_with_variables() {
    let text = "Hi Anna, we are sorry for the delay.\n\nYour order ORD-1043 left on 2026-11-27. Please:\n\n1. Open the app.\n\
                2. Press Track.\n\nBest regards,\nTom";
    let draft = draft("say where the order is", &replies(&[text]));
    assert_eq!(
        draft.source,
        "Hi {{ customer.name }}, we are sorry for the delay.\n\nYour order {{ order.number }} left on {{ left_date }}. \
         Please:\n\n1. Open the app.\n2. Press Track.\n\nBest regards,\n{{ agent.name }}"
    );
    let kinds: Vec<(&str, &SlotKind)> = draft.variables.iter().map(|slot| (slot.name.as_str(), &slot.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("customer.name", &SlotKind::Text),
            ("order.number", &SlotKind::Text),
            ("left_date", &SlotKind::Date),
            ("agent.name", &SlotKind::Text)
        ]
    );
    assert_eq!(draft.variables[1].examples, ["ORD-1043"]);
    assert!(draft.warnings.contains(&Warning::FewExamples { found: 1 }));
}

#[test]
fn what_examples_share_is_merged_and_each_sentence_names_its_sources() {
    let exemplars = replies(&[
        "Hello Anna, thank you for waiting. We have issued your refund of $12.50 today. It takes 3 days until it arrives.",
        "Hello Tom, thank you for waiting. We have issued your refund of $8.00 today. It takes 5 days until it arrives.",
        "Hello Lena, we have issued your refund of $99.10 today. Our shop closes at noon.",
    ]);
    let draft = draft("tell the customer that the refund was issued and takes 7 days", &exemplars);
    assert_eq!(
        draft.source,
        "Hello {{ customer.name }}, thank you for waiting. We have issued your refund of ${{ refund_amount }} today. \
         It takes {{ days }} days until it arrives."
    );
    assert_eq!(draft.name, "Refund issued days");
    let sources: Vec<(Role, Vec<&str>)> = draft
        .sentences
        .iter()
        .map(|sentence| (sentence.role, sentence.exemplars.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        sources,
        [
            (Role::Greeting, vec!["r-0", "r-2", "r-1"]),
            (Role::Acknowledgement, vec!["r-0", "r-1"]),
            (Role::Body, vec!["r-0", "r-2", "r-1"]),
            (Role::Body, vec!["r-0", "r-1"]),
        ]
    );
    let days = draft.variables.iter().find(|slot| slot.name == "days").unwrap();
    assert_eq!((&days.kind, days.default.as_deref()), (&SlotKind::Number, Some("7")), "the goal says how many");
    assert_eq!(draft.warnings, []);
}

#[test]
fn what_no_example_says_is_told() {
    let draft = draft("offer a voucher for the broken lamp", &replies(&["We are sorry that the lamp arrived broken."]));
    let words = ["offer", "voucher"].map(str::to_owned).to_vec();
    assert_eq!(draft.warnings[0], Warning::NotCovered { words });
    assert_eq!(draft.warnings[0].to_string(), "not covered by the examples: offer, voucher");
}

#[test]
fn outputs_of_templates_are_kept_and_name_what_replies_say_in_their_place() {
    let exemplars = [
        exemplar(
            "t-1",
            Text::Template(
                "Hi {{ customer.name | default: \"there\" }}, your parcel {{ parcel.code }} is on its way.".to_owned(),
            ),
            0.9,
        ),
        exemplar("r-1", Text::Reply("Hi Anna, your parcel LX-4711 is on its way.".to_owned()), 0.8),
    ];
    let draft = draft("say that the parcel is on its way", &exemplars);
    assert_eq!(
        draft.source,
        "Hi {{ customer.name | default: \"there\" }}, your parcel {{ parcel.code }} is on its way."
    );
    let names: Vec<&str> = draft.variables.iter().map(|slot| slot.name.as_str()).collect();
    assert_eq!(names, ["customer.name", "parcel.code"]);
}

#[test]
fn what_a_tag_decides_on_is_left_out_and_told() {
    let source = "Your order has left. {% if late %}We are sorry.{% endif %} {% assign x = 1 %}It weighs {{ x }} kg. Have a nice day!";
    let draft = draft("say that the order has left", &[exemplar("t-1", Text::Template(source.to_owned()), 1.0)]);
    assert_eq!(draft.source, "Your order has left. Have a nice day!");
    assert!(draft.warnings.contains(&Warning::TagsLeftOut { exemplars: vec!["t-1".to_owned()] }));
}

#[test]
fn placeholders_of_redaction_are_variables_and_other_braces_are_shown() {
    let exemplars =
        replies(&["Dear {{ customer.name }}, write {{ x }} or {% y %} into the field, {{ customer.name }}."]);
    let draft = draft("say what to write into the field", &exemplars);
    assert_eq!(
        draft.source,
        "Dear {{ customer.name }}, write {{ '{{' }} x }} or {{ '{%' }} y %} into the field, {{ customer.name }}."
    );
    assert_eq!(draft.variables.len(), 1);
}

#[test]
fn a_draft_is_in_the_language_of_the_goal_where_an_example_is() {
    let mut exemplars = replies(&[
        "We have sent the invoice.",
        "Guten Tag Frau Weiß, die Rechnung ist unterwegs. Mit freundlichen Grüßen\nTom",
        "Guten Tag Herr Braun, die Rechnung ist unterwegs. Mit freundlichen Grüßen\nAnna",
    ]);
    for (exemplar, language) in exemplars.iter_mut().zip(["en", "de-AT", "de"]) {
        exemplar.language = Some(language.to_owned());
    }
    let mut wished = Goal { language: Some("de".to_owned()), ..goal("Rechnung ist unterwegs") };
    let german = Material::read(&wished, &exemplars).unwrap().draft(None);
    assert_eq!(german.language.as_deref(), Some("de"));
    assert_eq!(
        german.source,
        "Guten Tag {{ customer.name }}, die Rechnung ist unterwegs. Mit freundlichen Grüßen\n{{ agent.name }}"
    );
    wished.language = Some("es".to_owned());
    let other = Material::read(&wished, &exemplars).unwrap().draft(None);
    assert!(
        other.warnings.contains(&Warning::OtherLanguage { language: Some("de".to_owned()) }),
        "{:?}",
        other.warnings
    );
}

#[test]
fn lists_are_numbered_anew_and_nothing_announces_a_list_that_is_not_there() {
    let list = replies(&["Please follow these steps:\n\n3. Open the app.\n4. Press Pay.\n\nHave a nice day!"]);
    assert_eq!(
        draft("how to pay", &list).source,
        "Please follow these steps:\n\n1. Open the app.\n2. Press Pay.\n\nHave a nice day!"
    );
    let without = replies(&["You can pay like this:\nHave a nice day!"]);
    assert_eq!(draft("how to pay", &without).source, "Have a nice day!");
}

#[test]
fn a_short_draft_is_short() {
    let word = |at: u8| ["a", "e", "i"].map(|vowel| format!("{}{vowel}", char::from(b'a' + at % 26))).concat();
    let text: String = (0..40).map(|at| format!("Say {} {} {}. ", word(at), word(at / 2 + 7), word(at * 5))).collect();
    let goal = Goal { length: Some(Length::Short), ..goal("say what there is to say") };
    let draft = Material::read(&goal, &replies(&[&text])).unwrap().draft(None);
    let words = draft.source.split_whitespace().count();
    assert!((20..=60).contains(&words), "{words}: {}", draft.source);
}

#[test]
fn embeddings_decide_which_sentence_is_closest() {
    let exemplars = replies(&["The lamp is blue. It ships soon.", "The lamp is heavy. We mail it."]);
    let goal = Goal { length: Some(Length::Short), ..goal("colour") };
    let material = Material::read(&goal, &exemplars).unwrap();
    for wanted in ["The lamp is heavy.", "The lamp is blue."] {
        let near = |text: &&str| if *text == "colour" || *text == wanted { vec![1.0, 0.0] } else { vec![0.0, 1.0] };
        let embeddings: Vec<Vec<f32>> = material.texts().iter().map(near).collect();
        let draft = material.draft(Some(&embeddings));
        assert!(draft.sentences.iter().any(|sentence| sentence.source == wanted), "{wanted}: {}", draft.source);
    }
}

#[test]
fn what_sounds_alike_and_says_something_else_is_not_merged() {
    let exemplars = replies(&["Your refund of $5.00 was approved.", "Your refund of $7.00 was denied."]);
    for (aim, said) in [("refund approved", "approved"), ("refund denied", "denied")] {
        let draft = draft(aim, &exemplars);
        assert_eq!(draft.source, format!("Your refund of ${{{{ refund_amount }}}} was {said}."));
        assert_eq!(draft.sentences[0].exemplars.len(), 1);
    }
}

#[test]
fn without_goal_or_examples_it_is_said_what_is_missing() {
    let read = |text: &str, exemplars: &[Exemplar]| Material::read(&goal(text), exemplars).map(|_| ()).unwrap_err();
    let some = replies(&["Hello there, how are you?"]);
    assert_eq!(read(" ", &some), DraftError::NoGoal);
    assert_eq!(read("x", &[]), DraftError::NoExemplars);
    assert_eq!(
        read("x", &[]).to_string(),
        "there is no example to draft from; give at least one reply or template that is like what is wanted"
    );
    assert_eq!(read(&"x".repeat(MAX_GOAL_BYTES + 1), &some), DraftError::GoalTooLong { found: MAX_GOAL_BYTES + 1 });
    let many = vec![some[0].clone(); MAX_DRAFT_EXEMPLARS + 1];
    assert_eq!(read("x", &many), DraftError::TooManyExemplars { found: MAX_DRAFT_EXEMPLARS + 1 });
    let long = vec!["x ".repeat(4_000); 10];
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    assert_eq!(read("x", &replies(&long)), DraftError::TooLarge { found: 80_000 });
    assert_eq!(read("x", &replies(&["...", ""])), DraftError::NothingSaid);
    assert_eq!(read("x", &[exemplar("t", Text::Template("{{ a".to_owned()), 1.0)]), DraftError::NothingSaid);
}

#[test]
fn the_largest_exemplars_are_drafted_from() {
    for piece in ["a b. ", "Hi A. ", "1. x\n", "{{ ", "no yes ", "😊 ", "A", "a\u{301}", "Best regards,\nTom\n", ": "]
    {
        let exemplars: Vec<Exemplar> = (0..MAX_DRAFT_EXEMPLARS)
            .map(|at| {
                let text = format!("we {at} {}", piece.repeat(1_300 / piece.len() - 8));
                exemplar(&at.to_string(), Text::Reply(text), 1.0)
            })
            .collect();
        let draft = draft("say it", &exemplars);
        assert!(Template::parse(&draft.source).is_ok(), "{piece}");
    }
}

/// Texts made of few pieces, so that they are alike, with markup among them.
fn some_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Hello Anna, ".to_owned()),
        Just("Hi {{ name | default: 'you' }}, ".to_owned()),
        Just("your order AB-1043 has left our house today. ".to_owned()),
        Just("Your order {{ order.number }} has left our house today. ".to_owned()),
        Just("{% if a %}Really. {% else %}Not. {% endif %}".to_owned()),
        Just("{% assign b = 1 %}{{ b }}. ".to_owned()),
        Just("we send {{ it }} back to you {% if %} soon. ".to_owned()),
        Just("\n1. Open the app.\n2. Press {{ button }}.\n".to_owned()),
        Just("Steps: ".to_owned()),
        Just("\nBest regards,\nTom".to_owned()),
        "It takes [0-9]{1,4} days. ",
        "[a-zA-Z{}%'\"|. \n-]{1,8}",
        "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

fn some_exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let one = (some_text(), any::<bool>(), 0_u8..=4, prop::option::of(Just("en".to_owned())));
    prop::collection::vec(one, 1..12).prop_map(|all| {
        let one =
            |(at, (text, is_template, closeness, language)): (usize, (String, bool, u8, Option<String>))| Exemplar {
                id: at.to_string(),
                text: if is_template { Text::Template(text) } else { Text::Reply(text) },
                language,
                closeness: f64::from(closeness) / 4.0,
            };
        all.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn sources_parse_have_the_listed_variables_and_no_order(
        exemplars in some_exemplars(),
        aim in "[a-z0-9{}% ]{0,20}x",
        turned in 0_usize..12,
    ) {
        let read = Material::read(&goal(&aim), &exemplars);
        prop_assume!(read.is_ok());
        let draft = read.unwrap().draft(None);
        let template = Template::parse(&draft.source);
        prop_assert!(template.is_ok(), "{}", draft.source);
        let used: BTreeSet<String> = template.unwrap().variables().into_iter().map(|variable| variable.name).collect();
        let listed: Vec<String> = draft.variables.iter().map(|slot| slot.name.clone()).collect();
        prop_assert_eq!(&used, &listed.iter().cloned().collect(), "{}", draft.source);
        prop_assert_eq!(used.len(), listed.len(), "each is listed once");
        prop_assert!(!draft.sentences.is_empty() && !draft.source.trim().is_empty());
        for sentence in &draft.sentences {
            prop_assert!(!sentence.exemplars.is_empty() && (0.0..=1.0).contains(&sentence.support));
            prop_assert!(Template::parse(&sentence.source).is_ok(), "{}", sentence.source);
        }
        let mut others = exemplars.clone();
        others.reverse();
        others.rotate_left(turned % exemplars.len());
        prop_assert_eq!(Material::read(&goal(&aim), &others).unwrap().draft(None), draft);
    }

    #[test]
    fn braces_of_agents_are_shown_as_they_are(text in "we [a-z{}%|'\" ]{0,30}[a-z{}%]") {
        let draft = draft("say it", &replies(&[&text]));
        prop_assert_eq!(shown(&draft.source), text);
    }
}
