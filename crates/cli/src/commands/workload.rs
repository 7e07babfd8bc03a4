//! `comptroller workload`: pipelines that get tokens for what their platform says about them.

use super::Context;
use super::token::{Secret, issue_secret};
use crate::args::Paging;
use crate::client::path;
use crate::input::{one_of, pair, read_text};
use clap::{Args, Subcommand};
use comptroller_app::workloads::{ExchangeToken, TrustWorkload};
use comptroller_core::Environment;
use std::path::PathBuf;

/// Longest file with a workload token, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Trust an issuer's tokens with these claims for a service account.
    Trust(Trust),
    /// List who is trusted, and who was.
    List(Paging),
    /// End a trust.
    End {
        /// The trust's id.
        trust: String,
    },
    /// Change a workload token for a token of ten minutes. Needs no other credential.
    Exchange {
        /// File with the workload token (`-` for stdin), as the platform gave it.
        #[arg(long, value_name = "FILE")]
        subject_token: PathBuf,
        /// The service account by name or id; needed if the token is trusted for several.
        #[arg(long)]
        account: Option<String>,
        #[command(flatten)]
        secret: Secret,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// The service account that will act, by name or id.
    account: String,
    /// The issuer's address, exactly as in its tokens.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Whom the tokens have to be for: a text that you choose for this server.
    #[arg(long)]
    audience: String,
    /// A claim and the one value that it has to have; again for each. Besides `sub` there must be another one.
    #[arg(long = "claim", value_name = "NAME=VALUE", required = true, value_parser = pair::<String>)]
    claims: Vec<(String, String)>,
    /// The one environment that the tokens are good for; without it as for other tokens.
    #[arg(long, value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Option<Environment>,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Trust(Trust { account, issuer, audience, claims, environment }) => {
            let claims = claims.into_iter().collect();
            let command = TrustWorkload { service_account: account, issuer, audience, claims, environment };
            screen.object(&client.post(&path(&["workload-trusts"]), &command)?)
        }
        Verb::List(paging) => {
            let answer = client.list(&path(&["workload-trusts"]), &[], &paging)?;
            let columns = [
                ("ID", "/id"),
                ("ACCOUNT", "/service_account"),
                ("ISSUER", "/issuer"),
                ("ENVIRONMENT", "/environment"),
                ("SINCE", "/trusted_at"),
                ("UNTIL", "/distrusted_at"),
            ];
            screen.table(&answer, &columns)
        }
        Verb::End { trust } => {
            let path = path(&["workload-trusts", &trust, "end"]);
            screen.object(&client.post(&path, &serde_json::json!({}))?)
        }
        Verb::Exchange { subject_token, account, secret } => {
            let text = read_text(&subject_token, MAX_TOKEN)?;
            let command = ExchangeToken { subject_token: text.trim().to_owned(), service_account: account };
            issue_secret(context, &path(&["token-exchange"]), &command, &secret)
        }
    }
}
