//! What a login begins with.
#![cfg(feature = "alloc")]

mod url;
