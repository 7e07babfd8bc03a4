//! A small writer of SVG: shapes with classes, so that colours stand in one style sheet, and a name and description
//! for those who do not see.

use std::fmt::Write as _;

use crate::escape::markup;

/// A picture that is being drawn.
pub(crate) struct Svg {
    text: String,
}

impl Svg {
    /// Begins a picture of so many units; it scales to the width of its place. `id` is unique in the document.
    pub(crate) fn new(id: &str, width: u32, height: u32, title: &str, description: &str) -> Self {
        let (title, description) = (markup(title), markup(description));
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}\
             </desc>"
        );
        Self { text }
    }

    /// A rectangle, with what is shown where a pointer rests on it.
    pub(crate) fn bar(&mut self, class: &str, [x, y, width, height]: [f64; 4], hint: &str) {
        let _ = write!(
            self.text,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">"
        );
        if !hint.is_empty() {
            let _ = write!(self.text, "<title>{}</title>", markup(hint));
        }
        self.text.push_str("</rect>");
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        let _ = write!(
            self.text,
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        );
    }

    /// A line through points.
    pub(crate) fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let _ = write!(self.text, "<path class=\"{class}\" d=\"");
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(self.text, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
        }
        self.text.push_str("\"/>");
    }

    /// A text; `anchor` is start, middle or end.
    pub(crate) fn label(&mut self, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
        let _ = write!(
            self.text,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            markup(text)
        );
    }

    /// The finished picture.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }
}
