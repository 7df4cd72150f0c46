//! What a run is asked to compute and to keep.

use super::ExecError;
use crate::graph::{NodeId, StepGraph};

/// The values that can be read after they were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Leaves, loss, outputs and next values; other buffers are reused.
    #[default]
    Results,
    /// Every node on which a result depends has a buffer of its own.
    Everything,
}

/// The outputs of the step that are computed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outputs {
    /// None, and nothing that only they need.
    #[default]
    None,
    /// All of them.
    All,
    /// Those with these names.
    Named(Vec<String>),
}

/// The values and outputs for which a plan provides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The values that can be read.
    pub keep: Keep,
    /// The outputs that are computed.
    pub outputs: Outputs,
}

impl From<Outputs> for Options {
    /// Results can be read, and these outputs.
    fn from(outputs: Outputs) -> Self {
        Self {
            outputs,
            ..Self::default()
        }
    }
}

impl Outputs {
    /// The outputs of `step` that are meant, by name.
    pub(super) fn of(&self, step: &StepGraph) -> Result<Vec<(String, NodeId)>, ExecError> {
        let all = step.outputs.iter().map(|o| (o.name.clone(), o.node));
        let names = match self {
            Self::None => return Ok(vec![]),
            Self::All => return Ok(all.collect()),
            Self::Named(names) => names,
        };
        let find = |name: &String| {
            let found = all.clone().find(|(known, _)| known == name);
            found.ok_or_else(|| ExecError::UnknownOutput {
                name: name.clone(),
                known: match all.clone().map(|(n, _)| n).collect::<Vec<_>>() {
                    none if none.is_empty() => "none".to_owned(),
                    names => names.join(", "),
                },
            })
        };
        names.iter().map(find).collect()
    }
}
