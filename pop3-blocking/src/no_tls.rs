//! Replaces `tls.rs` in a build without TLS, in which there is never a layer.

use std::io::{self, Read, Write};

use pop3_proto::login::Parts;
use zeroize::Zeroizing;

use crate::{Error, LoginError};

#[derive(Clone)]
pub(crate) enum Settings {}

impl Settings {
    pub(crate) fn of(_: &Parts) -> Result<Settings, Error> {
        Err(LoginError::NoTls.into())
    }
}

pub(crate) enum Layer {}

impl Layer {
    pub(crate) fn new(settings: &Settings) -> io::Result<Layer> {
        match *settings {}
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(crate) fn wants_write(&self) -> bool {
        match *self {}
    }

    pub(crate) fn channel_binding(&self) -> Option<Zeroizing<Vec<u8>>> {
        match *self {}
    }

    pub(crate) fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn fill(&mut self, _: &mut dyn Read) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn flush(&mut self, _: &mut dyn Write) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn close(&mut self) {
        match *self {}
    }
}
