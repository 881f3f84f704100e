//! Groups of a few replies, each compared with each.
//!
//! A few distinct replies teach nothing about how alike replies to the same question are.
//! Two things still tell that two replies say the same: their words, and that customers who asked the same got either. Both are
//! cosines over all n-grams of words and characters, so no encoder needs to know the language; where one does, its cosine
//! counts, too. Groups are joined while the mean over the pairs between them is large enough (average linkage; Sokal and
//! Michener 1958, "A Statistical Method for Evaluating Systematic Relationships").

use crate::{
    content::ContentHash,
    embedding::Embedding,
    lexical::{Lexicon, Reading},
};

/// Distinct replies that are linked; of more, neighbours and communities tell more.
pub const MAX_LINKED: usize = 150;
/// Questions of one reply that are compared.
const MAX_QUESTIONS: usize = 8;
/// Weight of the questions beside the reply's words.
const QUESTIONS_WEIGHT: f32 = 0.5;
/// Cosine of an encoder's embeddings up to which two replies of one company are unlike. With .40 two matters of one of three
/// companies come together; with .60 a matter falls into four groups.
const UNRELATED: f32 = 0.5;
/// Likeness from which two groups are one. Of thirteen companies in five languages, with forty to sixty conversations each by
/// other hands, one reply of six hundred comes into a wrong group; with .15 a matter falls into four groups.
const LEAST_LIKENESS: f32 = 0.1;
/// Likeness of two replies, without their questions, from which they say the same. One reply of a hundred is as like one of
/// another matter, of the same companies, and six of ten as like one of their own.
const SAYS_THE_SAME: f32 = 0.1;

/// A reply and the questions that it answered.
#[derive(Debug, Clone)]
pub struct Answered<'text> {
    /// The body of the reply.
    pub reply: &'text str,
    /// Its embedding; `None` where no encoder knows the language.
    pub embedding: Option<&'text Embedding>,
    /// Customers' questions.
    pub questions: Vec<&'text str>,
}

/// Replies by group.
#[derive(Debug)]
pub struct Linked {
    group_of: Vec<usize>,
    /// Likeness of each two replies by what they say.
    said: Vec<Vec<f32>>,
}

impl Linked {
    /// The group of each reply, in the caller's order.
    #[must_use]
    pub fn group_of(&self) -> &[usize] {
        &self.group_of
    }

    /// Returns true if a reply says what some others say, whatever was asked: it is as like one of them as replies of one group
    /// are.
    #[must_use]
    pub fn says_the_same(&self, reply: usize, others: &[usize]) -> bool {
        let said = others.iter().filter(|other| **other != reply).map(|other| self.said[reply][*other]);
        said.fold(f32::NEG_INFINITY, f32::max) >= SAYS_THE_SAME
    }
}

/// Links replies. The same replies in any order get the same groups.
#[must_use]
pub fn link_replies(replies: &[Answered<'_>]) -> Linked {
    let mut order: Vec<usize> = (0..replies.len()).collect();
    order.sort_by_cached_key(|&at| ContentHash::of(replies[at].reply, None));
    let in_order: Vec<&Answered<'_>> = order.iter().map(|&at| &replies[at]).collect();
    let (said_in_order, likeness) = likenesses(&in_order);
    let mut group_of = vec![0; replies.len()];
    for (group, members) in linked(&likeness).into_iter().enumerate() {
        members.into_iter().for_each(|at| group_of[order[at]] = group);
    }
    let mut said = vec![vec![0.0; replies.len()]; replies.len()];
    for (one, in_order) in order.iter().zip(said_in_order) {
        order.iter().zip(in_order).for_each(|(other, likeness)| said[*one][*other] = likeness);
    }
    Linked { group_of, said }
}

/// Likeness of each two replies: by what they say, and by the questions that they answered as well.
fn likenesses(replies: &[&Answered<'_>]) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let lexicon = Lexicon::of(&replies.iter().map(|it| it.reply).collect::<Vec<_>>());
    let of_questions = Lexicon::of(&replies.iter().flat_map(|it| it.questions.iter().copied()).collect::<Vec<_>>());
    let read: Vec<(Reading, Vec<Reading>)> = replies
        .iter()
        .map(|it| {
            let mut questions = it.questions.clone();
            questions.sort_unstable();
            questions.truncate(MAX_QUESTIONS);
            (lexicon.read(it.reply), questions.iter().map(|question| of_questions.read(question)).collect())
        })
        .collect();
    let said = |a: usize, b: usize| {
        let meaning = match (replies[a].embedding, replies[b].embedding) {
            (Some(one), Some(other)) => one.cosine(other) - UNRELATED,
            _ => 0.0,
        };
        read[a].0.cosine(&read[b].0) + meaning
    };
    let asked = |a: usize, b: usize| {
        let (questions, theirs) = (&read[a].1, &read[b].1);
        (covered(questions, theirs) + covered(theirs, questions)) / 2.0
    };
    let each = |of: &dyn Fn(usize, usize) -> f32| -> Vec<Vec<f32>> {
        (0..read.len()).map(|one| (0..read.len()).map(|other| of(one, other)).collect()).collect()
    };
    (each(&said), each(&|a, b| said(a, b) + QUESTIONS_WEIGHT * asked(a, b)))
}

/// Mean over questions of the greatest cosine to one of others.
fn covered(questions: &[Reading], others: &[Reading]) -> f32 {
    let greatest = |question: &Reading| others.iter().map(|other| question.cosine(other)).fold(0.0, f32::max);
    questions.iter().map(greatest).sum::<f32>() / questions.len().max(1) as f32
}

/// Members of each group.
fn linked(likeness: &[Vec<f32>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = (0..likeness.len()).map(|at| vec![at]).collect();
    loop {
        let mut best = (LEAST_LIKENESS, None);
        for (one, members) in groups.iter().enumerate() {
            for (other, theirs) in groups.iter().enumerate().skip(one + 1) {
                let sum: f32 = members.iter().flat_map(|&a| theirs.iter().map(move |&b| likeness[a][b])).sum();
                let mean = sum / (members.len() * theirs.len()) as f32;
                if mean > best.0 {
                    best = (mean, Some((one, other)));
                }
            }
        }
        let (_, Some((one, other))) = best else { break };
        let joined = groups.remove(other);
        groups[one].extend(joined);
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Replies that say one of four things, in two wordings each, with a question that either answered.
    const REPLIES: [(usize, &str, &str); 8] = [
        (0, "Вернуть товар можно в течение 30 дней, наклейка лежит в посылке.", "как вернуть чайник?"),
        (0, "Товар принимаем обратно 30 дней, приложите наклейку из посылки.", "хочу вернуть чашки"),
        (1, "Ссылка для нового пароля есть под формой входа.", "забыл пароль"),
        (1, "Нажмите под формой входа на ссылку, мы пришлём новый пароль.", "не помню пароль"),
        (2, "Каждый счёт можно скачать в личном кабинете в формате PDF.", "где мой счёт?"),
        (2, "Счёт лежит в кабинете, его можно скачать как PDF.", "нужен счёт на заказ"),
        (3, "Доставляем по всей Европе за 9 евро.", "сколько стоит доставка в Австрию?"),
        (3, "Доставка в любую страну Европы стоит 9 евро.", "доставка в Польшу есть?"),
    ];

    fn grouped(order: &[usize]) -> Vec<usize> {
        let reply = |&at: &usize| Answered { reply: REPLIES[at].1, embedding: None, questions: vec![REPLIES[at].2] };
        link_replies(&order.iter().map(reply).collect::<Vec<_>>()).group_of
    }

    #[test]
    fn two_wordings_of_an_answer_are_one_group() {
        let groups = grouped(&[0, 1, 2, 3, 4, 5, 6, 7]);
        for (one, (answer, ..)) in REPLIES.iter().enumerate() {
            for (other, (of_other, ..)) in REPLIES.iter().enumerate() {
                assert_eq!(groups[one] == groups[other], answer == of_other, "{one} {other}");
            }
        }
    }

    #[test]
    fn a_reply_says_what_the_other_wording_of_its_answer_says() {
        let reply = |(_, said, asked): &(usize, &'static str, &'static str)| Answered {
            reply: said,
            embedding: None,
            questions: vec![asked],
        };
        let linked = link_replies(&REPLIES.iter().map(reply).collect::<Vec<_>>());
        for (one, (said, ..)) in REPLIES.iter().enumerate() {
            for answer in 0..4 {
                let others = [2 * answer, 2 * answer + 1];
                assert_eq!(linked.says_the_same(one, &others), *said == answer, "{one} {answer}");
            }
            assert!(!linked.says_the_same(one, &[one]));
        }
    }

    #[test]
    fn nothing_and_one_reply_are_grouped() {
        assert!(grouped(&[]).is_empty());
        assert_eq!(grouped(&[3]), [0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn the_order_of_replies_makes_no_difference(
            order in Just((0..REPLIES.len()).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let (straight, mixed) = (grouped(&[0, 1, 2, 3, 4, 5, 6, 7]), grouped(&order));
            for (place, &at) in order.iter().enumerate() {
                prop_assert_eq!(straight[at], mixed[place]);
            }
        }
    }
}
