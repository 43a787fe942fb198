//! Python's standard client `poplib` reads the embedded server.

use std::net::TcpListener;
use std::process::Command;
use std::thread;

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::MailStore;

/// Prints what `poplib` makes of a maildrop of three messages, line by line. Raises if an assertion of its own fails.
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
            let config = ServerConfig::new().plaintext_login(true);
            thread::spawn(move || pop3_blocking::serve(stream, maildrop, config));
        }
    });
    let output =
        Command::new("python3").args(["-c", SCRIPT, &port.to_string()]).output().expect("python3 is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, "all is well\n");
}

/// SCRAM-SHA-256 by nothing but `hashlib`, over TLS from the beginning and after STLS, in the clear, and by two that
/// lie.
#[cfg(feature = "tls")]
const SCRAM: &str = r#"
import base64, hashlib, hmac, os, poplib, ssl, sys
plain_port, tls_port, pem = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cadata=pem)

def scram(pop, user, password):
    nonce = base64.b64encode(os.urandom(18)).decode()
    bare = "n=%s,r=%s" % (user, nonce)
    def say(line):
        pop._putcmd(line); answer = pop._getline()[0]
        if not answer.startswith(b"+ "): raise poplib.error_proto(answer)
        return base64.b64decode(answer[2:]).decode()
    first = say("AUTH SCRAM-SHA-256 " + base64.b64encode(("n,," + bare).encode()).decode())
    parts = dict(part.split("=", 1) for part in first.split(","))
    assert parts["r"].startswith(nonce) and parts["r"] != nonce and int(parts["i"]) >= 4096, first
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    mac = lambda key, text: hmac.new(key, text.encode(), "sha256").digest()
    client_key = mac(salted, "Client Key")
    without_proof = "c=biws,r=" + parts["r"]
    said = ",".join([bare, first, without_proof])
    signature = mac(hashlib.sha256(client_key).digest(), said)
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
    final = say(base64.b64encode((without_proof + ",p=" + proof).encode()).decode())
    assert final == "v=" + base64.b64encode(mac(mac(salted, "Server Key"), said)).decode(), final
    return pop._shortcmd("")

def clear(): return poplib.POP3("127.0.0.1", plain_port, timeout=20)
def starttls():
    pop = clear(); assert "STLS" in pop.capa() and "USER" not in pop.capa(), pop.capa()
    try: pop.user("mrose"); raise SystemExit("a name in the clear")
    except poplib.error_proto: pass
    pop.stls(context); assert "STLS" not in pop.capa() and "USER" in pop.capa(), pop.capa()
    return pop
def implicit(): return poplib.POP3_SSL("127.0.0.1", tls_port, timeout=20, context=context)

for begin in (clear, starttls, implicit):
    pop = begin()
    assert "SCRAM-SHA-256" in pop.capa()["SASL"], pop.capa()
    for user, password in (("mrose", "wrong"), ("nobody", "tan staaf")):
        try: scram(pop, user, password); raise SystemExit("a wrong password was accepted")
        except poplib.error_proto as refusal: assert refusal.args[0] == b"-ERR [AUTH] wrong user name or password", refusal
    assert scram(pop, "mrose", "tan staaf").startswith(b"+OK")
    assert pop.retr(1)[1] == [b"Subject: hello", b"", b"world"] and pop.stat()[0] == 1
    pop.quit()

for begin in (starttls, implicit):
    pop = begin(); pop.user("mrose"); pop.pass_("tan staaf"); assert pop.stat()[0] == 1; pop.quit()
print("all is well")
"#;

#[test]
#[cfg(feature = "tls")]
#[ignore = "needs python3, whose poplib, ssl and hashlib are the other client"]
fn poplib_logs_in_by_scram_and_over_tls() {
    use std::sync::Arc;

    use pop3_blocking::pop3_proto::tls::rustls;
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    let store = MailStore::new();
    store.add_user("mrose", "tan staaf");
    store.deliver("mrose", "Subject: hello\r\n\r\nworld\r\n");
    let CertifiedKey { cert, key_pair } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key_pair.serialize_der()).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = Arc::new(tls.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap());
    let ports = [false, true].map(|inside_tls| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let port = listener.local_addr().expect("it is bound").port();
        let (store, tls) = (store.clone(), Arc::clone(&tls));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (maildrop, tls) = (store.maildrop(), Arc::clone(&tls));
                let config = ServerConfig::new().inside_tls(inside_tls);
                thread::spawn(move || pop3_blocking::serve_tls(stream, maildrop, config, tls));
            }
        });
        port.to_string()
    });
    let [plain, implicit] = &ports;
    let output = Command::new("python3")
        .args(["-c", SCRAM, plain, implicit, &cert.pem()])
        .output()
        .expect("python3 is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, "all is well\n");
}
