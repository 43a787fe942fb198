//! Another's client reads the embedded server: Python's standard `poplib`.

use std::net::TcpListener;
use std::process::Command;
use std::thread;

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::memory::MailStore;

/// What `poplib` makes of a maildrop of three messages, line by line; it raises if a line of its own does not hold.
const SCRIPT: &str = r#"
import poplib, sys
port = int(sys.argv[1])

pop = poplib.POP3("127.0.0.1", port, timeout=20)
assert "PIPELINING" in pop.capa(), pop.capa()
try:
    pop.user("mrose"); pop.pass_("wrong"); raise SystemExit("a wrong password was accepted")
except poplib.error_proto as refusal:
    assert refusal.args[0].startswith(b"-ERR [AUTH]"), refusal
pop.user("mrose"); pop.pass_(" tan staaf ")
assert pop.stat() == (3, sum(int(row.split()[1]) for row in pop.list()[1])), pop.stat()
ids = [row.split()[1] for row in pop.uidl()[1]]
assert len(set(ids)) == 3 and pop.uidl(2).split()[2] == ids[1]
assert pop.retr(1)[1] == [b"Subject: dots", b"", b".", b"..", b".hidden", b"end"], pop.retr(1)
assert pop.retr(2)[1] == [b"Subject: \xe9t\xe9", b"", b"caf\xe9 \x00 au lait"], pop.retr(2)
assert pop.retr(3)[1] == []
assert pop.top(1, 1)[1] == [b"Subject: dots", b"", b"."], pop.top(1, 1)
for number in (0, 4, 99):
    try: pop.retr(number); raise SystemExit("there is no such message")
    except poplib.error_proto: pass
pop.dele(1); pop.dele(2); assert pop.stat()[0] == 1; pop.rset(); assert pop.stat()[0] == 3
pop.noop(); pop.dele(2)
assert pop.quit().startswith(b"+OK")

pop = poplib.POP3("127.0.0.1", port, timeout=20)
pop.apop("mrose", " tan staaf ")
assert [row.split()[1] for row in pop.uidl()[1]] == [ids[0], ids[2]]
pop.dele(1); pop.close()

pop = poplib.POP3("127.0.0.1", port, timeout=20)
pop.user("mrose"); pop.pass_(" tan staaf ")
assert pop.stat()[0] == 2, "a session that ends without QUIT deletes nothing"
pop.quit()
print("all is well")
"#;

#[test]
#[ignore = "needs python3, whose poplib is the other client"]
fn poplib_reads_the_embedded_server() {
    let store = MailStore::new();
    store.add_user("mrose", " tan staaf ");
    store.deliver("mrose", "Subject: dots\r\n\r\n.\r\n..\n.hidden\r\nend");
    store.deliver("mrose", b"Subject: \xe9t\xe9\r\n\r\ncaf\xe9 \0 au lait\r\n".as_slice());
    store.deliver("mrose", "");
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let maildrop = store.maildrop();
            let config = ServerConfig { plaintext_login: true, ..ServerConfig::default() };
            thread::spawn(move || pop3_blocking::serve_with(stream, maildrop, config));
        }
    });
    let output =
        Command::new("python3").args(["-c", SCRIPT, &port.to_string()]).output().expect("python3 is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, "all is well\n");
}
