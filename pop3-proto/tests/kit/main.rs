//! Tests of the test kit.

mod failing;
mod personality;
#[cfg(feature = "proptest")]
mod strategies;
