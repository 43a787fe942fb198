//! The session's login, defined once for both adapters.
//!
//! See [`faults`](super) for an example.

/// Defines the functions `open`, which waits for the greeting, and `converse`, which plays the session from the login
/// on.
///
/// It takes the same as [`go_on!`](super::converse::go_on), whose function it calls.
#[doc(hidden)]
#[macro_export]
macro_rules! faults_log_in {
    ($adapter:ident, over [$($stream:tt)*], is [$($asynchronous:tt)?], waits by [$($wait:tt)*]) => {
        use $adapter::Connection;
        use $crate::{Connect, Credentials, Error, Method, Security, Timeouts};

        use $crate::testing::faults::encryption::{HOST, Protection};
        use $crate::testing::faults::maildrop::{PASSWORD, USER};

        /// Until the greeting.
        pub(crate) $($asynchronous)? fn open<S: $($stream)*>(
            stream: S,
            protection: Option<&Protection>,
        ) -> Result<Connection<S>, Failure> {
            let to = Connect::new().allow_plaintext(true).methods([Method::UserPass]).timeouts(Timeouts::UNLIMITED);
            let to = match protection {
                None => to.security(Security::Plaintext),
                Some(Protection { stls, trusted, .. }) => {
                    let security = if *stls { Security::StartTls } else { Security::Tls };
                    to.security(security).host(HOST).tls(trusted.clone())
                }
            };
            Ok(Connection::over(stream, to)$($wait)*?)
        }

        /// Everything from the login on.
        pub(crate) $($asynchronous)? fn converse<S: $($stream)*>(
            opened: Result<Connection<S>, Failure>,
            results: &mut Results,
        ) {
            let connection = match opened {
                Ok(connection) => connection,
                Err(error) => return results.note(Err(error)),
            };
            results.note(Ok::<_, Error>(Value::Greeted));
            match connection.login_as(Credentials::new(USER, PASSWORD))$($wait)* {
                Ok(session) => {
                    results.note(Ok::<_, Error>(Value::LoggedIn));
                    go_on(session, results)$($wait)*;
                }
                Err(failed) => {
                    let fatal = !failed.error.is_recoverable();
                    assert_eq!(failed.connection.is_none(), fatal, "{:?}", failed.error);
                    results.note(Err(failed.error));
                    if let Some(connection) = failed.connection {
                        results.quit = Some(connection.quit()$($wait)*.into());
                    }
                }
            }
        }
    };
}

#[doc(inline)]
pub use faults_log_in as log_in;
