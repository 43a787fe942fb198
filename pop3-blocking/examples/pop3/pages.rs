//! Shell completions and the man page, made from the definition of the command line.

use std::io::{Write, stdout};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::failure::Failure;
use crate::options::Options;

/// Writes the completions for a shell to the standard output.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Options::command(), "pop3", &mut script);
    stdout().write_all(&script).map_err(Failure::output)
}

/// Writes the man page to the standard output: the program, then each of its commands.
pub(crate) fn man() -> Result<(), Failure> {
    let mut command = Options::command();
    command.build();
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).map_err(Failure::output)?;
    for part in command.get_subcommands().filter(|part| part.get_name() != "help") {
        let man = Man::new(part.clone());
        let heading = format!(".SH \"COMMAND {}\"\n", part.get_name().to_uppercase());
        page.extend_from_slice(heading.as_bytes());
        let parts = man.render_synopsis_section(&mut page).and_then(|()| man.render_description_section(&mut page));
        parts.and_then(|()| man.render_options_section(&mut page)).map_err(Failure::output)?;
    }
    stdout().write_all(&page).map_err(Failure::output)
}
