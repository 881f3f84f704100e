//! Lists the templates that come with the product.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.list_starters", romashka_templates::starters::list_starters)
}
