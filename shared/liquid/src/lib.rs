//! The language that reply templates are written in: the part of Liquid that support teams use.
//!
//! ```text
//! Hello {{ customer.name | default: "there" }},
//! {% if order.is_late %}your parcel left on {{ order.sent_on | date: "long" }}.{% endif %}
//! ```
//!
//! [`Template::parse`] reads a template or tells everything that is wrong with it, each with its line and column;
//! [`Template::variables`] lists what it needs; [`Template::lint`] finds what will surprise its writer; and
//! [`Template::render`] makes the text. The crate knows no cloud, no clock and no tenant.
//!
//! Three promises hold for every template and every context, hostile ones too:
//!
//! * **bounded work**: steps, texts, items, depth and time have limits, and nothing recurses deeper than a template is
//!   nested;
//! * **no leaks**: an error names the variable, and never repeats its value;
//! * **no markup by accident**: for HTML, what comes of variables is escaped.
//!
//! ```
//! use romashka_liquid::{Channel, Limits, Locale, Object, Rendering, Template, Value};
//!
//! let template = Template::parse("{{ order.total | number: 2 }} € for {{ name | default: 'you' }}").unwrap();
//! let order = Value::from(serde_json::json!({ "total": 1234.5 }));
//! let context = Object::from([("order".into(), order)]);
//! let locale: Locale = "de".parse().unwrap();
//! let rendering = Rendering {
//!     limits: Limits::default(),
//!     channel: Channel::Text,
//!     locale: &locale,
//!     now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
//!     elapsed: &|| std::time::Duration::ZERO,
//! };
//! assert_eq!(template.render(&context, &rendering).unwrap().text, "1.234,50 € for you");
//! ```

mod ast;
mod filters;
mod limits;
mod lint;
mod locale;
mod parse;
mod place;
mod problem;
mod prose;
mod render;
mod uses;
mod value;
mod variables;

pub use ast::Template;
pub use filters::{Type, names as filter_names};
pub use limits::Limits;
pub use lint::{Definition, Kind};
pub use locale::{Locale, Style, UnknownLocale};
pub use parse::{MAX_DEPTH, MAX_PROBLEMS, MAX_SOURCE_BYTES};
pub use place::{Place, Span};
pub use problem::{Code, Problem, Severity};
pub use prose::Piece;
pub use render::{Channel, Missing, RenderCode, RenderError, Rendered, Rendering};
pub use value::{Object, Shown, Value};
pub use variables::Variable;
