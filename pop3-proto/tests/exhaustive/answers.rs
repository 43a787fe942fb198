//! The octets of a server, at each place of a session except inside a message.

use pop3_proto::wire::{Payload, Response};
use pop3_proto::{Command, Config};

use crate::alphabets::{OCTETS, WORDS};
use crate::receiving::{AUTH, Receiving};
use crate::table::check;

#[test]
fn every_cut_of_a_greeting() {
    let places = [
        Receiving::new(Config::new()),
        Receiving::new(Config::new().max_line(4)),
        Receiving::new(Config::new().tolerate_lf(false)),
        Receiving::new(Config::new()).does(|client| client.tls_established(b"").expect("nothing came before")),
    ];
    check("greeting", &places, &[OCTETS, WORDS]);
}

#[test]
fn every_cut_of_a_status() {
    let user = |config, end| Receiving::greeted(config, end).sends(Command::User("u"));
    let three = |config, end| {
        Receiving::logged_in(config, end).sends(Command::Retr(1)).sends(Command::List(None)).sends(Command::Quit)
    };
    let small = Config::new().max_line(6).max_body(2).max_rows(1);
    let places = [
        user(Config::new(), "\r\n"),
        user(Config::new().max_line(5), "\r\n"),
        user(Config::new(), "\n"),
        three(Config::new(), "\r\n"),
        three(small, "\r\n"),
        three(Config::new(), "\n"),
    ];
    check("status", &places, &[OCTETS, WORDS]);
}

#[test]
fn every_cut_of_a_listing() {
    let place = |config, end: &str| {
        let asked = Receiving::logged_in(config, end).sends(Command::Uidl(None)).sends(Command::Noop);
        asked.hears(&format!("+OK{end}"))
    };
    let small = Config::new().max_line(5).max_rows(2);
    let places = [place(Config::new(), "\r\n"), place(small, "\r\n"), place(Config::new(), "\n")];
    check("listing", &places, &[OCTETS, WORDS]);
}

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

#[test]
fn every_cut_around_stls() {
    let sent = |end| Receiving::greeted(Config::new(), end).sends(Command::Stls);
    let begun = || sent("\r\n").hears("+OK\r\n");
    let inside = || begun().does(|client| client.tls_established(b"").expect("nothing came"));
    let places = [sent("\r\n"), sent("\n"), begun(), inside(), inside().sends(Command::Capa)];
    check("STLS", &places, &[OCTETS, WORDS]);
}

#[test]
fn every_cut_between_answers() {
    let quit = Receiving::logged_in(Config::new(), "\r\n").sends(Command::Quit);
    let places = [
        Receiving::greeted(Config::new(), "\r\n"),
        Receiving::logged_in(Config::new(), "\r\n"),
        Receiving::logged_in(Config::new().max_line(5), "\r\n"),
        Receiving::logged_in(Config::new(), "\n"),
        // A blank line has been skipped before the answer.
        Receiving::logged_in(Config::new(), "\r\n").sends(Command::Noop).hears("\r\n"),
        quit.hears("+OK\r\n"),
        Receiving::new(Config::new()).hears("-ERR\r\n"),
    ];
    check("nothing in flight", &places, &[OCTETS, WORDS]);
}
