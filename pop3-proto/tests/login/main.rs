//! Tests of the login.
#![cfg(feature = "alloc")]

mod url;
