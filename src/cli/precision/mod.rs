//! `lora-gauge precision`: how far a run and its rescaled runs drift apart, and how far they can.

#[cfg(feature = "mp")]
mod progress;

use std::path::PathBuf;

use clap::Args;

use super::{Console, Failure, Status};

/// Measure the drift of a run and its rescaled runs, and bound it
///
/// For every arithmetic, factor k and number of steps: the measured drift, a certified bound, a
/// probabilistic one and what roundings chosen to hurt can reach.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct PrecisionArgs {
    /// A scenario in TOML with a table `[precision]`; the built-in one when none is given
    scenario: Option<PathBuf>,
    /// Print the built-in scenario with every field explained, and end
    #[arg(long, conflicts_with_all = ["scenario", "html", "markdown", "json"])]
    example: bool,
    /// Write a self-contained HTML report with figures
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a Markdown report
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write JSON to a file, or without one to stdout instead of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    json: Option<Option<PathBuf>>,
}

const EXIT_STATUS: &str = "\
Exit status: 0 the study was carried out; 64 bad usage, or a scenario that cannot be read (the
message names file, field and what is expected).";

/// The built-in scenario: the note's script at k = 3.
const EXAMPLE: &str = include_str!("example.toml");

#[cfg(not(feature = "mp"))]
pub(super) fn run(args: &PrecisionArgs, console: &Console) -> Result<Status, Failure> {
    if args.example {
        console.print(EXAMPLE)?;
        return Ok(Status::Holds);
    }
    let _ = (&args.scenario, &args.html, &args.markdown, &args.json);
    Err(Failure::new(
        "a precision study needs the feature `mp`, which this build leaves out",
    ))
}

#[cfg(feature = "mp")]
pub(super) use with_mp::run;

#[cfg(feature = "mp")]
mod with_mp {
    use std::path::Path;

    use super::progress::Progress;
    use super::{Console, EXAMPLE, Failure, PrecisionArgs, Status};
    use crate::bound::precision::{StudyPlan, study};
    use crate::bound::study::Study;
    use crate::cli::table::WIDTH;
    use crate::cli::{case, defined, files};
    use crate::report::{ReportError, precision};
    use crate::scenario::{Scenario, ScenarioError, ScenarioFile};

    pub fn run(args: &PrecisionArgs, console: &Console) -> Result<Status, Failure> {
        if args.example {
            console.print(EXAMPLE)?;
            return Ok(Status::Holds);
        }
        refuse_scenario_as_report(args)?;
        let (scenario, plan) = match &args.scenario {
            Some(path) => read(path)?,
            None => {
                let file = ScenarioFile::from_toml(EXAMPLE).map_err(|e| e.to_string());
                let run = file.and_then(|file| parse(&file));
                run.map_err(|e| Failure::new(format!("built-in scenario: {e}")))?
            }
        };
        let reproduce = match &args.scenario {
            Some(path) => format!("lora-gauge precision {}", path.display()),
            None => "lora-gauge precision".to_owned(),
        };
        let progress = Progress::start(console);
        let found = study(&scenario, &plan, &reproduce, &|part| progress.at(part));
        progress.finish();
        let found = found.map_err(|e| match &args.scenario {
            Some(path) => Failure::in_file(path, e),
            None => Failure::new(e.to_string()),
        })?;
        write(args, &found, console)?;
        Ok(Status::Holds)
    }

    /// `--json study.toml` is more likely a forgotten file name than a wish to lose a scenario.
    fn refuse_scenario_as_report(args: &PrecisionArgs) -> Result<(), Failure> {
        let json = args.json.iter().flatten();
        for path in json.chain(&args.html).chain(&args.markdown) {
            if path.extension().is_some_and(|e| e == "toml") || args.scenario.as_ref() == Some(path)
            {
                return Err(
                    Failure::in_file(path, "this report would overwrite a scenario").advise(
                        "put the scenario first, or give --json a file name ending in .json",
                    ),
                );
            }
        }
        Ok(())
    }

    fn read(path: &Path) -> Result<(Scenario, StudyPlan), Failure> {
        let text = files::read(path)?;
        let wrong = |e: String| {
            Failure::in_file(path, e)
                .advise("`lora-gauge precision --example` prints a scenario with every field")
        };
        let mut file = ScenarioFile::from_toml(&text).map_err(|e| wrong(e.to_string()))?;
        defined::embed(&mut file, path)?;
        let (mut scenario, plan) = parse(&file).map_err(wrong)?;
        if scenario.name.is_empty() {
            let stem = path.file_stem().unwrap_or_default();
            scenario.name = stem.to_string_lossy().into_owned();
        }
        Ok((scenario, plan))
    }

    fn parse(file: &ScenarioFile) -> Result<(Scenario, StudyPlan), String> {
        case::check_sizes(&file.sizes)?;
        let plan = plan(file).map_err(|e| e.to_string())?;
        let scenario = file.scenario().map_err(|e| e.to_string())?;
        Ok((scenario, plan))
    }

    fn plan(file: &ScenarioFile) -> Result<StudyPlan, ScenarioError> {
        let table = file.precision.clone().unwrap_or_default();
        Ok(StudyPlan {
            arithmetics: table.arithmetics()?,
            k: table.factors()?,
            split: table.split,
            steps: table.steps(file.steps)?,
            against_bits: table.against_bits()?,
            wanted: table.wanted,
        })
    }

    fn write(args: &PrecisionArgs, found: &Study, console: &Console) -> Result<(), Failure> {
        let mut written = vec![];
        if let Some(path) = &args.html {
            files::write(path, &precision::html(found).map_err(defect)?)?;
            written.push(path);
        }
        if let Some(path) = &args.markdown {
            files::write(path, &precision::markdown(found))?;
            written.push(path);
        }
        if let Some(Some(path)) = &args.json {
            files::write(path, &precision::json(found).map_err(defect)?)?;
            written.push(path);
        }
        match args.json {
            Some(None) => console.print(&precision::json(found).map_err(defect)?)?,
            _ => console.print(&precision::terminal(found, WIDTH))?,
        }
        for path in written {
            console.remark(&format!("written: {}", path.display()));
        }
        Ok(())
    }

    fn defect(e: ReportError) -> Failure {
        Failure::new(format!("the report cannot be written: {e}"))
    }
}
