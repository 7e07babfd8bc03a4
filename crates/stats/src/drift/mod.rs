//! A comparison as a whole: columns, causes, diagnosis, verdict.

mod assemble;
mod causes;
mod compared;
mod diagnosis;
mod report;
mod since;
mod swap;
mod units;

pub use crate::stream::Onset;
pub use assemble::{Inputs, Settings, TimeOrder, report};
pub use causes::percent;
pub use compared::Compared;
pub use report::{
    Cause, Code, Column, Evidence, Finding, FindingKind, Headline, Method, Pillar, PillarName, Rates, Report,
    RoleView, Side,
};

/// What every number of a report is, for the report itself.
fn definitions() -> Vec<&'static str> {
    vec![
        "V: Cramer's V of sample by bin at equal weights, V^2 = 1/2 sum (p-q)^2/(p+q), on bins frozen from the \
         reference (at most 32 quantile bins closed on the right, a bin for each value with that much mass, and counted \
         bins for missing, NaN, -inf, +inf, wrong type, below, above, rare and unseen)",
        "Vc: sqrt(max(0, V^2 - c (K-1))), c = 1/4 (1/n1 + 1/n2), K bins that either side fills",
        "gate: V^2/c beyond the chi-square law with K-1 degrees of freedom at alpha / 4 / columns; below it a column \
         counts 0",
        "data: (sum w Vc^3)^(1/3) over features, weights adding to 1; contribution: w Vc^3 over its sum",
        "prediction: the largest Vc of scores and decisions",
        "quality: the largest Vc of {sound, missing, not finite, wrong type, below, above, unseen}",
        "embedding: V of the score of a domain classifier (logistic regression, every other sampled row) on the rows it was \
         not fitted on; one feature",
        "performance: lower 95 % bound of (before - now) / (before - chance), by AUC, else by accuracy, else by \
         squared error",
        "concept: sqrt(sum m Vc^2) of the label within groups of equal score",
        "coefficient: the largest of the five; inputs and predictions alone never ask for more than to investigate, nor do \
         values out of range or unseen where labels show that no skill is lost",
        "PSI: shares raised to at least 0.0001; numbers on the reference's deciles (type 7), categories on the scored \
         bins",
        "Jensen-Shannon (base 2, root), Hellinger, total variation, chi-square (two samples): on the scored bins",
        "KS and Wasserstein-1: finite values only; exact, or on the stored bins where a side is a profile or has \
         more values than are held at once",
    ]
}
