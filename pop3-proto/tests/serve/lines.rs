//! Lines of a client: odd lines, long lines, and their ends.

use pop3_proto::{Service, State};

use crate::script::{LOGIN, check, inside, talk};
use crate::service::{PLAINTEXT, drain, feed, store};

#[test]
fn v1_v2_odd_lines_cost_one_err_each() {
    inside(
        "C: stat
         S: +OK 3 84
         C: XYZZY
         S: -ERR~
         C:
         S: -ERR~
         C: STAT 1
         S: -ERR~
         C: PASS x
         S: -ERR~
         C: nOOp
         S: +OK
         C: LAST
         S: -ERR~
         C: UTF8
         S: -ERR~
         C: LANG
         S: -ERR~
         C: LANG *
         S: -ERR~
         C: Quit
         S: +OK~",
    );
}

#[test]
fn v3_a_long_line_costs_one_err_and_no_memory() {
    let fits = format!("USER {}", "x".repeat(255 - 7));
    let long = format!("USER {}", "x".repeat(255 - 6));
    talk(&format!("C: {fits}\nS: +OK~\nC: {long}\nS: -ERR the line is too long\nC: {long}{long}\nS: -ERR~\n{LOGIN}"));

    let mut service = Service::new(store().maildrop(), PLAINTEXT, None);
    drain(&mut service);
    let mut said = String::new();
    for _ in 0..200 {
        said += &feed(&mut service, &[b'a'; 1024], usize::MAX);
        assert!(service.spare().len() <= 1024);
    }
    check(&["-ERR the line is too long".into()], &said);
    check(&["+OK~".into()], &feed(&mut service, b"tail\r\nQUIT\r\n", usize::MAX));
}

#[test]
fn v8_lf_ends_a_line_cr_and_nul_do_not() {
    let mut service = Service::new(store().maildrop(), PLAINTEXT, None);
    drain(&mut service);
    let said = feed(&mut service, b"CAPA\rQUIT\r\nUSER a\0b\r\nUSER a\rb\r\nUSER ann\nPASS  top  secret \nNOOP\n\n", 3);
    check(&["-ERR~", "-ERR~", "-ERR~", "+OK~", "+OK~", "+OK", "-ERR~"].map(String::from), &said);
    assert_eq!(service.state(), State::Transaction);
}
