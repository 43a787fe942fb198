//! A server that sends a line while the user is asked for the password, or after a blank line, does not answer the next
//! command with it.

use std::future::poll_fn;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pop3_async::{Connection, Credentials, Error, QuitError, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;
use tokio::task::coop::consume_budget;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::peer::{POLICY, credentials, over, settings};

async fn line(stream: &mut (impl AsyncReadExt + Unpin), expected: &str) {
    let mut said = vec![0; expected.len()];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(said, expected.as_bytes());
}

/// The prompt keeps the thread, so that the runtime hears nothing of the socket meanwhile.
async fn said_at_the_prompt(words: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, is_asked) = channel::<()>();
    let (spoken, has_spoken) = channel::<()>();
    let server = std::thread::spawn(move || {
        use std::io::Read;

        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"+OK ready\r\n").unwrap();
        let mut said = [0; 6];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"CAPA\r\n");
        stream.write_all(b"-ERR what?\r\n").unwrap();
        is_asked.recv().unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        spoken.send(()).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        rest
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let connection = Connection::over(stream, settings().policy(POLICY.methods(None))).await.unwrap();
    let has_spoken = Mutex::new(has_spoken);
    let credentials = Credentials::ask("mrose", move |_| {
        asked.send(()).unwrap();
        has_spoken.lock().unwrap().recv().unwrap();
        Some("tanstaaf".to_owned().into())
    });
    let failed = connection.login_as(credentials).await.unwrap_err();
    let error = failed.to_string();
    drop(failed);
    assert_eq!(String::from_utf8(server.join().unwrap()).unwrap(), "", "nothing is sent after the words");
    error
}

#[tokio::test]
async fn unsolicited_octets_at_the_prompt() {
    let error = said_at_the_prompt("-ERR Disconnected for inactivity.\r\n").await;
    assert!(error.ends_with("saying -ERR Disconnected for inactivity."), "{error}");
    let error = said_at_the_prompt("+OK\r\n").await;
    assert!(error.contains("the server has sent unsolicited octets"), "{error}");
}

#[tokio::test]
async fn unsolicited_octets_after_a_blank_line() {
    let (ours, mut theirs) = duplex(4096);
    let login = async {
        let connection = over(ours).await.unwrap();
        let mut session = connection.login_as(credentials()).await.unwrap();
        session.noop().await.unwrap();
        session
    };
    let serve = async {
        theirs.write_all(b"+OK ready\r\n").await.unwrap();
        for (command, answer) in [
            ("CAPA\r\n", "-ERR\r\n"),
            ("USER mrose\r\n", "+OK\r\n"),
            ("PASS tanstaaf\r\n", "+OK\r\n"),
            ("NOOP\r\n", "+OK\r\n\r\n"),
        ] {
            line(&mut theirs, command).await;
            theirs.write_all(answer.as_bytes()).await.unwrap();
        }
    };
    let (session, ()) = tokio::join!(login, serve);
    theirs.write_all(b"+OK 7 700\r\n").await.unwrap();
    let error = session.quit().await.unwrap_err();
    assert!(matches!(&error, QuitError::NotSent(error) if !error.is_recoverable()), "{error:?}");
}

/// A server that obeys, and says `+OK 7 700` beside when it is told to.
struct Unasked {
    session: Session<TcpStream>,
    tell: Sender<()>,
    told: Receiver<()>,
}

impl Unasked {
    async fn new() -> Unasked {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, is_told) = channel::<()>();
        let (speak, told) = channel::<()>();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            stream.write_all(b"+OK\r\n").unwrap();
            for answer in ["-ERR\r\n", "+OK\r\n", "+OK\r\n"] {
                lines.next().unwrap().unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
            is_told.recv().unwrap();
            stream.write_all(b"+OK 7 700\r\n").unwrap();
            speak.send(()).unwrap();
            // Without an answer: nobody can take one for the other.
            lines.map_while(Result::ok).for_each(drop);
        });
        let connection = over(TcpStream::connect(address).await.unwrap()).await.unwrap();
        Unasked { session: connection.login_as(credentials()).await.unwrap(), tell, told }
    }

    /// Returns when it has spoken. The thread is kept, so that the runtime hears nothing meanwhile.
    fn speak(&self) {
        self.tell.send(()).unwrap();
        self.told.recv().unwrap();
    }
}

fn assert_unasked(error: &Error) {
    assert!(error.to_string().contains("the server has sent unsolicited octets"), "{error}");
}

/// The runtime has a task that does much wait, and then a socket that has octets says that it has none.
#[tokio::test]
async fn unsolicited_octets_in_a_busy_task() {
    let mut all = Vec::new();
    for _ in 0..20 {
        let unasked = Unasked::new().await;
        unasked.speak();
        all.push(unasked.session);
    }
    let mut busy = pin!(async {
        loop {
            consume_budget().await;
        }
    });
    let mut quits: Vec<_> = all.into_iter().map(|session| Some(Box::pin(session.quit()))).collect();
    let mut ends = Vec::new();
    let all_end = poll_fn(|cx| {
        assert!(Future::poll(busy.as_mut(), cx).is_pending());
        for quit in &mut quits {
            let Some(Poll::Ready(end)) = quit.as_mut().map(|quit| quit.as_mut().poll(cx)) else { continue };
            ends.push(end);
            *quit = None;
        }
        if quits.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    });
    timeout(Duration::from_secs(20), all_end).await.expect("QUIT is not sent, and has an end");
    for end in ends {
        match end {
            Err(QuitError::NotSent(error)) => assert_unasked(&error),
            other => panic!("{other:?}"),
        }
    }
}

/// Polls a call once, as a `select!` may do, and gives the runtime its turn.
async fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) {
    assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    yield_now().await;
}

/// Octets that were received for a dropped call do not count as octets before the next one.
#[tokio::test]
async fn unsolicited_octets_after_a_dropped_call() {
    let mut unasked = Unasked::new().await;
    poll_once(pin!(unasked.session.stat())).await;
    unasked.speak();
    assert_unasked(&unasked.session.stat().await.unwrap_err());

    let mut unasked = Unasked::new().await;
    poll_once(pin!(unasked.session.retrieve(1.try_into().unwrap()))).await;
    unasked.speak();
    assert_unasked(&unasked.session.retrieve(1.try_into().unwrap()).await.unwrap_err());

    let mut unasked = Unasked::new().await;
    poll_once(pin!(unasked.session.stat())).await;
    unasked.speak();
    let deleted = unasked.session.delete_many([1.try_into().unwrap()]).next().await.unwrap();
    assert_unasked(&deleted.unwrap_err());
}

/// Another part of the task may wake it before the runtime has heard its sockets.
#[tokio::test]
async fn unsolicited_octets_in_a_task_that_is_woken_early() {
    let mut unasked = Unasked::new().await;
    let stat = tokio::spawn(async move {
        let (tell, told) = (unasked.tell.clone(), unasked.told);
        let mut stat = pin!(unasked.session.stat());
        assert!(poll_fn(|cx| Poll::Ready(stat.as_mut().poll(cx))).await.is_pending());
        tell.send(()).unwrap();
        told.recv().unwrap();
        let mut woken = false;
        poll_fn(|cx| {
            if !std::mem::replace(&mut woken, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            stat.as_mut().poll(cx)
        })
        .await
    });
    assert_unasked(&stat.await.unwrap().unwrap_err());
}
