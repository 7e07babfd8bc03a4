//! The tier by rules: every use case, practice, exemption and exclusion one by one, and what holds for all answers
//! (unknown-stays-unknown).

use comptroller_compliance::classify::{
    Classification, Decides, Facts, Origin, Standing, Stated, Tri, classify, questions, template,
};
use comptroller_compliance::framework::{Catalogue, Day, Framework, Kind, Status, Who};
use comptroller_core::vocab::RiskTier;
use proptest::prelude::*;
use std::sync::LazyLock;

static ACT: LazyLock<Framework> =
    LazyLock::new(|| Catalogue::builtin().unwrap().framework("eu-ai-act").unwrap().clone());

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn today() -> Day {
    day("2026-11-27")
}

#[expect(clippy::unnecessary_wraps, reason = "answers hold it as an option")]
fn ada() -> Option<Stated> {
    Some(Stated { source: Origin::Human, by: "Ada".into(), reference: String::new(), on: day("2026-11-20") })
}

/// Every question answered with no, but for these.
fn no_but(yes: &[&str], unknown: &[&str]) -> Facts {
    let mut facts = Facts::default();
    for question in questions(&ACT, today()) {
        let answer = match question.id.as_str() {
            id if yes.contains(&id) => Tri::Yes,
            id if unknown.contains(&id) => Tri::Unknown,
            _ => Tri::No,
        };
        facts = facts.with(&question.id, answer, ada());
    }
    facts
}

fn on(facts: &Facts, as_of: &str) -> Classification {
    classify(&ACT, facts, day(as_of), day(as_of)).unwrap()
}

fn now(yes: &[&str], unknown: &[&str]) -> Classification {
    on(&no_but(yes, unknown), "2026-11-27")
}

fn duty_ids(found: &Classification) -> Vec<&str> {
    found.duties.iter().map(|duty| duty.id.as_str()).collect()
}

#[test]
fn only_a_system_of_which_all_is_denied_is_minimal() {
    let found = now(&[], &[]);
    assert_eq!(found.tier, Some(RiskTier::Minimal));
    assert!(found.open.is_empty() && found.ways.is_empty());
}

#[test]
fn unknown_stays_unknown_and_names_its_questions() {
    let found = on(&Facts::default(), "2026-11-27");
    assert_eq!(found.tier, None);
    assert_eq!((found.lowest, found.highest), (RiskTier::Minimal, RiskTier::Prohibited));
    for id in ["5.1.a", "III.8.b", "annex-i.product", "transparency.interacts", "role.provider"] {
        assert!(found.open.iter().any(|open| open == id), "{id}");
    }
    let first_role = found.open.iter().position(|id| id == "role.provider").unwrap();
    let last_case = found.open.iter().position(|id| id == "III.8.b").unwrap();
    assert!(last_case < first_role, "questions about the tier come first");
}

#[test]
fn each_of_the_25_use_cases_alone_makes_a_system_high_risk() {
    let cases: Vec<&str> = ACT.of_kind(Kind::UseCase, today()).map(|row| row.id.as_str()).collect();
    assert_eq!(cases.len(), 25);
    for case in cases {
        let found = now(&[case, "role.provider"], &[]);
        assert_eq!(found.tier, Some(RiskTier::High), "{case}");
        assert_eq!(found.ways[0].use_case.as_deref(), Some(case));
        assert!(found.path.iter().any(|step| step.question == case && step.stated == ada()), "{case}");
        let unknown = now(&[], &[case]);
        assert_eq!(unknown.tier, None, "{case}");
        assert!(unknown.open.contains(&case.to_owned()));
    }
}

#[test]
fn each_practice_is_prohibited_from_its_day_on() {
    for row in ACT.of_kind(Kind::Prohibition, today()) {
        let new = matches!(row.id.as_str(), "5.1.ba" | "5.1.bb");
        let facts = no_but(&[&row.id, "role.provider"], &[]);
        let expected = if new { RiskTier::Minimal } else { RiskTier::Prohibited };
        assert_eq!(on(&facts, "2026-12-01").tier, Some(expected), "{} on 1 Dec 2026", row.id);
        let after = on(&facts, "2026-12-02");
        assert_eq!(after.tier, Some(RiskTier::Prohibited), "{} on 2 Dec 2026", row.id);
        assert!(after.duties.is_empty() && after.notes[0].contains("may not be placed on the market"));
        let before = on(&facts, "2025-02-01");
        assert_eq!(before.tier, Some(RiskTier::Minimal), "{} before any prohibition applied", row.id);
        let unknown = on(&no_but(&[], &[&row.id]), "2026-12-02");
        assert_eq!((unknown.tier, unknown.highest), (None, RiskTier::Prohibited), "{}", row.id);
    }
}

#[test]
fn what_will_be_prohibited_is_shown_with_its_day() {
    let found = now(&["5.1.bb"], &[]);
    let upcoming = &found.upcoming;
    assert_eq!(
        (upcoming.len(), upcoming[0].practice.as_str(), upcoming[0].from),
        (1, "5.1.bb", day("2026-12-02"))
    );
    // Before the amendment nobody could know of it.
    let facts = no_but(&["5.1.bb"], &[]);
    let old = on(&facts, "2026-07-26");
    assert!(old.upcoming.is_empty() && !old.path.iter().any(|step| step.question == "5.1.bb"));
}

#[test]
fn each_exemption_lifts_a_use_case_and_leaves_its_duties() {
    for case in ["6.3.a", "6.3.b", "6.3.c", "6.3.d"] {
        let found = now(&["III.4.a", case, "role.provider"], &[]);
        assert_eq!(found.tier, Some(RiskTier::Minimal), "{case}");
        assert_eq!(found.exempt, Tri::Yes);
        let duties = duty_ids(&found);
        assert!(duties.contains(&"6.4") && duties.contains(&"49.2") && !duties.contains(&"9"), "{duties:?}");
        let document = found.duties.iter().find(|duty| duty.id == "6.4").unwrap();
        assert_eq!(document.deadlines[0].from, day("2027-12-02"));
        let open = now(&["III.4.a"], &[case]);
        assert_eq!(
            (open.tier, open.lowest, open.highest),
            (None, RiskTier::Minimal, RiskTier::High),
            "{case}"
        );
    }
}

#[test]
fn profiling_overrides_every_exemption() {
    for case in ["6.3.a", "6.3.b", "6.3.c", "6.3.d"] {
        let found = now(&["III.4.a", case, "profiling"], &[]);
        assert_eq!(found.tier, Some(RiskTier::High), "{case}");
        assert_eq!(found.exempt, Tri::No);
        assert_eq!(now(&["III.4.a", case], &["profiling"]).tier, None, "{case}");
    }
    let found = now(&["III.4.a", "profiling"], &[]);
    assert!(!found.path.iter().any(|step| step.question == "6.3.a"), "nothing more is asked then");
}

#[test]
fn a_significant_risk_overrides_every_exemption() {
    for case in ["6.3.a", "6.3.b", "6.3.c", "6.3.d"] {
        assert_eq!(now(&["III.4.a", case, "significant-risk"], &[]).tier, Some(RiskTier::High), "{case}");
        assert_eq!(now(&["III.4.a", case], &["significant-risk"]).tier, None, "{case}");
    }
}

#[test]
fn verification_and_fraud_detection_are_excluded_from_their_own_use_case_only() {
    for (case, question, other) in
        [("III.1.a", "exclusion.verification", "III.1.b"), ("III.5.b", "exclusion.fraud", "III.5.a")]
    {
        assert_eq!(now(&[case, question], &[]).tier, Some(RiskTier::Minimal), "{case}");
        assert_eq!(now(&[case, question, other], &[]).tier, Some(RiskTier::High), "{case} and {other}");
        assert_eq!(now(&[case], &[question]).tier, None, "{case}");
        assert_eq!(now(&[case], &[]).tier, Some(RiskTier::High), "{case}");
        // Being excluded is no exemption: nothing has to be registered.
        assert_eq!(now(&[case, question, "6.3.a"], &[]).exempt, Tri::No, "{case}");
    }
}

#[test]
fn products_under_annex_i_are_high_risk_only_with_an_assessment_by_a_third_party() {
    let both = now(&["annex-i.product", "annex-i.third-party", "role.provider"], &[]);
    assert_eq!(both.tier, Some(RiskTier::High));
    assert_eq!(now(&["annex-i.product"], &[]).tier, Some(RiskTier::Minimal));
    assert_eq!(now(&["annex-i.product"], &["annex-i.third-party"]).tier, None);
    let risks = both.duties.iter().find(|duty| duty.id == "9").unwrap();
    let dates: Vec<(&str, Day)> =
        risks.deadlines.iter().map(|each| (each.date.as_str(), each.from)).collect();
    assert_eq!(dates, [("annex-i", day("2028-08-02"))], "its own date and not that of Annex III");
    assert!(!duty_ids(&both).contains(&"49.1"), "registration is for Annex III");
    // An exemption of Annex III does nothing for a product.
    assert_eq!(now(&["annex-i.product", "annex-i.third-party", "6.3.a"], &[]).tier, Some(RiskTier::High));
}

#[test]
fn each_transparency_trigger_makes_a_system_limited_with_its_duty() {
    for (question, duty, role) in [
        ("transparency.interacts", "50.1", "role.provider"),
        ("transparency.generates", "50.2", "role.provider"),
        ("transparency.recognises", "50.3", "role.deployer"),
        ("transparency.deep-fake", "50.4", "role.deployer"),
    ] {
        let found = now(&[question, role], &[]);
        assert_eq!(found.tier, Some(RiskTier::Limited), "{question}");
        let bound = found.duties.iter().find(|each| each.id == duty).unwrap();
        assert_eq!((bound.binds, bound.deadlines[0].standing), (Tri::Yes, Standing::Applies), "{duty}");
        let high = now(&[question, role, "III.4.a"], &[]);
        assert_eq!(high.tier, Some(RiskTier::High));
        assert!(duty_ids(&high).contains(&duty), "transparency is beside the tier");
    }
}

#[test]
fn marking_of_old_systems_has_its_own_date() {
    let old = now(&["transparency.generates", "role.provider", "legacy.marking"], &[]);
    assert!(!duty_ids(&old).contains(&"50.2"));
    let duty = old.duties.iter().find(|each| each.id == "50.2.legacy").unwrap();
    assert_eq!((duty.deadlines[0].from, duty.deadlines[0].standing), (day("2026-12-02"), Standing::Upcoming));
    let unknown = now(&["transparency.generates", "role.provider"], &["legacy.marking"]);
    let both: Vec<Tri> =
        unknown.duties.iter().filter(|duty| duty.id.starts_with("50.2")).map(|duty| duty.binds).collect();
    assert_eq!(both, [Tri::Unknown, Tri::Unknown], "either of the two dates");
}

#[test]
fn general_purpose_models_are_beside_the_tiers() {
    let found = now(&["gpai.model", "role.provider"], &[]);
    assert_eq!((found.tier, found.general_purpose), (Some(RiskTier::Minimal), Tri::Yes));
    assert!(duty_ids(&found).contains(&"51-56"));
    let old = now(&["gpai.model", "gpai.legacy", "role.provider"], &[]);
    let duty = old.duties.iter().find(|each| each.id == "51-56.legacy").unwrap();
    assert_eq!(duty.deadlines[0].from, day("2027-08-02"));
    assert!(!duty_ids(&old).contains(&"51-56"));
}

#[test]
fn article_25_makes_a_deployer_the_provider() {
    let deployer = now(&["III.4.a", "role.deployer"], &[]);
    assert_eq!(deployer.roles[0].holds, Tri::No);
    assert!(!duty_ids(&deployer).contains(&"9") && duty_ids(&deployer).contains(&"26.1"));
    for what in ["role.own-name", "role.substantial-change", "role.new-purpose"] {
        let found = now(&["III.4.a", "role.deployer", what], &[]);
        let provider = &found.roles[0];
        assert_eq!(
            (provider.role, provider.holds, provider.by_article_25),
            (Who::Provider, Tri::Yes, true),
            "{what}"
        );
        let duties = duty_ids(&found);
        assert!(duties.contains(&"9") && duties.contains(&"26.1"), "both roles at once: {duties:?}");
        // Of a system that is not high-risk, nobody becomes the provider that way.
        assert_eq!(now(&["role.deployer", what], &[]).roles[0].holds, Tri::No, "{what}");
        assert_eq!(now(&["III.4.a"], &[what]).roles[0].holds, Tri::Unknown, "{what}");
    }
}

#[test]
fn importers_and_distributors_have_their_own_duties() {
    let importer = now(&["III.4.a", "role.importer"], &[]);
    assert_eq!(duty_ids(&importer), ["23"]);
    assert_eq!(duty_ids(&now(&["III.4.a", "role.distributor"], &[])), ["24"]);
    assert!(now(&["III.4.a"], &[]).duties.is_empty(), "without a role nothing binds");
}

#[test]
fn the_fundamental_rights_assessment_binds_whom_it_should() {
    let has = |yes: &[&str]| duty_ids(&now(yes, &[])).contains(&"27.1");
    assert!(has(&["III.5.b", "role.deployer"]), "credit scoring");
    assert!(has(&["III.5.c", "role.deployer"]), "insurance");
    assert!(!has(&["III.4.a", "role.deployer"]), "a private employer");
    assert!(has(&["III.4.a", "role.deployer", "public-body"]));
    assert!(has(&["III.4.a", "role.deployer", "public-service"]));
    assert!(!has(&["III.2", "role.deployer", "public-body"]), "not for critical infrastructure");
    assert!(has(&["III.2", "III.4.a", "role.deployer", "public-body"]), "but for what else it does");
    assert!(
        !has(&["annex-i.product", "annex-i.third-party", "role.deployer", "public-body"]),
        "not for products"
    );
    let open = now(&["III.4.a", "role.deployer"], &["public-body"]);
    let duty = open.duties.iter().find(|duty| duty.id == "27.1").unwrap();
    assert_eq!((duty.binds, duty.open.as_slice()), (Tri::Unknown, ["public-body".to_owned()].as_slice()));
}

#[test]
fn contested_deadlines_give_both_readings() {
    let found = now(&["III.4.a", "role.provider"], &[]);
    let register = found.duties.iter().find(|duty| duty.id == "49.1").unwrap();
    let deadline = &register.deadlines[0];
    assert_eq!((deadline.status, deadline.standing), (Status::Contested, Standing::Disputed));
    assert_eq!(deadline.readings.len(), 2);
    // After the later of both readings nothing is disputed any more.
    let later = on(&no_but(&["III.4.a", "role.provider"], &[]), "2028-01-01");
    let register = later.duties.iter().find(|duty| duty.id == "49.1").unwrap();
    assert_eq!(register.deadlines[0].standing, Standing::Applies);
}

#[test]
fn as_of_an_old_day_the_old_law_answers_again() {
    let facts = no_but(&["III.4.a", "role.provider", "special-categories"], &[]);
    let before = on(&facts, "2026-07-26");
    let after = on(&facts, "2026-07-27");
    let date = |found: &Classification, id: &str| {
        found.duties.iter().find(|duty| duty.id == id).map(|duty| duty.deadlines[0].from.to_string())
    };
    assert_eq!(date(&before, "9").as_deref(), Some("2026-08-02"));
    assert_eq!(date(&after, "9").as_deref(), Some("2027-12-02"));
    assert!(duty_ids(&before).contains(&"10.5") && !duty_ids(&before).contains(&"4a"));
    assert!(duty_ids(&after).contains(&"4a") && !duty_ids(&after).contains(&"10.5"));
    // What is known today about that day, and what was known then, are two questions.
    let mixed = classify(&ACT, &facts, day("2026-07-26"), today()).unwrap();
    assert_eq!(date(&mixed, "9").as_deref(), Some("2027-12-02"));
    assert_eq!(on(&facts, "2026-07-26"), before, "the same again for that day");
    assert!(classify(&ACT, &facts, today(), day("2024-07-11")).unwrap_err().remedy.contains("2024-07-12"));
}

#[test]
fn the_answers_and_the_data_are_in_the_digests() {
    let found = now(&["III.4.a"], &[]);
    assert_eq!(found.framework_digest, ACT.digest());
    assert_ne!(found.facts_digest, now(&["III.4.b"], &[]).facts_digest);
    let other = no_but(&["III.4.a"], &[]).with(
        "III.4.a",
        Tri::Yes,
        Some(Stated { by: "Grace".into(), ..ada().unwrap() }),
    );
    assert_ne!(other.digest(), found.facts_digest, "who says it counts");
}

#[test]
fn the_template_is_a_file_of_facts_in_which_all_is_unknown() {
    let text = template(&ACT, today());
    let facts = Facts::parse("facts.toml", &text, &ACT).unwrap();
    assert_eq!(facts.answers().len(), questions(&ACT, today()).len());
    assert!(facts.answers().values().all(|answer| answer.answer == "unknown"));
    let asked: Vec<String> = on(&facts, "2026-11-27").path.into_iter().map(|step| step.question).collect();
    for id in asked {
        assert!(facts.answers().contains_key(&id), "{id} is asked, so the template has it");
    }
}

#[test]
fn facts_are_read_with_their_sources_and_read_back() {
    let text = "[stated]\nsource = \"human\"\nby = \"Ada\"\non = \"2026-11-20\"\n[answers]\n\"III.4.a\" = \"yes\"\n\
                \"profiling\" = { answer = \"no\", source = \"registry\", reference = \"system/x\", on = 2026-11-01 }\n\
                \"5.1.a\" = { answer = \"unknown\", note = \"ask legal\" }\n";
    let facts = Facts::parse("facts.toml", text, &ACT).unwrap();
    assert_eq!(facts.stated("III.4.a"), ada().as_ref());
    assert_eq!(facts.stated("profiling").unwrap().source, Origin::Registry);
    assert_eq!((facts.answer("5.1.a"), facts.answer("5.1.b")), (Tri::Unknown, Tri::Unknown));
    let json = serde_json::to_string(&facts).unwrap();
    let again = Facts::parse("facts.json", &json, &ACT).unwrap();
    assert_eq!((again.digest(), again), (facts.digest(), facts));
}

#[test]
fn facts_that_are_not_in_order_are_refused_with_place_and_remedy() {
    let stated = "[stated]\nsource = \"human\"\nby = \"Ada\"\non = \"2026-11-20\"\n";
    for (text, problem) in [
        ("[answers]\n\"III.4.a\" = \"yes\"\n".to_owned(), "III.4.a: nothing says who or what answers yes"),
        (format!("{stated}[answers]\n\"III.9\" = \"yes\"\n"), "there is no question \"III.9\""),
        (format!("{stated}[answers]\n\"26.6\" = \"yes\"\n"), "there is no question \"26.6\""),
        (format!("{stated}[answers]\n\"III.2\" = \"maybe\"\n"), "\"maybe\" is no answer"),
        (format!("{stated}[answers]\n\"III.2\" = true\n"), "neither a word nor a table"),
        (stated.replace("by = \"Ada\"\n", "") + "[answers]\n", "it does not say which person"),
        (stated.replace("human", "oracle") + "[answers]\n", "\"oracle\" is no source"),
        (stated.replace("human", "monitor") + "[answers]\n", "which fact or monitor"),
        (stated.replace("2026-11-20", "soon") + "[answers]\n", "\"soon\" is not a day"),
        (format!("{stated}answer = 1\n[answers]\n"), "the key \"answer\" is not known"),
        (format!("{stated}[replies]\n"), "the key \"replies\" is not known"),
        (stated.to_owned(), "there is no table of answers"),
        ("nonsense".to_owned(), "TOML parse error"),
    ] {
        let error = Facts::parse("facts.toml", &text, &ACT).unwrap_err();
        assert!(error.to_string().contains(problem), "{text}: {error}");
        assert!(error.to_string().starts_with("facts.toml") && !error.remedy.is_empty());
    }
    let large = format!("# {}\n[answers]\n", "x".repeat(300_000));
    assert!(
        Facts::parse("facts.toml", &large, &ACT).unwrap_err().to_string().contains("more than the 262144")
    );
}

/// Any answers to all questions.
fn any_facts() -> impl Strategy<Value = Facts> {
    let ids: Vec<String> = questions(&ACT, today()).into_iter().map(|question| question.id).collect();
    // Mostly no, as of real systems; else nearly every draw would be prohibited.
    let answer = prop_oneof![12 => Just(Tri::No), 1 => Just(Tri::Unknown), 1 => Just(Tri::Yes)];
    proptest::collection::vec(answer, ids.len()).prop_map(move |answers| {
        ids.iter().zip(answers).fold(Facts::default(), |facts, (id, answer)| facts.with(id, answer, ada()))
    })
}

/// The same with the unknown answers settled, each by the next bit.
fn settled(facts: &Facts, mut bits: u64) -> Facts {
    let mut settled = facts.clone();
    for (id, answer) in facts.answers() {
        if answer.answer == "unknown" {
            settled = settled.with(id, if bits & 1 == 1 { Tri::Yes } else { Tri::No }, ada());
            bits = bits.rotate_right(1);
        }
    }
    settled
}

proptest! {
    #[test]
    fn unknown_stays_unknown_until_it_cannot_matter(facts in any_facts(), bits in any::<u64>()) {
        let found = on(&facts, "2026-12-02");
        let after = on(&settled(&facts, bits), "2026-12-02");
        let tier = after.tier.unwrap();
        prop_assert!(found.lowest <= tier && tier <= found.highest, "{:?} {tier} {:?}", found.lowest, found.highest);
        if let Some(before) = found.tier {
            prop_assert_eq!(before, tier, "more answers never change what was definite");
        }
        // A duty that binds goes on to bind, and nothing appears from nowhere.
        if after.tier != Some(RiskTier::Prohibited) {
            for duty in found.duties.iter().filter(|duty| duty.binds == Tri::Yes) {
                prop_assert!(after.duties.iter().any(|each| each.id == duty.id && each.binds == Tri::Yes), "{}", duty.id);
            }
            for duty in &after.duties {
                prop_assert!(found.duties.iter().any(|each| each.id == duty.id), "{}", duty.id);
            }
        }
    }

    #[test]
    fn an_open_question_about_the_tier_is_never_passed_over(facts in any_facts()) {
        let found = on(&facts, "2026-12-02");
        let open = found.path.iter().any(|step| step.answer == Tri::Unknown && step.decides == Decides::Tier);
        if found.tier == Some(RiskTier::Minimal) {
            let matters = ["6.3", "significant-risk", "profiling", "exclusion", "annex-i.third-party"];
            let harmless = found.path.iter()
                .filter(|step| step.answer == Tri::Unknown && step.decides == Decides::Tier)
                .all(|step| matters.iter().any(|prefix| step.question.starts_with(prefix))
                    || step.question.starts_with("III.") || step.question.starts_with("annex-i"));
            prop_assert!(!open || harmless, "{:?}", found.open);
        }
        if facts.answers().values().any(|answer| answer.answer == "unknown") && found.tier.is_none() {
            prop_assert!(!found.open.is_empty(), "what is open has its questions");
        }
    }

    #[test]
    fn saying_yes_never_lowers_a_tier_but_by_an_exemption_or_exclusion(facts in any_facts(), at in any::<prop::sample::Index>()) {
        let ids: Vec<&String> = facts.answers().keys().collect();
        let id = ids[at.index(ids.len())].clone();
        prop_assume!(!id.starts_with("6.3.") && !id.starts_with("exclusion."));
        let more = facts.clone().with(&id, Tri::Yes, ada());
        let (before, after) = (on(&facts, "2026-12-02"), on(&more, "2026-12-02"));
        prop_assert!(after.lowest >= before.lowest, "{id}: {:?} to {:?}", before.lowest, after.lowest);
    }

    #[test]
    fn as_of_the_same_question_has_the_same_answer(facts in any_facts()) {
        let one = serde_json::to_string(&on(&facts, "2026-12-02")).unwrap();
        let two = serde_json::to_string(&on(&facts, "2026-12-02")).unwrap();
        prop_assert_eq!(one, two);
    }
}
