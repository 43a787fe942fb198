//! Which row of the attack table is which test. No row is missing, and no test is forgotten.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// How a row is covered.
enum Row {
    /// By these tests.
    Tests(&'static [&'static str]),
    /// By none, because of this.
    Excepted(&'static str),
}

use Row::{Excepted, Tests};

const ROWS: &[(&str, Row)] = &[
    (
        "A01",
        Tests(&[
            "a01_plaintext_behind_stls_is_an_injection",
            "a01_a02_in_the_same_segment",
            "a01_a02_in_the_next_segment",
        ]),
    ),
    ("A02", Tests(&["a02_no_part_of_a_line_survives_the_handshake", "a01_a02_in_the_same_segment"])),
    ("A03", Tests(&["a03_an_answer_before_its_command_answers_nothing"])),
    ("A04", Tests(&["a04_where_stls_was_stripped_no_credential_leaves", "a04_in_the_clear_a_password_needs_leave"])),
    ("A05", Tests(&["a05_a_server_without_capabilities_is_no_reason_to_go_on_in_the_clear"])),
    ("A06", Tests(&["a06_a_refused_stls_is_no_leave_to_go_on_in_the_clear"])),
    ("A07", Tests(&["a07_what_is_nearly_an_ok_begins_no_handshake"])),
    ("A08", Tests(&["a08_a_server_that_says_nothing", "a08_a16_a_server_that_says_something_else"])),
    ("A09", Tests(&["a09_no_greeting_skips_the_login"])),
    ("A10", Tests(&["a10_what_was_announced_before_tls_is_void", "a10_what_was_said_before_is_forgotten"])),
    ("A11", Tests(&["a11_the_timestamp_of_the_clear_is_no_challenge_inside_tls"])),
    ("A12", Tests(&["a12_what_was_said_before_tls_is_marked_as_anybodys"])),
    (
        "A13",
        Excepted(
            "there is no pool and no way to one: a session owns its stream and the policy it was opened with, neither can \
             be taken out to be reused, and `connect` opens a connection of its own each time",
        ),
    ),
    ("A14", Tests(&["a14_a_wrong_name", "a14_an_unknown_authority", "a14_a_nul_in_the_name"])),
    ("A15", Tests(&["a15_what_a_truncated_stream_brought_is_not_all", "a15_at_every_octet"])),
    ("A16", Tests(&["a08_a16_a_server_that_says_something_else"])),
    ("B01", Tests(&["b01_no_argument_ends_a_line", "b01_no_response_ends_a_line"])),
    ("B02", Tests(&["b02_no_password_ends_a_line_or_a_field"])),
    ("B03", Tests(&["b03_every_control_and_every_character_beyond_ascii", "b03_what_is_sent_is_one_line"])),
    ("B04", Tests(&["b04_a_name_is_one_argument"])),
    ("B05", Tests(&["b05_a_line_has_255_octets_at_most", "b05_a_long_initial_response_waits_to_be_asked_for"])),
    ("B06", Tests(&["b06_the_same_rule_for_every_string"])),
    ("B07", Tests(&["b07_numbers_that_make_no_sense_cannot_be_said"])),
    ("B08", Tests(&["b08_no_url_says_a_line_of_its_own"])),
    ("B09", Tests(&["b09_no_identity_breaks_a_servers_answer"])),
    ("B10", Tests(&["b10_nothing_of_a_challenge_becomes_a_credential"])),
    ("C01", Tests(&["c01_no_line_is_longer_than_its_limit"])),
    ("C02", Tests(&["c02_a_message_without_end_takes_no_memory", "c02_a_listing_without_end_has_a_cap"])),
    ("C03", Tests(&["c03_a_line_of_100_megaoctets_streams"])),
    ("C04", Tests(&["c04_ten_million_unique_ids_come_one_by_one", "c02_a_listing_without_end_has_a_cap"])),
    ("C05", Tests(&["c05_a_drop_listing_is_two_numbers"])),
    ("C06", Tests(&["c06_no_memory_is_set_aside_for_a_count"])),
    ("C07", Tests(&["c07_scan_listings_that_make_no_sense"])),
    ("C08", Tests(&["c08_an_answer_about_another_message"])),
    ("C09", Tests(&["c09_the_announced_size_of_a_message_is_only_said"])),
    ("C10", Tests(&["c10_unique_ids_are_octets_and_not_trusted"])),
    ("C11", Tests(&["c11_capabilities_without_measure"])),
    (
        "C12",
        Tests(&[
            "c12_a_challenge_has_a_limit_and_must_be_base64",
            "c12_every_mechanism_gives_up_what_is_no_base64",
            "c12_no_challenge_is_longer_than_its_limit",
        ]),
    ),
    ("C13", Tests(&["c13_work_beyond_measure_is_not_begun"])),
    (
        "C14",
        Tests(&[
            "c14_a_server_of_scram_that_proves_itself",
            "c14_a_first_message_that_does_not_go_on_with_ours",
            "c14_a_last_message_that_proves_nothing",
        ]),
    ),
    // NTLM and DIGEST-MD5 are in no build: it is the same state for every mechanism that is.
    ("C15", Tests(&["c15_a_refusal_is_no_challenge"])),
    (
        "C16",
        Tests(&[
            "c16_challenges_without_end",
            "c16_every_mechanism_comes_to_an_end",
            "c16_a_mechanism_that_never_ends_is_ended",
        ]),
    ),
    ("C17", Tests(&["c17_a_greeting_of_brackets"])),
    ("C18", Tests(&["c18_octet_by_octet_the_work_is_the_same"])),
    ("D01", Tests(&["d01_however_short_answers_are_cut", "d01_however_messages_are_cut"])),
    ("D02", Tests(&["d02_a_terminator_that_is_not_all_there_ends_nothing"])),
    ("D03", Tests(&["d03_exactly_one_dot_is_taken_from_a_line"])),
    ("D04", Tests(&["d04_no_line_end_but_crlf_ends_a_message"])),
    ("D05", Tests(&["d05_a_cr_alone_is_no_line_end"])),
    ("D06", Tests(&["d06_what_stands_behind_an_unstuffed_dot_answers_nothing"])),
    ("D07", Tests(&["d07_answers_inside_a_message_are_content"])),
    ("D08", Tests(&["d08_a_refusal_has_no_lines"])),
    ("D09", Tests(&["d09_a_scan_listing_of_one_message_has_no_terminator"])),
    ("D10", Tests(&["d10_a_second_answer_is_nobodys"])),
    ("D11", Tests(&["d11_a_nul_cuts_nothing_off"])),
    ("D12", Tests(&["d12_nothing_stands_before_an_indicator"])),
    ("D13", Tests(&["d13_blank_lines_among_capabilities"])),
    ("D14", Tests(&["d14_only_a_dot_alone_ends_the_capabilities"])),
    ("D15", Tests(&["d15_blanks_between_fields"])),
    ("D16", Tests(&["d16_the_stream_ends_anywhere"])),
    ("D17", Tests(&["d17_each_of_a_batch_has_its_own_result"])),
    (
        "D18",
        Tests(&[
            "d18_no_more_commands_are_in_flight_than_the_window_takes",
            "d18_nobody_waits_for_ever",
            "d18_two_thousand_pipelined_messages_through_small_sockets",
        ]),
    ),
    ("D19", Tests(&["d19_nothing_counts_after_quit"])),
    ("D20", Tests(&["d20_an_ok_where_a_challenge_is_due_is_no_login"])),
    ("E01", Tests(&["e01_a_challenge_of_apop_is_a_msg_id_or_none"])),
    ("E02", Tests(&["e02_what_is_left_of_a_list_does_not_lower_what_is_permitted"])),
    ("E03", Tests(&["e03_a_method_that_fails_is_not_followed_by_a_weaker_one"])),
    ("E04", Tests(&["e04_what_is_no_matter_of_the_password_is_not_told_as_one"])),
    ("E05", Tests(&["e05_a_token_is_tried_once"])),
    ("E06", Tests(&["e06_no_secret_is_to_be_seen"])),
    (
        "E07",
        Tests(&[
            "e07_an_echo_of_the_password_is_not_shown",
            "e07_an_echo_in_a_listing_is_not_logged",
            "e07_no_gap_shows_the_password_by_its_surroundings",
        ]),
    ),
    ("E08", Tests(&["e08_nobody_is_sent_elsewhere"])),
    ("E09", Tests(&["e09_no_answer_to_user_logs_in"])),
    (
        "F01",
        Tests(&[
            "f01_what_is_waited_for_is_known_at_every_octet",
            "f01_a_greeting_that_does_not_come",
            "f01_an_answer_that_does_not_end",
            "f01_a_message_and_a_listing_that_drip",
            "f01_a_status_line_that_drips",
            "f01_a_listing_that_drips",
        ]),
    ),
    ("F02", Tests(&["f02_a_quit_without_an_answer_is_neither_done_nor_undone", "f02_unknown", "f02_quit_unknown"])),
    (
        "F03",
        Tests(&[
            "f03_every_character_is_shown_or_escaped",
            "f03_nothing_of_a_server_acts_on_a_terminal",
            "f03_what_servers_say_is_escaped",
        ]),
    ),
    ("F04", Tests(&["f04_text_that_is_no_utf_8_is_kept_and_shown"])),
    ("F05", Tests(&["f05_a_unique_id_is_no_file_name", "f05_no_unique_id_names_a_file"])),
    ("F06", Tests(&["f06_numbers_name_messages_of_one_session"])),
    ("F07", Tests(&["f07_an_autologout_commits_nothing"])),
    (
        "G01",
        Tests(&[
            "g01_commands_behind_stls_are_executed_nowhere",
            "g01_what_is_said_in_the_clear_is_not_done_inside_tls",
        ]),
    ),
    (
        "G02",
        Tests(&[
            "g02_whatever_is_sent_before_the_login_has_its_bound",
            "g02_a_handshake_that_does_not_come_ends_the_session",
        ]),
    ),
    (
        "G03",
        Tests(&[
            "g03_the_name_of_the_clear_is_forgotten_inside",
            "g03_the_name_of_before_is_forgotten",
            "g03_v35_stls_begins_anew",
        ]),
    ),
    ("G04", Tests(&["g04_no_name_makes_a_line_of_its_own"])),
    ("G05", Tests(&["g05_no_stored_line_ends_its_message"])),
    ("G06", Tests(&["g06_a_message_that_cannot_be_read_has_no_terminator"])),
    ("G07", Tests(&["g07_odd_input_lets_nobody_in", "g07_a_failed_proof_cannot_be_made_up_for"])),
    (
        "G08",
        Tests(&[
            "g08_a_client_that_does_not_read_is_not_read",
            "g08_a_client_that_never_reads_is_not_read_either",
            "g08_who_sends_and_never_reads_blocks_nobody_else",
        ]),
    ),
];

/// Where the tests stand: these, and the adapters'.
const SOURCES: &[&str] = &[
    include_str!("before_tls.rs"),
    include_str!("bodies.rs"),
    include_str!("bounds.rs"),
    include_str!("display.rs"),
    include_str!("endings.rs"),
    include_str!("framing.rs"),
    include_str!("injection.rs"),
    include_str!("login.rs"),
    include_str!("mechanisms.rs"),
    include_str!("numbers.rs"),
    include_str!("serving.rs"),
    include_str!("../server_limits.rs"),
    include_str!("../../../pop3-async/tests/serve_tls.rs"),
    include_str!("../../../pop3-async/tests/session/endings.rs"),
    include_str!("../../../pop3-async/tests/session/flow.rs"),
    include_str!("../../../pop3-async/tests/session/time.rs"),
    include_str!("../../../pop3-blocking/tests/program/attacks.rs"),
    include_str!("../../../pop3-blocking/tests/program/looks.rs"),
    include_str!("../../../pop3-blocking/tests/scripted/deadlines.rs"),
    include_str!("../../../pop3-blocking/tests/scripted/quitting.rs"),
    include_str!("../../../pop3-blocking/tests/scripted/stingy.rs"),
    include_str!("../../../pop3-blocking/tests/serve.rs"),
    include_str!("../../../pop3-blocking/tests/serve_tls.rs"),
    include_str!("../../../pop3-blocking/tests/tls/attacks.rs"),
    include_str!("../../../pop3-blocking/tests/tls/certificates.rs"),
    include_str!("../../../pop3-blocking/tests/tls/endings.rs"),
    include_str!("../../../pop3-blocking/tests/tls/handshakes.rs"),
];

/// The names of all tests in the sources that are named by a row.
fn tests() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for source in SOURCES {
        let mut is_test = false;
        for line in source.lines().map(str::trim) {
            let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            let name = function.and_then(|rest| rest.split('(').next());
            if let Some(name) = name.filter(|name| is_test && !rows_of(name).is_empty()) {
                names.insert(name);
            }
            // Attributes may stand between the two, and in a macro of proptest they are the same.
            is_test =
                line.starts_with("#[test]") || line.starts_with("#[tokio::test") || is_test && line.starts_with('#');
        }
    }
    names
}

/// The rows that a test is named by: `a01_a02_...` by A01 and A02.
fn rows_of(name: &str) -> Vec<String> {
    let is_row = |word: &&str| {
        let digits = word.strip_prefix(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
        digits.is_some_and(|digits| digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit()))
    };
    name.split('_').take_while(is_row).map(str::to_uppercase).collect()
}

#[test]
fn every_row_is_a_test_or_an_exception() {
    let tests = tests();
    let mut listed = BTreeSet::new();
    for (row, covered) in ROWS {
        match covered {
            Tests(names) => {
                assert!(!names.is_empty(), "{row} has no test");
                for name in *names {
                    assert!(tests.contains(name), "{row}: there is no test {name}");
                    listed.insert(*name);
                }
                let own = names.iter().any(|name| rows_of(name).iter().any(|other| other == row));
                assert!(own, "{row} has no test that is named by it");
            }
            Excepted(reason) => assert!(reason.len() > 40, "{row}: why?"),
        }
    }
    // The other way round: what is named by a row stands in the table.
    let forgotten: Vec<_> = tests.difference(&listed).collect();
    assert!(forgotten.is_empty(), "not in the table: {forgotten:?}");
    let rows: BTreeSet<&str> = ROWS.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows.len(), ROWS.len(), "each row stands once");
    for name in &listed {
        for row in rows_of(name) {
            assert!(rows.contains(row.as_str()), "{name} is named by a row that there is not");
        }
    }
}

#[test]
#[ignore = "reads ../shared/spec/attacks.md, or the file that POP3_ATTACKS names"]
fn the_table_has_these_rows_and_no_other() {
    let beside_the_cases =
        || std::env::var_os("POP3_CASES").map(|cases| PathBuf::from(cases).join("../spec/attacks.md"));
    let path = std::env::var_os("POP3_ATTACKS").map(PathBuf::from).or_else(beside_the_cases);
    let path = path.expect("POP3_ATTACKS names the attack table, or POP3_CASES the folder beside it");
    let table = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let first_cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let rows: Vec<&str> = first_cells.filter(|cell| !rows_of(&cell.to_lowercase()).is_empty()).collect();
    let ours: Vec<&str> = ROWS.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, ours);
}
