//! What was found to vary, as the variables of a template.

use romashka_domain::template::variable::{MAX_NAME_CHARS, Variable, VariableType};
use romashka_liquid::{Template, Type};
use romashka_mining::{Slot, SlotKind};
use serde_json::Value;

/// The definition of a variable; what cannot be defined is left to the source.
pub fn variable_of(slot: Slot) -> Option<Variable> {
    if slot.name.chars().count() > MAX_NAME_CHARS {
        return None;
    }
    let (kind, options) = match slot.kind {
        SlotKind::Text => (VariableType::Text, Vec::new()),
        SlotKind::Number => (VariableType::Number, Vec::new()),
        SlotKind::Date => (VariableType::Date, Vec::new()),
        SlotKind::Select(options) => (VariableType::Select, options),
    };
    let default = slot.default.and_then(|default| match kind {
        VariableType::Number => serde_json::from_str::<serde_json::Number>(&default).ok().map(Value::Number),
        _ => Some(Value::String(default)),
    });
    // What an agent always filled in must be filled in.
    let variable = Variable { required: default.is_none(), default, options, ..Variable::new(slot.name, kind) };
    variable.check_definition().is_ok().then_some(variable)
}

/// The definitions of what a template uses, as far as its uses tell.
pub fn variables_of(template: &Template) -> Vec<Variable> {
    let used = template.variables().into_iter().filter(|used| used.name.chars().count() <= MAX_NAME_CHARS);
    let defined = used.filter_map(|used| {
        let kind = match used.taken_for {
            Type::Text | Type::Any => VariableType::Text,
            Type::Number => VariableType::Number,
            Type::Date => VariableType::Date,
            Type::List => return None,
        };
        // What has a default in the text may be left out.
        let variable = Variable { required: used.default.is_none(), ..Variable::new(used.name, kind) };
        variable.check_definition().is_ok().then_some(variable)
    });
    defined.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_with_a_default_may_be_left_out_and_another_may_not() {
        let slot = |kind, default: Option<&str>| Slot {
            name: "plan".to_owned(),
            kind,
            default: default.map(str::to_owned),
            examples: Vec::new(),
            seen: 3,
        };
        let options = vec!["basic".to_owned(), "premium".to_owned()];
        let choice = variable_of(slot(SlotKind::Select(options.clone()), Some("basic"))).unwrap();
        assert_eq!((choice.required, choice.default, choice.options), (false, Some(Value::from("basic")), options));
        let number = variable_of(slot(SlotKind::Number, Some("12.50"))).unwrap();
        assert_eq!((number.required, number.default.and_then(|default| default.as_f64())), (false, Some(12.5)));
        assert!(variable_of(slot(SlotKind::Text, None)).unwrap().required);
    }

    #[test]
    fn what_a_template_uses_is_defined_as_its_uses_tell() {
        let source = "{{ customer.name | default: 'there' }}{{ total | round: 2 }}{{ day | date: 'long' }}{{ other }}";
        let variables = variables_of(&Template::parse(source).unwrap());
        let told: Vec<_> =
            variables.iter().map(|variable| (&*variable.name, variable.kind, variable.required)).collect();
        assert_eq!(
            told,
            [
                ("customer.name", VariableType::Text, false),
                ("day", VariableType::Date, true),
                ("other", VariableType::Text, true),
                ("total", VariableType::Number, true),
            ]
        );
    }
}
