//! How answers look: JSON as the API gave it, or aligned text for people.
//!
//! Text from the server is data: control characters are replaced, so that a name cannot steer the terminal.

use crate::client::Answer;
use crate::failure::Failure;
use anyhow::Context as _;
use clap::ValueEnum as _;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What is printed to stdout. Every command knows the first two; the others are for
/// `gate`, and some of them for `drift`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Aligned tables and fields for people.
    #[default]
    Text,
    /// The API's answer as it came, for programs; errors are one JSON object on stderr.
    Json,
    /// A JUnit report: a test case for every rule that stands against it.
    Junit,
    /// A SARIF 2.1.0 log: a result for every rule that stands against it.
    Sarif,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
    /// Markdown for a comment or a job summary.
    Markdown,
    /// Lines of `name=value`, for job outputs and dotenv reports.
    Dotenv,
}

impl Format {
    /// The word for it on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Markdown => "markdown",
            Self::Dotenv => "dotenv",
        }
    }

    /// A parser of the formats that every command knows.
    pub(crate) fn common() -> impl TypedValueParser<Value = Self> {
        let known = [Self::Text, Self::Json];
        PossibleValuesParser::new(known.iter().filter_map(clap::ValueEnum::to_possible_value))
            .try_map(|word| Self::from_str(&word, false))
    }
}

/// Colours, or none: only on a terminal, and not if `NO_COLOR` is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colours: bool,
}

impl Style {
    /// No colours, for files.
    pub(crate) fn plain() -> Self {
        Self { colours: false }
    }

    pub(crate) fn of_stdout() -> Self {
        Self { colours: io::stdout().is_terminal() && colours_wanted() }
    }

    pub(crate) fn of_stderr() -> Self {
        Self { colours: io::stderr().is_terminal() && colours_wanted() }
    }

    pub(crate) fn has_colours(self) -> bool {
        self.colours
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    pub(crate) fn caution(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }
}

fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) format: Format,
    pub(crate) style: Style,
}

/// A column of a table: its heading, and where in an item its value stands (JSON pointer).
pub(crate) type Column = (&'static str, &'static str);

impl Screen {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, style: Style::of_stdout() }
    }

    /// Prints the JSON answer as it is, or the text that `render` makes of it.
    pub(crate) fn print(&self, answer: &Answer, render: impl FnOnce(&Value) -> String) -> anyhow::Result<()> {
        match self.format {
            Format::Json => print(&line(answer)),
            _ => print(&render(&answer.value)),
        }
    }

    /// Prints one object: a line per field.
    pub(crate) fn object(&self, answer: &Answer) -> anyhow::Result<()> {
        self.print(answer, |value| fields(value, self.style))
    }

    /// Prints a list, or a page of one.
    pub(crate) fn table(&self, answer: &Answer, columns: &[Column]) -> anyhow::Result<()> {
        self.print(answer, |value| page(value, columns, self.style))
    }
}

/// A table of a list, or of a page with a hint how to go on.
pub(crate) fn page(value: &Value, columns: &[Column], style: Style) -> String {
    let items = value.get("items").unwrap_or(value);
    let mut text = table(items.as_array().map_or(&[], Vec::as_slice), columns, style);
    if let Some(next) = value.get("next").and_then(Value::as_str) {
        let _ = writeln!(text, "{}", style.dim(&format!("more: --after {} (or --all)", clean(next))));
    }
    text
}

/// The answer's text as it came, with one line end.
pub(crate) fn line(answer: &Answer) -> String {
    format!("{}\n", answer.text.trim_end())
}

/// Writes to stdout. A reader that has gone away is no error of ours.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to stdout"))
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr, for progress and hints.
pub(crate) fn note(text: &str) {
    // A hint that cannot be shown must not stop the work.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Replaces control characters; line ends stay.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Puts a file in place whole: whoever reads it finds the old content or the new one, whatever happens meanwhile.
///
/// What is no ordinary file is written as it stands: a device, a pipe, and a link, such as `/dev/stdout`, whatever it leads
/// to, for putting a file in its place would take the link away.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return std::fs::write(path, content);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// Writes a file as [`write_file`] does, over an earlier one of its kind and nothing else: `--html` and `--out` stand
/// beside names of data, and a slip must not cost the data.
pub(crate) fn write_over_own(
    option: &str,
    path: &Path,
    content: &[u8],
    is_own: impl Fn(&Path) -> bool,
) -> anyhow::Result<()> {
    if path.is_file() && !is_own(path) {
        return Err(Failure::usage(
            format!("{option} {}: a file of another kind is there, and stays", path.display()),
            "name a file that is not there yet, or remove that one first",
        ));
    }
    write_file(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a file is a page of ours, or empty.
pub(crate) fn is_page(path: &Path) -> bool {
    let mut start = [0; 15];
    let mut read = || -> io::Result<bool> {
        let length = io::Read::read(&mut std::fs::File::open(path)?, &mut start)?;
        Ok(length == 0 || start[..length].eq_ignore_ascii_case(b"<!doctype html>"))
    };
    read().unwrap_or(false)
}

/// Columns that a line of text may have: as `COLUMNS` says, else those of the terminal; of a file and a pipe 100.
pub(crate) fn columns() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
    let found = said.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
    found.unwrap_or(100).clamp(40, 400)
}

/// Text as one line: line ends become spaces, and what could steer a terminal or reorder a line becomes visible.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.replace("\r\n", " ").replace(['\n', '\r', '\t', '\u{2028}', '\u{2029}'], " ");
    clean(&text).replace(reorders, "\u{fffd}")
}

/// The bidirectional controls of Unicode, by which a text is shown in another order than it is read.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One value on one line.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => human_time(text).unwrap_or_else(|| clean(text).replace('\n', " ")),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let parts: Vec<String> = fields.values().filter(|value| !value.is_null()).map(cell).collect();
            if parts.is_empty() { "-".to_owned() } else { parts.join(":") }
        }
    }
}

/// An API time to the second, for people; none if the text is not a time.
fn human_time(text: &str) -> Option<String> {
    // Only the API's own form: a label such as `2026-07-27` stays what it is.
    if text.len() < 20 || !text.ends_with('Z') || text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// An aligned table; a line that says so if there is nothing.
pub(crate) fn table(items: &[Value], columns: &[Column], style: Style) -> String {
    if items.is_empty() {
        return format!("{}\n", style.dim("none"));
    }
    let mut rows = vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect::<Vec<_>>()];
    for item in items {
        rows.push(columns.iter().map(|(_, at)| cell(item.pointer(at).unwrap_or(&Value::Null))).collect());
    }
    let mut widths = vec![0; columns.len()];
    for row in &rows {
        for (width, text) in widths.iter_mut().zip(row) {
            *width = (*width).max(text.chars().count());
        }
    }
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let line = line.trim_end();
        let _ = writeln!(text, "{}", if number == 0 { style.strong(line) } else { line.to_owned() });
    }
    text
}

/// One line per field, names aligned; objects and lists of objects are indented below their name.
pub(crate) fn fields(value: &Value, style: Style) -> String {
    let mut text = String::new();
    write_fields(&mut text, value, 0, style);
    text
}

fn write_fields(text: &mut String, value: &Value, depth: usize, style: Style) {
    let Some(object) = value.as_object() else {
        let _ = writeln!(text, "{:indent$}{}", "", cell(value), indent = depth * 2);
        return;
    };
    let width = object.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, value) in object {
        let label = clean(name).replace('_', " ");
        let shown =
            format!("{:indent$}{}", "", style.strong(&format!("{label:<width$}")), indent = depth * 2);
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                let _ = writeln!(text, "{}", shown.trim_end());
                write_fields(text, value, depth + 1, style);
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let _ = writeln!(text, "{}", shown.trim_end());
                for item in items {
                    let mut inner = String::new();
                    write_fields(&mut inner, item, depth + 2, style);
                    // The first line of each item carries a dash.
                    let skip = (depth + 1) * 2;
                    let _ = write!(text, "{:skip$}- {}", "", inner.get(skip + 2..).unwrap_or_default());
                }
            }
            _ => {
                let _ = writeln!(text, "{shown}  {}", cell(value));
            }
        }
    }
}

/// A number of bytes for people, in powers of 1024.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut rest = count;
    let mut tenths = 0;
    while rest >= 1024 && unit + 1 < UNITS.len() {
        tenths = (rest % 1024) * 10 / 1024;
        rest /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{rest} B") } else { format!("{rest}.{tenths} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(cell(&json!("a\u{1b}[2Jb\u{7}")), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(cell(&json!("two\nlines")), "two lines");
    }

    #[test]
    fn times_are_shown_to_the_second_and_labels_stay() {
        assert_eq!(cell(&json!("2026-07-27T12:00:00.123456Z")), "2026-07-27 12:00:00 UTC");
        assert_eq!(cell(&json!("2026-07-27")), "2026-07-27");
    }

    #[test]
    fn tables_align_and_say_when_they_are_empty() {
        let items = [json!({"slug": "a", "n": 1}), json!({"slug": "longer", "n": null})];
        let columns: &[Column] = &[("NAME", "/slug"), ("N", "/n")];
        assert_eq!(table(&items, columns, Style::plain()), "NAME    N\na       1\nlonger  -\n");
        assert_eq!(table(&[], columns, Style::plain()), "none\n");
    }

    #[test]
    fn nested_answers_are_indented() {
        let value = json!({"id": "x", "roles": [{"role": "owner", "system": null}], "text": {"title": "T"}});
        assert_eq!(
            fields(&value, Style::plain()),
            "id     x\nroles\n  - role    owner\n    system  -\ntext\n  title  T\n"
        );
    }

    #[test]
    fn a_file_is_put_in_place_whole_and_a_link_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("report"), folder.path().join("link"));
        std::fs::write(&file, "a longer old content").unwrap();
        write_file(&file, b"new").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_file(&link, b"newer").unwrap();
        assert!(link.is_symlink(), "the link was replaced");
        assert_eq!(std::fs::read(&file).unwrap(), b"newer");
        assert!(write_file(&folder.path().join("none/report"), b"x").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing half-written stays");
    }

    #[test]
    fn a_page_is_written_over_a_page_and_over_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        write_over_own("--html", &file, b"<!doctype html><p>1", is_page).unwrap();
        write_over_own("--html", &file, b"<!doctype html><p>2", is_page).unwrap();
        std::fs::write(&file, "age,income\n1,2\n").unwrap();
        assert!(write_over_own("--html", &file, b"<!doctype html><p>3", is_page).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"age,income\n1,2\n");
    }

    #[test]
    fn sizes_are_rounded_down_to_a_tenth() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(5 << 30), "5.0 GiB");
    }
}
