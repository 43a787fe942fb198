//! The exchange of AUTH.

use pop3_proto::wire::{Payload, Response};
use pop3_proto::{Command, Config};

use crate::alphabets::{OCTETS, WORDS};
use crate::receiving::{AUTH, Receiving};
use crate::table::check;

#[test]
fn every_cut_of_a_challenge() {
    let small = Config::new().max_line(6).max_challenge(5).max_challenges(1);
    let begun = |config| Receiving::greeted(config, "\r\n").sends(AUTH);
    let responded = |config, response: Response<'_>| {
        let challenged = begun(config).hears("+ \r\n");
        challenged.does(|client| client.respond(response, &mut Vec::new()).expect("a response is due"))
    };
    let initial = Command::Auth { mechanism: "X", initial_response: Some(Payload::Octets(b"x")) };
    let data = Response::Data(Payload::Octets(b"x"));
    let places = [
        begun(Config::new()),
        begun(small),
        Receiving::greeted(Config::new(), "\n").sends(AUTH),
        Receiving::greeted(Config::new(), "\r\n").sends(initial),
        // The client has not responded yet, so the server must wait.
        begun(Config::new()).hears("+ \r\n"),
        responded(Config::new(), data),
        responded(small, data),
        responded(Config::new(), Response::Cancel),
    ];
    check("challenge", &places, &[OCTETS, WORDS]);
}
