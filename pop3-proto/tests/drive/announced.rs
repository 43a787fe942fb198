//! Commands of extensions are sent only if the capabilities have them (RFC 6856, sections 2 and 3), and a list of
//! mechanisms can be asked for without them.

use pop3_proto::drive::{
    Acknowledge, AuthList, Call, Capabilities, Conversation, Exchange, Io, Languages, Listing, SetLanguage, Step,
};
use pop3_proto::{Cause, Command, Config, Error, Kind, UsageError};

fn greeted() -> Conversation {
    let mut conversation = Conversation::new(Config::default());
    hear(&mut conversation, b"+OK ready\r\n");
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    conversation
}

fn hear(conversation: &mut Conversation, octets: &[u8]) {
    conversation.spare()[..octets.len()].copy_from_slice(octets);
    conversation.filled(octets.len());
}

/// Returns the line that is written for a call, and the result of its answer.
fn call<E: Exchange>(conversation: &mut Conversation, exchange: E, answer: &[u8]) -> (String, Result<E::Value, Error>) {
    let mut call = Call::new(exchange);
    loop {
        match conversation.step(&mut call) {
            Ok(Step::NeedIo(Io::Look)) => conversation.looked(),
            Ok(Step::NeedIo(Io::Transfer)) => break,
            Ok(Step::Done(_)) => panic!("nothing was answered"),
            Err(error) => return (String::new(), Err(error)),
        }
    }
    let said = String::from_utf8(conversation.pending().to_vec()).unwrap();
    conversation.written(said.len());
    hear(conversation, answer);
    match conversation.step(&mut call) {
        Ok(Step::NeedIo(_)) => panic!("all was answered"),
        Ok(Step::Done(value)) => (said, Ok(value)),
        Err(error) => (said, Err(error)),
    }
}

fn is_not_announced<T>(result: Result<T, Error>, kind: Kind) -> bool {
    result.is_err_and(|error| {
        error.is_recoverable() && matches!(error.cause(), Cause::Usage(UsageError::NotAnnounced(k)) if *k == kind)
    })
}

#[test]
fn utf8_and_lang_need_their_capability() {
    let nothing_asked = None;
    let others = Some(Capabilities::from(Listing::from_iter(["LANGUAGE", "UIDL"])));
    for announced in [nothing_asked, others] {
        let mut conversation = greeted();
        if let Some(announced) = announced {
            conversation.learn(announced);
        }
        let (said, result) = call(&mut conversation, Acknowledge(Command::Utf8), b"+OK\r\n");
        assert!(said.is_empty() && is_not_announced(result, Kind::Utf8));
        let (said, result) = call(&mut conversation, Languages::default(), b"+OK\r\n.\r\n");
        assert!(said.is_empty() && is_not_announced(result, Kind::LangList));
        let (said, result) = call(&mut conversation, SetLanguage("de"), b"+OK de\r\n");
        assert!(said.is_empty() && is_not_announced(result, Kind::Lang));
    }
    let mut conversation = greeted();
    conversation.learn(Capabilities::from(Listing::from_iter(["utf8 user", "LANG"])));
    let (said, result) = call(&mut conversation, Acknowledge(Command::Utf8), b"+OK\r\n");
    assert_eq!((said.as_str(), result.is_ok()), ("UTF8\r\n", true));
    let (said, result) =
        call(&mut conversation, Languages::default(), b"+OK\r\nde\r\nfr-CA  fran\xc3\xa7ais \r\n.\r\n");
    let languages = result.unwrap();
    assert_eq!((said.as_str(), languages.len()), ("LANG\r\n", 2));
    assert_eq!((languages[0].tag().as_bytes(), languages[0].description().as_bytes()), (&b"de"[..], &b""[..]));
    assert_eq!(
        (languages[1].tag().to_str(), languages[1].description().to_string()),
        (Some("fr-CA"), "français".into())
    );
    let (said, result) = call(&mut conversation, SetLanguage("de"), b"+OK de Es wird Deutsch gesprochen\r\n");
    assert_eq!((said.as_str(), result.unwrap().as_bytes()), ("LANG de\r\n", &b"de"[..]));
}

#[test]
fn auth_alone_lists_mechanisms() {
    let mut conversation = greeted();
    let (said, result) = call(&mut conversation, AuthList::default(), b"+OK\r\nCRAM-MD5\r\nPLAIN\r\n.\r\n");
    assert_eq!(said, "AUTH\r\n");
    assert_eq!(result.unwrap(), Listing::from_iter(["CRAM-MD5", "PLAIN"]));
    let (_, result) = call(&mut conversation, AuthList::default(), b"-ERR which one?\r\n");
    assert!(result.unwrap_err().refused().is_some());
}
