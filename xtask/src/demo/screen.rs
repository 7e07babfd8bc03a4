//! What the demo prints: chapters, numbered steps with their ledger index, and the summary.
//!
//! Colour on a terminal only, and never when NO_COLOR is set. It must not decide anything.

use std::io::IsTerminal;
use std::time::Instant;

/// Widest line of text.
const WIDTH: usize = 104;
/// Where the ledger index stands.
const INDEX: usize = 84;

/// One chapter of the summary.
struct Row {
    title: &'static str,
    steps: usize,
    entries: Option<(u64, u64)>,
    started: Instant,
    seconds: f64,
}

/// The demo's output.
pub(crate) struct Screen {
    colour: bool,
    chapters: usize,
    rows: Vec<Row>,
    steps: usize,
}

impl Screen {
    /// Output to the terminal or pipe behind standard output, for so many chapters.
    pub(crate) fn for_terminal(chapters: usize) -> Screen {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Screen { colour, chapters, rows: Vec::new(), steps: 0 }
    }

    /// Begins a chapter.
    pub(crate) fn chapter(&mut self, title: &'static str) {
        self.close();
        let number = self.rows.len() + 1;
        let heading = format!("{number}/{} {title}", self.chapters);
        println!("\n{}", self.paint("1;36", &heading));
        println!("{}", self.paint("36", &"-".repeat(heading.chars().count())));
        self.rows.push(Row { title, steps: 0, entries: None, started: Instant::now(), seconds: 0.0 });
    }

    /// Prints a step that was done: what, the entries that it left in the log, and what that proves.
    pub(crate) fn step(&mut self, what: &str, entries: &[u64], proves: &str) {
        self.steps += 1;
        let place = match (entries.iter().min(), entries.iter().max()) {
            (Some(first), Some(last)) if first == last => format!("#{first}"),
            (Some(first), Some(last)) => format!("#{first}..{last}"),
            _ => "-".to_owned(),
        };
        let mut lines = wrap(what, INDEX - 8).into_iter();
        let first = lines.next().unwrap_or_default();
        let number = self.paint("1", &format!("{:>4}", self.steps));
        println!(
            "{number}  {first:<width$}{}",
            self.paint("1;33", &format!("{place:>16}")),
            width = INDEX - 6
        );
        for line in lines {
            println!("      {line}");
        }
        for line in wrap(proves, WIDTH - 8) {
            println!("      {}", self.paint("2", &line));
        }
        if let Some(row) = self.rows.last_mut() {
            row.steps += 1;
            for entry in entries {
                let (first, last) = row.entries.unwrap_or((*entry, *entry));
                row.entries = Some((first.min(*entry), last.max(*entry)));
            }
        }
    }

    /// Prints lines that belong to the step before: a quotation of what the product said.
    pub(crate) fn quote(&self, lines: &[String]) {
        for line in lines.iter().flat_map(|line| wrap(line, WIDTH - 12)) {
            println!("        {} {line}", self.paint("35", "|"));
        }
    }

    /// Prints the table of chapters.
    pub(crate) fn summary(&mut self) {
        self.close();
        println!(
            "\n{}",
            self.paint("1", &format!("{:<62}{:>6}{:>14}{:>10}", "chapter", "steps", "entries", "seconds"))
        );
        for (number, row) in self.rows.iter().enumerate() {
            let title = format!("{} {}", number + 1, row.title);
            let entries = row.entries.map_or("-".to_owned(), |(first, last)| format!("#{first}..{last}"));
            println!("{title:<62}{:>6}{entries:>14}{:>10.1}", row.steps, row.seconds);
        }
        let seconds: f64 = self.rows.iter().map(|row| row.seconds).sum();
        println!("{:<62}{:>6}{:>14}{seconds:>10.1}\n", "all", self.steps, "");
    }

    /// Says that the walk ended early.
    pub(crate) fn failed(&self, error: &anyhow::Error) {
        let heading = format!("FAILED after step {}: ", self.steps);
        println!("{}{error:#}", self.paint("1;31", &heading));
    }

    fn close(&mut self) {
        if let Some(row) = self.rows.last_mut()
            && row.seconds == 0.0
        {
            row.seconds = row.started.elapsed().as_secs_f64();
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Breaks a text at spaces into lines of at most `width` characters; a longer word stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_break_at_spaces_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible a", 5), ["incomprehensible", "a"]);
        assert!(wrap("  ", 5).is_empty());
    }

    #[test]
    fn a_chapter_knows_its_steps_and_entries() {
        let mut screen = Screen { colour: false, chapters: 1, rows: Vec::new(), steps: 0 };
        screen.chapter("one");
        screen.step("a", &[7, 5], "p");
        screen.step("b", &[], "p");
        assert_eq!(screen.rows[0].steps, 2);
        assert_eq!(screen.rows[0].entries, Some((5, 7)));
        assert_eq!(screen.steps, 2);
    }
}
