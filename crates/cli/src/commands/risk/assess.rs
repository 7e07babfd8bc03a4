//! A risk assessment as text for people.

use super::text::rests_on;
use crate::output::Style;
use comptroller_compliance::risk::{Assessment, Points};
use std::fmt::Write as _;

/// How much of a digest is shown.
const SHORT: usize = 12;

/// The whole of it.
pub(super) fn assessment(found: &Assessment, style: Style) -> String {
    let mut text = String::new();
    let band = match found.band {
        Some(band) => style.strong(band.as_str()),
        None => {
            style.caution(&format!("open: between {} and {}", found.lowest.as_str(), found.highest.as_str()))
        }
    };
    let _ = writeln!(text, "risk     {band}");
    let _ = writeln!(text, "total    {} of 100", points(found.total));
    let digest = |digest: &str| digest.chars().take(SHORT).collect::<String>();
    let _ = writeln!(
        text,
        "data     scale {}, facts {}",
        digest(found.scale.as_str()),
        digest(found.facts.as_str())
    );
    for dimension in &found.dimensions {
        let heading =
            format!("{} ({} %): {} of 100", dimension.label, dimension.weight, points(dimension.points));
        let _ = writeln!(text, "\n{}", style.strong(&heading));
        for part in &dimension.parts {
            let in_total = format!("{} points, {} in total", points(part.points), hundredths(part.in_total));
            let _ = writeln!(text, "  {:<26} {}: {}", in_total, part.text, part.answer);
            if let Some(stated) = &part.stated {
                let _ = writeln!(text, "{}", style.dim(&format!("{:29}{}", "", rests_on(stated))));
            }
        }
    }
    if !found.open.is_empty() {
        let _ = writeln!(text, "\n{} {}", style.strong("Open questions"), found.open.join(" "));
    }
    let note = "An engineering aid: the points order systems among each other and measure no probability.";
    let _ = writeln!(text, "\n{}", style.dim(note));
    text
}

fn points(points: Points) -> String {
    if points.least == points.most {
        return points.most.to_string();
    }
    format!("{} to {}", points.least, points.most)
}

/// Hundredths of a point as points.
fn hundredths(share: Points) -> String {
    let one = |hundredths: u32| format!("{}.{:02}", hundredths / 100, hundredths % 100);
    if share.least == share.most {
        return one(share.most);
    }
    format!("{} to {}", one(share.least), one(share.most))
}
