//! Parties outside that `serve` talks to, as the configuration names them.

use crate::config::{Config, Notify};
use crate::failure::Failure;
use crate::input::read_text;
use crate::output::note;
use comptroller_app::notify::{Destination, EmailSettings, patterns};
use comptroller_app::outbound::check_url;
use comptroller_app::reminders::ReminderSettings;
use comptroller_app::sign_in::SignInSettings;
use comptroller_app::timestamp::TimestampSettings;
use comptroller_app::witness::{Asked, WitnessSettings};
use comptroller_app::{App, AppError};
use comptroller_ledger::{Anchors, Policy};
use std::num::NonZeroU32;
use std::time::Duration;

/// Largest policy or certificate file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The witnesses of the configured policy; none if there is no policy.
pub(super) fn witnesses(config: &Config) -> anyhow::Result<Option<WitnessSettings>> {
    let witness = &config.witness;
    let Some(path) = &witness.policy else {
        if witness.require_quorum {
            return Err(Failure::usage(
                "witness.require_quorum is set, but witness.policy is not",
                "name a policy file with the witnesses, or take the setting away",
            ));
        }
        return Ok(None);
    };
    let text = read_text(path, MAX_FILE)?;
    let policy = Policy::parse(text.as_bytes()).map_err(|error| {
        let message = format!("witness.policy {}: {error}", path.display());
        Failure::usage(message, "correct the policy; its format is C2SP tlog-policy")
    })?;
    if policy.witnesses().all(|witness| witness.url.is_none()) {
        return Err(Failure::usage(
            format!("witness.policy {} has no witness with an address", path.display()),
            "write the submission URL of each witness behind its key",
        ));
    }
    let every = Duration::from_secs(u64::from(witness.every_seconds.get()));
    Ok(Some(WitnessSettings { policy, every, require_quorum: witness.require_quorum }))
}

/// The identity provider at which people sign in; none if none is configured.
pub(super) fn sign_in(config: &Config) -> anyhow::Result<Option<SignInSettings>> {
    let sign_in = &config.sign_in;
    let Some(issuer) = &sign_in.issuer else {
        if sign_in.client_id.is_some() || sign_in.client_secret.is_some() || sign_in.step_up {
            return Err(Failure::usage(
                "sign_in.client_id, sign_in.client_secret or sign_in.step_up is set, but sign_in.issuer is not",
                "name the identity provider, or take the settings away",
            ));
        }
        return Ok(None);
    };
    let (Some(client_id), Some(public_url)) = (&sign_in.client_id, &config.server.public_url) else {
        return Err(Failure::usage(
            "sign_in.issuer is set, but sign_in.client_id or server.public_url is not",
            "set both: the name that the provider gave this server, and the server's address in browsers",
        ));
    };
    let settings = SignInSettings {
        issuer: issuer.clone(),
        client_id: client_id.clone(),
        client_secret: sign_in.client_secret.clone(),
        assume_verified_email: sign_in.assume_verified_email,
        public_url: public_url.clone(),
        step_up: sign_in.step_up,
    };
    settings.check().map_err(|error| Failure::usage(error.to_string(), "correct the setting"))?;
    Ok(Some(settings))
}

/// The configured time-stamp authority; none if there is no address.
pub(super) fn timestamps(config: &Config) -> anyhow::Result<Option<TimestampSettings>> {
    let timestamp = &config.timestamp;
    let (url, ca) = match (&timestamp.url, &timestamp.ca) {
        (None, None) => return Ok(None),
        (Some(url), Some(ca)) => (url, ca),
        (None, Some(_)) => {
            return Err(Failure::usage(
                "timestamp.ca is set, but timestamp.url is not",
                "name the address of the authority, or take the setting away",
            ));
        }
        (Some(_), None) => {
            return Err(Failure::usage(
                "timestamp.url is set, but timestamp.ca is not",
                "name a PEM file with the certificates of the authority's root, as the authority publishes them",
            ));
        }
    };
    check_url(url).map_err(|error| {
        Failure::usage(format!("timestamp.url: {error}"), "give the https:// address of the authority")
    })?;
    let text = read_text(ca, MAX_FILE)?;
    let anchors = Anchors::from_pem(text.as_bytes()).map_err(|error| {
        let message = format!("timestamp.ca {}: {error}", ca.display());
        Failure::usage(message, "give the certificates of the authority's root in PEM")
    })?;
    let every = Duration::from_secs(u64::from(timestamp.every_seconds.get()));
    Ok(Some(TimestampSettings { url: url.clone(), every, anchors }))
}

/// Where messages go, about which events, and when people are reminded.
pub(super) fn notifications(
    config: &Config,
) -> anyhow::Result<(Vec<Destination>, Vec<String>, ReminderSettings)> {
    let notify = &config.notify;
    let failed = |error: AppError| Failure::usage(format!("notify: {error}"), "correct the setting");
    let mut destinations = Vec::new();
    match (&notify.webhook_url, &notify.webhook_secret) {
        (None, None) => {}
        (Some(url), Some(secret)) => destinations.push(Destination::webhook(url, secret).map_err(failed)?),
        _ => {
            return Err(Failure::usage(
                "only one of notify.webhook_url and notify.webhook_secret is set",
                "set both, the secret best by notify.webhook_secret_file",
            ));
        }
    }
    if let Some(url) = &notify.slack_url {
        destinations.push(Destination::slack(url).map_err(failed)?);
    }
    if let Some(settings) = email(notify)? {
        destinations.push(Destination::email(settings).map_err(failed)?);
    }
    let hours = |count: NonZeroU32| Duration::from_secs(u64::from(count.get()) * 3_600);
    let reminders =
        ReminderSettings { remind: hours(notify.remind_hours), escalate: hours(notify.escalate_hours) };
    if reminders.escalate < reminders.remind {
        return Err(Failure::usage(
            "notify.escalate_hours is less than notify.remind_hours",
            "those who decide are reminded first",
        ));
    }
    Ok((destinations, patterns(&notify.events).map_err(failed)?, reminders))
}

/// The mail server, if one is set, with everything that goes with it.
fn email(notify: &Notify) -> anyhow::Result<Option<EmailSettings>> {
    let Some(host) = &notify.email_host else {
        if notify.email_to.is_some() || notify.email_from.is_some() {
            let message = "notify.email_to or notify.email_from is set, but notify.email_host is not";
            return Err(Failure::usage(message, "name the mail server"));
        }
        return Ok(None);
    };
    let (Some(from), Some(to)) = (&notify.email_from, &notify.email_to) else {
        return Err(Failure::usage(
            "notify.email_host is set, but not both of notify.email_from and notify.email_to",
            "name the sender and the recipients",
        ));
    };
    let login = match (&notify.email_user, &notify.email_password) {
        (None, None) => None,
        (Some(user), Some(password)) => Some((user.clone(), password.clone().into())),
        _ => {
            return Err(Failure::usage(
                "only one of notify.email_user and notify.email_password is set",
                "set both, the password best by notify.email_password_file",
            ));
        }
    };
    let ca = match &notify.email_ca {
        Some(path) => Some(read_text(path, MAX_FILE)?.into_bytes()),
        None => None,
    };
    Ok(Some(EmailSettings {
        host: host.clone(),
        port: notify.email_port,
        security: notify.email_security,
        login,
        from: from.clone(),
        to: to.clone(),
        ca,
    }))
}

/// Asks the witnesses whether they agree with this database, before anything is written to it.
pub(super) async fn ask_witnesses(app: &App) {
    let Asked { witnesses, answered } = app.ask_witnesses().await;
    if witnesses > 0 && answered == 0 && !app.store().is_read_only() {
        note(&format!(
            "warning: none of {witnesses} witnesses answered, so none could say whether this database is too old"
        ));
    }
}
