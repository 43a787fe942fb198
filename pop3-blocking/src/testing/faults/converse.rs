//! The session after the login, defined once for both adapters: they differ in `.await` and in the traits of a stream.
//!
//! See [`faults`](super) for an example.

/// Defines the function `go_on`, which plays the session after the login with an adapter and records its results.
///
/// It takes the adapter, the traits of its streams, and `async` and `.await` or nothing. The trait with `read` must be
/// in scope.
#[doc(hidden)]
#[macro_export]
macro_rules! faults_go_on {
    ($adapter:ident, over [$($stream:tt)*], is [$($asynchronous:tt)?], waits by [$($wait:tt)*]) => {
        use $adapter::{MessageReader, Session};

        use $crate::testing::faults::results::{Failure, Results, Value};

        /// Everything after the login.
        pub(crate) $($asynchronous)? fn go_on<S: $($stream)*>(mut session: Session<S>, results: &mut Results) {
            results.note(session.stat()$($wait)*.map(Value::totals));
            let listed = session.list()$($wait)*;
            let listings = listed.as_ref().map_or(&[][..], Vec::as_slice);
            let numbers: Vec<_> = listings.iter().map(|listing| listing.number).collect();
            results.note(listed.map(|listings| Value::listings(&listings)));
            results.note(session.uidl()$($wait)*.map(Value::unique_ids));

            let mut whole = Vec::new();
            let mut batch = session.retrieve_many(numbers);
            loop {
                match batch.next()$($wait)* {
                    Ok(Some(message)) => {
                        let number = message.number();
                        let result = read(message)$($wait)*;
                        if result.is_ok() {
                            whole.push(number);
                        }
                        results.note(result.map(|octets| Value::Message(number, octets)));
                    }
                    Ok(None) => break,
                    Err(error) => results.note(Err(error)),
                }
            }

            // The second time it is refused.
            let again: Vec<u32> = whole.iter().chain(whole.first()).copied().collect();
            let mut deletions = session.delete_many(again);
            while let Some(marked) = deletions.next()$($wait)* {
                results.note(marked.map(|number| Value::Marked(number)));
            }
            results.quit = Some(session.quit()$($wait)*.into());
        }

        /// Every other message at once, and every other in pieces.
        $($asynchronous)? fn read<S: $($stream)*>(mut message: MessageReader<'_, S>) -> Result<Vec<u8>, Failure> {
            if message.number() % 2 == 0 {
                return Ok(message.into_message()$($wait)*?.into_bytes());
            }
            let (mut octets, mut piece) = (Vec::new(), [0; 100]);
            loop {
                match message.read(&mut piece)$($wait)* {
                    Ok(0) => return Ok(octets),
                    Ok(len) => octets.extend(&piece[..len]),
                    Err(error) => {
                        let mut again = [0; 1];
                        assert!(message.read(&mut again)$($wait)*.is_err(), "and it stays an error");
                        return Err(Failure::of_message(error, octets));
                    }
                }
            }
        }
    };
}

#[doc(inline)]
pub use faults_go_on as go_on;
