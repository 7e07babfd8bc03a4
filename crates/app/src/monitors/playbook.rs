//! What to do about a drift, in the order to do it in. The words depend on nothing but where it shows and how far.

use comptroller_core::vocab::{DriftBand, DriftPillar};

/// The next steps for a band and the pillar behind it.
pub fn advice(band: DriftBand, pillar: Option<DriftPillar>) -> &'static str {
    match (band, pillar) {
        (DriftBand::Normal, _) | (_, None) => "nothing is to be done",
        (DriftBand::Watch, _) => "look at the columns that carry it; nothing is to be changed yet",
        (_, Some(DriftPillar::Quality)) => {
            "find what broke on the way of the data (the findings name it) and repair it; do not retrain on it; if \
             decisions rest on it now, stop or roll back"
        }
        (DriftBand::Rollback, Some(DriftPillar::Performance | DriftPillar::Concept)) => {
            "roll back to a version that held, or hand the decisions to people; then retrain on labelled data of now"
        }
        (_, Some(DriftPillar::Performance | DriftPillar::Concept)) => {
            "check the labels, then retrain on labelled data of now and have the new version tested"
        }
        // Inputs and scores alone never ask for this: a fault or a loss of skill stands behind them.
        (DriftBand::Rollback, Some(DriftPillar::Data | DriftPillar::Prediction)) => {
            "a fault or a loss of skill stands behind it: roll back or stop, and repair what the findings name"
        }
        (_, Some(DriftPillar::Data | DriftPillar::Prediction)) => {
            "ask whether the people or the source changed, get labels for a sample, and measure whether it harms"
        }
    }
}
