//! Colour, and what goes to which stream.

use super::{command, finish, lora};

const ESCAPE: char = '\u{1b}';

#[test]
fn no_escape_codes_in_a_pipe() {
    for args in [
        &["run", "tests/scenarios/seed.toml"][..],
        &["rules"],
        &["replay", "tests/scenarios/rate_alone.json"],
        &["run", "nowhere"],
    ] {
        let ran = lora(args);
        assert!(
            !ran.out.contains(ESCAPE) && !ran.err.contains(ESCAPE),
            "{args:?}"
        );
    }
}

#[test]
fn colour_can_be_had_and_never_means_never() {
    let always = ["rules", "--color", "always"];
    assert!(lora(&always).out.contains(ESCAPE));
    assert!(
        lora(&["run", "nowhere", "--color", "always"])
            .err
            .contains(ESCAPE)
    );
    let mut forced = command(&["rules", "--color", "never"]);
    assert!(
        !finish(forced.env("CLICOLOR_FORCE", "1"))
            .out
            .contains(ESCAPE)
    );
    let mut no_color = command(&["rules"]);
    assert!(
        !finish(no_color.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1"))
            .out
            .contains(ESCAPE)
    );
}

#[test]
fn a_reader_who_stops_reading_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_lora-gauge"))
        .args(["run", "tests/golden/sgd_wd.json", "--json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}
