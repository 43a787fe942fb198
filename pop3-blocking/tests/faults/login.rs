//! The session's login, told once for both adapters.

macro_rules! log_in {
    ($adapter:ident, over [$($stream:tt)*], is [$($asynchronous:tt)?], waits by [$($wait:tt)*]) => {
        use $adapter::Connection;
        use pop3_blocking::{Credentials, Error, Method, Policy, Security};

        use crate::maildrop::{PASSWORD, USER};

        /// Everything from the login on.
        pub(crate) $($asynchronous)? fn converse<S: $($stream)*>(
            opened: Result<Connection<S>, Error>,
            story: &mut Story,
        ) {
            let connection = match opened {
                Ok(connection) => connection,
                Err(error) => return story.note(Err(error)),
            };
            story.note(Ok::<_, Error>(Value::Greeted));
            let policy = Policy { security: Security::Plaintext, allow_plaintext: true, method: Some(Method::UserPass) };
            match connection.login(Credentials::new(USER, PASSWORD), policy)$($wait)* {
                Ok(session) => {
                    story.note(Ok::<_, Error>(Value::LoggedIn));
                    go_on(session, story)$($wait)*;
                }
                Err(failed) => {
                    let fatal = !failed.reason.session_goes_on();
                    assert_eq!(failed.connection.is_none(), fatal, "{:?}", failed.reason);
                    story.note(Err(failed.reason));
                    if let Some(connection) = failed.connection {
                        story.quit = Some(connection.quit()$($wait)*.into());
                    }
                }
            }
        }
    };
}

pub(crate) use log_in;
