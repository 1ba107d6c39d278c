//! `evenkeel`: the command line. Parses, calls, prints; decides exit codes. What a command does lives in the crates.

#![allow(clippy::print_stdout, reason = "printing is this crate's job")]
#![allow(clippy::print_stderr, reason = "printing is this crate's job")]

mod advice;
mod command;
mod configuration;
mod exit;
mod gate;
mod install;
mod manual;
mod say;
mod serve;
mod storage;
mod supervise;
mod support;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::Exit;

/// A request makes and drops some fifty small things; musl's own allocator, which our static binaries would else have,
/// takes one lock for each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: &str = "\
Examples:
  evenkeel up                            start everything on this machine, with demonstration data
  evenkeel up --empty --data /srv/vax    start with no clinics, data in /srv/vax
  evenkeel ps                            what runs, and where it answers
  evenkeel stop                          let it finish what it is doing, and stop

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 checked and found wrong, 4 could not look,
5 the data is of a newer version";

/// A vaccine scheduling system that stays up when people need it.
#[derive(Parser)]
#[command(name = "evenkeel", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(command::up::Up),
    Ps(command::ps::Ps),
    Stop(command::stop::Stop),
    Server(command::server::Server),
    Gateway(command::gateway::Gateway),
    Verify(command::verify::Verify),
    Config(command::config::Config),
    Messages(command::messages::Messages),
    Import(command::import::Import),
    Export(command::export::Export),
    Keys(command::keys::Keys),
    Resident(command::resident::Resident),
    Backup(command::backup::Backup),
    Restore(command::restore::Restore),
    Migrate(command::migrate::Migrate),
    Completions(command::completions::Completions),
    Man(command::man::Man),
    Install(command::install::Install),
    Uninstall(command::install::Uninstall),
    SupportBundle(command::support_bundle::SupportBundle),
    Loadtest(command::loadtest::Loadtest),
}

fn main() -> ExitCode {
    let done = match CommandLine::parse().command {
        Command::Up(up) => up.run(),
        Command::Ps(ps) => ps.run(),
        Command::Stop(stop) => stop.run(),
        Command::Server(server) => server.run(),
        Command::Gateway(gateway) => gateway.run(),
        Command::Verify(verify) => verify.run(),
        Command::Config(config) => config.run(),
        Command::Messages(messages) => messages.run(),
        Command::Import(import) => import.run(),
        Command::Export(export) => export.run(),
        Command::Keys(keys) => keys.run(),
        Command::Resident(resident) => resident.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Completions(completions) => Ok(completions.run::<CommandLine>()),
        Command::Man(man) => man.run::<CommandLine>(),
        Command::Install(install) => install.run::<CommandLine>(),
        Command::Uninstall(uninstall) => uninstall.run::<CommandLine>(),
        Command::SupportBundle(bundle) => bundle.run(),
        Command::Loadtest(loadtest) => loadtest.run(),
    };
    let exit = done.unwrap_or_else(|error| {
        eprintln!("evenkeel: {error:#}");
        Exit::of(&error)
    });
    ExitCode::from(exit as u8)
}
