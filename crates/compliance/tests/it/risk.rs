//! The five dimensions: what answers contribute, that unknown is a range, and what is refused.

use comptroller_compliance::risk::{Assessment, Band, Facts, Scale, assess, template};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn scale() -> Scale {
    Scale::builtin().unwrap()
}

fn facts(answers: Map<String, Value>) -> Facts {
    let value =
        json!({ "stated": { "source": "human", "by": "Ada", "on": "2026-11-20" }, "answers": answers });
    Facts::of_value("facts.json", &value, &scale()).unwrap()
}

/// Each question answered by the option that `choose` picks from its points.
fn all(choose: impl Fn(&[(String, u32)]) -> String) -> Assessment {
    let mut answers = Map::new();
    for question in scale().dimensions.iter().flat_map(|dimension| &dimension.questions) {
        let mut options: Vec<(String, u32)> =
            question.options.iter().map(|(word, points)| (word.clone(), *points)).collect();
        options.sort_by_key(|option| option.1);
        answers.insert(question.id.clone(), json!(choose(&options)));
    }
    assess(&scale(), &facts(answers))
}

#[test]
fn the_scale_has_five_dimensions_and_runs_from_0_to_100() {
    let names: Vec<String> = scale().dimensions.iter().map(|dimension| dimension.id.clone()).collect();
    let expected = ["data-sensitivity", "autonomy", "impact-scope", "bias-potential", "regulatory-exposure"];
    assert_eq!(names, expected);
    let harmless = all(|options| options[0].0.clone());
    assert_eq!((harmless.total.least, harmless.total.most, harmless.band), (0, 0, Some(Band::Low)));
    let worst = all(|options| options[options.len() - 1].0.clone());
    assert_eq!((worst.total.least, worst.total.most, worst.band), (100, 100, Some(Band::Critical)));
}

#[test]
fn unknown_stays_unknown_as_a_range() {
    let found = assess(&scale(), &facts(Map::new()));
    assert_eq!((found.total.least, found.total.most, found.band), (0, 100, None));
    assert_eq!((found.lowest, found.highest), (Band::Low, Band::Critical));
    assert_eq!(found.open.len(), 15);
    let read = Facts::parse("facts.toml", &template(&scale()), &scale()).unwrap();
    assert_eq!(assess(&scale(), &read).total, found.total, "the template leaves everything unknown");
}

#[test]
fn each_answer_says_what_it_contributes() {
    let found = all(|options| options[options.len() - 1].0.clone());
    let data = &found.dimensions[0];
    assert_eq!((data.weight, data.points.most), (20, 100));
    let kind = data.parts.iter().find(|part| part.question == "data.kind").unwrap();
    assert_eq!(
        (kind.answer.as_str(), kind.points.most, kind.in_total.most),
        ("special-categories", 50, 1000)
    );
    assert_eq!(kind.stated.as_ref().unwrap().by, "Ada");
    let shares: u32 =
        found.dimensions.iter().flat_map(|each| &each.parts).map(|part| part.in_total.most).sum();
    assert_eq!(shares, 10_000, "the shares are the total, in hundredths");
}

#[test]
fn answers_that_the_scale_has_not_are_refused_with_those_that_it_has() {
    let refused = |answers: Value| {
        let value =
            json!({ "stated": { "source": "human", "by": "Ada", "on": "2026-11-20" }, "answers": answers });
        Facts::of_value("facts.json", &value, &scale()).unwrap_err()
    };
    let error = refused(json!({ "data.kind": "secret" }));
    assert!(error.to_string().contains("\"secret\" is no answer"), "{error}");
    assert!(error.remedy.contains("special-categories") && error.remedy.contains("unknown"), "{error:?}");
    assert!(refused(json!({ "data.colour": "red" })).to_string().contains("there is no question"));
}

#[test]
fn a_scale_that_is_not_in_order_is_refused() {
    let text = include_str!("../../../../frameworks/risk/scale.toml");
    for (old, new, problem) in [
        ("schema = 1", "schema = 2", "schema 2 is not known"),
        ("weight = 25", "weight = 26", "the weights sum to 101"),
        ("special-categories = 50", "special-categories = 60", "the worst answers sum to 110 points"),
        ("high = 50\n", "high = 20\n", "the bands do not rise"),
        ("id = \"data.children\"", "id = \"data.kind\"", "its id is taken"),
        ("label = \"How sensitive", "colour = \"red\"\nlabel = \"How sensitive", "unknown field `colour`"),
    ] {
        let changed = text.replacen(old, new, 1);
        assert_ne!(changed, text, "{old}");
        let error = Scale::parse("scale.toml", &changed).unwrap_err();
        assert!(error.to_string().contains(problem), "{new}: {error}");
    }
    assert_ne!(
        Scale::parse("s", &text.replacen("reversibly = 10", "reversibly = 11", 1)).unwrap().digest(),
        scale().digest()
    );
}

proptest! {
    #[test]
    fn more_answers_only_narrow_the_range(picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 15)) {
        let scale = scale();
        let (mut some, mut every) = (Map::new(), Map::new());
        let questions = scale.dimensions.iter().flat_map(|dimension| &dimension.questions);
        for (question, (pick, known)) in questions.zip(&picks) {
            let options: Vec<&String> = question.options.keys().collect();
            let word = json!(options[pick.index(options.len())]);
            every.insert(question.id.clone(), word.clone());
            if *known {
                some.insert(question.id.clone(), word);
            }
        }
        let (some, every) = (assess(&scale, &facts(some)), assess(&scale, &facts(every)));
        prop_assert_eq!(every.total.least, every.total.most);
        prop_assert!(some.total.least <= every.total.least && every.total.most <= some.total.most);
        if let Some(band) = some.band {
            prop_assert_eq!(Some(band), every.band, "a band that is given stays");
        }
    }
}
