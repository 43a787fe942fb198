//! Tests of the parts for tests.

mod failing;
mod personality;
#[cfg(feature = "proptest")]
mod strategies;
