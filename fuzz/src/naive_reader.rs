//! The answers that a server must give to a client's lines, read naively: one status line each, and the data of its
//! command.

/// The only response codes that our server uses (RFC 2449, section 8; RFC 3206).
const CODES: [&[u8]; 5] = [b"[IN-USE] ", b"[LOGIN-DELAY] ", b"[SYS/TEMP] ", b"[SYS/PERM] ", b"[AUTH] "];

/// Returns the client's lines without their ends; `None` stands for one of more than `limit` octets, whether or not it
/// ended.
pub fn lines(octets: &[u8], limit: usize) -> Vec<Option<&[u8]>> {
    let mut lines = Vec::new();
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) if line.len() <= limit => lines.push(Some(text.strip_suffix(b"\r").unwrap_or(text))),
            None if line.len() < limit => {}
            _ => lines.push(None),
        }
    }
    lines
}

/// Asserts that a server may write `line`, without its CRLF, and returns its indicator.
pub(crate) fn status(line: &[u8]) -> &str {
    assert!(line.len() <= 510, "a status line has 512 octets at most");
    assert!(line.iter().all(|octet| matches!(octet, b' '..=b'~')), "{}", line.escape_ascii());
    if line.starts_with(b"+ ") {
        return "+";
    }
    let end = line.iter().position(|&octet| octet == b' ').unwrap_or(line.len());
    let (indicator, text) = line.split_at(end);
    let text = text.get(1..).unwrap_or_default();
    match indicator {
        b"+OK" => assert!(!text.trim_ascii_start().starts_with(b"["), "{}", line.escape_ascii()),
        b"-ERR" => {
            let behind = CODES.iter().find_map(|code| text.strip_prefix(*code)).unwrap_or(text);
            assert!(!behind.trim_ascii_start().starts_with(b"["), "{}", line.escape_ascii());
        }
        _ => panic!("{} is no status line", line.escape_ascii()),
    }
    std::str::from_utf8(indicator).expect("it is ASCII")
}

/// Takes a line with its CRLF from `said`; returns `None` if there is no whole one.
fn line<'a>(said: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = said.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &said[..end];
    *said = &said[end + 2..];
    Some(line)
}

/// The course of a session, by its octets.
#[derive(Debug, Default)]
pub struct Session<'a> {
    pub answers: usize,
    /// The octets before the first answer to a login that succeeded.
    pub before_login: &'a [u8],
    pub logged_in: bool,
    /// QUIT was granted.
    pub quit: bool,
}

/// Reads what a server `said` to these lines, greeting first. It must be one answer to each, up to some line.
pub fn session<'a>(lines: &[Option<&[u8]>], said: &'a [u8]) -> Session<'a> {
    let mut rest = said;
    let mut session = Session { before_login: said, ..Session::default() };
    assert_eq!(line(&mut rest).map(status), Some("+OK"), "the greeting comes first");
    let mut inside_auth = false;
    for client in lines {
        if rest.is_empty() {
            break;
        }
        assert!(!session.quit, "nothing comes behind QUIT");
        let before = said.len() - rest.len();
        let indicator = status(line(&mut rest).expect("status lines are whole"));
        session.answers += 1;
        let words: Vec<&[u8]> = client.unwrap_or_default().split(|&b| b == b' ').filter(|w| !w.is_empty()).collect();
        let keyword = words.first().copied().unwrap_or_default().to_ascii_uppercase();
        let was_inside = std::mem::replace(&mut inside_auth, indicator == "+");
        if was_inside || indicator == "+" {
            assert!(was_inside || keyword == b"AUTH", "a challenge without AUTH");
        }
        if indicator != "+OK" {
            continue;
        }
        assert!(client.is_some(), "a line that is too long is refused");
        // AUTH alone lists the mechanisms.
        let mechanisms = !was_inside && keyword == b"AUTH" && words.len() == 1;
        let login = was_inside || (matches!(&keyword[..], b"PASS" | b"APOP" | b"AUTH") && !mechanisms);
        if login {
            assert!(!session.logged_in, "nobody logs in twice");
            (session.logged_in, session.before_login) = (true, &said[..before]);
            continue;
        }
        if !session.logged_in {
            assert!(
                matches!(&keyword[..], b"USER" | b"AUTH" | b"CAPA" | b"STLS" | b"QUIT"),
                "granted before the login"
            );
        }
        session.quit = keyword == b"QUIT";
        let listing = mechanisms || matches!((&keyword[..], words.len()), (b"LIST" | b"UIDL" | b"CAPA" | b"LANG", 1));
        if listing || matches!(&keyword[..], b"RETR" | b"TOP") {
            while line(&mut rest).expect("it has an end") != b"." {}
        }
    }
    assert!(rest.is_empty(), "more answers than lines: {}", rest.escape_ascii());
    session
}
