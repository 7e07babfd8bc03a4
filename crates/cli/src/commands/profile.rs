//! `comptroller profile`: bins and counters of a data set, a few KiB a column, that stand for it ever after. Needs no
//! server and opens no data folder.

use super::drift::{RoleArgs, refused};
use crate::client::Answer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Screen, bytes as human_bytes, clean, write_over_own};
use clap::Args;
use comptroller_app::drift::{Profile, ProfileRequest, merge, profile, read_profile};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// A file, a folder or a pattern in quotes: Parquet, Arrow IPC, CSV, or one JSON object on each line. Or several
    /// profiles on one grid, which are merged.
    #[arg(required = true, num_args = 1..)]
    data: Vec<String>,
    /// File for the profile: canonical JSON, the same bytes on every machine.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Count into the bins of this profile, so that the two can be compared or merged.
    #[arg(long, value_name = "PROFILE")]
    grid: Option<PathBuf>,
    #[command(flatten)]
    roles: RoleArgs,
}

pub(crate) fn run(screen: Screen, arguments: &ProfileArgs) -> anyhow::Result<Exit> {
    let made = make(arguments)?;
    let bytes = made.to_bytes()?;
    write_over_own("--out", &arguments.out, &bytes, |file| read_profile(file).is_ok())?;
    let compared = made.columns.iter().filter(|column| column.bins.is_some()).count();
    let value = serde_json::json!({
        "file": arguments.out.display().to_string(),
        "rows": made.rows,
        "columns": made.columns.len(),
        "compared": compared,
        "bytes": bytes.len(),
    });
    screen.print(&Answer::of_value(value), |_| {
        let mut text = format!(
            "{} rows, {compared} of {} columns: {} ({})\n",
            made.rows,
            made.columns.len(),
            arguments.out.display(),
            human_bytes(bytes.len() as u64)
        );
        for column in made.columns.iter().filter(|column| column.bins.is_none()) {
            let (name, why) = (clean(&column.name), clean(&column.why));
            text.push_str(
                &screen.style.dim(&format!("  without {name}: {} ({why})\n", column.role.as_str())),
            );
        }
        text
    })?;
    Ok(Exit::OK)
}

fn make(arguments: &ProfileArgs) -> anyhow::Result<Profile> {
    if let Some(merged) = merge(&arguments.data).map_err(|error| refused(&error))? {
        return Ok(merged);
    }
    let [data] = arguments.data.as_slice() else {
        return Err(Failure::usage(
            "several arguments, not all of them profiles",
            "name one file, folder or pattern; or profile each file with --grid of the first, and then name the profiles",
        ));
    };
    let grid = arguments.grid.as_deref().map(read_profile).transpose().map_err(|error| refused(&error))?;
    let request = ProfileRequest {
        data: data.clone(),
        stated: arguments.roles.stated(),
        positive: arguments.roles.positive.clone(),
    };
    profile(&request, grid.as_ref()).map_err(|error| refused(&error))
}
