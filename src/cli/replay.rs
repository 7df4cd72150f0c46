//! `lora-gauge replay`: judge a witness file anew.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Console, Failure, Status, case};
use crate::scenario::Property;
use crate::search::{Finding, Place, Replay, Witness};

/// Judge a witness file anew
///
/// Runs both sides in the witness's own arithmetic and compares them again. Nothing but the file
/// is used.
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
(nothing differs, or something else does), which is said on stderr; 64 the file is not a witness
or its runs cannot be carried through. There is no 0: a witness exists to refute.";

#[derive(Serialize)]
struct ReplayJson<'a> {
    schema: &'static str,
    claim: &'a str,
    says: &'a str,
    arithmetic: &'a str,
    property: &'a Property,
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

pub(super) fn run(args: &ReplayArgs, console: &Console) -> Result<Status, Failure> {
    let wrong = |message: String| Failure::in_file(&args.witness, message);
    let witness = case::read_witness(&args.witness)?;
    if witness.verdict != "refuted" {
        return Err(wrong(format!(
            "field `verdict`: found `{}`, expected `refuted`",
            witness.verdict
        )));
    }
    let replay = witness.replay().map_err(|e| wrong(e.to_string()))?;
    if args.json {
        console.print_json(&ReplayJson {
            schema: "lora-gauge/replay/1",
            claim: &witness.claim,
            says: &witness.says,
            arithmetic: &witness.arithmetic,
            property: &witness.property,
            verdict: match (&replay.found, &replay.doubt) {
                (Some(_), _) => "refuted",
                (None, Some(_)) => "unknown",
                (None, None) => "holds",
            },
            found: replay.found.as_ref(),
            undecided: replay.doubt.clone(),
            first_node: replay.first_node.as_ref(),
            describes: replay.found.as_ref().map(Finding::describe),
            recorded: &witness.found,
            agrees: replay.agrees,
        })?;
    } else {
        console.print(&in_words(&witness, &replay))?;
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

/// What the two runs are.
fn runs(witness: &Witness) -> String {
    let Some(hunted) = &witness.hunted else {
        return witness.says.clone();
    };
    let run = &hunted.run;
    let sizes: Vec<String> = run.sizes.iter().map(|(n, s)| format!("{n} {s}")).collect();
    format!(
        "{}, {}, {}, {}, {} step{}; from case {} of seed {}",
        run.optimizer,
        run.model,
        run.loss,
        sizes.join(", "),
        run.steps,
        if run.steps == 1 { "" } else { "s" },
        hunted.case,
        hunted.seed
    )
}

fn in_words(witness: &Witness, replay: &Replay) -> String {
    let property = &witness.property;
    let conclusion = property.conclusion.join(", ");
    let said = match (property.premise.as_slice(), property.premise_until) {
        _ if witness.hunted.is_some() => witness.says.clone(),
        ([], _) => format!("equal {conclusion} in both runs at every step"),
        (premise, None) => format!("equal {} imply equal {conclusion}", premise.join(", ")),
        (premise, Some(until)) => format!(
            "equal {} up to step {until} imply equal {conclusion}",
            premise.join(", ")
        ),
    };
    let found = match (&replay.found, &replay.doubt) {
        (Some(finding), _) => finding.describe(),
        (None, Some(doubt)) => format!("undecided: {doubt}"),
        (None, None) => "nothing contradicts it".to_owned(),
    };
    let mut text = format!(
        "claim       {}\nruns        {}\nsaid        {said}\narithmetic  {}\nfound       {found}\n",
        witness.claim,
        runs(witness),
        witness.arithmetic
    );
    if let Some(place) = &replay.first_node {
        text.push_str(&format!(
            "first node  in step {}, `{}` at row {}, column {} should be {} and is {}\n",
            place.after_steps + 1,
            place.quantity,
            place.entry.0,
            place.entry.1,
            place.left,
            place.right
        ));
    }
    text.push_str(&if replay.agrees {
        "verdict     refuted, exactly as the file says\n".to_owned()
    } else {
        format!(
            "recorded    {}\nverdict     the replay contradicts the file\n",
            witness.found.describe()
        )
    });
    text
}
