//! Checks that hold for every order in which the octets of both sides may arrive.
//!
//! See [`faults`](super) for an example.

use super::maildrop::Scene;
use super::results::{Failure, Quit, Results, Value, Why};

/// Compares the results of a session with those of a session without a fault: both are equal up to the failure that ends
/// the session, and this failure `fits`.
///
/// # Panics
///
/// Panics if they differ, or if the report on QUIT does not agree with `removed`, the messages that UPDATE removed.
pub fn judge(scene: &Scene, ideal: &Results, results: &Results, removed: Option<&[u32]>, fits: impl Fn(&Why) -> bool) {
    let is_good = |note: &&Result<Value, _>| note.as_ref().err().is_none_or(|failure: &Failure| failure.goes_on);
    let good = results.notes.iter().take_while(is_good).count();
    assert_eq!(results.notes[..good], ideal.notes[..good]);
    for note in &results.notes[..good] {
        let Ok(Value::Message(number, octets)) = note else { continue };
        assert!(scene.is_message(*number, octets), "message {number}");
    }
    for (nth, note) in results.notes[good..].iter().enumerate() {
        let Err(failure) = note else { panic!("{note:?} of a session that was over") };
        assert!((fits(&failure.why) || (nth > 0 && failure.why == Why::Over)) && !failure.goes_on, "{failure:?}");
    }

    let marks = results.notes.iter().filter(|note| matches!(note, Ok(Value::Marked(_)))).count();
    let whole = good == results.notes.len();
    match &results.quit {
        None => assert!(removed.is_none() && !ideal.notes[..good].contains(&Ok(Value::LoggedIn))),
        Some(Quit::Committed) => assert!(whole && removed.is_some_and(|removed| removed.len() == marks)),
        Some(Quit::Unknown(failure)) => assert!(whole && fits(&failure.why) && !failure.goes_on, "{failure:?}"),
        Some(Quit::NotSent(failure)) => {
            assert!(removed.is_none() && (fits(&failure.why) || failure.why == Why::Over), "{failure:?}");
        }
        Some(Quit::Refused) => panic!("nobody refused"),
    }
}

/// Returns the number of messages that are whole.
pub fn whole(results: &Results) -> usize {
    results.notes.iter().filter(|note| matches!(note, Ok(Value::Message(..)))).count()
}

/// Returns the number of messages that are whole in these octets of the server.
pub fn terminated(heard: &[u8]) -> usize {
    let terminators = heard.windows(5).filter(|run| run == b"\r\n.\r\n").count();
    // CAPA, LIST and UIDL have one each. The empty message's follows its status line like the others.
    terminators.saturating_sub(3)
}
