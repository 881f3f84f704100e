//! Whether every dependency may be used under a licence that `deny.toml` allows.
//!
//! cargo-deny does this and more, and is run where it is installed; it takes minutes to build, so a machine without it
//! still checks the one thing that must never slip.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::{root, setup};

/// Fails with the packages whose licence is not allowed.
pub fn check() -> Result<usize> {
    let deny = fs::read_to_string(root().join("deny.toml")).context("cannot read deny.toml")?;
    let allowed = allowed(&deny)?;
    let output = setup::cargo().args(["metadata", "--format-version", "1", "--locked"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let refused: Vec<_> = packages.iter().filter_map(|package| refusal(package, &allowed)).collect();
    if !refused.is_empty() {
        bail!("not under a licence that deny.toml allows:\n{}", refused.join("\n"));
    }
    Ok(packages.len())
}

fn refusal(package: &Value, allowed: &BTreeSet<String>) -> Option<String> {
    let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
    let Some(licence) = package["license"].as_str() else { return Some(format!("{name}: names no licence")) };
    let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else {
        return Some(format!("{name}: {licence} is not an SPDX expression"));
    };
    let fits = expression.evaluate(|requirement| allowed.contains(&requirement.to_string()));
    (!fits).then(|| format!("{name}: {licence}"))
}

/// The licences that `[licenses] allow` lists.
fn allowed(deny: &str) -> Result<BTreeSet<String>> {
    let section = deny.split("[licenses]").nth(1).context("deny.toml has no [licenses]")?;
    let list = section.split("allow = [").nth(1).and_then(|rest| rest.split(']').next());
    let list = list.context("[licenses] in deny.toml has no allow list")?;
    let lines = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    let names = lines.flat_map(|line| line.split(',')).map(|name| name.trim().trim_matches('"').to_owned());
    Ok(names.filter(|name| !name.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(licence: &str) -> bool {
        let allowed = allowed("[licenses]\nallow = [\n  \"MIT\", # usual\n  \"Apache-2.0\",\n]\n").unwrap();
        refusal(&json!({ "name": "a", "version": "1.0.0", "license": licence }), &allowed).is_some()
    }

    #[test]
    fn one_allowed_licence_of_a_choice_is_enough_and_all_of_a_sum_are_needed() {
        assert!(!refused("MIT OR GPL-3.0-only"));
        assert!(!refused("MIT/Apache-2.0"));
        assert!(refused("MIT AND GPL-3.0-only"));
        assert!(refused("AGPL-3.0-only"));
        assert!(refused("whatever we like"));
    }
}
