//! Loading: defaults, then the file, then the environment. Unknown names are refused with a suggestion, and every
//! error says where the bad value stands.

use super::schema::{Config, SECTIONS, SETTINGS, Setting};
use crate::failure::Failure;
use crate::input::read_text;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file that is read if none is named and it is there.
const DEFAULT_FILE: &str = "comptroller.toml";

/// Start of the names of environment variables.
const PREFIX: &str = "COMPTROLLER__";
/// Largest configuration or secret file, in bytes.
const MAX_FILE: u64 = 1 << 20;
const REMEDY: &str = "`comptroller docs config` lists every setting";

/// A configuration, and where each value came from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// The text and source of each setting that is set, by section and key.
    pub(super) values: BTreeMap<(&'static str, &'static str), Value>,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

/// The text of a setting and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) source: String,
}

/// Loads the configuration from `file`, else from [`DEFAULT_FILE`] if it is there, and from `environment`.
pub(crate) fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Loaded> {
    let mut values: BTreeMap<(&str, &str), Value> = BTreeMap::new();
    for setting in SETTINGS {
        if let Some(default) = setting.default {
            let value = Value { text: default.to_owned(), source: "default".to_owned() };
            values.insert((setting.section, setting.key), value);
        }
    }
    let file = match file {
        Some(file) => Some(file.to_owned()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()),
    };
    if let Some(file) = &file {
        read_file(file, &mut values)?;
    }
    read_environment(environment, &mut values)?;
    let config =
        Config::from_texts(|section, key| values.get(&(section, key)).map(|value| value.text.clone()))
            .map_err(|(section, key, problem)| {
                let source = values.get(&(section, key)).map_or("default", |value| value.source.as_str());
                Failure::usage(format!("{section}.{key} ({source}): {problem}"), REMEDY)
            })?;
    Ok(Loaded { config, values, file })
}

type Values = BTreeMap<(&'static str, &'static str), Value>;

fn read_file(file: &Path, values: &mut Values) -> anyhow::Result<()> {
    let shown = file.display().to_string();
    let text = read_text(file, MAX_FILE)?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::usage(format!("{shown}: {}", error.to_string().trim_end()), "correct the file; it is TOML")
    })?;
    for (section, entries) in &table {
        let Some(entries) = entries.as_table() else {
            let message =
                format!("{shown}: {section} stands outside of a section{}", hint(section, &sections()));
            return Err(Failure::usage(message, REMEDY));
        };
        if !sections().contains(&section.as_str()) {
            let message = format!("{shown}: unknown section [{section}]{}", hint(section, &sections()));
            return Err(Failure::usage(message, REMEDY));
        }
        for (key, value) in entries {
            let text = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Boolean(_) | toml::Value::Integer(_) => value.to_string(),
                _ => {
                    let message = format!("{shown}: {section}.{key} is neither a text nor true or false");
                    return Err(Failure::usage(message, REMEDY));
                }
            };
            set(section, key, &text, &shown, values)?;
        }
    }
    Ok(())
}

fn read_environment(
    environment: impl Iterator<Item = (String, String)>,
    values: &mut Values,
) -> anyhow::Result<()> {
    // In the order of their names, so that an error does not depend on the order of the process's environment.
    let found: BTreeMap<String, String> = environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    for (name, text) in found {
        let lower = name[PREFIX.len()..].to_ascii_lowercase();
        let Some((section, key)) = lower.split_once("__") else {
            let message = format!("{name}: expected {PREFIX}SECTION__KEY");
            return Err(Failure::usage(message, REMEDY));
        };
        set(section, key, &text, &name, values)?;
    }
    Ok(())
}

/// Sets a value, or reads it from the file that `KEY_file` names.
fn set(section: &str, key: &str, text: &str, source: &str, values: &mut Values) -> anyhow::Result<()> {
    let by_file =
        key.strip_suffix("_file").and_then(|key| find(section, key)).filter(|setting| setting.secret);
    let (setting, value) = match (find(section, key), by_file) {
        (Some(setting), _) => (setting, Value { text: text.to_owned(), source: source.to_owned() }),
        (None, Some(setting)) => {
            let secret = read_text(Path::new(text), MAX_FILE)?;
            let value =
                Value { text: secret.trim_end().to_owned(), source: format!("{source}, file {text}") };
            (setting, value)
        }
        (None, None) => {
            let known: Vec<&str> = SETTINGS
                .iter()
                .filter(|setting| setting.section == section)
                .map(|setting| setting.key)
                .collect();
            let message = if known.is_empty() {
                format!("{source}: unknown section {section}{}", hint(section, &sections()))
            } else {
                format!("{source}: unknown setting {section}.{key}{}", hint(key, &known))
            };
            return Err(Failure::usage(message, REMEDY));
        }
    };
    let place = (setting.section, setting.key);
    if values.get(&place).is_some_and(|before| before.source.split(", file ").next() == Some(source)) {
        let message = format!("{source}: {section}.{key} is given both directly and as a file");
        return Err(Failure::usage(message, "keep one of them"));
    }
    (setting.check)(&value.text).map_err(|problem| {
        // A secret's text must not end up in an error.
        let problem = if setting.secret { "is not usable".to_owned() } else { problem };
        Failure::usage(format!("{}: {section}.{key}: {problem}", value.source), REMEDY)
    })?;
    values.insert(place, value);
    Ok(())
}

fn find(section: &str, key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.section == section && setting.key == key)
}

fn sections() -> Vec<&'static str> {
    SECTIONS.iter().map(|section| section.name).collect()
}

/// `; did you mean X?` for the nearest known name, if any is near.
fn hint(name: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|known| (strsim::jaro_winkler(name, known), known));
    match nearest.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((near, known)) if near > 0.75 => format!("; did you mean {known}?"),
        _ => format!("; known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, environment: &[(&str, &str)]) -> anyhow::Result<Loaded> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, text).unwrap();
        load(Some(&file), environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
        let text = "[server]\nlisten = \"127.0.0.1:1\"\n[log]\nhost = \"a.example.org\"";
        let loaded = load_text(text, &[("COMPTROLLER__SERVER__LISTEN", "127.0.0.1:2")]).unwrap();
        assert_eq!(loaded.config.server.listen.port(), 2);
        assert_eq!(loaded.config.log.host, "a.example.org");
        assert!(!loaded.config.server.allow_non_loopback);
        assert_eq!(loaded.config.organisation.slug.as_str(), "organisation");
    }

    #[test]
    fn an_unknown_name_is_refused_with_a_suggestion() {
        let refused = |text: &str| load_text(text, &[]).unwrap_err().to_string();
        assert!(
            refused("[server]\nlisen = \"x\"").contains("unknown setting server.lisen; did you mean listen?")
        );
        assert!(refused("[sever]\nlisten = \"x\"").contains("did you mean server?"));
        assert!(refused("listen = \"x\"").contains("outside of a section"));
        assert!(refused("[server]\nlisten = [1]").contains("server.listen"));
        assert!(refused("[server\n").contains("c.toml"));
        let error = load_text("", &[("COMPTROLLER__STORE__DATABSE", "x")]).unwrap_err().to_string();
        assert!(
            error.contains("COMPTROLLER__STORE__DATABSE") && error.contains("did you mean database?"),
            "{error}"
        );
        assert!(load_text("", &[("COMPTROLLER__STORE", "x")]).is_err());
    }

    #[test]
    fn a_bad_value_names_its_place() {
        let error = load_text("[server]\nlisten = \"8440\"", &[]).unwrap_err().to_string();
        assert!(error.contains("c.toml") && error.contains("server.listen"), "{error}");
    }

    #[test]
    fn secrets_come_from_files_and_never_twice() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "hunter2\n").unwrap();
        let path = secret.to_str().unwrap();
        let loaded = load_text("", &[("COMPTROLLER__S3__SECRET_KEY_FILE", path)]).unwrap();
        assert_eq!(loaded.config.s3.secret_key.as_deref(), Some("hunter2"));
        let twice = format!("[s3]\nsecret_key = \"a\"\nsecret_key_file = {path:?}");
        assert!(load_text(&twice, &[]).unwrap_err().to_string().contains("both"));
        // Only secrets have a file form.
        assert!(load_text("", &[("COMPTROLLER__LOG__HOST_FILE", path)]).is_err());
    }
}
