//! The configuration for people: the reference of all settings, and the configuration in force without secrets.

use super::load::{Loaded, Value};
use super::schema::{SECTIONS, SETTINGS};
use std::fmt::Write as _;

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// The reference in Markdown.
pub(crate) fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         `comptroller serve` and the commands on a data folder read one TOML file (`--config FILE`, else \
         `comptroller.toml` in the current folder if it is there) and then environment variables, which win. A name \
         that is not listed here is refused. Relative paths count from the current folder.\n\n\
         The variable of a setting is `COMPTROLLER__SECTION__KEY`. A secret can also be read from a file: put \
         `_file` behind its key, or `_FILE` behind its variable, and name the file.\n\n\
         `comptroller config check` says what is wrong; `comptroller config print --redacted` shows the \
         configuration in force and where each value came from.\n",
    );
    for section in SECTIONS {
        let _ = write!(text, "\n## [{}]\n\n{}\n", section.name, joined(section.doc));
        for setting in SETTINGS.iter().filter(|setting| setting.section == section.name) {
            let variable =
                format!("COMPTROLLER__{}__{}", section.name.to_uppercase(), setting.key.to_uppercase());
            let _ = write!(text, "\n### {}.{}\n\n{}\n\n", section.name, setting.key, joined(setting.doc));
            let default = setting.default.map_or_else(|| "not set".to_owned(), |text| format!("`{text}`"));
            let _ = writeln!(text, "- Default: {default}");
            let _ = writeln!(text, "- Variable: `{variable}`");
            if setting.secret {
                let _ = writeln!(text, "- Secret: also as `{}_file` or `{variable}_FILE`", setting.key);
            }
        }
    }
    text
}

/// The configuration in force as TOML, each value with its source; secrets are never shown.
pub(crate) fn printed(loaded: &Loaded) -> String {
    let mut text = String::new();
    if let Some(file) = &loaded.file {
        let _ = writeln!(text, "# file: {}", file.display());
    }
    for section in SECTIONS {
        let _ = writeln!(text, "\n[{}]", section.name);
        for setting in SETTINGS.iter().filter(|setting| setting.section == section.name) {
            let Some(Value { text: value, source }) = loaded.values.get(&(setting.section, setting.key))
            else {
                let _ = writeln!(text, "# {} is not set", setting.key);
                continue;
            };
            let shown = if setting.secret {
                toml::Value::from(REDACTED)
            } else if matches!(value.as_str(), "true" | "false") {
                toml::Value::from(value == "true")
            } else {
                toml::Value::from(value.as_str())
            };
            let _ = writeln!(text, "{} = {shown}  # {source}", setting.key);
        }
    }
    text.trim_start().to_owned()
}

/// Doc lines as one paragraph.
fn joined(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::load::load;
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let environment = [
            ("COMPTROLLER__STORE__DATABASE", "postgres://user:hunter2@host/name"),
            ("COMPTROLLER__S3__SECRET_KEY", "hunter2"),
        ];
        let environment = environment.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let none = std::path::Path::new("none.toml");
        assert!(load(Some(none), std::iter::empty()).is_err(), "a named file must be there");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("empty.toml");
        std::fs::write(&file, "").unwrap();
        let text = printed(&load(Some(&file), environment.into_iter()).unwrap());
        assert!(!text.contains("hunter2") && text.contains(REDACTED), "{text}");
        assert!(text.contains("COMPTROLLER__S3__SECRET_KEY"), "{text}");
        // What is printed can be loaded again, but for the secrets.
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
    }

    #[test]
    fn the_reference_lists_every_setting() {
        let text = reference();
        for setting in SETTINGS {
            assert!(text.contains(&format!("### {}.{}\n", setting.section, setting.key)));
        }
    }
}
