//! `lora-gauge replay`: judge a witness file anew.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::case::Stored;
use super::console::one_line;
use super::{Console, Failure, Status, case, search};
use crate::audit::Witness;
use crate::search::{Finding, HuntedWitness, Place, Replay};

/// Judge a witness file anew
///
/// Runs both sides in the witness's own arithmetic and compares them again; the case of a campaign
/// is drawn anew first. Nothing but the file is used.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct ReplayArgs {
    /// A witness file
    witness: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

const EXIT_STATUS: &str = "\
Exit status: 1 the refutation is confirmed, number by number; 2 the replay contradicts the file
(nothing differs, or something else does), which is said on stderr; 64 the file is not a witness,
its runs cannot be carried through, or no campaign draws its case. There is no 0: a witness exists to refute.";

#[derive(Serialize)]
struct ReplayJson<'a> {
    schema: &'static str,
    claim: &'a str,
    says: &'a str,
    arithmetic: &'a str,
    verdict: &'static str,
    found: Option<&'a Finding>,
    describes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undecided: Option<String>,
    /// Of a campaign's case.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_node: Option<&'a Place>,
    recorded: &'a Finding,
    agrees: bool,
}

/// The statements of a witness.
struct Said<'a> {
    /// Against what it speaks.
    claim: &'a str,
    says: &'a str,
    /// The runs.
    runs: String,
    /// The property that should hold.
    said: String,
    arithmetic: &'a str,
    recorded: &'a Finding,
}

pub(super) fn run(args: &ReplayArgs, console: &Console) -> Result<Status, Failure> {
    let wrong = |message: String| Failure::in_file(&args.witness, message);
    match case::read_witness(&args.witness)? {
        Stored::OfClaim(witness) => {
            let replay = witness.replay().map_err(|e| wrong(e.to_string()))?;
            tell(args, &of_claim(&witness), &replay, console)
        }
        Stored::OfCampaign(witness) => {
            let replay = witness.replay(&search::properties()).map_err(|e| {
                wrong(e.to_string())
                    .advise("only a case that its property draws counts: run the campaign again")
            })?;
            tell(args, &of_campaign(&witness), &replay, console)
        }
    }
}

fn tell(
    args: &ReplayArgs,
    said: &Said<'_>,
    replay: &Replay,
    console: &Console,
) -> Result<Status, Failure> {
    if args.json {
        console.print_json(&ReplayJson {
            schema: "lora-gauge/replay/1",
            claim: said.claim,
            says: said.says,
            arithmetic: said.arithmetic,
            verdict: match (&replay.found, &replay.doubt) {
                (Some(_), _) => "refuted",
                (None, Some(_)) => "unknown",
                (None, None) => "holds",
            },
            found: replay.found.as_ref(),
            undecided: replay.doubt.clone(),
            first_node: replay.first_node.as_ref(),
            describes: replay.found.as_ref().map(Finding::describe),
            recorded: said.recorded,
            agrees: replay.agrees,
        })?;
    } else {
        console.print(&in_words(said, replay))?;
    }
    if replay.agrees {
        return Ok(Status::Refuted);
    }
    console.warn(&format!(
        "the replay CONTRADICTS the file {}: {}",
        args.witness.display(),
        match (&replay.found, &replay.doubt) {
            (Some(_), _) =>
                "another difference was found than the one it records; one of the two is wrong",
            (None, Some(_)) => "it records a counterexample, but its arithmetic cannot tell",
            (None, None) => "it records a counterexample, but the property holds on its two runs",
        }
    ));
    Ok(Status::Unknown)
}

fn of_claim(witness: &Witness) -> Said<'_> {
    let title = witness.claim.get("title").and_then(|t| t.as_str());
    let variant = witness.variant.as_ref();
    Said {
        claim: witness.id(),
        says: &witness.says,
        runs: match variant {
            None => witness.says.clone(),
            Some(variant) => format!("{variant}: {}", witness.says),
        },
        said: title.unwrap_or_default().to_owned(),
        arithmetic: &witness.arithmetic,
        recorded: &witness.found,
    }
}

fn of_campaign(witness: &HuntedWitness) -> Said<'_> {
    let hunted = &witness.hunted;
    let run = &hunted.run;
    let sizes: Vec<String> = run.sizes.iter().map(|(n, s)| format!("{n} {s}")).collect();
    Said {
        claim: &witness.property,
        says: &witness.says,
        runs: format!(
            "{}, {}, {}, {}, {} step{}; from case {} of seed {}",
            run.optimizer,
            run.model,
            run.loss,
            sizes.join(", "),
            run.steps,
            if run.steps == 1 { "" } else { "s" },
            hunted.case,
            hunted.seed
        ),
        said: witness.says.clone(),
        arithmetic: &hunted.arithmetic,
        recorded: &witness.found,
    }
}

fn in_words(said: &Said<'_>, replay: &Replay) -> String {
    let found = match (&replay.found, &replay.doubt) {
        (Some(finding), _) => finding.describe(),
        (None, Some(doubt)) => format!("undecided: {doubt}"),
        (None, None) => "nothing contradicts it".to_owned(),
    };
    // Each line is one of ours, whatever is written in the file.
    let mut lines = vec![
        ("claim", said.claim.to_owned()),
        ("runs", said.runs.clone()),
        ("said", said.said.clone()),
        ("arithmetic", said.arithmetic.to_owned()),
        ("found", found),
    ];
    if let Some(place) = &replay.first_node {
        let words = format!(
            "in step {}, `{}` at row {}, column {} should be {} and is {}",
            place.after_steps + 1,
            place.quantity,
            place.entry.0,
            place.entry.1,
            place.left,
            place.right
        );
        lines.push(("first node", words));
    }
    if replay.agrees {
        lines.push(("verdict", "refuted, exactly as the file says".to_owned()));
    } else {
        lines.push(("recorded", said.recorded.describe()));
        lines.push(("verdict", "the replay contradicts the file".to_owned()));
    }
    let lines = lines.iter();
    lines
        .map(|(what, words)| format!("{what:<12}{}\n", one_line(words)))
        .collect()
}
