//! From parts to pages: where each line stands. Points from the top left corner of the page.

use super::fonts::Fonts;
use super::lines::{Line, Run, lines};
use super::tags::{Element, Leaf};
use super::{Days, Hand, MAX_PAGES, Part, PdfError, Shade, Sheet, Span, Term, Text, Tone, tables};
use krilla::tagging::{ListNumbering, Tag};
use std::num::NonZeroU16;

/// A4, in points.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
/// The text's left, top, right and bottom.
pub(super) const LEFT: f32 = 56.0;
pub(super) const TOP: f32 = 54.0;
pub(super) const RIGHT: f32 = PAGE.0 - 56.0;
pub(super) const BOTTOM: f32 = PAGE.1 - 64.0;

/// Between paragraphs.
const GAP: f32 = 5.0;
/// How far text stands in beside a bar or a bullet.
const INDENT: f32 = 12.0;
/// Above and below a text with a bar.
const PAD: f32 = 4.0;
/// What a headline must have below it on its page: the first lines of its section.
const KEEP: f32 = 56.0;
/// Height of days side by side.
const DAYS: f32 = 12.0;

/// Size and height of lines.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) size: f32,
    pub(super) height: f32,
}

const TITLE: Look = Look { size: 19.0, height: 24.0 };
const SECTION: Look = Look { size: 13.0, height: 17.0 };
const BODY: Look = Look { size: 9.5, height: 13.0 };
const BESIDE: Look = Look { size: 8.5, height: 12.0 };

/// All pages, with what else a reader needs.
pub(super) struct Layout {
    pub(super) pages: Vec<Page>,
    /// The headlines: level, text, page from 0, height on it.
    pub(super) outline: Vec<(NonZeroU16, String, usize, f32)>,
    /// The structure, in order.
    pub(super) elements: Vec<Element>,
    /// How many leaves the structure has.
    pub(super) leaves: usize,
}

/// What stands on a page, in the order of drawing.
#[derive(Default)]
pub(super) struct Page {
    pub(super) marks: Vec<Mark>,
}

/// Something that is drawn.
pub(super) enum Mark {
    /// A line; without a leaf it repeats or adorns and is not read aloud.
    Line { x: f32, base: f32, size: f32, runs: Vec<Run>, leaf: Option<Leaf> },
    /// A filled area.
    Area { x: f32, y: f32, width: f32, height: f32, ink: Ink },
    /// A dashed frame around nothing.
    Frame { x: f32, y: f32, width: f32, height: f32 },
    /// Days side by side: for each run where it begins, how wide it is and its colour.
    Days { y: f32, height: f32, runs: Vec<(f32, f32, Shade)>, leaf: Leaf },
}

/// The colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Rule,
    OpenBar,
    OpenGround,
    WrongBar,
    WrongGround,
}

/// Places everything.
pub(super) fn flow(fonts: &Fonts, sheet: &Sheet) -> Result<Layout, PdfError> {
    let mut flow = Flow::new(fonts);
    let title = if sheet.title.trim().is_empty() { "Untitled" } else { &sheet.title };
    flow.headline(NonZeroU16::MIN, title, TITLE)?;
    for part in &sheet.parts {
        flow.part(part)?;
    }
    flow.tone(Tone::Plain)?;
    Ok(Layout { pages: flow.pages, outline: flow.outline, elements: flow.elements, leaves: flow.leaves })
}

/// The place where the next line goes.
pub(super) struct Flow<'a> {
    pub(super) fonts: &'a Fonts,
    pages: Vec<Page>,
    outline: Vec<(NonZeroU16, String, usize, f32)>,
    pub(super) elements: Vec<Element>,
    leaves: usize,
    /// The height on the last page.
    pub(super) y: f32,
    /// The bar that is beside the text: its tone, where it began, and behind which mark it is drawn.
    bar: Option<(Tone, f32, usize)>,
}

impl<'a> Flow<'a> {
    fn new(fonts: &'a Fonts) -> Self {
        let pages = vec![Page::default()];
        Self { fonts, pages, outline: Vec::new(), elements: Vec::new(), leaves: 0, y: TOP, bar: None }
    }

    fn part(&mut self, part: &Part) -> Result<(), PdfError> {
        match part {
            Part::Section(text) => self.headline(NonZeroU16::MIN.saturating_add(1), text, SECTION),
            Part::Text(text) => self.text(text),
            Part::List(items) => self.list(items),
            Part::Terms(terms) => self.terms(terms),
            Part::Table(table) => {
                self.tone(Tone::Plain)?;
                tables::table(self, table)
            }
            Part::Days(days) => self.days(days),
        }
    }

    /// Draws on the page.
    pub(super) fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.marks.push(mark);
        }
    }

    /// The number of the next leaf.
    pub(super) fn leaf(&mut self) -> Leaf {
        self.leaves += 1;
        self.leaves - 1
    }

    /// Goes on on the next page unless there is room for so much; a bar goes along.
    pub(super) fn room(&mut self, height: f32) -> Result<(), PdfError> {
        if self.y + height <= BOTTOM || self.y <= TOP { Ok(()) } else { self.turn() }
    }

    /// Begins a page.
    pub(super) fn turn(&mut self) -> Result<(), PdfError> {
        if self.pages.len() >= MAX_PAGES {
            return Err(PdfError::TooLong);
        }
        let bar = self.bar;
        self.close_bar();
        self.pages.push(Page::default());
        self.y = TOP;
        self.bar = bar.map(|(tone, ..)| (tone, TOP, 0));
        Ok(())
    }

    /// Leaves room above what comes, but not at the top of a page.
    pub(super) fn gap(&mut self, height: f32) {
        if self.y > TOP {
            self.y += height;
        }
    }

    /// Begins and ends the bars beside texts; texts of one tone share one.
    fn tone(&mut self, tone: Tone) -> Result<(), PdfError> {
        let now = self.bar.map_or(Tone::Plain, |(tone, ..)| tone);
        if now != tone {
            if now != Tone::Plain {
                self.y += PAD;
                self.close_bar();
                self.bar = None;
            }
            if tone != Tone::Plain {
                self.room(2.0 * PAD + 2.0 * BODY.height)?;
                self.gap(GAP);
                let behind = self.pages.last().map_or(0, |page| page.marks.len());
                self.bar = Some((tone, self.y, behind));
                self.y += PAD;
                return Ok(());
            }
        }
        self.gap(if tone == Tone::Plain { GAP } else { GAP / 2.0 });
        Ok(())
    }

    fn close_bar(&mut self) {
        let Some((tone, from, behind)) = self.bar else { return };
        let (bar, ground) = match tone {
            Tone::Wrong => (Ink::WrongBar, Ink::WrongGround),
            Tone::Open | Tone::Plain => (Ink::OpenBar, Ink::OpenGround),
        };
        let height = self.y - from;
        let area = |x, width, ink| Mark::Area { x, y: from, width, height, ink };
        if let Some(page) = self.pages.last_mut().filter(|_| height > 0.0) {
            page.marks.splice(behind..behind, [area(LEFT, RIGHT - LEFT, ground), area(LEFT, 3.0, bar)]);
        }
    }

    /// One line, and the room for it.
    fn line(&mut self, x: f32, look: Look, line: Line, leaf: Option<Leaf>) -> Result<(), PdfError> {
        self.room(look.height)?;
        self.place(x, look, line, leaf);
        self.y += look.height;
        Ok(())
    }

    /// A line at the height that is reached, which it does not change.
    pub(super) fn place(&mut self, x: f32, look: Look, line: Line, leaf: Option<Leaf>) {
        // The letters stand in the middle of the line's height; their ascenders are about three quarters of the size.
        let base = self.y + f32::midpoint(look.height, 0.72 * look.size);
        self.mark(Mark::Line { x, base, size: look.size, runs: line.runs, leaf });
    }

    /// Lines one below the other, and their leaves.
    fn lines(&mut self, x: f32, look: Look, spans: &[Span]) -> Result<Vec<Leaf>, PdfError> {
        let mut leaves = Vec::new();
        for line in lines(self.fonts, spans, look.size, RIGHT - x) {
            let leaf = self.leaf();
            leaves.push(leaf);
            self.line(x, look, line, Some(leaf))?;
        }
        Ok(leaves)
    }

    fn headline(&mut self, level: NonZeroU16, text: &str, look: Look) -> Result<(), PdfError> {
        self.tone(Tone::Plain)?;
        let text = if text.trim().is_empty() { "Untitled" } else { text };
        let is_section = level > NonZeroU16::MIN;
        let above = if is_section { 12.0 } else { 0.0 };
        self.room(above + look.height + KEEP)?;
        self.gap(above);
        self.outline.push((level, text.to_owned(), self.pages.len() - 1, self.y));
        let spans = [Span { text: text.to_owned(), hand: Hand::Strong }];
        let leaves = self.lines(LEFT, look, &spans)?;
        if is_section {
            self.mark(Mark::Area {
                x: LEFT,
                y: self.y + 1.0,
                width: RIGHT - LEFT,
                height: 0.6,
                ink: Ink::Rule,
            });
            self.y += 3.0;
        }
        self.elements.push(Element::headline(level, text, leaves));
        Ok(())
    }

    fn text(&mut self, text: &Text) -> Result<(), PdfError> {
        self.tone(text.tone)?;
        let leaves = self.lines(beside(text.tone), look(&text.spans), &text.spans)?;
        self.elements.push(Element::paragraph(leaves));
        Ok(())
    }

    fn list(&mut self, items: &[Text]) -> Result<(), PdfError> {
        let mut list = Element::new(Tag::L(ListNumbering::Disc), Vec::<Element>::new());
        for (place, item) in items.iter().enumerate() {
            if place == 0 {
                self.tone(item.tone)?;
            }
            let (x, look) = (beside(item.tone), look(&item.spans));
            self.room(look.height)?;
            let label = self.leaf();
            let bullet = Run { text: "• ".into(), hand: Hand::Plain, x: 0.0 };
            self.place(x, look, Line { runs: vec![bullet], width: 0.0 }, Some(label));
            let body = self.lines(x + INDENT, look, &item.spans)?;
            list.push(Element::new(
                Tag::LI,
                [Element::new(Tag::Lbl, [label]), Element::new(Tag::LBody, [Element::paragraph(body)])],
            ));
        }
        self.elements.push(list);
        Ok(())
    }

    fn terms(&mut self, terms: &[Term]) -> Result<(), PdfError> {
        let mut list = Element::new(Tag::L(ListNumbering::None), Vec::<Element>::new());
        let span = |text: &str, hand| [Span { text: text.to_owned(), hand }];
        for term in terms {
            self.tone(Tone::Plain)?;
            self.room(BODY.height * 3.0)?;
            let name = self.lines(LEFT, BODY, &span(&term.name, Hand::Strong))?;
            let value = self.lines(LEFT + INDENT, BODY, &span(&term.value, Hand::Plain))?;
            let source = self.lines(LEFT + INDENT, BESIDE, &span(&term.source, Hand::Dim))?;
            let said = [Element::paragraph(value), Element::paragraph(source)];
            list.push(Element::new(Tag::LI, [Element::new(Tag::Lbl, name), Element::new(Tag::LBody, said)]));
        }
        self.elements.push(list);
        Ok(())
    }

    fn days(&mut self, days: &Days) -> Result<(), PdfError> {
        self.tone(Tone::Plain)?;
        let total: f64 = days.runs.iter().map(|(count, _)| f64::from(*count)).sum();
        if total < 1.0 {
            return Ok(());
        }
        self.room(DAYS + 2.0 * BESIDE.height)?;
        let (mut from, mut runs) = (0.0, Vec::new());
        let at = |day: f64| LEFT + (RIGHT - LEFT) * (day / total) as f32;
        for (count, shade) in &days.runs {
            let to = from + f64::from(*count);
            runs.push((at(from), (at(to) - at(from)).max(0.4), *shade));
            from = to;
        }
        let leaf = self.leaf();
        self.mark(Mark::Days { y: self.y, height: DAYS, runs, leaf });
        self.y += DAYS;
        self.elements.push(Element::new(Tag::Figure(Some(days.says.clone())), [leaf]));
        Ok(())
    }
}

/// Where a text begins.
fn beside(tone: Tone) -> f32 {
    if tone == Tone::Plain { LEFT } else { LEFT + INDENT }
}

/// A paragraph that only stands beside others is smaller.
fn look(spans: &[Span]) -> Look {
    if spans.iter().all(|span| span.hand == Hand::Dim) { BESIDE } else { BODY }
}
