//! The page over time: every number stands in a table, nothing from data becomes markup, and it can be drawn with
//! nothing to show.

use super::{Alarm, Day, History, MAX_DAYS, html};

fn day(number: i64, coefficient: Option<f64>) -> Day {
    let band = coefficient.map(|value| match value {
        v if v < 0.1 => "normal",
        v if v < 0.3 => "watch",
        v if v < 0.5 => "investigate",
        _ => "rollback",
    });
    Day {
        date: format!("2026-{:02}-{:02}", 3 + number / 28, 1 + number % 28),
        number,
        coefficient,
        band: band.map(str::to_owned),
        pillar: coefficient.map(|_| "data".to_owned()),
        rows: 5_000,
        labelled: 100,
        carriers: vec![("income".into(), 0.7), ("age".into(), 0.2), ("<b>".into(), 0.1)],
        notes: vec!["the coefficient is rising".into()],
    }
}

fn history(days: i64) -> History {
    let value = |n: i64| {
        let rise = if n > days * 2 / 3 { 0.4 } else { 0.0 };
        (n % 9 != 4).then(|| 0.03 + rise + [0.0, 0.01, 0.02, 0.03, 0.04][(n % 5) as usize])
    };
    History {
        version: "scorer@1".into(),
        environment: "production".into(),
        bands: [0.1, 0.3, 0.5],
        rule: "2 of the last 3 judged days make an alarm".into(),
        days: (0..days).map(|n| day(n, value(n))).collect(),
        alarms: vec![Alarm {
            topic: "drift".into(),
            band: "investigate".into(),
            since: "2026-03-21".into(),
            day: "2026-03-22".into(),
            number: days * 2 / 3 + 2,
            state: "open".into(),
            playbook: "data-drift".into(),
        }],
    }
}

#[test]
fn the_page_over_time_is_whole_and_holds_no_foreign_markup() {
    let page = html(&history(40));
    assert!(page.matches("<svg").count() == 2 && page.matches("role=\"img\"").count() == 2);
    assert!(page.contains("income 70 %") && !page.contains("<b>"));
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 40 + 1, "every day and every alarm");
    assert!(!page.contains("<script"));
}

#[test]
fn a_long_history_is_drawn_in_part_and_an_empty_one_says_so() {
    let long = html(&history(MAX_DAYS as i64 + 50));
    assert!(long.contains("Drawn are the last 120 days."));
    assert_eq!(long.matches("<tr><th scope=\"row\">").count(), MAX_DAYS + 50 + 1);
    let empty = html(&History::default());
    assert!(empty.contains("No day has a verdict yet.") && empty.contains("There was none."));
}

#[test]
fn bars_of_days_far_apart_can_be_seen_and_stay_within_the_picture() {
    let mut sparse = history(3);
    for (place, day) in sparse.days.iter_mut().enumerate() {
        day.number = 365 * place as i64;
        day.coefficient = Some(0.2);
    }
    let page = html(&sparse);
    let number = |text: &str, name: &str| -> f64 {
        let (_, after) = text.split_once(&format!("{name}=\"")).unwrap();
        after.split('"').next().unwrap().parse().unwrap()
    };
    let bars: Vec<&str> =
        page.split("<rect").skip(1).filter(|rect| rect.contains("class=\"shade0\"")).collect();
    assert_eq!(bars.len(), 3);
    for bar in bars {
        let (x, width) = (number(bar, " x"), number(bar, " width"));
        assert!(width > 10.0 && x > 40.0 && x + width < 720.0, "{bar}");
    }
}
