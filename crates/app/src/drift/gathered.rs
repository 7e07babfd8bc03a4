//! Reading columns of a source: gathered whole or as an even sample, and counted in a second pass where only a sample
//! was gathered.

use comptroller_lake::{LakeError, Source};
use comptroller_stats::counts::Counts;
use comptroller_stats::gather::{Gather, Gathered};
use comptroller_stats::grid::Grid;

/// Gathers columns by their places, in one scan.
pub(super) fn gather(source: &Source, places: &[usize], capacity: usize) -> Result<Vec<Gathered>, LakeError> {
    let mut gathers = vec![Gather::new(capacity); places.len()];
    source.scan(places, &mut |blocks| {
        for (gather, block) in gathers.iter_mut().zip(blocks) {
            gather.push(block);
        }
        Ok(())
    })?;
    Ok(gathers.into_iter().map(Gather::finish).collect())
}

/// Counts columns on their grids, in one scan.
pub(super) fn count(source: &Source, columns: &[(usize, &Grid)]) -> Result<Vec<Counts>, LakeError> {
    let places: Vec<usize> = columns.iter().map(|(place, _)| *place).collect();
    let mut counts: Vec<Counts> = columns.iter().map(|(_, grid)| Counts::empty(grid)).collect();
    source.scan(&places, &mut |blocks| {
        for ((counts, (_, grid)), block) in counts.iter_mut().zip(columns).zip(blocks) {
            counts.add(grid, block);
        }
        Ok(())
    })?;
    Ok(counts)
}
