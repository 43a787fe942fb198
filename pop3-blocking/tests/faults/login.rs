//! The session's login, told once for both adapters.

macro_rules! log_in {
    ($adapter:ident, over [$($stream:tt)*], is [$($asynchronous:tt)?], waits by [$($wait:tt)*]) => {
        use $adapter::Connection;
        use pop3_blocking::{Config, Credentials, Error, Method, Policy, Security};

        use crate::encryption::{HOST, Protection};
        use crate::maildrop::{PASSWORD, USER};

        /// Until the greeting.
        pub(crate) $($asynchronous)? fn open<S: $($stream)*>(
            stream: S,
            protection: Option<&Protection>,
        ) -> Result<Connection<S>, ExchangeError> {
            let Some(protection) = protection else { return Ok(Connection::new(stream, Config::default())$($wait)*?) };
            if !protection.stls {
                let secured = Connection::over_tls(stream, Config::default(), &protection.trusted, HOST)$($wait)*;
                return Ok(secured?);
            }
            let mut connection = Connection::new(stream, Config::default())$($wait)*?;
            connection.set_tls(&protection.trusted, HOST).expect("it is what the other tests have");
            Ok(connection)
        }

        /// Everything from the login on.
        pub(crate) $($asynchronous)? fn converse<S: $($stream)*>(
            opened: Result<Connection<S>, ExchangeError>,
            protection: Option<&Protection>,
            story: &mut Story,
        ) {
            let security = match protection {
                None => Security::Plaintext,
                Some(protection) if protection.stls => Security::StartTls,
                Some(_) => Security::Tls,
            };
            let connection = match opened {
                Ok(connection) => connection,
                Err(error) => return story.note(Err(error)),
            };
            story.note(Ok::<_, Error>(Value::Greeted));
            let policy = Policy { security, allow_plaintext: true, methods: Some(Method::UserPass.only()) };
            match connection.login(Credentials::new(USER, PASSWORD), policy)$($wait)* {
                Ok(session) => {
                    story.note(Ok::<_, Error>(Value::LoggedIn));
                    go_on(session, story)$($wait)*;
                }
                Err(failed) => {
                    let fatal = !failed.error.is_recoverable();
                    assert_eq!(failed.connection.is_none(), fatal, "{:?}", failed.error);
                    story.note(Err(failed.error));
                    if let Some(connection) = failed.connection {
                        story.quit = Some(connection.quit()$($wait)*.into());
                    }
                }
            }
        }
    };
}

pub(crate) use log_in;
