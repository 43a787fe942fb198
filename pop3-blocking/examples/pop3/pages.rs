//! Shell completions and the man page, made from the definition of the command line.

use std::io::{self, Write, stdout};

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

/// Writes the man page to the standard output: one page with all commands.
pub(crate) fn man() -> Result<(), Failure> {
    let page = page().map_err(Failure::output)?;
    stdout().write_all(&page).map_err(Failure::output)
}

fn page() -> io::Result<Vec<u8>> {
    let command = Options::command();
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    page.extend_from_slice(b".SH COMMANDS\n");
    // Before the command is built, its parts do not have the options that all of them share.
    for part in command.get_subcommands() {
        let mut section = Vec::new();
        let part_man = Man::new(part.clone());
        part_man.render_description_section(&mut section)?;
        if part.get_arguments().next().is_some() {
            part_man.render_options_section(&mut section)?;
        }
        page.extend_from_slice(format!(".SS {}\n", part.get_name()).as_bytes());
        // The parts of a page have no sections of their own.
        for line in section.split_inclusive(|&octet| octet == b'\n').filter(|line| !line.starts_with(b".SH")) {
            page.extend_from_slice(line);
        }
    }
    man.render_extra_section(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}
