//! The other end: the embedded server, or a server that sends what the test needs.

use pop3_async::pop3_proto::ServerConfig;
use pop3_async::pop3_proto::serve::MailStore;
use pop3_async::pop3_proto::testing::script::LOGIN;
use pop3_async::testing::link::{self, LinkStream, Schedule, ScriptedServer, Verdict};
use pop3_async::{Connect, Connection, Credentials, Error, MessageReader, Method, Policy, Security, Session, Timeouts};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, duplex};

/// By USER and PASS, because SCRAM is slow on purpose.
pub(crate) const POLICY: Policy =
    Policy::new().security(Security::Plaintext).allow_plaintext(true).method(Method::UserPass);

/// Settings without limits for waits.
pub(crate) fn settings() -> Connect {
    Connect::new().policy(POLICY).timeouts(Timeouts::UNLIMITED)
}

/// A connection over a stream, once the greeting has come.
pub(crate) async fn over<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<Connection<S>, Error> {
    Connection::over(stream, settings()).await
}

pub(crate) fn plaintext() -> ServerConfig {
    ServerConfig::new().plaintext_login(true)
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("mrose", "tanstaaf")
}

pub(crate) fn store<C: AsRef<[u8]>>(messages: impl IntoIterator<Item = C>) -> MailStore {
    let store = MailStore::new();
    store.add_user("mrose", "tanstaaf");
    for message in messages {
        store.deliver("mrose", message);
    }
    store
}

pub(crate) fn numbered(count: u32) -> MailStore {
    store((1..=count).map(|n| format!("Subject: {n}\r\n\r\n.body of {n}\r\n")))
}

/// A connection to the embedded server through so many octets of buffer.
pub(crate) async fn connection(store: &MailStore, buffer: usize) -> Connection<DuplexStream> {
    let (ours, theirs) = duplex(buffer);
    tokio::spawn(pop3_async::serve(theirs, store.maildrop(), plaintext()));
    over(ours).await.unwrap()
}

pub(crate) async fn session(store: &MailStore) -> Session<DuplexStream> {
    connection(store, 4096).await.login_as(credentials()).await.unwrap()
}

pub(crate) async fn read(mut message: MessageReader<'_, DuplexStream>) -> Vec<u8> {
    let mut octets = Vec::new();
    message.read_to_end(&mut octets).await.unwrap();
    octets
}

/// A session, logged in, with a server that goes on with a script and then closes the connection.
pub(crate) async fn scripted(script: &str) -> (Session<LinkStream<ScriptedServer>>, Verdict) {
    let (stream, verdict) = link::script(&format!("{LOGIN}{script}"), Schedule::new());
    (over(stream).await.unwrap().login_as(credentials()).await.unwrap(), verdict)
}
