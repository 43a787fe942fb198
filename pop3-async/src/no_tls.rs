//! Replaces `tls.rs` in a build without TLS, in which there is never a secured stream.

use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use pop3_proto::login::Parts;
use tokio::io::ReadBuf;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::{Error, LoginError};

pub(crate) enum Settings {}

impl Settings {
    pub(crate) fn of(_: &Parts) -> Result<Settings, Error> {
        Err(LoginError::NoTls.into())
    }

    #[allow(clippy::unused_async, reason = "with TLS there is something to wait for")]
    pub(crate) async fn secure<S>(&self, _: S, _: &mut Clock) -> io::Result<Secured<S>> {
        match *self {}
    }
}

pub(crate) struct Secured<S> {
    never: Infallible,
    stream: PhantomData<S>,
}

impl<S> Secured<S> {
    pub(crate) fn get_ref(&self) -> &S {
        match self.never {}
    }

    pub(crate) fn into_inner(self) -> S {
        match self.never {}
    }

    pub(crate) fn channel_binding(&self) -> Option<Zeroizing<Vec<u8>>> {
        match self.never {}
    }

    pub(crate) fn received(&mut self) -> usize {
        match self.never {}
    }

    pub(crate) fn poll_read(&mut self, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.never {}
    }

    pub(crate) fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match self.never {}
    }

    pub(crate) fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.never {}
    }

    pub(crate) fn end(&mut self, _: &mut Context<'_>) {
        match self.never {}
    }
}
