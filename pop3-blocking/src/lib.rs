//! A blocking POP3 client over [`std::net`], driven by [`pop3_proto`].
#![forbid(unsafe_code)]
