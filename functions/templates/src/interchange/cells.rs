//! Several things in one cell: categories in a title, words in a list.

use super::Entry;
use romashka_domain::template::{MAX_CATEGORY_DEPTH, MAX_TAGS};

/// A title that has its categories before it; of too many, the innermost stay in the name.
pub(super) fn titled(entry: &mut Entry, title: &str, between: &str) {
    let mut parts: Vec<&str> = title.split(between).map(str::trim).filter(|part| !part.is_empty()).collect();
    let depth = parts.len().saturating_sub(1).min(MAX_CATEGORY_DEPTH);
    let name = parts.split_off(depth).join(" / ");
    entry.set("name", name);
    if !parts.is_empty() {
        entry.set("category", parts);
    }
}

/// The words of a list, each once, as many as a template takes, of so many characters at most.
pub(super) fn labels(cell: &str, between: &[char], most: usize) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in cell.split(between).map(str::trim).filter(|label| !label.is_empty()) {
        let label: String = label.chars().take(most).collect();
        if labels.len() < MAX_TAGS && !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}
