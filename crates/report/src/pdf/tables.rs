//! Tables: how wide the columns are, and rows over pages with the head on each.

use super::flow::{BOTTOM, Flow, Ink, LEFT, Look, Mark, RIGHT, TOP};
use super::fonts::Fonts;
use super::lines::{Line, lines, widest_word};
use super::tags::{Element, Leaf};
use super::{Hand, Kind, PdfError, Span, Table};
use krilla::tagging::{TableHeaderScope, Tag};

const CELL: Look = Look { size: 8.0, height: 10.5 };
/// Between columns, and above and below the lines of a row.
const BETWEEN: f32 = 8.0;
const PAD: f32 = 2.5;
/// A field that is filled by hand is no narrower.
const FIELD: f32 = 64.0;
/// The share of a page that a head may take and still stand on each.
const HEAD: f32 = 0.3;
/// Room for the rules below the head and a row.
const RULES: f32 = 2.0;
/// The share of the table's width that one long word may ask for.
const WORD: f32 = 0.3;

/// Places a table.
pub(super) fn table(flow: &mut Flow<'_>, table: &Table) -> Result<(), PdfError> {
    let grid = Grid::new(flow.fonts, table);
    let mut element =
        Element::new(Tag::Table.with_summary(Some(table.summary.clone())), Vec::<Element>::new());
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let head = grid.cells(flow.fonts, Hand::Strong, &names);
    let first = table.rows.first().map(|row| grid.cells(flow.fonts, Hand::Plain, row));
    let caption: Vec<Line> = table.caption.as_ref().map_or_else(Vec::new, |caption| {
        lines(flow.fonts, &[Span { text: caption.clone(), hand: Hand::Dim }], CELL.size, RIGHT - LEFT)
    });
    // Caption, head and the first row stay together, or a few lines of a row that is divided anyway.
    let above = tall(caption.len()) + height(&head);
    let whole = above + first.as_ref().map_or(0.0, height);
    flow.room(if whole <= BOTTOM - TOP { whole } else { above + tall(3) })?;
    if !caption.is_empty() {
        let mut leaves = Vec::new();
        for line in caption {
            let leaf = flow.leaf();
            leaves.push(leaf);
            flow.room(CELL.height)?;
            flow.place(LEFT, CELL, line, Some(leaf));
            flow.y += CELL.height;
        }
        element.push(Element::new(Tag::Caption, leaves));
    }
    // A head that takes much of a page would leave no room for what it is the head of: it stands once, over pages if need be.
    let repeats = height(&head) <= (BOTTOM - TOP) * HEAD;
    let leaves =
        if repeats { grid.head(flow, &head, true) } else { grid.over_pages(flow, None, head.clone())? };
    let head = repeats.then_some(&head);
    element.push(Element::new(Tag::THead, [self::element(leaves, true)]));
    let mut body = Element::new(Tag::TBody, Vec::<Element>::new());
    for row in &table.rows {
        let cells = grid.cells(flow.fonts, Hand::Plain, row);
        let leaves = grid.over_pages(flow, head, cells)?;
        body.push(self::element(leaves, false));
    }
    element.push(body);
    flow.elements.push(element);
    flow.gap(4.0);
    Ok(())
}

/// The lines of each cell of a row.
type Cells = Vec<Vec<Line>>;

/// The columns.
struct Grid {
    /// Kind, where it begins and how wide it is.
    columns: Vec<(Kind, f32, f32)>,
}

impl Grid {
    fn new(fonts: &Fonts, table: &Table) -> Self {
        let count = f32::from(u16::try_from(table.columns.len().max(1)).unwrap_or(u16::MAX));
        let all = (RIGHT - LEFT - BETWEEN * (count - 1.0)).max(count);
        // What each column would like to have, and what it needs so that no word is broken.
        let mut wishes = Vec::new();
        for (place, column) in table.columns.iter().enumerate() {
            let field = if column.kind == Kind::Field { FIELD } else { 0.0 };
            let (mut wish, mut need) = measure(fonts, Hand::Strong, &column.name);
            for cell in table.rows.iter().filter_map(|row| row.get(place)) {
                let of_cell = measure(fonts, Hand::Plain, cell);
                (wish, need) = (wish.max(of_cell.0), need.max(of_cell.1));
            }
            // Sums of widths differ from the width of the whole by rounding.
            wishes.push((wish.max(field) + 0.1, need.min(all * WORD).max(field) + 0.1));
        }
        let mut x = LEFT;
        let mut columns = Vec::new();
        for (column, width) in table.columns.iter().zip(share(&wishes, all)) {
            columns.push((column.kind, x, width));
            x += width + BETWEEN;
        }
        Self { columns }
    }

    fn cells(&self, fonts: &Fonts, hand: Hand, texts: &[impl AsRef<str>]) -> Cells {
        let cell = |(place, (_, _, width)): (usize, &(Kind, f32, f32))| {
            let text = texts.get(place).map_or("", AsRef::as_ref);
            if text.is_empty() {
                return Vec::new();
            }
            lines(fonts, &[Span { text: text.to_owned(), hand }], CELL.size, *width)
        };
        self.columns.iter().enumerate().map(cell).collect()
    }

    /// The head; what repeats on later pages is not read aloud again.
    fn head(&self, flow: &mut Flow<'_>, head: &Cells, is_first: bool) -> Vec<Vec<Leaf>> {
        let mut leaves = vec![Vec::new(); self.columns.len()];
        self.place(flow, head.clone(), is_first.then_some(&mut leaves));
        rule(flow, 0.9);
        leaves
    }

    /// A row; it goes to the next page if that can hold it, and is divided if no page can.
    fn over_pages(
        &self,
        flow: &mut Flow<'_>,
        head: Option<&Cells>,
        mut cells: Cells,
    ) -> Result<Vec<Vec<Leaf>>, PdfError> {
        let mut leaves = vec![Vec::new(); self.columns.len()];
        let page = BOTTOM - TOP - head.map_or(0.0, height) - RULES;
        loop {
            let room = BOTTOM - flow.y;
            let needed = height(&cells);
            if needed > room && (needed <= page || fitting(room) == 0) && flow.y > TOP {
                self.turn(flow, head)?;
            }
            let fit = fitting(BOTTOM - flow.y).max(1);
            let rest: Cells = cells.iter_mut().map(|cell| cell.split_off(fit.min(cell.len()))).collect();
            let from = flow.y;
            self.place(flow, cells, Some(&mut leaves));
            self.fields(flow, from);
            if rest.iter().all(Vec::is_empty) {
                rule(flow, 0.4);
                return Ok(leaves);
            }
            cells = rest;
            self.turn(flow, head)?;
        }
    }

    fn turn(&self, flow: &mut Flow<'_>, head: Option<&Cells>) -> Result<(), PdfError> {
        flow.turn()?;
        if let Some(head) = head {
            self.head(flow, head, false);
        }
        Ok(())
    }

    fn place(&self, flow: &mut Flow<'_>, cells: Cells, mut leaves: Option<&mut Vec<Vec<Leaf>>>) {
        let bottom = flow.y + height(&cells);
        let top = flow.y + PAD;
        for (place, cell) in cells.into_iter().enumerate() {
            let Some((kind, x, width)) = self.columns.get(place) else { continue };
            flow.y = top;
            for line in cell {
                let shift = if *kind == Kind::Number { (width - line.width).max(0.0) } else { 0.0 };
                let leaf = leaves.as_mut().and_then(|all| {
                    let leaf = flow.leaf();
                    all.get_mut(place)?.push(leaf);
                    Some(leaf)
                });
                flow.place(x + shift, CELL, line, leaf);
                flow.y += CELL.height;
            }
        }
        flow.y = bottom;
    }

    /// Frames around what is to be filled by hand.
    fn fields(&self, flow: &mut Flow<'_>, from: f32) {
        let height = flow.y - from - 3.0;
        for (_, x, width) in self.columns.iter().filter(|(kind, ..)| *kind == Kind::Field) {
            flow.mark(Mark::Frame { x: *x, y: from + 1.5, width: *width, height });
        }
    }
}

fn rule(flow: &mut Flow<'_>, height: f32) {
    flow.mark(Mark::Area { x: LEFT, y: flow.y, width: RIGHT - LEFT, height, ink: Ink::Rule });
    flow.y += height;
}

fn element(leaves: Vec<Vec<Leaf>>, is_head: bool) -> Element {
    let cell = |leaves: Vec<Leaf>| {
        if is_head {
            Element::new(Tag::TH(TableHeaderScope::Column), leaves)
        } else {
            Element::new(Tag::TD, leaves)
        }
    };
    Element::new(Tag::TR, leaves.into_iter().map(cell))
}

/// How wide a text is on one line, and its widest word.
fn measure(fonts: &Fonts, hand: Hand, text: &str) -> (f32, f32) {
    let spans = [Span { text: text.to_owned(), hand }];
    let all = lines(fonts, &spans, CELL.size, f32::INFINITY);
    let wish = all.iter().map(|line| line.width).fold(0.0, f32::max);
    (wish, widest_word(fonts, hand, text, CELL.size))
}

/// Divides a width among columns that wish for the first and need the second number.
fn share(wishes: &[(f32, f32)], all: f32) -> Vec<f32> {
    let sum = |of: fn(&(f32, f32)) -> f32| wishes.iter().map(of).sum::<f32>();
    let (wished, needed) = (sum(|wish| wish.0), sum(|wish| wish.1));
    let most = if needed > all { level(wishes, all) } else { f32::INFINITY };
    let width = |(wish, need): &(f32, f32)| {
        if wished <= all {
            wish * all / wished
        } else if needed > all {
            need.min(most)
        } else {
            // What is left is divided by what is missing to the wishes.
            need + (all - needed) * (wish - need) / (wished - needed)
        }
    };
    wishes.iter().map(width).collect()
}

/// The width beyond which no column can have what it needs, if all of them need more than there is.
fn level(wishes: &[(f32, f32)], all: f32) -> f32 {
    let mut needs: Vec<f32> = wishes.iter().map(|wish| wish.1).collect();
    needs.sort_by(f32::total_cmp);
    let (mut left, mut columns) = (all, wishes.len());
    for need in needs {
        let share = left / f32::from(u16::try_from(columns).unwrap_or(u16::MAX));
        if need > share {
            return share;
        }
        left -= need;
        columns -= 1;
    }
    f32::INFINITY
}

fn height(cells: &Cells) -> f32 {
    let most = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
    tall(most) + 2.0 * PAD
}

/// How tall so many lines are.
#[expect(clippy::cast_precision_loss, reason = "a page is turned long before there are so many lines")]
fn tall(lines: usize) -> f32 {
    lines as f32 * CELL.height
}

/// How many lines of a row have room.
fn fitting(room: f32) -> usize {
    ((room - 2.0 * PAD) / CELL.height).floor().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_fill_the_table_and_give_to_who_lacks() {
        let total = |widths: &[f32]| widths.iter().sum::<f32>();
        for wishes in [
            vec![(10.0, 5.0), (20.0, 5.0)],
            vec![(300.0, 40.0), (900.0, 60.0)],
            vec![(300.0, 250.0), (900.0, 260.0)],
        ] {
            let widths = share(&wishes, 400.0);
            assert!((total(&widths) - 400.0).abs() < 0.1, "{widths:?}");
        }
        // Who needs little is not made narrower for who needs more than there is.
        let widths = share(&[(300.0, 30.0), (900.0, 700.0), (900.0, 600.0)], 400.0);
        assert!((widths[0] - 30.0).abs() < 0.1 && (widths[1] - widths[2]).abs() < 0.1, "{widths:?}");
        let widths = share(&[(300.0, 40.0), (900.0, 60.0)], 400.0);
        assert!(widths[0] >= 40.0 && widths[1] > widths[0], "{widths:?}");
    }
}
