//! What commands read besides their arguments: command files, small texts, and `name=value` arguments.
//!
//! Sizes are bounded, and every error names the file and the place in it.

use crate::failure::Failure;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

/// Largest command file, in bytes; the server takes no larger request.
const MAX_COMMAND: u64 = 1 << 20;

/// Reads a small UTF-8 text; `-` is stdin.
pub(crate) fn read_text(path: &Path, limit: u64) -> anyhow::Result<String> {
    let bytes = read_bytes(path, limit)?;
    String::from_utf8(bytes).map_err(|error| refused(path, error.to_string()))
}

/// Reads a file of at most `limit` bytes; `-` is stdin.
pub(crate) fn read_bytes(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| refused(path, error.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(refused(path, format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

fn refused(path: &Path, problem: String) -> anyhow::Error {
    Failure::usage(format!("{}: {problem}", path.display()), "give a readable file, UTF-8 if it is a text")
}

/// Reads a command from a `.toml` file, or from JSON of any other name.
pub(crate) fn read_command<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = read_text(path, MAX_COMMAND)?;
    let parsed = if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        toml::from_str(&text).map_err(|error| error.to_string())
    } else {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    };
    parsed.map_err(|problem| {
        let message = format!("{}: {}", path.display(), problem.trim_end());
        Failure::usage(message, "the fields are those of the API; docs/reference/openapi.json lists them")
    })
}

/// An argument of the form `NAME=VALUE`.
pub(crate) fn pair<V>(text: &str) -> Result<(String, V), String>
where
    V: FromStr,
    V::Err: std::fmt::Display,
{
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    if name.is_empty() {
        return Err("the name before `=` is empty".into());
    }
    Ok((name.to_owned(), value.parse().map_err(|error| format!("{value:?}: {error}"))?))
}

/// A parser of a closed vocabulary, whose words the help lists.
pub(crate) fn one_of<T>(all: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + FromStr + Send + Sync + 'static,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|value| PossibleValue::new(word(*value))))
        .try_map(|text| text.parse::<T>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_app::systems::SetTag;

    #[test]
    fn pairs_say_what_is_wrong() {
        assert_eq!(pair::<f64>("auc=0.86").unwrap(), ("auc".to_owned(), 0.86));
        assert_eq!(pair::<String>("a=b=c").unwrap().1, "b=c");
        assert!(pair::<f64>("auc").unwrap_err().contains("NAME=VALUE"));
        assert!(pair::<f64>("auc=high").unwrap_err().contains("high"));
        assert!(pair::<f64>("=1").is_err());
    }

    #[test]
    fn a_command_file_with_an_unknown_field_is_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tag.json");
        std::fs::write(&file, "{\"key\": \"a\",\n \"valeu\": \"b\"}").unwrap();
        let error = read_command::<SetTag>(&file).unwrap_err().to_string();
        assert!(error.contains("valeu") && error.contains("line 2"), "{error}");
        let file = folder.path().join("tag.toml");
        std::fs::write(&file, "key = \"a\"\nvalue = \"b\"\n").unwrap();
        assert_eq!(read_command::<SetTag>(&file).unwrap().key.to_string(), "a");
    }

    #[test]
    fn reading_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("large");
        std::fs::write(&file, vec![b'x'; 11]).unwrap();
        assert!(read_text(&file, 10).unwrap_err().to_string().contains("larger than 10 bytes"));
        assert!(read_text(&folder.path().join("none"), 10).is_err());
    }
}
