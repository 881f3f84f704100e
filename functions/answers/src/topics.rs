//! Topics of a message, and the question which of them is meant.

use romashka_domain::answer::TopicScore;
use romashka_domain::topic::{Catalogue, TopicMap, TopicState};
use romashka_learning::knowledge::Hit;

/// Topics of what was found for a message, the likeliest first. Probabilities of groups of one topic add up.
pub fn scored(hits: &[Hit<'_>], map: &TopicMap, catalogue: &Catalogue) -> Vec<TopicScore> {
    let mut scored: Vec<TopicScore> = Vec::new();
    for hit in hits {
        let topic = map.of_passage(hit.position).and_then(|id| catalogue.standing_for(id));
        let Some(topic) = topic else { continue };
        let probability = f64::from(hit.probability);
        match scored.iter_mut().find(|score| score.id == topic.id) {
            Some(score) => score.confidence = (score.confidence + probability).min(1.0),
            None => scored.push(TopicScore {
                id: topic.id,
                name: topic.name.clone(),
                confidence: probability,
                induced: topic.state == TopicState::Induced,
            }),
        }
    }
    scored.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    scored
}

/// The question which of some topics is meant, in the customer's language where it is known here, otherwise in English.
pub fn question(choices: &[TopicScore], language: Option<&str>) -> Option<String> {
    let (before, or, after, quotes) = match language.unwrap_or("en") {
        "de" => ("Geht es um", "oder", "?", ("„", "“")),
        "es" => ("¿Se trata de", "o", "?", ("«", "»")),
        "fr" => ("S'agit-il de", "ou", " ?", ("« ", " »")),
        "it" => ("Si tratta di", "o", "?", ("«", "»")),
        "nl" => ("Gaat het over", "of", "?", ("‘", "’")),
        "pl" => ("Czy chodzi o", "czy", "?", ("„", "”")),
        "pt" => ("É sobre", "ou", "?", ("“", "”")),
        "ru" => ("Вас интересует", "или", "?", ("«", "»")),
        "uk" => ("Вас цікавить", "чи", "?", ("«", "»")),
        _ => ("Is it about", "or", "?", ("“", "”")),
    };
    let (last, others) = choices.split_last()?;
    // A name that nobody has chosen yet is its telling words, joined.
    let quoted = |topic: &TopicScore| format!("{}{}{}", quotes.0, topic.name.replace('_', " "), quotes.1);
    let others: Vec<String> = others.iter().map(quoted).collect();
    Some(format!("{before} {} {or} {}{after}", others.join(", "), quoted(last)))
}

#[cfg(test)]
mod tests {
    use romashka_domain::{ModelId, TopicId};
    use uuid::Uuid;

    use super::*;

    fn score(number: usize, confidence: f64) -> TopicScore {
        let id = TopicId::found(ModelId::new(Uuid::nil()), number);
        TopicScore { id, name: format!("topic {number}"), confidence, induced: true }
    }

    #[test]
    fn the_question_is_in_the_customers_language() {
        let three = [score(0, 0.4), score(1, 0.3), score(2, 0.3)];
        assert_eq!(question(&three, Some("de")).unwrap(), "Geht es um „topic 0“, „topic 1“ oder „topic 2“?");
        assert_eq!(question(&three[..2], Some("xx")).unwrap(), "Is it about “topic 0” or “topic 1”?");
        assert_eq!(question(&[], None), None);
    }
}
