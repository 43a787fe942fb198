//! Laws 1, 2 and 4: however the server's octets are cut, the same is heard.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::{Cuts, Part, Player, Script, Step};
use pop3_proto::{Client, ProtocolError};

fuzz_target!(|script: Script<'_>| {
    let all = [Cuts::Whole, Cuts::Every, Cuts::Some(script.seed)];
    let mut players = all.map(|cuts| (cuts, Player::new(script.config, script.inside_tls)));
    for part in &script.parts {
        let answers = players.each_mut().map(|(cuts, player)| match part {
            Part::Server(octets) => {
                player.offer(octets, *cuts);
                String::new()
            }
            Part::Client(step) => act(player, step),
        });
        assert!(answers.iter().all(|answer| *answer == answers[0]), "law 2: {answers:?}");
        let [(_, whole), others @ ..] = &players;
        for (cuts, player) in others {
            assert_eq!(player.heard, whole.heard, "law 2: other events, cut {cuts:?}");
            assert_eq!(player.client, whole.client, "law 2: another client, cut {cuts:?}");
            if player.error.is_none() {
                assert_eq!(player.inbox, whole.inbox, "law 2: something else is left, cut {cuts:?}");
            }
        }
    }
});

/// Does what the script says, and tells how it went.
fn act(player: &mut Player, step: &Step<'_>) -> String {
    let mut out = Vec::new();
    let client = &mut player.client;
    match step {
        Step::Send(command) => {
            let sent = client.send(*command, &mut out);
            player.owed.extend(sent.map(|ticket| (ticket, command.kind(), false)));
            format!("{sent:?}")
        }
        Step::Respond(response) => format!("{:?}", client.respond(*response, &mut out)),
        Step::Utf8User => {
            client.set_utf8_user(true);
            String::new()
        }
        Step::TlsEstablished => end(player, Client::tls_established),
        Step::Eof => end(player, Client::receive_eof),
    }
}

fn end(player: &mut Player, tell: impl Fn(&mut Client, &[u8]) -> Result<(), ProtocolError>) -> String {
    let inbox = std::mem::take(&mut player.inbox);
    let told = tell(&mut player.client, &inbox);
    if player.error.is_some() {
        assert_eq!(told.err(), player.error, "law 4: the same error for ever after");
    }
    player.error = told.err();
    format!("{told:?}")
}
