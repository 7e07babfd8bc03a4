//! Gauges of drift: one series for each version in each environment, of those judged last.

use super::{head, line};
use comptroller_app::monitors::DriftGauge;

/// Writes the gauges; nothing if no day was judged. Names of systems and versions are slugs and labels, which hold no
/// character that would need an escape.
pub(super) fn write(out: &mut String, gauges: &[DriftGauge]) {
    if gauges.is_empty() {
        return;
    }
    let mut each = |name: &str, help: &str, value: &dyn Fn(&DriftGauge) -> Option<String>| {
        head(out, name, "gauge", help);
        for gauge in gauges {
            let Some(value) = value(gauge) else { continue };
            let DriftGauge { system, version, environment, .. } = gauge;
            let labels = format!("system=\"{system}\",version=\"{version}\",environment=\"{environment}\"");
            line(out, &format!("{name}{{{labels}}} {value}"));
        }
    };
    let help = "Drift coefficient of the newest judged day, 0 to 1; absent without enough evidence.";
    each("comptroller_drift_coefficient", help, &|gauge| Some(format!("{:.6}", gauge.coefficient?)));
    let help = "Its band: 0 normal, 1 watch, 2 investigate, 3 rollback; absent without enough evidence.";
    each("comptroller_drift_band", help, &|gauge| Some(gauge.band?.to_string()));
    let help = "POSIX time of the newest judgement.";
    each("comptroller_drift_judged_time_seconds", help, &|gauge| Some(seconds(gauge.judged_at)));
    let help = "POSIX time at which the newest judged day begins: that records stop to come shows here.";
    each("comptroller_drift_day_time_seconds", help, &|gauge| Some(seconds(gauge.day)));
    let help = "Records of the newest judged day.";
    each("comptroller_drift_records", help, &|gauge| Some(gauge.rows.to_string()));
    let help = "Records of the newest judged day whose label has come.";
    each("comptroller_drift_labelled_records", help, &|gauge| Some(gauge.labelled.to_string()));
    let help = "Alarms that have not ended.";
    each("comptroller_drift_alarms_open", help, &|gauge| Some(gauge.alarms.to_string()));
}

fn seconds(at: comptroller_core::Timestamp) -> String {
    (at.micros() / 1_000_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_core::Timestamp;

    #[test]
    fn a_version_has_one_series_of_each_and_what_is_not_known_has_none() {
        let gauge = DriftGauge {
            system: "scoring".into(),
            version: "scorer@1".into(),
            environment: "production".into(),
            coefficient: Some(0.25),
            band: Some(1),
            judged_at: Timestamp::from_micros(1_800_000_000_500_000),
            day: Timestamp::from_micros(1_799_971_200_000_000),
            rows: 40,
            labelled: 10,
            alarms: 2,
        };
        let silent =
            DriftGauge { version: "scorer@2".into(), coefficient: None, band: None, ..gauge.clone() };
        let mut out = String::new();
        write(&mut out, &[gauge, silent]);
        let labels = "{system=\"scoring\",version=\"scorer@1\",environment=\"production\"}";
        assert!(out.contains(&format!("comptroller_drift_coefficient{labels} 0.250000\n")), "{out}");
        assert!(out.contains(&format!("comptroller_drift_band{labels} 1\n")));
        assert!(out.contains(&format!("comptroller_drift_judged_time_seconds{labels} 1800000000\n")));
        assert!(out.contains(&format!("comptroller_drift_labelled_records{labels} 10\n")));
        assert_eq!(out.matches("comptroller_drift_alarms_open{").count(), 2);
        assert_eq!(out.matches("comptroller_drift_coefficient{").count(), 1, "no evidence is no zero");
        let mut none = String::new();
        write(&mut none, &[]);
        assert!(none.is_empty());
    }
}
