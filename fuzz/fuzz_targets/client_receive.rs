//! Laws 1, 2 and 4: the client receives the same events wherever the server's octets are cut, and however messages are
//! taken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::{CheckedClient, Cuts, Part, Script, Step};
use pop3_proto::{Client, ProtocolError};

fuzz_target!(|script: Script<'_>| {
    let all = [
        (Cuts::Whole, 0),
        (Cuts::Every, 0),
        (Cuts::Some(script.seed), 0),
        (Cuts::Some(script.seed), 1),
        (Cuts::Whole, 100),
    ];
    let mut clients = all.map(|(cuts, space)| {
        let mut checked = CheckedClient::new(script.config, script.inside_tls);
        checked.space = vec![0; space * (usize::from(script.seed) + 1)];
        (cuts, checked)
    });
    for part in &script.parts {
        let answers = clients.each_mut().map(|(cuts, checked)| match part {
            Part::Server(octets) => {
                checked.offer(octets, *cuts);
                String::new()
            }
            Part::Client(step) => act(checked, step),
        });
        assert!(answers.iter().all(|answer| *answer == answers[0]), "law 2: {answers:?}");
        let [(_, whole), others @ ..] = &clients;
        for (cuts, checked) in others {
            assert_eq!(checked.heard, whole.heard, "law 2: other events, cut {cuts:?}");
            assert_eq!(checked.client, whole.client, "law 2: another client, cut {cuts:?}");
            if checked.error.is_none() {
                assert_eq!(checked.inbox, whole.inbox, "law 2: something else is left, cut {cuts:?}");
            }
        }
    }
});

/// Does the step of the script, and returns its result.
fn act(checked: &mut CheckedClient, step: &Step<'_>) -> String {
    let mut out = Vec::new();
    let client = &mut checked.client;
    match step {
        Step::Send(command) => {
            let sent = client.send(*command, &mut out);
            checked.owed.extend(sent.map(|ticket| (ticket, command.kind(), false)));
            format!("{sent:?}")
        }
        Step::Respond(response) => format!("{:?}", client.respond(*response, &mut out)),
        Step::Utf8User => {
            client.set_utf8_user(true);
            String::new()
        }
        Step::TlsEstablished => end(checked, Client::tls_established),
        Step::Eof => end(checked, Client::receive_eof),
    }
}

fn end(checked: &mut CheckedClient, tell: impl Fn(&mut Client, &[u8]) -> Result<(), ProtocolError>) -> String {
    let inbox = std::mem::take(&mut checked.inbox);
    let told = tell(&mut checked.client, &inbox);
    if checked.error.is_some() {
        assert_eq!(told.err(), checked.error, "law 4: the same error for ever after");
    }
    checked.error = told.err();
    format!("{told:?}")
}
