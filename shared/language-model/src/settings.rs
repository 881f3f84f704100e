//! Which model a deployment uses, as its environment says.
//!
//! * `ROMASHKA_LANGUAGE_MODEL`: which model.
//!   * `none`, or nothing at all: no model.
//!   * `bedrock:<id>`: a model or inference profile of Amazon Bedrock, by its id or ARN.
//!   * `openai:<name>`: a model of an endpoint that speaks OpenAI's chat completions.
//! * `ROMASHKA_LANGUAGE_MODEL_URL`, for `openai:` alone: the address that `/chat/completions` is appended to, such as
//!   `http://localhost:11434/v1`; a query in it is kept. `https`, or `http` to loopback.
//! * `ROMASHKA_LANGUAGE_MODEL_KEY_SECRET`, for `openai:` alone: ARN or name of the secret in AWS Secrets Manager that
//!   holds the key, by itself or as the only member of a JSON object. Nothing: none is sent.
//! * `ROMASHKA_LANGUAGE_MODEL_SECONDS`: how long everything may take, 1 to 120 seconds; 20 where it is not said.
//! * `ROMASHKA_LANGUAGE_MODEL_PRICE_INPUT` and `ROMASHKA_LANGUAGE_MODEL_PRICE_OUTPUT`: price of a million tokens that the
//!   model reads and writes, in US dollars with up to six decimals, such as `0.25`. Both or neither; without them no cost
//!   is worked out.
//!
//! A variable that is empty counts as one that is not there, since a template gives every function all of them. The key
//! is never in the environment: whoever may read a function's configuration could read it.
//!
//! Bedrock's region, credentials and address are those of the SDK (`AWS_REGION`, the function's role,
//! `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`). The role needs `bedrock:InvokeModel` for the model, or
//! `secretsmanager:GetSecretValue` for the secret.

use std::time::Duration;

use crate::error::ModelError;

pub(crate) const MODEL: &str = "ROMASHKA_LANGUAGE_MODEL";
pub(crate) const URL: &str = "ROMASHKA_LANGUAGE_MODEL_URL";
pub(crate) const KEY_SECRET: &str = "ROMASHKA_LANGUAGE_MODEL_KEY_SECRET";
pub(crate) const SECONDS: &str = "ROMASHKA_LANGUAGE_MODEL_SECONDS";

pub(crate) const PRICE_INPUT: &str = "ROMASHKA_LANGUAGE_MODEL_PRICE_INPUT";
pub(crate) const PRICE_OUTPUT: &str = "ROMASHKA_LANGUAGE_MODEL_PRICE_OUTPUT";

const DEFAULT_SECONDS: u64 = 20;
const MAX_SECONDS: u64 = 120;

/// Highest price of a million tokens, in US dollars.
const MAX_PRICE_USD: u64 = 10_000;

/// Which model, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who runs the model.
    pub provider: Provider,
    /// How long one question may take, with everything: the key, both attempts, the pause between them.
    pub deadline: Duration,
    /// Price of the model's tokens, if the operator states it.
    pub price: Option<Price>,
}

/// Price of a model's tokens, in millionths of a US dollar for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Price of a million tokens that the model reads.
    pub input: u64,
    /// Price of a million tokens that the model writes.
    pub output: u64,
}

impl Price {
    /// Returns the cost of one question in millionths of a US dollar, rounded up.
    pub fn cost(self, input_tokens: u32, output_tokens: u32) -> u64 {
        let input = u128::from(self.input) * u128::from(input_tokens);
        let output = u128::from(self.output) * u128::from(output_tokens);
        u64::try_from((input + output).div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    fn read(said: impl Fn(&'static str) -> Option<String>) -> Result<Option<Self>, ModelError> {
        let price = |setting| match said(setting) {
            None => Ok(None),
            Some(text) => micro_dollars(&text).map(Some).ok_or(ModelError::Misconfigured {
                setting,
                why: "is no price; write US dollars for a million tokens, 0 to 10000, such as 0.25",
            }),
        };
        let missing = |setting| ModelError::Misconfigured {
            setting,
            why: "is missing; state the price of both, input and output, or of neither",
        };
        match (price(PRICE_INPUT)?, price(PRICE_OUTPUT)?) {
            (None, None) => Ok(None),
            (Some(input), Some(output)) => Ok(Some(Self { input, output })),
            (None, Some(_)) => Err(missing(PRICE_INPUT)),
            (Some(_), None) => Err(missing(PRICE_OUTPUT)),
        }
    }
}

/// Reads a decimal number of dollars with up to six decimals as millionths of a dollar.
fn micro_dollars(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 6 {
        return None;
    }
    let micro = whole.parse::<u64>().ok()?.checked_mul(1_000_000)? + format!("{fraction:0<6}").parse::<u64>().ok()?;
    (micro <= MAX_PRICE_USD * 1_000_000).then_some(micro)
}

/// Who runs the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Amazon Bedrock.
    Bedrock {
        /// Id or ARN of a model or inference profile.
        model_id: String,
    },
    /// An endpoint that speaks OpenAI's chat completions.
    OpenAi {
        /// The model's name there.
        model: String,
        /// What `/chat/completions` is appended to.
        base_url: String,
        /// ARN or name of the secret that holds the key.
        key_secret: Option<String>,
    },
}

impl Settings {
    /// What the process's environment says; `None` where no model is configured.
    ///
    /// # Errors
    /// [`ModelError::Misconfigured`] names the first variable that is wrong.
    pub fn from_env() -> Result<Option<Self>, ModelError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// What these variables say; `None` where no model is configured.
    ///
    /// # Errors
    /// [`ModelError::Misconfigured`] names the first variable that is wrong.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ModelError> {
        let said = |name| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let Some(named) = said(MODEL).filter(|named| named != "none") else { return Ok(None) };
        let provider = match named.split_once(':') {
            Some(("bedrock", id)) if !id.is_empty() => Provider::Bedrock { model_id: id.to_owned() },
            Some(("openai", name)) if !name.is_empty() => Provider::OpenAi {
                model: name.to_owned(),
                base_url: said(URL).ok_or(ModelError::Misconfigured {
                    setting: URL,
                    why: "is missing; name the address that /chat/completions is appended to",
                })?,
                key_secret: said(KEY_SECRET),
            },
            _ => {
                return Err(ModelError::Misconfigured {
                    setting: MODEL,
                    why: "names no model; write none, bedrock:<model id> or openai:<model name>",
                });
            }
        };
        let seconds = match said(SECONDS).map(|seconds| seconds.parse()) {
            None => DEFAULT_SECONDS,
            Some(Ok(seconds @ 1..=MAX_SECONDS)) => seconds,
            Some(_) => {
                return Err(ModelError::Misconfigured { setting: SECONDS, why: "is no whole number from 1 to 120" });
            }
        };
        Ok(Some(Self { provider, deadline: Duration::from_secs(seconds), price: Price::read(said)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, ModelError> {
        Settings::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn where_nothing_is_said_there_is_no_model() {
        for none in [&[][..], &[(MODEL, "")], &[(MODEL, " none ")], &[(MODEL, "none"), (SECONDS, "never")]] {
            assert_eq!(read(none), Ok(None));
        }
    }

    #[test]
    fn a_model_of_bedrock_may_be_named_by_an_arn_with_colons() {
        let arn = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.some-model-v1:0";
        let settings = read(&[(MODEL, &format!("bedrock:{arn}")), (URL, ""), (SECONDS, "")]).unwrap().unwrap();
        assert_eq!(settings.provider, Provider::Bedrock { model_id: arn.to_owned() });
        assert_eq!(settings.deadline, Duration::from_secs(20));
    }

    #[test]
    fn a_model_of_ollama_has_a_colon_in_its_name_and_no_key() {
        let url = "http://localhost:11434/v1";
        let settings = read(&[(MODEL, "openai:qwen3:8b"), (URL, url), (SECONDS, "120")]).unwrap().unwrap();
        let expected = Provider::OpenAi { model: "qwen3:8b".to_owned(), base_url: url.to_owned(), key_secret: None };
        assert_eq!(settings, Settings { provider: expected, deadline: Duration::from_secs(120), price: None });
    }

    #[test]
    fn what_is_wrong_is_named_by_its_variable() {
        for wrong in ["bedrock", "bedrock:", "openai:", "gpt-4", "Bedrock:x", "azure:x"] {
            let refused = read(&[(MODEL, wrong), (URL, "https://models.example/v1")]).unwrap_err();
            assert!(matches!(refused, ModelError::Misconfigured { setting: MODEL, .. }), "{wrong}: {refused}");
        }
        let refused = read(&[(MODEL, "openai:m")]).unwrap_err().to_string();
        assert_eq!(
            refused,
            "ROMASHKA_LANGUAGE_MODEL_URL is missing; name the address that /chat/completions is appended to"
        );
        for wrong in ["0", "121", "-1", "2.5", "soon"] {
            let refused = read(&[(MODEL, "bedrock:m"), (SECONDS, wrong)]).unwrap_err();
            assert!(matches!(refused, ModelError::Misconfigured { setting: SECONDS, .. }), "{wrong}");
        }
    }

    #[test]
    fn a_price_is_read_in_dollars_and_costs_are_rounded_up() {
        let priced = |input, output| {
            read(&[(MODEL, "bedrock:m"), (PRICE_INPUT, input), (PRICE_OUTPUT, output)]).map(|read| read.unwrap().price)
        };
        let price = priced("0.25", "1.5").unwrap().unwrap();
        assert_eq!(price, Price { input: 250_000, output: 1_500_000 });
        assert_eq!(price.cost(1_000, 200), 550);
        assert_eq!(price.cost(1, 0), 1);
        assert_eq!(Price { input: u64::MAX, output: u64::MAX }.cost(u32::MAX, u32::MAX), u64::MAX);
        assert_eq!(priced("", " ").unwrap(), None);
        for (input, output, setting) in [
            ("1", "", PRICE_OUTPUT),
            ("", "1", PRICE_INPUT),
            ("1", "-1", PRICE_OUTPUT),
            ("1,5", "1", PRICE_INPUT),
            (".5", "1", PRICE_INPUT),
            ("0.0000001", "1", PRICE_INPUT),
            ("10000.1", "1", PRICE_INPUT),
            ("99999999999999999999", "1", PRICE_INPUT),
            ("NaN", "1", PRICE_INPUT),
        ] {
            let refused = priced(input, output).unwrap_err();
            assert!(
                matches!(refused, ModelError::Misconfigured { setting: named, .. } if named == setting),
                "{refused}"
            );
        }
    }
}
