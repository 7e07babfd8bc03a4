//! Columns of vectors, as a table of their own.

use std::fmt::Write as _;

use comptroller_stats::drift::percent;
use comptroller_stats::embedding::Embedding;

use crate::escape::markup;

/// Renders the section; nothing without columns of vectors.
pub(super) fn html(page: &mut String, embeddings: &[Embedding]) {
    if embeddings.is_empty() {
        return;
    }
    page.push_str(
        "<section aria-labelledby=\"h-v\"><h2 id=\"h-v\">Vectors</h2>\n<div class=\"wide\"><table><caption>Means are of all \
         rows, the rest of an even sample. An area of 0.5 means that the sides cannot be told apart.</caption><thead><tr>\
         <th scope=\"col\">Column</th><th scope=\"col\" class=\"n\">Numbers</th><th scope=\"col\" class=\"n\">Missing</th>\
         <th scope=\"col\" class=\"n\">Cosine distance</th><th scope=\"col\" class=\"n\">Classifier's area</th>\
         <th scope=\"col\" class=\"n\">MMD², p</th><th scope=\"col\">Components</th></tr></thead><tbody>\n",
    );
    for embedding in embeddings {
        let [cosine, area, discrepancy] = numbers(embedding);
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{cosine}</td>\
             <td class=\"n\">{area}</td><td class=\"n\">{discrepancy}</td><td>{}</td></tr>",
            markup(&embedding.column),
            embedding.dims,
            percent(embedding.missing.current),
            components(embedding)
        );
    }
    page.push_str("</tbody></table></div>\n<ul>");
    for embedding in embeddings {
        for note in &embedding.notes {
            let _ = write!(page, "<li>{}: {}</li>", markup(&embedding.column), markup(note));
        }
    }
    page.push_str("</ul></section>\n");
}

/// Renders the rows as Markdown; nothing without columns of vectors.
pub(super) fn markdown(text: &mut String, embeddings: &[Embedding]) {
    if embeddings.is_empty() {
        return;
    }
    text.push_str(
        "\n| Vectors | Numbers | Cosine distance | Classifier's area | MMD², p | Components |\n|---|---:|---:|---:|---:|---|\n",
    );
    for embedding in embeddings {
        let [cosine, area, discrepancy] = numbers(embedding);
        let _ = writeln!(
            text,
            "| {} | {} | {cosine} | {area} | {discrepancy} | {} |",
            crate::escape::markdown(&embedding.column),
            embedding.dims,
            components(embedding)
        );
    }
}

/// Cosine distance, area and discrepancy, a dash for what was not measured.
fn numbers(embedding: &Embedding) -> [String; 3] {
    let dash = || "-".to_owned();
    [
        embedding.cosine.map_or_else(dash, |cosine| format!("{cosine:.4}")),
        embedding.classifier.map_or_else(dash, |[area, error]| format!("{area:.3} ± {:.3}", 1.96 * error)),
        embedding.discrepancy.map_or_else(dash, |found| format!("{:.5}, {:.4}", found.squared, found.p)),
    ]
}

/// How many components drifted, and the first of them.
fn components(embedding: &Embedding) -> String {
    let Some(drifted) = embedding.drifted else { return "-".to_owned() };
    let first: Vec<String> = embedding
        .components
        .iter()
        .take(3)
        .map(|found| format!("{} (V {:.2})", found.index, found.v))
        .collect();
    format!("{drifted} of {} differ; largest {}", embedding.dims, first.join(", "))
}
