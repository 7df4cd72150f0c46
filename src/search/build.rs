//! What the results of a campaign depend on besides its parameters.

use proptest::strategy::ValueTree;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::draw::tree;
use super::properties::{PropertyTable, schedules};
use super::witness::HUNTED_SCHEMA;
use crate::zoo::Clip;
use crate::zoo::losses::LOSSES;
use crate::zoo::models::MODELS;
use crate::zoo::optimizers::OPTIMIZERS;

/// A build of the program, as far as it shows in what is drawn and in what comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The features that are enabled.
    pub features: Vec<String>,
    /// The SHA-256 of the tables and of the numbers of one drawn case.
    pub tables: String,
}

impl Build {
    /// This build, with these properties.
    pub fn this(table: &PropertyTable) -> Self {
        let features = [
            ("mp", cfg!(feature = "mp")),
            ("planted-faults", cfg!(feature = "planted-faults")),
        ];
        let enabled = features.into_iter().filter(|(_, enabled)| *enabled);
        let mut tables = Sha256::new();
        let mut add = |line: String| tables.update(line + "\n");
        add(HUNTED_SCHEMA.to_owned());
        for property in table.iter() {
            add(format!("{} {:?}", property.name, property.arithmetics));
        }
        for optimizer in OPTIMIZERS {
            let o = optimizer;
            add(format!(
                "{} {:?} {:?} {:?}",
                o.name, o.flags, o.on, o.counts
            ));
            for setting in o.hyperparameters {
                add(format!("{setting:?}"));
            }
            o.regimes
                .iter()
                .for_each(|regime| add(regime.name.to_owned()));
        }
        MODELS.iter().for_each(|model| add(model.name.to_owned()));
        LOSSES.iter().for_each(|loss| add(loss.name.to_owned()));
        add(format!("{:?} {:?}", Clip::ALL, schedules()));
        // The generator and proptest are part of the build as well.
        add(match tree(&[0, 0]) {
            Ok(tree) => format!("{:?}", tree.current()),
            Err(why) => why,
        });
        Self {
            features: enabled.map(|(name, _)| name.to_owned()).collect(),
            tables: hexadecimal(&tables.finalize()),
        }
    }
}

/// A digest as it is written.
pub(crate) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
