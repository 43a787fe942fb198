//! Host, name and password from the environment. The environment belongs to the process, so each case runs this test
//! again in a process of its own.
#![allow(missing_docs, reason = "a test")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use pop3_blocking::testing::peer::Peer;
use pop3_blocking::{Connect, Security};

/// Runs in a child process: connects with the given and the found settings, and prints the result.
fn child(port: &str) {
    let mut connect = Connect::new().port(port.parse().unwrap()).security(Security::Plaintext).allow_plaintext(true);
    if let Ok(user) = env::var("POP3_TEST_USER") {
        connect = connect.user(user);
    }
    match pop3_blocking::connect(connect) {
        Ok(session) => println!("result: {:?}", session.quit()),
        Err(error) => {
            let source = std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
            println!("result: {error}{source} {error:?}");
        }
    }
}

fn run(port: u16, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "missing_credentials_come_from_the_netrc_file", "--nocapture", "--test-threads=1"]);
    command.env_remove("MAILHOST").env_remove("NETRC").env("HOME", "/nonexistent");
    command.env("POP3_TEST_CHILD", port.to_string()).envs(variables.iter().copied()).stdin(Stdio::null());
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let at = output.find("result: ").unwrap_or_else(|| panic!("the child says nothing: {output}"));
    output[at + 8..].lines().next().unwrap().to_owned()
}

/// A login as `user` with `password` is what the file leads to.
fn logs_in(folder: &Path, netrc: &str, more: &[(&str, &str)], user: &str, password: &str) {
    let file = folder.join("netrc");
    fs::write(&file, netrc).unwrap();
    let script = "S: +OK\nC: CAPA\nS: -ERR\nC: USER @\nS: +OK\nC: PASS #\nS: +OK\nC: QUIT\nS: +OK\n";
    let peer = Peer::playing(script.replace('@', user).replace('#', password));
    let variables = [&[("MAILHOST", "127.0.0.1"), ("NETRC", file.to_str().unwrap())], more].concat();
    assert_eq!(run(peer.address.port(), &variables), "Ok(())", "{netrc}");
    peer.done();
}

#[test]
fn missing_credentials_come_from_the_netrc_file() {
    if let Ok(port) = env::var("POP3_TEST_CHILD") {
        return child(&port);
    }
    let folder = env::temp_dir().join(format!("pop3-netrc-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("netrc");
    let named = file.to_str().unwrap();

    let plain = "machine other login a password b\nmachine 127.0.0.1 login mrose password tanstaaf\n";
    logs_in(&folder, plain, &[], "mrose", "tanstaaf");
    logs_in(&folder, plain, &[("POP3_TEST_USER", "mrose")], "mrose", "tanstaaf");
    logs_in(&folder, "machine 127.0.0.1\n\tlogin mrose\n\tpassword \"two  words\"\n", &[], "mrose", "two  words");
    logs_in(&folder, r#"machine 127.0.0.1 login mrose password "a \"b\" \\c""#, &[], "mrose", r#"a "b" \c"#);
    logs_in(&folder, r"machine 127.0.0.1 login mrose password a\ b", &[], "mrose", "a b");
    logs_in(&folder, "machine 127.0.0.1 login mrose password #not=a&comment\n", &[], "mrose", "#not=a&comment");
    logs_in(&folder, "machine other login a password b\ndefault login mrose password any\n", &[], "mrose", "any");
    logs_in(&folder, "# a comment\nmachine 127.0.0.1 password tanstaaf\n", &[("POP3_TEST_USER", "x")], "x", "tanstaaf");

    // Several logins at one host.
    let several = "machine 127.0.0.1 login tim password a\nmachine 127.0.0.1 login mrose password b\n";
    logs_in(&folder, several, &[("POP3_TEST_USER", "mrose")], "mrose", "b");
    logs_in(&folder, several, &[("POP3_TEST_USER", "tim")], "tim", "a");
    logs_in(&folder, several, &[], "tim", "a");

    // Without $NETRC, it is ~/.netrc.
    fs::write(folder.join(".netrc"), plain).unwrap();
    let script = "S: +OK\nC: CAPA\nS: -ERR\nC: USER mrose\nS: +OK\nC: PASS tanstaaf\nS: +OK\nC: QUIT\nS: +OK\n";
    let peer = Peer::playing(script);
    let home = [("MAILHOST", "127.0.0.1"), ("HOME", folder.to_str().unwrap())];
    assert_eq!(run(peer.address.port(), &home), "Ok(())");
    peer.done();

    // The error names the missing value, and comes before any connection.
    let host = ("MAILHOST", "127.0.0.1");
    fs::write(&file, plain).unwrap();
    let result = run(1, &[("NETRC", named)]);
    assert!(
        result.starts_with("no host was given, neither in the settings nor, to connect by name, in MAILHOST"),
        "{result}"
    );
    let nobody = "no user name and password were given for 127.0.0.1, and the netrc file has none";
    for variables in [&[host][..], &[host, ("NETRC", named), ("POP3_TEST_USER", "somebody-else")]] {
        let result = run(1, variables);
        assert!(result.starts_with(nobody), "{result}");
    }
    // An explicit file that is missing is not replaced by another one.
    let missing = [host, ("NETRC", "/nonexistent/netrc"), ("HOME", folder.to_str().unwrap())];
    let result = run(1, &missing);
    assert!(result.starts_with(nobody), "{result}");
    // A file that is not a netrc file may hold a password, so it is not quoted.
    fs::write(&file, "machine 127.0.0.1 login mrose password secret phrase\n").unwrap();
    let result = run(1, &[host, ("NETRC", named)]);
    assert!(result.starts_with("the netrc file cannot be read: "), "{result}");
    assert!(!result.contains("phrase") && !result.contains("secret"), "{result}");

    fs::remove_dir_all(&folder).unwrap();
}
