//! The register of risks of a server.

use super::Verb;
use crate::client::{Answer, path};
use crate::commands::{Context, stale};
use crate::input::one_of;
use crate::output::page;
use clap::Args;
use comptroller_app::assess::Because;
use comptroller_app::risks::RateRisk;
use comptroller_core::name::ControlId;
use comptroller_core::vocab::RiskTreatment;

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The AI system, by id or name.
    system: String,
    /// What may happen.
    #[arg(long)]
    description: String,
    #[command(flatten)]
    rating: Rating,
}

#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// The risk, by its id.
    risk: String,
    /// What the review says.
    #[arg(long)]
    note: String,
    #[command(flatten)]
    rating: Rating,
}

/// How a risk is rated. Steps are 1 (least) to 5.
#[derive(Debug, Args)]
struct Rating {
    /// How likely it is before the treatment: 1 rare to 5 almost certain.
    #[arg(long, value_name = "1..5")]
    likelihood: u8,
    /// How severe it is then: 1 negligible to 5 severe.
    #[arg(long, value_name = "1..5")]
    severity: u8,
    /// What is done about it.
    #[arg(long, value_parser = one_of(RiskTreatment::ALL, RiskTreatment::as_str))]
    treatment: RiskTreatment,
    /// How likely it is with the treatment; as before, without.
    #[arg(long, value_name = "1..5")]
    residual_likelihood: Option<u8>,
    /// How severe it is with the treatment; as before, without.
    #[arg(long, value_name = "1..5")]
    residual_severity: Option<u8>,
    /// The person who answers for it, by id.
    #[arg(long)]
    owner: String,
    /// In how many days it is reviewed.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    review_days: u32,
    /// A control that holds it down; may be given several times.
    #[arg(long = "control", value_name = "CONTROL")]
    controls: Vec<ControlId>,
}

impl Rating {
    fn command(self, text: String) -> RateRisk {
        RateRisk {
            text,
            likelihood: self.likelihood,
            severity: self.severity,
            treatment: self.treatment,
            residual_likelihood: self.residual_likelihood.unwrap_or(self.likelihood),
            residual_severity: self.residual_severity.unwrap_or(self.severity),
            owner: self.owner,
            review_days: self.review_days,
            controls: self.controls,
        }
    }
}

pub(super) fn run(Context { client, screen }: &Context, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Add(AddArgs { system, description, rating }) => {
            let address = path(&["systems", &system, "risks"]);
            screen.object(&client.post(&address, &rating.command(description))?)
        }
        Verb::Review(ReviewArgs { risk, note, rating }) => {
            screen.object(&client.post(&path(&["risks", &risk, "review"]), &rating.command(note))?)
        }
        Verb::Close { risk, reason } => {
            screen.object(&client.post(&path(&["risks", &risk, "closure"]), &Because { reason })?)
        }
        Verb::List { system, overdue } => {
            let stale = stale::ask(client, system.clone())?.assessments;
            let query = [("system", system), ("overdue", overdue.then(|| "true".to_owned()))];
            let answer = client.get(&path(&["risks"]), &query)?;
            let value = serde_json::json!({ "items": answer.value, "stale_assessments": stale });
            let columns = [
                ("ID", "/id"),
                ("SYSTEM", "/slug"),
                ("STATE", "/state"),
                ("BAND", "/band"),
                ("WITH TREATMENT", "/residual_band"),
                ("TREATMENT", "/rating/treatment"),
                ("REVIEW BY", "/rating/review_at"),
                ("DESCRIPTION", "/description"),
            ];
            screen.print(&Answer::of_value(value), |value| {
                page(value, &columns, screen.style) + &stale::assessments(&stale, screen.style)
            })
        }
        _ => Ok(()),
    }
}
