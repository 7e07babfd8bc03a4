//! `comptroller factor`: second factors, which people show when they vote on production.

use super::Context;
use super::token::{Secret, issue_secret};
use crate::client::path;
use crate::output::note;
use clap::{Args, Subcommand};
use comptroller_app::factors::step_up::SecondFactor;
use comptroller_app::factors::{BeginFactor, EnrolFactor, RemoveFactor};
use comptroller_core::Slug;
use comptroller_core::ids::FactorId;
use comptroller_core::vocab::FactorKind;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Begin to enrol an authenticator app; its secret is shown this once.
    Begin {
        #[command(flatten)]
        secret: Secret,
    },
    /// Finish the enrolment within ten minutes: show that the app has the secret.
    Enrol {
        /// The id that `factor begin` answered.
        factor: FactorId,
        /// What you call it.
        #[arg(long)]
        label: Slug,
        /// The code that the app shows.
        #[arg(long, value_name = "CODE")]
        first_code: String,
        #[command(flatten)]
        code: Code,
    },
    /// List your factors.
    List,
    /// Take a factor of yours away.
    Remove {
        /// Its id.
        factor: FactorId,
        #[command(flatten)]
        code: Code,
    },
    /// Take the factors of a person away who has lost them. Every credential of the person ends.
    Reset {
        /// The person's id.
        person: String,
    },
}

/// A second factor on the command line.
#[derive(Clone, Debug, Args)]
pub(crate) struct Code {
    /// The present code of your authenticator app, if you have enrolled one. It works once.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
}

impl Code {
    /// The factor that is shown with the request.
    pub(crate) fn factor(self) -> Option<SecondFactor> {
        self.code.map(SecondFactor::code)
    }
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    let own = |rest: &[&str]| path(&[&["whoami", "factors"], rest].concat());
    match verb {
        Verb::Begin { secret } => {
            issue_secret(context, &own(&["begin"]), &BeginFactor { kind: FactorKind::Totp }, &secret)?;
            note(
                "note: type the secret into your app, then `comptroller factor enrol ID --label NAME --first-code CODE`",
            );
            Ok(())
        }
        Verb::Enrol { factor, label, first_code, code } => {
            let command = EnrolFactor {
                id: factor,
                label,
                code: Some(first_code),
                passkey: None,
                second_factor: code.factor(),
            };
            screen.object(&client.post(&own(&[]), &command)?)
        }
        Verb::List => {
            let columns =
                [("ID", "/id"), ("KIND", "/kind"), ("LABEL", "/label"), ("ENROLLED", "/enrolled_at")];
            screen.table(&client.get(&own(&[]), &[])?, &columns)
        }
        Verb::Remove { factor, code } => {
            let command = RemoveFactor { second_factor: code.factor() };
            screen.object(&client.post(&own(&[&factor.to_string(), "remove"]), &command)?)
        }
        Verb::Reset { person } => {
            screen.object(&client.post(&path(&["principals", &person, "factors", "reset"]), &json!({}))?)
        }
    }
}
