//! Tables whose keys may have a dot: in TOML `optimizer.alpha = 1` is a table in a table, and
//! means the same as `"optimizer.alpha" = 1`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{I64Deserializer, StrDeserializer, U64Deserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess};
use serde::de::{Visitor, value};

/// Reads a table of numbers or texts by name, the names in nested tables joined by dots.
///
/// # Errors
/// What is wrong with a value, or a name that is there twice.
pub fn dotted<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    let mut entries = BTreeMap::new();
    let table = Entry {
        path: "",
        entries: &mut entries,
        value: PhantomData,
    };
    deserializer.deserialize_map(table)?;
    Ok(entries)
}

/// A value, or a table of more of them, that belongs at `path`.
struct Entry<'a, V> {
    path: &'a str,
    entries: &'a mut BTreeMap<String, V>,
    value: PhantomData<V>,
}

impl<'de, V: Deserialize<'de>> Entry<'_, V> {
    fn put<E: Error, D: Deserializer<'de, Error = E>>(self, value: D) -> Result<(), E> {
        if self.path.is_empty() {
            return Err(E::custom("expected a table"));
        }
        let value = V::deserialize(value)?;
        match self.entries.insert(self.path.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(E::custom(format!("`{}` is there twice", self.path))),
        }
    }
}

impl<'de, V: Deserialize<'de>> DeserializeSeed<'de> for Entry<'_, V> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, V: Deserialize<'de>> Visitor<'de> for Entry<'_, V> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a text, by name")
    }
    fn visit_i64<E: Error>(self, n: i64) -> Result<(), E> {
        let n: I64Deserializer<E> = n.into_deserializer();
        self.put(n)
    }
    fn visit_u64<E: Error>(self, n: u64) -> Result<(), E> {
        let n: U64Deserializer<E> = n.into_deserializer();
        self.put(n)
    }
    fn visit_f64<E: Error>(self, x: f64) -> Result<(), E> {
        let x: value::F64Deserializer<E> = x.into_deserializer();
        self.put(x)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let text: StrDeserializer<'_, E> = text.into_deserializer();
        self.put(text)
    }
    fn visit_map<M: MapAccess<'de>>(self, mut table: M) -> Result<(), M::Error> {
        while let Some(key) = table.next_key::<String>()? {
            let path = match self.path {
                "" => key,
                path => format!("{path}.{key}"),
            };
            table.next_value_seed(Entry {
                path: &path,
                entries: &mut *self.entries,
                value: PhantomData,
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::ScenarioFile;

    const REST: &str = "steps = 1\nalpha = 1\nsizes = { batch = 1, n_in = 1, n_out = 1, r = 1 }\n\
        random = { seed = 1 }\n";

    fn scalars(head: &str, settings: &str) -> Result<Vec<(String, String)>, String> {
        let text = format!("{head}\n{REST}[hyperparameters]\nlr = 1\n{settings}");
        let file = ScenarioFile::from_toml(&text).map_err(|e| e.to_string())?;
        let scenario = file.scenario().map_err(|e| e.to_string())?;
        let all = scenario.values.scalars.iter();
        let named = all.filter(|(name, _)| name.contains('.'));
        Ok(named.map(|(n, v)| (n.clone(), v.to_string())).collect())
    }

    #[test]
    fn a_name_with_a_dot_is_read_with_quotes_and_without() {
        let rmsprop = "optimizer = \"rmsprop\"";
        let expected = ["optimizer.alpha_A", "optimizer.alpha_B"]
            .map(|name| (name.to_owned(), "1/2".to_owned()))
            .to_vec();
        for settings in [
            "optimizer.alpha = 0.5",
            "\"optimizer.alpha\" = \"1/2\"",
            "optimizer = { alpha_A = \"0.5\", alpha_B = \"0x1p-1\" }",
            "[hyperparameters.optimizer]\nalpha = 0.5",
        ] {
            assert_eq!(
                scalars(rmsprop, settings),
                Ok(expected.clone()),
                "{settings}"
            );
        }
        let twice = scalars(rmsprop, "optimizer.alpha = 0.5\n\"optimizer.alpha\" = 0.5");
        assert!(
            twice
                .unwrap_err()
                .contains("`optimizer.alpha` is there twice")
        );
        assert!(scalars(rmsprop, "optimizer.alpha = true").is_err());
        assert!(scalars(rmsprop, "optimizer.alpha = [1]").is_err());
        let huber = scalars(
            "optimizer = \"scaled_gd\"\nloss = \"huber\"",
            "loss.delta = 3",
        );
        let delta = ("loss.delta".to_owned(), "3".to_owned());
        assert_eq!(huber, Ok(vec![delta]));
    }

    #[test]
    fn an_old_name_is_an_error_that_says_what_to_write() {
        let refused = |head: &str, settings: &str, part: &str| {
            let message = scalars(head, settings).unwrap_err();
            assert!(message.contains(part), "{settings}: {message}");
        };
        for (name, new) in [
            ("alpha", "optimizer.alpha"),
            ("alpha_A", "optimizer.alpha_A"),
        ] {
            let settings = format!("{name} = 0.5");
            for optimizer in ["rmsprop", "asgd"] {
                let head = format!("optimizer = \"{optimizer}\"");
                let own = format!("that of the optimizer `{optimizer}` is `{new}`");
                refused(&head, &settings, &own);
                refused(&head, &settings, "LoRA's stands above the tables");
            }
            refused("", &settings, "write `alpha = …` above the tables");
        }
        refused(
            "loss = \"huber\"",
            "delta = 1",
            "the loss `huber` is `loss.delta`",
        );
        refused("loss = \"smooth_l1\"", "beta = 1", "`loss.beta`");
        refused("", "beta = 1", "no such hyperparameter");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let head = "optimizer = \"asgd\"\nloss = \"huber\"";
        let file =
            ScenarioFile::from_toml(&format!("{head}\n{REST}hyperparameters.lr = 1")).unwrap();
        let scenario = file.scenario().unwrap();
        let stored = ScenarioFile::from(&scenario);
        let toml = toml::to_string(&stored).unwrap();
        assert_eq!(ScenarioFile::from_toml(&toml).as_ref(), Ok(&stored));
        let json = serde_json::to_string(&stored).unwrap();
        let again: ScenarioFile = serde_json::from_str(&json).unwrap();
        assert_eq!(
            again.scenario().unwrap().values.scalars,
            scenario.values.scalars
        );
    }
}
