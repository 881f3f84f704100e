//! Lists.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Applied, Whose};
use crate::render::Fault;
use crate::value::{Number, Value};

/// Bytes of comparisons that are counted together.
const COUNTED_AT_ONCE: usize = 4 * 1024;

/// Items of a list, fields of an object, characters of anything else.
pub(super) fn size(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let size = match call.input.plain() {
        Value::List(items) => items.len(),
        Value::Object(object) => object.len(),
        Value::Nil => 0,
        _ => call.input()?.chars().count(),
    };
    Ok(Value::Integer(i64::try_from(size).unwrap_or(i64::MAX)))
}

pub(super) fn first(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    Ok(call.items()?.first().cloned().unwrap_or_default())
}

pub(super) fn last(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    Ok(call.items()?.last().cloned().unwrap_or_default())
}

pub(super) fn join(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let items = call.items()?;
    let between = if call.arguments.is_empty() { Arc::from(" ") } else { call.words(Whose::Argument(0))? };
    let mut joined = String::new();
    for (place, item) in items.iter().enumerate() {
        call.meter.value(item)?;
        let words = item.words().ok_or(Fault::NoWords(Whose::Input))?;
        call.meter.text(joined.len() + between.len() + words.len())?;
        if place > 0 {
            joined.push_str(&between);
        }
        joined.push_str(&words);
    }
    Ok(Value::text(joined))
}

/// The field that the first argument names, of each item; the item itself without an argument.
fn keys(call: &mut Applied<'_, '_>, items: &[Value]) -> Result<Vec<Value>, Fault> {
    if call.arguments.is_empty() {
        return Ok(items.to_vec());
    }
    let name = call.words(Whose::Argument(0))?;
    items
        .iter()
        .map(|item| match item.plain() {
            Value::Object(object) => Ok(object.get(&name).cloned().unwrap_or_default()),
            _ => Err(Fault::NoObjects(Whose::Input)),
        })
        .collect()
}

/// What is nothing comes last; what cannot be compared stays where it is.
fn sorted(call: &mut Applied<'_, '_>, order: fn(&Value, &Value) -> Ordering) -> Result<Value, Fault> {
    let items = call.items()?;
    let keys = keys(call, &items)?;
    let weight = Value::weight_of(&keys, call.meter.room());
    // A sort looks at each item about as often as the count has binary digits.
    call.meter.step(weight.saturating_mul(1 + keys.len().max(1).ilog2() as usize))?;
    let mut places: Vec<usize> = (0..items.len()).collect();
    places.sort_by(|one, other| order(&keys[*one], &keys[*other]));
    Ok(Value::List(places.into_iter().map(|place| items[place].clone()).collect()))
}

/// A whole order: kinds one after another, and within a kind what is less first.
fn by_worth(one: &Value, other: &Value) -> Ordering {
    let kind = |value: &Value| match value.plain() {
        Value::Bool(_) => 0,
        Value::Integer(_) | Value::Float(_) => 1,
        Value::Text(_) => 2,
        Value::Date(_) => 3,
        Value::Moment(_) => 4,
        Value::List(_) => 5,
        Value::Object(_) => 6,
        Value::Nil | Value::Shown(_) => 7,
    };
    kind(one).cmp(&kind(other)).then_with(|| match (one.plain(), other.plain()) {
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        // A large whole number and its neighbour can be equal to one float: such come one after another.
        (Value::Integer(_), Value::Float(_)) => as_floats(one, other).then(Ordering::Less),
        (Value::Float(_), Value::Integer(_)) => as_floats(one, other).then(Ordering::Greater),
        (Value::Integer(whole), Value::Integer(next)) => as_floats(one, other).then(whole.cmp(next)),
        (one, other) => one.order(other).unwrap_or(Ordering::Equal),
    })
}

fn as_floats(one: &Value, other: &Value) -> Ordering {
    let float = |value: &Value| value.number().map_or(0.0, Number::as_float);
    float(one).total_cmp(&float(other))
}

pub(super) fn sort(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    sorted(call, by_worth)
}

/// Without regard to upper and lower case.
pub(super) fn sort_natural(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    sorted(call, |one, other| match (one.plain(), other.plain()) {
        (Value::Text(one), Value::Text(other)) => {
            let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
            lower(one).cmp(&lower(other))
        }
        (one, other) => by_worth(one, other),
    })
}

pub(super) fn uniq(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let items = call.items()?;
    let keys = keys(call, &items)?;
    let mut kept: Vec<usize> = Vec::new();
    let mut cost = 0;
    for (place, key) in keys.iter().enumerate() {
        let mut is_new = true;
        for one in &kept {
            cost += keys[*one].cost_of_comparing(key, call.meter.room());
            // One at a time, each comparison would be a step of its own.
            if cost >= COUNTED_AT_ONCE {
                call.meter.step(std::mem::take(&mut cost))?;
            }
            if keys[*one].is_same(key) {
                is_new = false;
                break;
            }
        }
        if is_new {
            kept.push(place);
        }
    }
    Ok(Value::List(kept.into_iter().map(|place| items[place].clone()).collect()))
}

pub(super) fn reverse(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    Ok(Value::List(call.items()?.iter().rev().cloned().collect()))
}

pub(super) fn map(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let items = call.items()?;
    keys(call, &items).map(|keys| Value::List(keys.into()))
}

/// Items whose field has the value, or whose field is true.
pub(super) fn filtered(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let items = call.items()?;
    let keys = keys(call, &items)?;
    let mut kept = Vec::new();
    for (item, key) in items.iter().zip(&keys) {
        let is_kept = match call.arguments.get(1) {
            None => key.is_truthy(),
            Some(wanted) => {
                call.meter.comparison(key, wanted)?;
                key.is_same(wanted)
            }
        };
        kept.extend(is_kept.then(|| item.clone()));
    }
    Ok(Value::List(kept.into()))
}

pub(super) fn compact(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let items = call.items()?;
    let keys = keys(call, &items)?;
    let kept = items.iter().zip(&keys).filter(|(_, key)| !matches!(key.plain(), Value::Nil));
    Ok(Value::List(kept.map(|(item, _)| item.clone()).collect()))
}

pub(super) fn concat(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let items = call.items()?;
    let Value::List(others) = call.arguments[0].plain() else { return Err(Fault::NoList(Whose::Argument(0))) };
    let others = Arc::clone(others);
    call.meter.items(items.len() + others.len())?;
    Ok(Value::List(items.iter().chain(others.iter()).cloned().collect()))
}
