//! The beginnings of a login.
#![cfg(feature = "alloc")]

mod url;
