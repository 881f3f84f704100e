//! Who asks: tokens of any OIDC issuer for HTTP, one-time tickets for sockets.

pub mod authorize;
pub mod authorize_socket;
mod issuer;
pub mod token;
