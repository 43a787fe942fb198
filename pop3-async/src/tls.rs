//! TLS between a conversation and its stream, with `tokio-rustls`.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use pop3_proto::drive::{Conversation, Deadlines};
use pop3_proto::tls::rustls::pki_types::ServerName;
use pop3_proto::tls::rustls::{self, ClientConfig};
use pop3_proto::tls::{Records, Tls, TlsError, established, explain, server_name};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::unconstrained;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::clock::Clock;
use crate::{Connect, Error};

/// Builds the rustls configuration for `tls`, with the platform's verifier. This reads the platform's certificate
/// authorities on the current thread, unless pins or your own configuration decide.
///
/// Each connection does the same, which takes a while. For many connections, call this function once and give the
/// configuration to each of them; they can then resume TLS sessions, too.
///
/// # Errors
///
/// [`TlsError::Root`], [`TlsError::Platform`] or [`TlsError::Own`].
///
/// ```no_run
/// use pop3_async::{Connect, Tls, client_config, connect};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let config = client_config(&Tls::new())?;
/// for host in ["pop.example.org", "pop.example.com"] {
///     let to = Connect::new().host(host).user("mrose").tls(config.clone());
///     connect(to).await?.quit().await?;
/// }
/// # Ok(())
/// # }
/// ```
pub fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    tls.config(|roots, provider| Ok(Arc::new(Verifier::new_with_extra_roots(roots, provider)?)))
}

/// The TLS requirements for one server.
pub(crate) struct Settings {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    /// True if dropping a session closes TLS. A stream of the user's own is not used during the drop.
    ends: bool,
}

impl Settings {
    pub(crate) fn new(connect: &Connect, ends: bool) -> Result<Settings, Error> {
        let (host, _) = connect.server()?;
        Ok(Settings { name: server_name(host)?, config: client_config(connect.get_tls())?, ends })
    }

    /// Performs the handshake. If the future is dropped, the stream is dropped too.
    pub(crate) async fn secure<S>(&self, stream: S, clock: &mut Clock) -> io::Result<Secured<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = self.name.clone();
        let connector = TlsConnector::from(Arc::clone(&self.config));
        // Boxed, so that the futures around it do not reserve room for it.
        let mut handshake =
            Box::pin(connector.connect(name.clone(), Counted { stream, octets: 0, records: Records::new() }));
        let done = poll_fn(|cx| match handshake.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => clock.poll(cx, Deadlines::handshake).map(Err),
        });
        let done = done.await;
        clock.advance(0);
        match done {
            Ok(stream) => {
                let end = self.ends.then_some(Secured::end_unheard as fn(&mut Secured<S>));
                Ok(Secured { stream: Some(stream), name, error: None, end })
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection"))
            }
            Err(error) => Err(explain(error, &name)),
        }
    }
}

/// A stream after the handshake.
pub(crate) struct Secured<S> {
    /// Taken once, at the end.
    stream: Option<TlsStream<Counted<S>>>,
    name: ServerName<'static>,
    /// The error to report once everything received before it has been read.
    error: Option<io::Error>,
    /// Closes TLS when this is dropped.
    end: Option<fn(&mut Secured<S>)>,
}

impl<S> Secured<S> {
    const THERE: &str = "it is there until the end";

    fn tls(&self) -> &TlsStream<Counted<S>> {
        self.stream.as_ref().expect(Self::THERE)
    }

    fn tls_mut(&mut self) -> &mut TlsStream<Counted<S>> {
        self.stream.as_mut().expect(Self::THERE)
    }

    pub(crate) fn get_ref(&self) -> &S {
        &self.tls().get_ref().0.stream
    }

    pub(crate) fn into_inner(mut self) -> S {
        self.say_goodbye();
        self.stream.take().expect(Self::THERE).into_inner().0.stream
    }

    /// Reports the handshake to the conversation.
    pub(crate) fn established(&self, conversation: &mut Conversation) -> Result<(), Error> {
        established(conversation, self.tls().get_ref().1)
    }

    /// Returns the number of octets of ciphertext received since the last call. They may be too few for any plaintext.
    pub(crate) fn received(&mut self) -> usize {
        std::mem::take(&mut self.tls_mut().get_mut().0.octets)
    }

    /// Returns true if a record has arrived in part.
    pub(crate) fn is_partial(&self) -> bool {
        self.tls().get_ref().0.records.is_partial()
    }

    /// Closes TLS without waiting, for sessions that are dropped.
    fn say_goodbye(&mut self) {
        if let Some(end) = self.end.take() {
            end(self);
        }
    }
}

impl<S> Drop for Secured<S> {
    fn drop(&mut self) {
        self.say_goodbye();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Secured<S> {
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // A failure persists, even if it was already reported.
        let failed = self.tls_mut().get_mut().1.process_new_packets().err();
        self.error = self.error.take().or(failed.map(|error| explain(io::Error::other(error), &self.name)));
        if self.error.is_none() {
            let stream = self.tls_mut();
            let read = Pin::new(&mut *stream).poll_read(cx, space);
            if stream.get_ref().1.wants_write() {
                // The last write, or TLS's own reply, must be sent while this waits. An error will occur again.
                let _ = Pin::new(stream).poll_flush(cx);
            }
            match ready!(read) {
                // A missing close_notify is acceptable: the conversation detects truncation.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Poll::Ready(Ok(())),
                Err(error) => self.error = Some(explain(error, &self.name)),
                Ok(()) => return Poll::Ready(Ok(())),
            }
        }
        // Data received before a bad record is valid, but tokio-rustls does not return it.
        let octets = self.tls_mut().get_mut().1.reader().read(space.initialize_unfilled()).unwrap_or(0);
        space.advance(octets);
        match self.error.take_if(|_| octets == 0) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Ready(Ok(())),
        }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        // After a TLS failure, this fails like a closed connection: reads report the reason, after the data before it.
        Pin::new(self.tls_mut()).poll_write(cx, octets).map_err(|error| {
            let failed = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some();
            if failed { ErrorKind::BrokenPipe.into() } else { error }
        })
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.tls_mut()).poll_flush(cx)
    }

    /// Closes TLS: nothing may be sent after this (RFC 8446, section 6.1). This does not wait for the write.
    pub(crate) fn end(&mut self, cx: &mut Context<'_>) {
        self.end = None;
        let stream = self.tls_mut();
        stream.get_mut().1.send_close_notify();
        // Not even where a task has done so much without a break that the runtime would have it wait.
        let flush = unconstrained(poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_flush(cx))));
        let _ = pin!(flush).poll(cx);
    }

    fn end_unheard(secured: &mut Secured<S>) {
        secured.end(&mut Context::from_waker(Waker::noop()));
    }
}

/// A stream that counts the octets read, and follows their records.
struct Counted<S> {
    stream: S,
    octets: usize,
    records: Records,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = space.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, space))?;
        let octets = &space.filled()[before..];
        self.octets = self.octets.saturating_add(octets.len());
        self.records.received(octets);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
