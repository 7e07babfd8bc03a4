//! Whether people's approvals fill the groups that a rule asks for, each human counted once.
//!
//! Filling groups greedily can leave one open that another assignment would fill: an approver of two groups may be put
//! where somebody else was needed. So the count is a maximum matching of people and places (Kuhn's algorithm, 1955).

use crate::card::Group;
use comptroller_core::Role;
use std::collections::BTreeSet;

/// How many places the people can fill together, and how many there are.
///
/// `people` are the roles of each human who approved.
pub fn filled(groups: &[Group], people: &[BTreeSet<Role>]) -> (usize, usize) {
    let places: Vec<&Group> =
        groups.iter().flat_map(|group| std::iter::repeat_n(group, group.count as usize)).collect();
    let mut taken: Vec<Option<usize>> = vec![None; people.len()];
    let mut count = 0;
    for place in 0..places.len() {
        let mut tried = vec![false; people.len()];
        count += usize::from(fill(place, &places, people, &mut taken, &mut tried));
    }
    (count, places.len())
}

/// Finds somebody for a place, moving others to other places if that helps.
fn fill(
    place: usize,
    places: &[&Group],
    people: &[BTreeSet<Role>],
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for person in 0..people.len() {
        if tried[person] || !places[place].roles.iter().any(|role| people[person].contains(role)) {
            continue;
        }
        tried[person] = true;
        let free = match taken[person] {
            None => true,
            Some(other) => fill(other, places, people, taken, tried),
        };
        if free {
            taken[person] = Some(place);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn group(roles: &[Role], count: u32) -> Group {
        Group { roles: roles.to_vec(), count }
    }

    #[test]
    fn overlapping_groups_are_filled_where_a_greedy_choice_would_not() {
        let groups = [group(&[Role::Approver, Role::RiskOfficer], 1), group(&[Role::RiskOfficer], 1)];
        let officer = BTreeSet::from([Role::RiskOfficer, Role::Approver]);
        let approver = BTreeSet::from([Role::Approver]);
        assert_eq!(filled(&groups, &[officer.clone(), approver.clone()]), (2, 2));
        assert_eq!(filled(&groups, &[approver, officer.clone()]), (2, 2));
        assert_eq!(filled(&groups, &[officer]), (1, 2), "each human counts once");
    }

    /// The largest number of places over every assignment, tried one by one.
    fn by_trying(places: &[&Group], people: &[BTreeSet<Role>], used: &mut Vec<bool>) -> usize {
        let Some((place, rest)) = places.split_first() else { return 0 };
        let mut best = by_trying(rest, people, used);
        for person in 0..people.len() {
            if !used[person] && place.roles.iter().any(|role| people[person].contains(role)) {
                used[person] = true;
                best = best.max(1 + by_trying(rest, people, used));
                used[person] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_matching_is_as_large_as_the_best_of_all_assignments(
            groups in prop::collection::vec((prop::collection::btree_set(0..4_usize, 1..3), 1..3_u32), 1..4),
            people in prop::collection::vec(prop::collection::btree_set(0..4_usize, 0..4), 0..5),
        ) {
            let role = |n: &usize| Role::ALL[*n];
            let groups: Vec<Group> = groups
                .iter()
                .map(|(roles, count)| Group { roles: roles.iter().map(role).collect(), count: *count })
                .collect();
            let people: Vec<BTreeSet<Role>> =
                people.iter().map(|roles| roles.iter().map(role).collect()).collect();
            let places: Vec<&Group> =
                groups.iter().flat_map(|g| std::iter::repeat_n(g, g.count as usize)).collect();
            let best = by_trying(&places, &people, &mut vec![false; people.len()]);
            prop_assert_eq!(filled(&groups, &people), (best, places.len()));
        }
    }
}
