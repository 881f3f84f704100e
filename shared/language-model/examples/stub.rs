//! A language model for tests: answers OpenAI's chat completions and Bedrock's Converse on a port of loopback.
//!
//! ```text
//! cargo run -p romashka-language-model --features stub --example stub -- 4580            a draft made of the question, or the first source
//! cargo run -p romashka-language-model --features stub --example stub -- 4580 answer.txt always what this file holds
//! ```
//!
//! It prints its address once it listens, takes port 0 for any free one, and runs until it is stopped. The file is read
//! anew for each question, so a test may change it. The draft is `{"name": "Draft of <model>", "body": <the
//! question>}`; a question with sources is answered with the first of them.
#![expect(clippy::print_stdout, reason = "whoever starts it waits for the line with its address")]

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, bail};
use romashka_language_model::stub::{Asked, Stub, answering, quoting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (port, file) = match arguments.as_slice() {
        [port] => (port, None),
        [port, file] => (port, Some(file.clone())),
        _ => bail!("usage: stub <port> [<file with the answer>]"),
    };
    let port: u16 = port.parse().context("the port is no number up to 65535")?;
    let answer = move |asked: &Asked| match &file {
        Some(file) => std::fs::read_to_string(file).unwrap_or_default(),
        None => quoting(asked).unwrap_or_else(|| {
            let name = format!("Draft of {}", asked.model);
            serde_json::json!({ "name": name, "body": asked.user }).to_string()
        }),
    };
    let stub = Stub::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), answering(answer)).await?;
    println!("listening on {}", stub.url());
    std::future::pending().await
}
