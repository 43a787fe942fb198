//! A SCRAM server that cheats in one way of your choice, and computes the rest by the oracle.

use core::cell::RefCell;
use std::rc::Rc;

use crate::oracle::{Digest, base64, unbase64};
use crate::play::PASSWORD;

/// A function that makes the server's last message from the right signature.
pub(crate) type Last = fn(&[u8]) -> Option<String>;

/// The server's way to cheat.
#[derive(Clone, Copy)]
pub(crate) enum Cheat {
    Not,
    /// Makes its first message from the client's nonce by this.
    First(fn(&str) -> String),
    /// Makes its last message by this; `None` says `+OK` without one.
    Last(Last),
    /// Says `+OK` to the client's first message.
    AtOnce,
}

pub(crate) const SALT: &[u8] = b"a salt of 16 oct";

/// Returns the first message of a server that follows the rules.
pub(crate) fn first(nonce: &str) -> String {
    format!("r={nonce}and-the-servers,s={},i=4096", base64(SALT))
}

/// Answers line by line, with `end` at the end: after a cheat, the answer to `*` or to the next line. `proofs` records
/// whether the client's proof was right.
pub(crate) fn serve(
    name: &'static str,
    cheat: Cheat,
    end: &'static [u8],
    proofs: &Rc<RefCell<Vec<bool>>>,
) -> impl FnMut(&str) -> Vec<u8> + use<> {
    let (mut client_first, mut server_first) = (String::new(), String::new());
    let proofs = Rc::clone(proofs);
    let challenge = |text: &str| format!("+ {}\r\n", base64(text.as_bytes())).into_bytes();
    move |said| {
        let auth = format!("AUTH {name} ");
        if said.is_empty() && client_first.is_empty() {
            return b"+OK ready\r\n".to_vec();
        } else if said == "CAPA" {
            return format!("+OK\r\nSASL {name}\r\n.\r\n").into_bytes();
        } else if let Some(message) = said.strip_prefix(&auth) {
            let message = String::from_utf8(unbase64(message)).unwrap();
            let header = message.splitn(3, ',').take(2).map(|part| part.len() + 1).sum();
            message[header..].clone_into(&mut client_first);
            let nonce = client_first.split_once(",r=").unwrap().1;
            server_first = if let Cheat::First(cheat) = cheat { cheat(nonce) } else { first(nonce) };
            return if matches!(cheat, Cheat::AtOnce) { b"+OK\r\n".to_vec() } else { challenge(&server_first) };
        } else if said == "QUIT" {
            return b"+OK\r\n".to_vec();
        } else if said == "*" || said.is_empty() {
            return end.to_vec();
        }
        let message = String::from_utf8(unbase64(said)).unwrap();
        let (unproved, proof) = message.split_once(",p=").unwrap();
        let auth = format!("{client_first},{server_first},{unproved}");
        let iterations = server_first.rsplit_once("i=").unwrap().1.parse().unwrap();
        let [right, signature] = Digest::of(name).proofs(PASSWORD, SALT, iterations, &auth);
        proofs.borrow_mut().push(unbase64(proof) == right);
        match cheat {
            Cheat::Last(cheat) => cheat(&signature).map_or(b"+OK\r\n".to_vec(), |text| challenge(&text)),
            _ => challenge(&format!("v={}", base64(&signature))),
        }
    }
}
