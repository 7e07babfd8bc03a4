//! From placed lines to the bytes of a file.
//!
//! The writer checks PDF/UA-1 as far as a program can: every letter has its character, headlines have titles, what repeats is
//! no content. What it cannot check is the order of reading, which is the order of the sheet.

use super::flow::{BOTTOM, Ink, LEFT, Layout, Mark, PAGE, Page, RIGHT};
use super::fonts::{Fonts, shown};
use super::lines::{Run, lines};
use super::tags::group;
use super::{Hand, PdfError, Shade, Sheet, Span};
use comptroller_core::Timestamp;
use krilla::color::rgb;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TagTree};
use krilla::{Document, SerializeSettings};

/// The language of our own words. That of the texts is not known.
const LANGUAGE: &str = "en";
const SMALL: f32 = 8.0;

/// Writes the file.
pub(super) fn draw(fonts: &Fonts, sheet: &Sheet, layout: Layout) -> Result<Vec<u8>, PdfError> {
    let refused = |error: &dyn std::fmt::Debug| PdfError::Writer(format!("{error:?}"));
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| refused(&error))?;
    let mut document =
        Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document.set_metadata(metadata(sheet, &layout));
    document.set_outline(outline(&layout));
    let mut written = vec![None; layout.leaves];
    let count = layout.pages.len();
    for (number, page) in layout.pages.into_iter().enumerate() {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| refused(&"the size of a page"))?;
        let mut paper = document.start_page_with(settings);
        let mut pen = Pen { fonts, surface: paper.surface(), written: &mut written };
        pen.page(page);
        pen.foot(&sheet.title, number + 1, count);
    }
    let mut tree = TagTree::new().with_lang(Some(LANGUAGE.to_owned()));
    for element in layout.elements {
        tree.push(group(element, &written));
    }
    document.set_tag_tree(tree);
    document.finish().map_err(|error| refused(&error))
}

fn metadata(sheet: &Sheet, layout: &Layout) -> Metadata {
    let title = layout.outline.first().map_or(sheet.title.as_str(), |(_, title, ..)| title);
    let visible = |text: &str| shown(text).collect::<String>().replace('\n', " ");
    let metadata = Metadata::new()
        .title(visible(title))
        .description(visible(&sheet.about))
        .keywords(vec![format!("sha256:{}", sheet.digest)])
        .creator("Comptroller".to_owned())
        .language(LANGUAGE.to_owned())
        .document_id(sheet.digest.to_string());
    match sheet.date.and_then(date) {
        Some(date) => metadata.creation_date(date),
        None => metadata,
    }
}

/// A time of the years that RFC 3339 and PDF both know; to the second.
fn date(at: Timestamp) -> Option<DateTime> {
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
    let date = DateTime::new(text.get(..4)?.parse().ok()?);
    let date = date.month(part(5, 7)?).day(part(8, 10)?).hour(part(11, 13)?).minute(part(14, 16)?);
    Some(date.second(part(17, 19)?).utc_offset_hour(0).utc_offset_minute(0))
}

/// The title with the sections below it.
fn outline(layout: &Layout) -> Outline {
    let node = |(_, text, page, y): &(_, String, usize, f32)| {
        let text: String = shown(text).collect::<String>().replace('\n', " ");
        OutlineNode::new(text, XyzDestination::new(*page, Point::from_xy(LEFT, *y)))
    };
    let mut outline = Outline::new();
    if let Some((title, sections)) = layout.outline.split_first() {
        let mut title = node(title).with_open(true);
        for section in sections {
            title.push_child(node(section));
        }
        outline.push_child(title);
    }
    outline
}

/// Draws on one page, and notes what was written of the structure.
struct Pen<'a, 'p> {
    fonts: &'a Fonts,
    surface: Surface<'p>,
    written: &'a mut Vec<Option<Identifier>>,
}

impl Pen<'_, '_> {
    fn page(&mut self, page: Page) {
        for mark in page.marks {
            match mark {
                Mark::Line { x, base, size, runs, leaf } => {
                    let said = self.behind_boxes(&runs);
                    let span = SpanTag::empty().with_actual_text(said.as_deref());
                    let tag = if leaf.is_some() { ContentTag::Span(span) } else { adornment() };
                    let id = self.surface.start_tagged(tag);
                    self.runs(x, base, size, &runs);
                    self.surface.end_tagged();
                    self.note(leaf, id);
                }
                Mark::Area { x, y, width, height, ink } => {
                    self.surface.start_tagged(adornment());
                    self.area((x, y, width, height), colour(ink));
                    self.surface.end_tagged();
                }
                Mark::Frame { x, y, width, height } => {
                    self.surface.start_tagged(adornment());
                    self.frame((x, y, width, height));
                    self.surface.end_tagged();
                }
                Mark::Days { y, height, runs, leaf } => {
                    let id = self.surface.start_tagged(ContentTag::Other);
                    for (x, width, shade) in runs {
                        self.days((x, y, width, height), shade);
                    }
                    self.surface.end_tagged();
                    self.note(Some(leaf), id);
                }
            }
        }
    }

    /// What a line says, if boxes stand for some of it: who searches, copies or listens gets the text (14.9.4).
    fn behind_boxes(&self, runs: &[Run]) -> Option<String> {
        let has_boxes = runs.iter().any(|run| self.fonts.visible(run.hand, &run.text) != run.text);
        has_boxes.then(|| runs.iter().map(|run| run.text.as_str()).collect())
    }

    /// The title and the number of the page.
    fn foot(&mut self, title: &str, number: usize, count: usize) {
        let number = format!("Page {number} of {count}");
        let mut place = |text: &str, is_right: bool| {
            let spans = [Span { text: text.to_owned(), hand: Hand::Dim }];
            // Of a title that is too long its beginning is enough.
            let line = lines(self.fonts, &spans, SMALL, (RIGHT - LEFT) * 0.75).swap_remove(0);
            let x = if is_right { RIGHT - line.width } else { LEFT };
            self.surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)));
            self.runs(x, BOTTOM + 26.0, SMALL, &line.runs);
            self.surface.end_tagged();
        };
        place(title, false);
        place(&number, true);
    }

    fn note(&mut self, leaf: Option<usize>, id: Identifier) {
        if let Some(place) = leaf.and_then(|leaf| self.written.get_mut(leaf)) {
            *place = Some(id);
        }
    }

    fn runs(&mut self, x: f32, base: f32, size: f32, runs: &[Run]) {
        for run in runs {
            let grey = if run.hand == Hand::Dim { 0x45 } else { 0x10 };
            self.fill(rgb::Color::new(grey, grey, grey));
            let text = self.fonts.visible(run.hand, &run.text);
            let (font, letters) = self.fonts.letters(run.hand, &text);
            self.surface.draw_glyphs(Point::from_xy(x + run.x, base), &letters, font, &text, size, false);
        }
    }

    fn fill(&mut self, colour: rgb::Color) {
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(Fill { paint: colour.into(), ..Fill::default() }));
    }

    /// Days of one look, at the foot of their strip.
    fn days(&mut self, (x, y, width, height): (f32, f32, f32, f32), shade: Shade) {
        let share = match shade {
            Shade::Bad => 1.0,
            Shade::Good | Shade::Unseen => 0.55,
            Shade::None => 0.15,
        };
        let high = height * share;
        let area = (x, y + height - high, width, high);
        if shade == Shade::Unseen {
            self.frame(area);
        } else {
            self.area(area, shade_of(shade));
        }
    }

    fn area(&mut self, area: (f32, f32, f32, f32), colour: rgb::Color) {
        self.fill(colour);
        self.path(area);
    }

    fn frame(&mut self, area: (f32, f32, f32, f32)) {
        let dash = Some(StrokeDash { array: vec![2.0, 2.0], offset: 0.0 });
        let paint = rgb::Color::new(0x77, 0x77, 0x77).into();
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(Stroke { paint, width: 0.6, dash, ..Stroke::default() }));
        self.path(area);
    }

    fn path(&mut self, (x, y, width, height): (f32, f32, f32, f32)) {
        let mut path = PathBuilder::new();
        // What has no extent is not drawn.
        if let Some(area) = Rect::from_xywh(x, y, width, height) {
            path.push_rect(area);
        }
        if let Some(path) = path.finish() {
            self.surface.draw_path(&path);
        }
    }
}

/// What adorns or repeats, and is not read aloud.
fn adornment() -> ContentTag<'static> {
    ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout))
}

fn colour(ink: Ink) -> rgb::Color {
    let (red, green, blue) = match ink {
        Ink::Rule => (0x99, 0x99, 0x99),
        Ink::OpenBar => (0xd9, 0xa4, 0x41),
        Ink::OpenGround => (0xfd, 0xf6, 0xdd),
        Ink::WrongBar => (0xc9, 0x54, 0x4d),
        Ink::WrongGround => (0xf6, 0xf3, 0xf2),
    };
    rgb::Color::new(red, green, blue)
}

fn shade_of(shade: Shade) -> rgb::Color {
    let (red, green, blue) = match shade {
        Shade::Good => (0x7f, 0xb8, 0x8a),
        Shade::Bad => (0xc9, 0x54, 0x4d),
        Shade::None | Shade::Unseen => (0x77, 0x77, 0x77),
    };
    rgb::Color::new(red, green, blue)
}
