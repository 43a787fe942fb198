//! The input of the target `login`: a method, a policy, the cuts, and the server's turns.

use pop3_proto::drive::{Acknowledge, Call, Conversation, Io, Step};
use pop3_proto::login::{Credentials, Login, Method, Methods, Policy, Progress, Security};
use pop3_proto::{Command, Config, Error};

pub const PASSWORD: &str = "ABCDtanstaafABCD";
pub const TOKEN: &str = "ABCDya29vF9dftABCD";

const METHODS: [Option<Method>; 13] = [
    None,
    Some(Method::UserPass),
    Some(Method::Apop),
    Some(Method::Plain),
    Some(Method::Login),
    Some(Method::CramMd5),
    Some(Method::ScramSha1),
    Some(Method::ScramSha256),
    Some(Method::OauthBearer),
    Some(Method::Xoauth2),
    Some(Method::External),
    Some(Method::ScramSha1Plus),
    Some(Method::ScramSha256Plus),
];

/// A login and its server. The input is three octets, for the method, for policy and credentials, and for the cuts;
/// then the turns of the server with `\x02` between them, each sent after the client has sent something. In a turn, the
/// text between `{` and `}` is sent in Base64, and `\x01` in it is the client's nonce.
#[derive(Debug)]
pub struct Scene<'a> {
    pub policy: Policy,
    credentials: u8,
    piece: usize,
    bound: bool,
    turns: &'a [u8],
}

/// The result of a login.
#[derive(Debug)]
pub struct Played {
    pub result: Result<(), Error>,
    pub conversation: Conversation,
    /// The octets sent without TLS. `all` has all octets sent.
    pub clear: Vec<u8>,
    all: Vec<u8>,
}

impl<'a> Scene<'a> {
    pub fn read(octets: &'a [u8]) -> Option<Scene<'a>> {
        let [method, policy, cuts, turns @ ..] = octets else { return None };
        let method = METHODS.get(usize::from(method.wrapping_sub(b'0')) % METHODS.len()).copied().flatten();
        let security = if policy & 1 == 0 { Security::Plaintext } else { Security::StartTls };
        let policy_of =
            Policy::new().security(security).allow_plaintext(policy & 2 != 0).methods(method.map(Methods::from));
        let piece = match cuts % 16 {
            0 => usize::MAX,
            octets => usize::from(octets),
        };
        Some(Scene { policy: policy_of, credentials: policy >> 2 & 3, piece, bound: policy & 16 != 0, turns })
    }

    pub fn knows(&self, secret: &str) -> bool {
        self.turns.windows(8).any(|window| secret.as_bytes().windows(8).any(|part| part == window))
    }

    fn credentials(&self) -> Credentials {
        match self.credentials {
            0 => Credentials::new("mrose", PASSWORD),
            1 => Credentials::token("mrose", TOKEN),
            2 => Credentials::external(),
            _ => Credentials::ask("mrose", |_| Some(String::from(PASSWORD).into())),
        }
    }

    pub fn play(&self) -> Played {
        let mut conversation = Conversation::new(Config::new().max_challenge(4096));
        let mut login = Login::new(self.credentials(), self.policy);
        let (mut clear, mut all) = (Vec::new(), Vec::new());
        let mut turns = self.turns.split(|&b| b == 2);
        let mut heard: Vec<u8> = b"+OK <1@h>\r\n".to_vec();
        let mut greeted = false;
        let result = loop {
            let step = if greeted {
                login.step(&mut conversation)
            } else {
                match conversation.greet() {
                    Ok(step) => {
                        greeted = step == Step::Done(());
                        if greeted {
                            continue;
                        }
                        Ok(Step::NeedIo(Io::Transfer))
                    }
                    Err(error) => Err(error),
                }
            };
            let said = conversation.pending().to_vec();
            conversation.written(said.len());
            all.extend(&said);
            if !conversation.client().inside_tls() {
                clear.extend(&said);
            }
            if !said.is_empty() {
                heard.extend(turns.next().map(|turn| spoken(turn, &all)).unwrap_or_default());
            }
            match step {
                Ok(Step::Done(Progress::LoggedIn)) => break Ok(()),
                Ok(Step::Done(Progress::StartTls)) => {
                    if let Err(error) = conversation.tls_established(self.bound.then(|| vec![7; 32].into())) {
                        break Err(error);
                    }
                    continue;
                }
                // Between two turns of the server, there is nothing to look at.
                Ok(Step::NeedIo(Io::Look)) if heard.is_empty() => {
                    conversation.looked();
                    continue;
                }
                Ok(Step::NeedIo(_)) => {}
                Err(error) => break Err(error),
            }
            let space = conversation.spare();
            let len = space.len().min(heard.len()).min(self.piece);
            space[..len].copy_from_slice(&heard[..len]);
            heard.drain(..len);
            conversation.filled(len);
            conversation.looked();
        };
        Played { result, conversation, clear, all }
    }
}

impl Played {
    /// Returns true if the client sent a line that begins with `text`.
    pub fn sent(&self, text: &str) -> bool {
        self.all.split(|&octet| octet == b'\n').any(|line| line.starts_with(text.as_bytes()))
    }

    /// Checks that QUIT can be sent if the session continues.
    pub fn quit(&mut self) {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        let step = self.conversation.step(&mut quit);
        assert!(matches!(step, Ok(Step::NeedIo(_))) || step.is_err_and(|error| !error.is_recoverable()));
    }
}

pub fn spoken(turn: &[u8], all: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    let mut rest = turn;
    while let Some(open) = rest.iter().position(|&b| b == b'{') {
        let Some(close) = rest[open..].iter().position(|&b| b == b'}') else { break };
        said.extend(&rest[..open]);
        let mut text = Vec::new();
        for &octet in &rest[open + 1..open + close] {
            if octet == 1 { text.extend(nonce(all)) } else { text.push(octet) }
        }
        said.extend(base64(&text));
        rest = &rest[open + close + 1..];
    }
    said.extend(rest);
    said
}

/// Returns the nonce of the last message of SCRAM that has one.
fn nonce(all: &[u8]) -> Vec<u8> {
    const MARK: &[u8] = b",r=";
    let messages = all.split(u8::is_ascii_whitespace).map(unbase64);
    let mut nonces = messages.filter_map(|text| {
        let at = text.windows(MARK.len()).position(|window| window == MARK)?;
        Some(text[at + MARK.len()..].to_vec())
    });
    nonces.next_back().unwrap_or_default()
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns the secret, and the Base64 digits that depend on it alone, for each place that it may have in a text.
pub fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    // The octets before it share the first digits, and those after it the last one.
    let digits = [0, 2, 3].into_iter().enumerate().map(|(before, shared)| {
        let text = base64(&[&[0; 3][..before], secret].concat());
        let end = (before + secret.len()) * 8 / 6;
        text.get(shared..end).unwrap_or_default().to_vec()
    });
    digits.chain([secret.to_vec()]).filter(|form| form.len() >= 4).collect()
}

pub fn base64(octets: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for three in octets.chunks(3) {
        let bits = three.iter().fold(0, |bits, &octet| bits << 8 | usize::from(octet)) << (8 * (3 - three.len()));
        for digit in 0..4 {
            text.push(if digit <= three.len() { DIGITS[bits >> (18 - 6 * digit) & 63] } else { b'=' });
        }
    }
    text
}

/// Decodes the text as far as it is Base64.
pub fn unbase64(text: &[u8]) -> Vec<u8> {
    let values = text.iter().map_while(|digit| DIGITS.iter().position(|d| d == digit));
    let values: Vec<usize> = values.collect();
    let mut octets = Vec::new();
    for four in values.chunks(4) {
        let bits = four.iter().fold(0, |bits, value| bits << 6 | value) << (6 * (4 - four.len()));
        let all = u32::try_from(bits).unwrap_or_default().to_be_bytes();
        octets.extend(&all[1..four.len().max(1)]);
    }
    octets
}
