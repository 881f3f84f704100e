//! The encoder that came with the function: a layer on AWS, a file of the set-up on a laptop.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::{Encoder, EncoderError};

/// Name of the environment variable that holds the package's path.
pub const SHIPPED_AT: &str = "ROMASHKA_ENCODER";

/// The encoder whose package lies where [`SHIPPED_AT`] says, mapped once for the whole process; `None` where none was
/// shipped. A package that is there but cannot be used is an error: it is a fault of the deployment, not a choice.
///
/// # Errors
/// As [`Encoder::open`].
pub fn shipped() -> Result<Option<&'static Encoder>, &'static EncoderError> {
    static SHIPPED: OnceLock<Option<Result<Encoder, EncoderError>>> = OnceLock::new();
    let shipped = SHIPPED.get_or_init(|| {
        let path = PathBuf::from(std::env::var_os(SHIPPED_AT).filter(|path| !path.is_empty())?);
        path.exists().then(|| Encoder::open(&path))
    });
    shipped.as_ref().map(Result::as_ref).transpose()
}
