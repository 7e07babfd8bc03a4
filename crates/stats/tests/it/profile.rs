//! Profiles: merging in any order gives the same bytes, and what is read is checked.

use crate::support::{Data, Random, gathered, numeric, texts, with_nulls};
use comptroller_stats::column::Reference;
use comptroller_stats::counts::Counts;
use comptroller_stats::dependence::{Pairs, Quartiles};
use comptroller_stats::grid::{CategoryGrid, Grid};
use comptroller_stats::outcomes::{Columns, Outcomes};
use comptroller_stats::profile::{Binned, Column, FORMAT, Profile, Role, VERSION};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn table(random: &mut Random, rows: usize) -> Vec<Data> {
    let words = ["a", "b", "c", "d"];
    vec![
        numeric("x", random.normals(rows, 0.0, 1.0)),
        with_nulls("y", (0..rows).map(|i| (i % 7 != 0).then(|| random.unit())).collect::<Vec<_>>()),
        texts("z", (0..rows).map(|_| words[(random.unit() * 4.0) as usize]).collect::<Vec<_>>()),
        texts("w", (0..rows).map(|_| format!("n{}", random.bits() % 90)).collect::<Vec<_>>()),
    ]
}

/// Profiles a table on the bins of another one.
fn on(grid: &Profile, table: &[Data]) -> Profile {
    let mut columns = Vec::new();
    let mut levels = Vec::new();
    for data in table {
        let known = grid.column(&data.name).and_then(|column| column.bins.as_ref()).unwrap();
        let mut counts = Counts::empty(&known.grid);
        counts.add(&known.grid, &data.block);
        if let Some(quartiles) = Quartiles::of(&Reference::stored(known.grid.clone(), known.counts.clone())) {
            levels.push((data.name.as_str(), quartiles.levels(&data.block)));
        }
        columns.push(column(&data.name, Binned { grid: known.grid.clone(), counts }));
    }
    profile(columns, &levels, table[0].block.len())
}

fn frozen(table: &[Data]) -> Profile {
    let mut columns = Vec::new();
    let mut levels = Vec::new();
    for data in table {
        let side = Reference::of(&gathered(&data.block), data.kind);
        if let Some(quartiles) = Quartiles::of(&side) {
            levels.push((data.name.as_str(), quartiles.levels(&data.block)));
        }
        columns.push(column(&data.name, Binned { grid: side.grid, counts: side.counts }));
    }
    profile(columns, &levels, table[0].block.len())
}

fn column(name: &str, bins: Binned) -> Column {
    Column { name: name.to_owned(), role: Role::Feature, why: "a test".to_owned(), bins: Some(bins) }
}

fn profile(columns: Vec<Column>, levels: &[(&str, Vec<u8>)], rows: usize) -> Profile {
    let levels: Vec<(&str, &[u8])> = levels.iter().map(|(name, levels)| (*name, levels.as_slice())).collect();
    let pairs = Pairs::of(&levels);
    Profile {
        format: FORMAT.to_owned(),
        version: VERSION,
        rows: rows as u64,
        columns,
        pairs,
        outcomes: None,
        vectors: BTreeMap::new(),
    }
}

fn merged(parts: &[&Profile]) -> Vec<u8> {
    let mut sum = parts[0].clone();
    parts[1..].iter().for_each(|part| sum.merge(part).unwrap());
    sum.to_bytes().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// INVARIANT (order-free), INVARIANT (frozen-bins).
    #[test]
    fn parts_merge_to_the_same_bytes_in_any_order(seed in 0_u64..1000, rows in prop::array::uniform3(1_usize..400)) {
        let mut random = Random::new(seed);
        let grid = frozen(&table(&mut random, 1000));
        let tables: Vec<Vec<Data>> = rows.iter().map(|rows| table(&mut random, *rows)).collect();
        let parts: Vec<Profile> = tables.iter().map(|table| on(&grid, table)).collect();
        let [a, b, c] = [&parts[0], &parts[1], &parts[2]];
        let forward = merged(&[a, b, c]);
        prop_assert_eq!(&forward, &merged(&[c, b, a]));
        prop_assert_eq!(&forward, &merged(&[b, c, a]));
        let mut later = b.clone();
        later.merge(c).unwrap();
        prop_assert_eq!(&forward, &merged(&[a, &later]), "associative");
        // And as if all rows had been counted at once.
        let mut all: Vec<Data> = tables[0].clone();
        for table in &tables[1..] {
            for (sum, part) in all.iter_mut().zip(table) {
                let mut builder = comptroller_stats::cells::BlockBuilder::default();
                builder.extend(&sum.block);
                builder.extend(&part.block);
                sum.block = builder.finish();
            }
        }
        prop_assert_eq!(forward, on(&grid, &all).to_bytes().unwrap());
    }
}

/// INVARIANT (one-form): what is read is written back as it was.
#[test]
fn a_profile_reads_back_to_the_same_bytes() {
    let profile = frozen(&table(&mut Random::new(1), 5000));
    let bytes = profile.to_bytes().unwrap();
    let again = Profile::from_bytes(&bytes).unwrap();
    assert_eq!(again, profile);
    assert_eq!(again.to_bytes().unwrap(), bytes);
    assert!(bytes.len() < 4 * 12 * 1024, "{} bytes for four columns", bytes.len());
}

#[test]
fn a_profile_that_contradicts_itself_is_refused_with_its_place() {
    let profile = frozen(&table(&mut Random::new(1), 500));
    let text = String::from_utf8(profile.to_bytes().unwrap()).unwrap();
    let refused = |changed: String| Profile::from_bytes(changed.as_bytes()).unwrap_err().to_string();
    let mut lost = profile.clone();
    lost.rows += 1;
    assert!(
        refused(String::from_utf8(lost.to_bytes().unwrap()).unwrap()).contains("contradicts itself at x")
    );
    assert!(refused(text.replace("\"version\":1", "\"version\":2")).contains("version 2"));
    assert!(refused(text.replace("\"name\":\"y\"", "\"name\":\"x\"")).contains("two columns have this name"));
    assert!(refused(text.replace("\"rows\":500", "\"rows\":-1")).contains("not a profile"));
    assert!(refused(text[..text.len() / 2].to_owned()).contains("not a profile"));
    let cut = text.find("\"cuts\":[").unwrap() + 8;
    let end = cut + text[cut..].find(',').unwrap();
    assert!(refused(format!("{}1e300{}", &text[..cut], &text[end..])).contains("not finite and ascending"));
}

#[test]
fn parts_on_other_bins_are_not_merged() {
    let mut random = Random::new(2);
    let mut first = frozen(&table(&mut random, 500));
    let second = frozen(&table(&mut random, 500));
    assert!(first.merge(&second).unwrap_err().to_string().contains("--grid"));
}

/// INVARIANT (order-free): also where all parts together have more classes than the table of decisions holds.
#[test]
fn too_many_classes_are_too_many_in_any_order() {
    let part = |from: u32, to: u32| {
        let classes: Vec<String> = (from..to).flat_map(|n| [format!("c{n}"), format!("c{n}")]).collect();
        let column = texts("label", classes);
        let grid = Grid::Categorical(CategoryGrid::of_counts(&BTreeMap::from([("c0", 9)]), 0));
        let columns = Columns {
            score: None,
            decision: Some((&grid, &column.block)),
            by_class: &[],
            label: (&grid, &column.block),
        };
        Outcomes::of(&columns, None)
    };
    let sum = |parts: &[&Outcomes]| {
        let mut sum = parts[0].clone();
        parts[1..].iter().for_each(|part| sum.merge(part).unwrap());
        sum
    };
    let (few, more, many) = (part(0, 40), part(30, 64), part(0, 70));
    assert_eq!(sum(&[&few, &more]).hits(), (148, 148), "64 classes fit");
    assert!(many.too_many_classes && many.decisions.is_empty());
    let (one, other) = (part(0, 40), part(40, 70));
    assert_eq!(sum(&[&one, &other]), sum(&[&other, &one]));
    assert!(sum(&[&one, &other]).too_many_classes);
    assert_eq!(sum(&[&many, &few, &more]), sum(&[&more, &many, &few]));
}
