//! The name that somebody may have meant.

/// How alike two names must be, of 1.
const ALIKE: f64 = 0.75;

/// `; did you mean X?` for the known name that is nearest, if any is near; else nothing.
pub(crate) fn hint<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let nearest = known.into_iter().map(|known| (strsim::jaro_winkler(name, known), known));
    match nearest.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((near, known)) if near > ALIKE => format!("; did you mean {known}?"),
        _ => String::new(),
    }
}
