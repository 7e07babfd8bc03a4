//! A year of an organisation in which every control does what it says, and the faults that are put into it.

use super::chance::Chance;
use crate::made::{Made, made, time};
use comptroller_core::Timestamp;
use serde_json::{Value, json};

/// Seconds of an hour and of a day.
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;
/// Days of the year 2026.
pub(crate) const YEAR: i64 = 365;

/// A year in the making.
pub(crate) struct Year {
    pub(crate) events: Vec<Made>,
    pub(crate) chance: Chance,
    count: u64,
}

/// A version on its way into production.
pub(crate) struct Way {
    pub(crate) system: String,
    pub(crate) version: String,
    pub(crate) files: String,
    pub(crate) approval: String,
}

impl Year {
    pub(crate) fn new(seed: u64) -> Self {
        Self { events: Vec::new(), chance: Chance::new(seed), count: 0 }
    }

    /// A name that no other thing has.
    pub(crate) fn name(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("#{kind}{}", self.count)
    }

    /// Midnight of a day of the year, from 0; before and after it too.
    pub(crate) fn day(day: i64) -> Timestamp {
        time("2026-01-01").plus_seconds(day * DAY)
    }

    /// Records an event, and gives it back.
    pub(crate) fn put(&mut self, at: Timestamp, by: &str, kind: &str, fields: &[(&str, Value)]) -> Made {
        let event = made(at, by, kind, fields);
        self.events.push(event.clone());
        event
    }

    /// What the organisation does without regard to any system.
    pub(crate) fn organisation(&mut self) {
        for quarter in 0..4 {
            let at = Self::day(quarter * 91 + 3 + self.chance.below(70)).plus_seconds(HOUR);
            self.put(at, "auditor", "evidence.exported", &[]);
        }
        for week in -1..54 {
            let at = Self::day(week * 7 + self.chance.below(3));
            self.put(at, "system", "ledger.timestamped", &[]);
        }
        for month in 0..12 {
            let at = Self::day(month * 30 + 5 + self.chance.below(15));
            self.put(at, "system", "ledger.stream_heads", &[]);
        }
        let rotated = self.chance.below(300) + 10;
        self.put(Self::day(rotated), "owner", "ledger.key_rotated", &[]);
        self.put(Self::day(rotated + 2), "owner", "ledger.key_retired", &[]);
        for _ in 0..5 {
            let day = self.chance.below(YEAR);
            self.put(Self::day(day), "system", "data.purged", &[]);
            let reader = self.name("reader");
            let at = Self::day(day);
            self.put(
                at,
                "owner",
                "role.granted",
                &[("principal", json!(reader)), ("role", json!("auditor"))],
            );
            let reader = reader.trim_start_matches('#').to_owned();
            self.put(at.plus_seconds(HOUR), &reader, "record.read", &[("kind", json!("personal-data"))]);
        }
        for number in 0..self.chance.below(4) {
            self.policy(30 + 80 * number);
        }
    }

    fn policy(&mut self, day: i64) {
        let proposal = json!(self.name("proposal"));
        let of = |year: &mut Self, hours: i64, by: &str, kind: &str| {
            let at = Self::day(day).plus_seconds(hours * HOUR);
            year.put(at, by, kind, &[("proposal", proposal.clone())]);
        };
        of(self, 1, "owner", "policy.proposed");
        of(self, 2, "system", "policy.analysed");
        of(self, 30, "ann", "policy.voted");
        of(self, 40, "owner", "policy.activated");
    }

    /// A system that is in production before the year begins, and what runs of it all year.
    pub(crate) fn system(&mut self, skip_drill: Option<i64>, skip_bias: bool) -> String {
        let system = self.name("system");
        let of = json!(system);
        let start = Self::day(-60);
        self.put(start, "dev", "system.registered", &[("system", of.clone())]);
        self.put(start.plus_seconds(HOUR), "officer", "system.classified", &[("system", of.clone())]);
        for kind in ["oversight-plan", "monitoring-plan", "security-review"] {
            for day in [-50, 200] {
                self.evidence(Self::day(day), &system, None, kind);
            }
        }
        for quarter in (0..4).filter(|quarter| skip_drill != Some(*quarter)) {
            let at = Self::day(quarter * 91 + 4 + self.chance.below(80)).plus_seconds(9 * HOUR);
            self.put(at, "ops", "rollback.drilled", &[("system", of.clone())]);
        }
        let tested = self.prepare(&system, -40).version;
        for half in [10, 190] {
            if half == 10 || !skip_bias {
                let day = half + self.chance.below(150);
                self.evidence(Self::day(day), &system, Some(&tested), "bias-test");
            }
        }
        if skip_bias {
            // It comes, after the year is over.
            self.evidence(Self::day(YEAR + 5), &system, Some(&tested), "bias-test");
        }
        for day in -1..YEAR + 2 {
            let at = Self::day(day).plus_seconds(self.chance.below(DAY));
            self.put(at, "runtime", "runtime.reported", &[("system", of.clone())]);
        }
        for week in -1..54 {
            let at = Self::day(week * 7).plus_seconds(self.chance.below(3 * DAY));
            self.put(at, "system", "operation.decided", &[("system", of.clone())]);
        }
        system
    }

    /// Evidence of a system or version.
    pub(crate) fn evidence(
        &mut self,
        at: Timestamp,
        system: &str,
        version: Option<&str>,
        kind: &str,
    ) -> Made {
        let version = version.map_or(json!("null"), |version| json!(version));
        let subject = if version == json!("null") { json!("null") } else { json!("%files") };
        let fields = [
            ("evidence", json!(self.name("evidence"))),
            ("kind", json!(kind)),
            ("system", json!(system)),
            ("version", version),
            ("subject", subject),
            ("observed_at", json!(at.plus_seconds(-HOUR).to_string())),
        ];
        self.put(at, "officer", "evidence.recorded", &fields)
    }

    /// Everything that a version needs before it goes live on `day`, but approval.
    pub(crate) fn prepare(&mut self, system: &str, day: i64) -> Way {
        let (version, data, file) =
            (self.name("version"), self.name("data"), self.name("file").replace('#', "%"));
        let (set, files, approval) =
            (self.name("set"), self.name("files").replace('#', "%"), self.name("approval"));
        let at = |hours: i64| Self::day(day).plus_seconds((hours - 240) * HOUR);
        self.put(at(0), "dev", "dataset.registered", &[("dataset", json!(set))]);
        let fields = [("dataset_version", json!(data)), ("dataset", json!(set))];
        self.put(at(1), "dev", "dataset_version.registered", &fields);
        self.put(at(2), "dev", "artifact.stored", &[("digest", json!(file))]);
        let artifacts = json!([{ "name": "m.bin", "digest": file, "bytes": 3 }]);
        let datasets = json!([{ "dataset_version": data, "purpose": "training" }]);
        let fields = [
            ("version", json!(version)),
            ("facts.artifacts", artifacts),
            ("facts.datasets", datasets),
            ("system", json!(system)),
        ];
        self.put(at(3), "dev", "version.registered", &fields);
        for kind in ["evaluation", "bias-test", "model-card"] {
            let hours = 4 + self.chance.below(20);
            self.evidence(at(hours), system, Some(&version), kind);
        }
        let fields = [("version", json!(version)), ("system", json!(system))];
        self.put(at(30), "dev", "baseline.set", &fields);
        let way = Way { system: system.to_owned(), version, files, approval };
        self.deploy(at(40), &way, "staging", "deploy", false);
        way
    }

    /// Asks for approval and gets it, two days before `day`.
    pub(crate) fn approve(&mut self, way: &Way, day: i64) {
        let at = |hours: i64| Self::day(day).plus_seconds((hours - 48) * HOUR);
        let fields = [
            ("approval", json!(way.approval)),
            ("version", json!(way.version)),
            ("artifacts", json!(way.files)),
            ("expires_at", json!(at(200).to_string())),
            ("system", json!(way.system)),
        ];
        self.put(at(0), "ops", "approval.requested", &fields);
        for voter in ["ann", "eve"].into_iter().take(1 + self.chance.below(2) as usize) {
            let hours = 1 + self.chance.below(40);
            let subject = format!("approval/{}", way.approval);
            self.put(at(hours), voter, "factor.used", &[("subject", json!(subject))]);
            let fields = [("approval", json!(way.approval)), ("voter", json!(format!("#{voter}")))];
            self.put(at(hours), voter, "approval.voted", &fields);
        }
    }

    /// A version goes live, with the decision that lets it.
    pub(crate) fn deploy(
        &mut self,
        at: Timestamp,
        way: &Way,
        environment: &str,
        kind: &str,
        approved: bool,
    ) -> Made {
        let decision = json!(self.name("decision"));
        let deployment = self.name("deployment");
        self.put(at, "ops", "decision.recorded", &[("decision", decision.clone())]);
        let approval = if approved { json!(way.approval) } else { json!("null") };
        let fields = [
            ("deployment", json!(deployment)),
            ("system", json!(way.system)),
            ("version", json!(way.version)),
            ("environment", json!(environment)),
            ("kind", json!(kind)),
            ("artifacts", json!(way.files)),
            ("approval", approval),
            ("decision", decision),
        ];
        self.put(at, "ops", "deployment.created", &fields)
    }

    /// An emergency on `day`, reviewed so many hours after it was confirmed; it is due after 48.
    pub(crate) fn emergency(&mut self, system: &str, day: i64, reviewed_after: i64) -> Made {
        let way = self.prepare(system, day);
        let emergency = json!(self.name("emergency"));
        let at = |hours: i64| Self::day(day).plus_seconds(hours * HOUR);
        let of = |name: &'static str, value: Value| (name, value);
        let fields = [
            of("emergency", emergency.clone()),
            of("system", json!(system)),
            of("version", json!(way.version)),
            of("expires_at", json!(at(4).to_string())),
        ];
        self.put(at(0), "ops", "emergency.opened", &fields);
        let fields = [of("emergency", emergency.clone()), of("review_due_at", json!(at(49).to_string()))];
        let confirmed = self.put(at(1), "ann", "emergency.confirmed", &fields);
        let deployed = self.deploy(at(2), &way, "production", "emergency", false);
        let fields =
            [of("emergency", emergency.clone()), of("deployment", deployed.data["deployment"].clone())];
        self.put(at(2), "ops", "emergency.used", &fields);
        self.put(at(1 + reviewed_after), "eve", "emergency.reviewed", &[of("emergency", emergency)]);
        confirmed
    }

    /// The records of a version are judged every day from `first` on for so many days; an alarm on the third of them is
    /// calm again after `calm_after` days.
    pub(crate) fn watched(&mut self, way: &Way, first: i64, days: i64, calm_after: i64) -> Made {
        let (mut alarm, name) = (None, self.name("alarm"));
        for day in first..first + days {
            let of = [
                ("system", json!(way.system)),
                ("version", json!(way.version)),
                ("day", json!(20_454 + day)),
            ];
            let block = ("block", json!(self.name("block")));
            let at = Self::day(day).plus_seconds(2 * HOUR);
            self.put(at, "system", "predictions.sealed", &[&of[..], &[block]].concat());
            let raises = day == first + 2;
            let drifts = day >= first + 2 && day < first + 2 + calm_after;
            let band = if drifts { "investigate" } else { "normal" };
            let at = Self::day(day).plus_seconds(30 * HOUR + self.chance.below(20 * HOUR) / 24);
            self.put(at, "system", "window.judged", &[&of[..], &[("band", json!(band))]].concat());
            let named = [("alarm", json!(name)), ("system", json!(way.system))];
            if raises {
                alarm = Some(self.put(at, "system", "alarm.raised", &[&of[..], &named[..1]].concat()));
            } else if day == first + 2 + calm_after {
                self.put(
                    at,
                    "system",
                    "alarm.cleared",
                    &[&named[..], &[("day", json!(20_454 + day))]].concat(),
                );
            }
        }
        alarm.unwrap()
    }

    /// A waiver, granted by `approver`.
    pub(crate) fn waiver(&mut self, day: i64, approver: &str) -> Made {
        let waiver = json!(self.name("waiver"));
        let at = Self::day(day);
        let until = json!(at.plus_seconds(30 * DAY).to_string());
        self.put(at, "dev", "waiver.requested", &[("waiver", waiver.clone()), ("expires_at", until)]);
        let fields = [("waiver", waiver), ("approver", json!(format!("#{approver}")))];
        self.put(at.plus_seconds(HOUR), approver, "waiver.decided", &fields)
    }

    /// An incident that is closed after so many days.
    pub(crate) fn incident(&mut self, system: &str, day: i64, days: i64) {
        let of = [("incident", json!(self.name("incident"))), ("system", json!(system))];
        self.put(Self::day(day), "system", "incident.opened", &of);
        self.put(Self::day(day + days), "ann", "incident.closed", &of);
    }
}
