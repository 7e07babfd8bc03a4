//! Data of others: custom frameworks, licensed texts and crosswalks, and what is said of those that are not in order.

use comptroller_compliance::framework::{Catalogue, DataError, Folder, Relation};

const HEAD: &str = "schema = 1\nid = \"ours\"\nname = \"Our rules\"\nreference = \"v1\"\nlicence = \"ours\"\n\
                    files = [\"rules.toml\"]\n";
const RULES: &str = "date = [{ id = \"d\", label = \"In force\", source = \"s 1\", valid_from = \"2026-01-01\" }]\n\
                     row = [{ id = \"R1\", label = \"Ask first\", source = \"s 2\" }]\n\
                     [defaults]\nkind = \"control\"\nknown_from = \"2026-01-01\"\ndates = [\"d\"]\n\
                     verified_on = \"2026-02-01\"\ngrade = \"read\"\n";

fn folder(files: &[(&str, &str)]) -> Folder {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Folder { name: "mine".to_owned(), files }
}

fn added(files: &[(&str, &str)]) -> Result<Catalogue, DataError> {
    let mut catalogue = Catalogue::builtin().unwrap();
    catalogue.add(&folder(files)).map(|()| catalogue)
}

#[test]
fn a_custom_framework_is_read_beside_the_shipped_ones() {
    let before = Catalogue::builtin().unwrap();
    let after = added(&[("framework.toml", HEAD), ("rules.toml", RULES)]).unwrap();
    let ours = after.framework("ours").unwrap();
    assert_eq!(ours.rows[0].label, "Ask first");
    assert_eq!(ours.rows[0].group, "R1", "a row without a group is its own");
    assert_ne!(after.digest(), before.digest());
    assert_eq!(after.frameworks().len(), before.frameworks().len() + 1);
}

#[test]
fn licensed_texts_lie_over_rows_and_change_no_digest() {
    let overlay =
        "schema = 1\nframework = \"soc2\"\nlicence = \"our copy\"\n[text]\n\"CC8.1\" = \"Licensed words\"\n";
    let after = added(&[("overlay.toml", overlay)]).unwrap();
    assert_eq!(after.text("soc2", "CC8.1"), Some("Licensed words"));
    assert_eq!(after.text("soc2", "CC1.1"), None);
    assert_eq!(after.licence_of_texts("soc2"), Some("our copy"));
    assert_eq!(after.digest(), Catalogue::builtin().unwrap().digest());
    let wrong = overlay.replace("CC8.1", "CC8.9");
    let error = added(&[("overlay.toml", &wrong)]).unwrap_err();
    assert_eq!(error.to_string(), "mine/overlay.toml, CC8.9: soc2 has no row \"CC8.9\"");
    assert!(error.remedy.contains("framework criteria --framework soc2"), "{error:?}");
}

#[test]
fn crosswalks_are_typed_reasoned_and_without_dangling_ends() {
    let text = "schema = 1\nid = \"mine\"\n[[map]]\nfrom = \"soc2:CC8.1\"\nto = \"hipaa:164.308(a)(8)\"\n\
                relation = \"intersects\"\nrationale = \"both look at change\"\n";
    let after = added(&[("crosswalk.toml", text)]).unwrap();
    let found = after.mappings_of("hipaa", "164.308(a)(8)");
    assert_eq!((found[0].crosswalk.as_str(), found[0].relation), ("mine", Relation::Intersects));
    for (from, to, problem) in [
        ("CC8.1", "CC8.7", "soc2 has no row \"CC8.7\""),
        ("soc2:", "soc3:", "there is no framework \"soc3\""),
        ("soc2:CC8.1", "CC8.1", "names no row"),
        ("hipaa:164.308(a)(8)", "soc2:CC4.1", "both rows are of one framework"),
        ("\"intersects\"", "\"same\"", "unknown variant `same`"),
        ("both look at change", " ", "the rationale is empty"),
        ("schema = 1", "schema = 2", "schema 2 is not known"),
    ] {
        let error = added(&[("crosswalk.toml", &text.replace(from, to))]).unwrap_err();
        assert!(error.to_string().contains(problem), "{to}: {error}");
        assert!(!error.remedy.is_empty());
    }
}

#[test]
fn what_is_not_in_order_is_refused_with_file_row_and_remedy() {
    for (old, new, problem) in [
        ("label = \"Ask first\"", "label = \"Ask first\", colour = \"red\"", "unknown field `colour`"),
        ("kind = \"control\"", "kind = \"rumour\"", "unknown variant `rumour`"),
        ("kind = \"control\"\n", "", "rules.toml, R1: kind is missing"),
        ("kind = \"control\"", "kind = \"duty\"", "rules.toml, R1: it is a duty of nobody"),
        ("dates = [\"d\"]", "dates = [\"e\"]", "it names the date \"e\", which does not exist"),
        ("dates = [\"d\"]", "dates = []", "it has no date"),
        ("id = \"R1\",", "id = \"R1\", any_of = [\"R2\"],", "it names the row \"R2\", which does not exist"),
        ("id = \"R1\",", "id = \"R1\", status = \"contested\",", "does not give both readings"),
        ("id = \"R1\",", "id = \"R1\", known_to = \"2025-01-01\",", "it ends before it begins to be known"),
        ("id = \"R1\",", "id = \"R/1\",", "is no id"),
        ("label = \"Ask first\"", "label = \" \"", "a text is empty"),
        (
            "valid_from = \"2026-01-01\"",
            "valid_from = \"2026-02-30\"",
            "is not a day: write it as 2026-07-27",
        ),
        (
            "row = [",
            "row = [{ id = \"R1\", label = \"Twice\", source = \"s\" }, ",
            "two rows of this id are known on the same day",
        ),
        ("row = [", "row = [ ,", "TOML parse error"),
    ] {
        let rules = RULES.replacen(old, new, 1);
        assert_ne!(rules, RULES, "{old}");
        let error = added(&[("framework.toml", HEAD), ("rules.toml", &rules)]).unwrap_err();
        assert!(error.to_string().contains(problem), "{new}: {error}");
        assert!(error.file.starts_with("mine/") && !error.remedy.is_empty(), "{error:?}");
    }
}

#[test]
fn a_head_that_is_not_in_order_is_refused() {
    for (old, new, problem) in [
        ("id = \"ours\"", "id = \"soc2\"", "there is a framework soc2 already"),
        ("id = \"ours\"", "id = \"Our Rules\"", "is no name of a framework"),
        ("schema = 1", "schema = 7", "schema 7 is not known"),
        ("[\"rules.toml\"]", "[]", "0 files are named"),
        ("[\"rules.toml\"]", "[\"none.toml\"]", "mine/none.toml: there is no such file"),
        (
            "[\"rules.toml\"]\n",
            "[\"rules.toml\"]\n[counts]\ncontrol = 2\n",
            "2 rows of kind control are stated",
        ),
    ] {
        let error =
            added(&[("framework.toml", &HEAD.replacen(old, new, 1)), ("rules.toml", RULES)]).unwrap_err();
        assert!(error.to_string().contains(problem), "{new}: {error}");
    }
    let error = added(&[("notes.toml", "")]).unwrap_err();
    assert!(error.to_string().contains("holds no framework data"), "{error}");
}

#[test]
fn sizes_are_bounded() {
    let large = format!("# {}\n{RULES}", "x".repeat(Folder::MAX_FILE));
    let error = added(&[("framework.toml", HEAD), ("rules.toml", &large)]).unwrap_err();
    assert!(error.to_string().contains("more than the 1048576 that are allowed"), "{error}");
    let row = |n: usize| format!("{{ id = \"X{n}\", label = \"l\", source = \"s\" }},");
    let many: String = (0..5001).map(row).collect();
    let rules = RULES.replacen("row = [", &format!("row = [{many}"), 1);
    let error = added(&[("framework.toml", HEAD), ("rules.toml", &rules)]).unwrap_err();
    assert!(error.to_string().contains("more than 5000 rows"), "{error}");
}
