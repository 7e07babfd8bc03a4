//! The list of tables, one file for each area. One row per column, in the order of the migrations.

mod audits;
mod governance;
mod log;
mod organisation;
mod rest;
mod running;
mod subjects;

use super::Table;

/// Journal first, then what can be rebuilt from it, then the rest.
const AREAS: [&[Table]; 7] = [
    log::TABLES,
    organisation::TABLES,
    governance::TABLES,
    running::TABLES,
    subjects::TABLES,
    audits::TABLES,
    rest::TABLES,
];

const COUNT: usize = {
    let (mut count, mut area) = (0, 0);
    while area < AREAS.len() {
        count += AREAS[area].len();
        area += 1;
    }
    count
};

static ALL: [Table; COUNT] = {
    let mut all = [AREAS[0][0]; COUNT];
    let (mut at, mut area) = (0, 0);
    while area < AREAS.len() {
        let mut row = 0;
        while row < AREAS[area].len() {
            all[at] = AREAS[area][row];
            at += 1;
            row += 1;
        }
        area += 1;
    }
    all
};

/// Every table.
pub static TABLES: &[Table] = &ALL;
