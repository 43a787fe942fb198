//! A mechanism that the crate does not know.

use pop3_proto::login::{Credentials, LoginError};
use pop3_proto::sasl::{Mechanism, MechanismError, SaslMessage};

use crate::play::{CLEAR, base64, capa, is_unproved, play};

/// Answers a challenge with the same octets in reverse, so many times.
struct Backwards {
    name: &'static str,
    rounds: usize,
    shows: bool,
}

impl Mechanism for Backwards {
    fn name(&self) -> &str {
        self.name
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        Ok(None)
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<SaslMessage, MechanismError> {
        self.rounds = self.rounds.checked_sub(1).ok_or(MechanismError::Challenge("enough"))?;
        Ok(challenge.iter().rev().copied().collect::<Vec<_>>().into())
    }

    fn is_complete(&self) -> bool {
        self.rounds == 0
    }

    fn shows_secret(&self) -> bool {
        self.shows
    }
}

fn backwards(rounds: usize) -> Backwards {
    Backwards { name: "X-BACKWARDS", rounds, shows: true }
}

#[test]
fn a_mechanism_of_the_caller_is_run_to_its_end() {
    let mut said = [&*capa("X-BACKWARDS"), "+ YWJj\r\n", "+\r\n", "+OK\r\n"].map(str::to_owned).into_iter();
    let played = play(Credentials::mechanism(|| backwards(2)), CLEAR, |_| said.next().unwrap());
    played.result.as_ref().unwrap();
    assert_eq!(played.proof(), ["AUTH X-BACKWARDS", "Y2Jh", ""]);
}

#[test]
fn a_mechanism_decides_when_ok_is_permitted() {
    let mut said = [&*capa("X-BACKWARDS"), "+ YWJj\r\n", "+OK\r\n"].map(str::to_owned).into_iter();
    let played = play(Credentials::mechanism(|| backwards(2)), CLEAR, |_| said.next().unwrap());
    assert!(is_unproved(played.error()), "{:?}", played.error());
}

#[test]
fn the_policy_applies_to_mechanisms_of_the_caller() {
    let policy = CLEAR.allow_plaintext(false);
    let played = play(Credentials::mechanism(|| backwards(1)), policy, |_| capa("X-BACKWARDS"));
    assert!(matches!(played.reason(), LoginError::Unprotected));
    let played = play(Credentials::mechanism(|| backwards(1)), CLEAR, |_| capa("PLAIN"));
    assert!(matches!(played.reason(), LoginError::NotOffered(name) if name == "X-BACKWARDS"));
    let hidden = || Backwards { shows: false, ..backwards(1) };
    let mut said = [&*capa("X-BACKWARDS"), "+ YWJj\r\n", "+OK\r\n"].map(str::to_owned).into_iter();
    play(Credentials::mechanism(hidden), policy, |_| said.next().unwrap()).result.unwrap();
}

#[test]
fn a_mechanism_with_an_invalid_name_is_not_begun() {
    for name in ["", "PLAIN\r\nQUIT", "A B", "ABCDEFGHIJKLMNOPQRSTU"] {
        let played =
            play(Credentials::mechanism(move || Backwards { name, ..backwards(1) }), CLEAR, |_| "-ERR\r\n".into());
        assert!(matches!(played.reason(), LoginError::Unsendable(_)), "{:?}", played.reason());
        assert_eq!(played.said, ["CAPA"]);
    }
}

#[test]
fn a_refusal_is_withheld_if_there_is_too_much_to_search_for() {
    for (words, shown) in [(64, "-ERR [AUTH] nothing of it"), (65, "-ERR [AUTH] ***")] {
        for separator in [" ", ",", "\u{1}"] {
            let challenge = vec!["word"; words].join(separator);
            let mut said =
                [&*capa("X-BACKWARDS"), &format!("+ {}\r\n", base64(challenge)), "-ERR [AUTH] nothing of it\r\n"]
                    .map(str::to_owned)
                    .into_iter();
            let played = play(Credentials::mechanism(|| backwards(1)), CLEAR, |_| said.next().unwrap());
            assert!(played.reason().to_string().ends_with(shown), "{words}: {}", played.reason());
        }
    }
}
