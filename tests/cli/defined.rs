//! Files that define optimizers and models, where a verb takes a name.

use super::lora;

const OWN: &str = "examples/definitions/sign_momentum.toml";
const MODEL: &str = "examples/definitions/direction_and_magnitude.toml";

#[test]
fn rules_are_derived_of_files() {
    let rules = |args: &[&str]| {
        let ran = lora(&[&["rules", "--json"], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.json()["rules"][0].clone()
    };
    let (found, zoo) = (rules(&[OWN]), rules(&["lion"]));
    assert_eq!(found["optimizer"], "sign-momentum");
    assert_eq!(found["regimes"][0]["weights"], zoo["regimes"][0]["weights"]);
    let of_model =
        |model: &str| rules(&["lion", "--model", model])["regimes"][0]["weights"].clone();
    assert_eq!(of_model(MODEL), of_model("dora"));
}

#[test]
fn a_campaign_draws_an_optimizer_of_a_file() {
    let cheap = [
        "search",
        "--cases",
        "12",
        "--property",
        "rules-compose",
        "--json",
    ];
    let ran = lora(&[&cheap[..], &["--optimizer", OWN]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["coverage"]["optimizers"]["sign-momentum"], 12);
}

#[test]
fn a_scenario_names_files_beside_it() {
    let ran = lora(&["run", "examples/definitions/run.toml", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = lora(&["run", "examples/definitions/run.toml"]);
    assert!(ran.out.contains("heavy-ball with log-cosh"), "{}", ran.out);
}

#[test]
fn a_mistake_is_found_in_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.toml");
    let text = std::fs::read_to_string(OWN).expect("an example file");
    std::fs::write(&path, text.replace("* direction\"", "* motion\"")).expect("a file");
    let path = path.to_str().expect("UTF-8");
    for args in [["rules", path], ["search", &format!("--optimizer={path}")]] {
        let ran = lora(&args);
        assert_eq!(ran.code, 64);
        let words = "wrong.toml: field `update[2]`, line 8: ";
        assert!(ran.err.contains(words), "{}", ran.err);
        assert!(
            ran.err.contains("found `motion`, expected one of"),
            "{}",
            ran.err
        );
    }
    let ran = lora(&["rules", "no-such.toml"]);
    assert_eq!(ran.code, 64);
    assert!(ran.err.contains("no such file"), "{}", ran.err);
}
