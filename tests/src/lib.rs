//! The OpenAPI document, put together from the operations that each context annotates.
//!
//! It lives here because only the tests see every context at once; what is served is the golden file
//! `docs/openapi.json`, and `house::contract` fails when the two differ.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
};
use utoipa::{OpenApi as _, PartialSchema};

/// The whole contract.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Romashka")
        .version("1")
        .description(Some("Train the AI that answers your customers. `docs/api.md` has the conventions."))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .contact(Some(ContactBuilder::new().name(Some("Romashka")).build()))
        .build();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(token))
        .schema("Problem", romashka_http::ProblemBody::schema())
        .build();
    let mut document = OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
        .build();
    for context in [
        romashka_uploads::Api::openapi(),
        romashka_training::Api::openapi(),
        romashka_answers::Api::openapi(),
        romashka_templates::Api::openapi(),
        romashka_realtime::Api::openapi(),
        romashka_operations::Api::openapi(),
    ] {
        document.merge(context);
    }
    document
}
