//! How closely a version is watched: what rule cards lay down, and where the baseline is stricter.
//!
//! What the cards say is an event before the version serves ([`lay_down`]), and again when the policies in force, or the
//! tier of the system, make it something else. Nothing but those decisions changes it.

use super::hysteresis::Rule;
use super::{MILLION, SetBands, bands};
use crate::AppError;
use crate::drift::Bands;
use comptroller_core::ids::{SystemId, VersionId};
use comptroller_core::vocab::RiskTier;
use comptroller_core::{Environment, Event, Slug};
use comptroller_policy::Bundle;
use comptroller_policy::card::Watch;
use comptroller_store::Conn;
use comptroller_store::areas::monitors::{self, BaselineRow, MonitorRow};
use comptroller_store::areas::systems;

/// Without a card so many of the last [`WINDOWS`] days make an alarm.
const BREACHES: u32 = 2;
/// See [`BREACHES`].
const WINDOWS: u32 = 3;
/// Without a card an alarm ends below this part of where the band investigate begins.
const CLEAR: f64 = 2.0 / 3.0;

/// What holds for a version in an environment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Effective {
    /// Where the bands begin.
    pub(super) bands: Bands,
    /// When alarms begin and end.
    pub(super) rule: Rule,
    /// The cards that say so; none: the baseline alone.
    pub(super) rules: Vec<Slug>,
}

/// The stricter of what the cards and the baseline say.
pub(super) fn effective(baseline: &BaselineRow, monitor: Option<&MonitorRow>) -> Effective {
    let mut own = bands(baseline);
    let laid_down = monitor.map(stated).filter(|watch| !watch.rules.is_empty());
    let Some(Watch { rules, bands_ppm, clear_ppm, breaches, windows }) = laid_down else {
        let clear_ppm = (own.investigate * CLEAR * MILLION).round() as u32;
        return Effective {
            bands: own,
            rule: Rule { breaches: BREACHES, windows: WINDOWS, clear_ppm },
            rules: Vec::new(),
        };
    };
    let part = |ppm: u32| f64::from(ppm) / MILLION;
    own.watch = own.watch.min(part(bands_ppm[0]));
    own.investigate = own.investigate.min(part(bands_ppm[1]));
    own.rollback = own.rollback.min(part(bands_ppm[2]));
    let clear_ppm = clear_ppm.min((own.investigate * MILLION).round() as u32);
    Effective { bands: own, rule: Rule { breaches, windows, clear_ppm }, rules }
}

/// Refuses bands that lie above those which the cards in force lay down anywhere: they would be shown, and not used.
pub(super) async fn none_weaker(
    conn: &mut Conn,
    version: VersionId,
    asked: SetBands,
) -> Result<(), AppError> {
    for environment in Environment::ALL {
        let Some(row) = monitors::monitor(conn, version, *environment).await? else { continue };
        let Watch { rules, bands_ppm, .. } = stated(&row);
        let [watch, investigate, rollback] = bands_ppm.map(|ppm| f64::from(ppm) / MILLION);
        let is_weaker = asked.watch > watch || asked.investigate > investigate || asked.rollback > rollback;
        if !rules.is_empty() && is_weaker {
            let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
            let problem = format!(
                "in {environment} the cards {} lay down {watch}, {investigate} and {rollback}, and weaker bands are not \
                 used: give none that is larger, or change the cards",
                rules.join(", ")
            );
            return Err(AppError::invalid("bands", problem));
        }
    }
    Ok(())
}

fn stated(row: &MonitorRow) -> Watch {
    let number = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
    Watch {
        // What does not read is no card.
        rules: serde_json::from_str(&row.rules).unwrap_or_default(),
        bands_ppm: [number(row.watch_ppm), number(row.investigate_ppm), number(row.rollback_ppm)],
        clear_ppm: number(row.clear_ppm),
        breaches: number(row.breaches),
        windows: number(row.windows),
    }
}

/// The event that lays down how a version is watched from now on; none if that is on record already.
pub(crate) async fn lay_down(
    conn: &mut Conn,
    bundle: &Bundle,
    system: SystemId,
    version: VersionId,
    environment: Environment,
) -> Result<Option<Event>, AppError> {
    let row = systems::system(conn, &system.to_string()).await?;
    let tier: Option<RiskTier> = row.and_then(|row| row.risk_tier).map(|tier| tier.0);
    let wanted = bundle.monitors().of_version(tier, environment);
    let known = monitors::monitor(conn, version, environment).await?.as_ref().map(stated);
    let watch = match (wanted, known) {
        (None, None) => return Ok(None),
        // The cards are gone: the baseline alone says what holds, and that is on record too.
        (None, Some(known)) => Watch { rules: Vec::new(), ..known },
        (Some(wanted), _) => wanted,
    };
    if monitors::monitor(conn, version, environment).await?.as_ref().map(stated).as_ref() == Some(&watch) {
        return Ok(None);
    }
    let Watch { rules, bands_ppm: [watch_ppm, investigate_ppm, rollback_ppm], clear_ppm, breaches, windows } =
        watch;
    Ok(Some(Event::MonitorSet {
        system,
        version,
        environment,
        rules,
        watch_ppm,
        investigate_ppm,
        rollback_ppm,
        breaches,
        windows,
        clear_ppm,
    }))
}
