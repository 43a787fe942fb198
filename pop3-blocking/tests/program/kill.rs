//! SIGKILL and SIGINT at any moment: in the end every message is there exactly once.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::dying_server::{End, Life, check, dying};
use crate::support::{Act, Ended, Home, mail, say, scripted, store};

/// The moment when a run dies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After so many octets to the client.
    ToClient(usize),
    /// After so many octets to the server.
    ToServer(usize),
    After(Duration),
}

/// A reproducible number below `bound`.
fn below(random: &mut u32, bound: usize) -> usize {
    *random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*random >> 4) as usize % bound.max(1)
}

fn kill(child: &mut Child, interrupts: bool) {
    if interrupts {
        // Only a shell has it everywhere. It may be dead already. Where the tests run in the background, interrupts may
        // be ignored, also by what they start.
        let pid = child.id().to_string();
        let _ =
            Command::new("sh").args(["-c", "kill -INT \"$0\"; kill -TERM \"$0\"", &pid]).stderr(Stdio::null()).status();
    } else {
        let _ = child.kill();
    }
}

/// Waits for the end of a run, and brings it about when `reached` says so or it is `due`.
fn bury(mut child: Child, interrupts: bool, reached: &Receiver<()>, due: Option<Instant>) -> ExitStatus {
    let mut killed = false;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        let now = due.is_some_and(|due| due <= Instant::now()) || reached.try_recv() != Err(TryRecvError::Empty);
        if now && !killed {
            kill(&mut child, interrupts);
            killed = true;
        }
        thread::sleep(Duration::from_micros(200));
    }
}

fn kills(wanted: u32, mut random: u32) {
    const MESSAGES: u32 = 300;
    let message = |n: u32| format!("Subject: {n}\r\n\r\n{}\r\n", "x".repeat(n as usize * 7 % 3000)).into_bytes();
    let mut all: Vec<_> = (0..MESSAGES).map(message).collect();
    let maildrop = store(&all.iter().map(Vec::as_slice).collect::<Vec<_>>());
    all.sort();
    let life = Arc::<Mutex<Life>>::default();
    let server = dying(&maildrop, &life);
    let url = server.quick_url();
    let arguments = ["--plaintext", &url, "fetch", "mail", "--delete"];
    let refill = || all.iter().for_each(|message| assert!(maildrop.deliver("u", message)));

    // A run that nobody kills gives the time and the octets of a whole run.
    let home = Home::in_memory();
    let begun = Instant::now();
    home.run(&arguments).expect(0, "300 new");
    let whole = begun.elapsed();
    let carried = life.lock().unwrap().carried;
    refill();

    let mut home = Home::in_memory();
    let (mut killed, mut in_time) = (0, 0);
    for round in 0.. {
        assert!(round < wanted * 4, "only {killed} of {round} runs were killed");
        if killed == wanted {
            break;
        }
        // The more is done, the less is left to be killed at.
        let left = maildrop.messages("u").len().saturating_sub(mail(&home.path("mail")).len());
        let part = |all: usize| all * (left + 30) / (MESSAGES as usize + 30);
        let moment = match round % 4 {
            0 | 1 => Moment::ToClient(below(&mut random, part(carried[0]))),
            2 => Moment::ToServer(below(&mut random, carried[1])),
            _ => Moment::After(whole * u32::try_from(below(&mut random, part(1000))).unwrap() / 1000),
        };
        let (reached, was_reached) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let end = End::Waits { reached, go_on: may_go_on };
        let bounds = match moment {
            Moment::ToClient(octets) => [Some(octets), None],
            Moment::ToServer(octets) => [None, Some(octets)],
            Moment::After(_) => [None, None],
        };
        *life.lock().unwrap() = Life { left: bounds, end, carried: [0; 2] };
        let due = if let Moment::After(time) = moment { Some(Instant::now() + time) } else { None };
        let child = home.command(&arguments).spawn().unwrap();
        let status = bury(child, round % 5 == 4, &was_reached, due);
        drop(go_on);
        killed += u32::from(!status.success());
        in_time += u32::from(!status.success() && due.is_some());

        let here = check(&all, &home, &maildrop);
        if maildrop.messages("u").is_empty() {
            // All was done: begin again with the same server and another folder.
            assert_eq!(here, all.len(), "{moment:?}");
            home = Home::in_memory();
            refill();
        }
    }
    println!("{killed} killed, {in_time} of them by time");

    *life.lock().unwrap() = Life::default();
    Ended::new(home.command(&arguments).output().unwrap()).expect(0, "0 refused");
    assert_eq!(mail(&home.path("mail")), all);
    assert!(maildrop.messages("u").is_empty());
}

/// It dies by the signal, and says first what that means. A signal that is ignored remains so, as in the background.
#[cfg(unix)]
#[test]
fn an_interrupt_is_explained() {
    use std::os::unix::process::ExitStatusExt;

    let server = scripted(|line| match line {
        "LIST" => say("+OK\r\n1 5\r\n.\r\n"),
        "UIDL" => say("+OK\r\n1 a\r\n.\r\n"),
        "UIDL 1" => say("+OK 1 a\r\n"),
        // It is waited for.
        "RETR 1" => say(""),
        _ => Act::Usual,
    });
    let home = Home::with_password();
    let program = home.command(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' INT; exec \"$@\"", "sh"]).arg(program);
    shell.args(["--plaintext", &server.quick_url(), "fetch", "mail"]);
    let mut child = home.wrap(shell).spawn().unwrap();
    while !server.heard_any("RETR 1") {
        assert!(child.try_wait().unwrap().is_none(), "it waits");
        thread::sleep(Duration::from_millis(1));
    }
    let send = |signal: &str| {
        let sent = Command::new("sh").args(["-c", "kill \"$0\" \"$1\"", signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    };
    send("-INT");
    thread::sleep(Duration::from_millis(50));
    send("-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(15), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "interrupted: 0 new messages are stored, none was deleted on the server; run again to continue\n");
}

#[test]
fn every_message_arrives_exactly_once() {
    kills(16, 0x2545_f491);
}

#[test]
#[ignore = "takes half a minute"]
fn every_message_arrives_exactly_once_in_200_deaths() {
    kills(200, 0x9e37_79b9);
}

#[cfg(unix)]
#[test]
fn an_interrupt_says_how_many_messages_are_safe() {
    let first = "x".repeat(40_000) + "\r\n";
    let size = first.len();
    let server = scripted(move |line| match line {
        "LIST" => say(format!("+OK\r\n1 {size}\r\n2 7\r\n.\r\n")),
        "UIDL" => say("+OK\r\n1 a\r\n2 b\r\n.\r\n"),
        "UIDL 1" => say("+OK 1 a\r\n"),
        "UIDL 2" => say("+OK 2 b\r\n"),
        "RETR 1" => say(format!("+OK\r\n{first}.\r\n")),
        // The answer never comes.
        "RETR 2" => say(""),
        _ => Act::Usual,
    });
    let home = Home::with_password();
    let mut child = home.command(&["--plaintext", &server.quick_url(), "fetch", "mail"]).spawn().unwrap();
    while !server.heard_any("RETR 2") {
        assert!(child.try_wait().unwrap().is_none(), "it waits");
        thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    let expected = "1 new message is stored, none was deleted on the server; run again to continue\n";
    assert_eq!(said, format!("interrupted: {expected}"));
    assert_eq!(mail(&home.path("mail")).len(), 1);
}
