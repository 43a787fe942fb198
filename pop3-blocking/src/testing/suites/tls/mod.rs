//! TLS against a server that also uses rustls, with certificates made for each test.

pub mod attacks;
pub mod certificates;
pub mod endings;
pub mod handshakes;
pub mod pins;
pub mod sessions;
