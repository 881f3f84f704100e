//! What is wrong with a template before it is kept.

use romashka_domain::Permission;
use romashka_domain::template::{Format, Variable, check_variables};
use romashka_http::{Problem, Refusals, Reply, Request, invalid_field};
use romashka_liquid::{MAX_PROBLEMS, Place, Severity, Template, Type};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::markup::unsafe_markup;
use crate::rendering::{definitions, known};

/// A template that is being written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The text in Liquid.
    source: String,
    /// The variables that it defines.
    #[serde(default)]
    #[schema(max_items = 100)]
    variables: Vec<Variable>,
    /// What it is for; plain text where it is left out. In HTML, what does something by itself is an error.
    #[serde(default)]
    format: Format,
}

/// What is wrong with it, and what it needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Validation {
    /// Whether it can be kept and used.
    valid: bool,
    /// What is wrong, in the order of the source; of more than 50, errors first.
    problems: Vec<romashka_liquid::Problem>,
    /// The variables that it uses, as far as it can be read.
    variables: Vec<UsedVariable>,
}

/// A variable that a template uses.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsedVariable {
    /// Its name.
    name: String,
    /// What its uses take it for: `any` where they tell nothing, or different things.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: &'static str,
    /// Texts that it is compared with.
    options: Vec<String>,
    /// What stands in for it where it is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    /// Whether the template defines it.
    defined: bool,
    /// Where it stands.
    places: Vec<Place>,
}

/// Tell everything that is wrong with a template, and what it needs. Nothing is kept.
#[utoipa::path(
    post, path = "/v1/templates/validate", operation_id = "templates.validate", tag = "templates",
    request_body = Draft,
    responses((status = 200, description = "What is wrong with it.", body = Validation), Refusals)
)]
pub async fn validate(request: Request) -> Result<Reply, Problem> {
    request.authorise(Permission::WriteTemplates)?;
    let Draft { source, variables, format } = request.json()?;
    check_variables(&variables)?;
    if source.trim().is_empty() {
        return Err(invalid_field("/source", "empty_source", "must hold words"));
    }
    Reply::ok(&validated(&source, &variables, format))
}

fn validated(source: &str, defined: &[Variable], format: Format) -> Validation {
    let template = match Template::parse(source) {
        Ok(template) => template,
        Err(problems) => return Validation { valid: false, problems, variables: Vec::new() },
    };
    let mut problems = template.lint(&definitions(defined), &known());
    if format == Format::Html {
        problems.extend(unsafe_markup(&template));
        problems.sort_by_key(|problem| (problem.span, problem.code));
    }
    let valid = problems.iter().all(|problem| problem.severity != Severity::Error);
    // Errors first where there are more than anybody reads.
    if problems.len() > MAX_PROBLEMS {
        problems.sort_by_key(|problem| (problem.severity, problem.span, problem.code));
        problems.truncate(MAX_PROBLEMS);
    }
    let variables = template.variables().into_iter().map(|variable| UsedVariable {
        kind: match variable.taken_for {
            Type::Any => "any",
            Type::Text if variable.options.len() > 1 => "select",
            Type::Text => "text",
            Type::Number => "number",
            Type::Date => "date",
            Type::List => "list",
        },
        defined: defined.iter().any(|definition| definition.name == variable.name),
        name: variable.name,
        options: variable.options,
        default: variable.default,
        places: variable.places,
    });
    Validation { valid, variables: variables.collect(), problems }
}

#[cfg(test)]
mod tests {
    use romashka_liquid::Code;

    use super::*;

    #[test]
    fn a_draft_is_told_what_it_needs_and_what_is_wrong() {
        let defined = [serde_json::from_str(r#"{ "name": "order.total", "type": "number" }"#).unwrap()];
        let source =
            "{{ customer.nmae }}{{ order.total | date: 'long' }}{% if plan == 'a' or plan == 'b' %}{% endif %}";
        let said = validated(source, &defined, Format::Text);
        let problems: Vec<_> = said.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "line 1, column 4: the variable `customer.nmae` is not defined; did you mean `customer.name`?",
                "line 1, column 23: `order.total` is a number, and `date` needs a date",
                "line 1, column 58: the variable `plan` is not defined",
                "line 1, column 73: the variable `plan` is not defined",
            ]
        );
        let variables: Vec<_> =
            said.variables.iter().map(|variable| (&*variable.name, variable.kind, variable.defined)).collect();
        assert_eq!(
            variables,
            [("customer.nmae", "any", false), ("order.total", "date", true), ("plan", "select", false)]
        );
        assert!(said.valid, "a warning does not keep a template from use");
        assert!(!validated("{{", &[], Format::Text).valid);
    }

    #[test]
    fn html_is_looked_through_for_what_is_unsafe() {
        let source = "{{ nobody }} <a href='{{ customer.url }}'>x</a> <script>";
        let codes = |format| validated(source, &[], format).problems.into_iter().map(|problem| problem.code);
        assert!(codes(Format::Text).all(|code| code != Code::Unsafe));
        assert_eq!(codes(Format::Html).filter(|code| *code == Code::Unsafe).count(), 2);
        assert!(validated(source, &[], Format::Text).valid && !validated(source, &[], Format::Html).valid);
        let many = validated(&("{{ nobody }} ".repeat(100) + "<script>"), &[], Format::Html);
        assert_eq!((many.problems.len(), many.problems[0].code), (MAX_PROBLEMS, Code::Unsafe));
    }
}
