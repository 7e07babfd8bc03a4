//! Files that cannot be read.

use crate::support::{batch, ipc, parquet};
use comptroller_lake::{LakeError, Source};

fn refused(path: &std::path::Path) -> String {
    let source = match Source::open(&path.display().to_string()) {
        Ok(source) => source,
        Err(error) => return error.to_string(),
    };
    let all: Vec<usize> = (0..source.columns().len()).collect();
    source.scan(&all, &mut |_| Ok(())).unwrap_err().to_string()
}

#[test]
fn a_file_that_was_cut_or_damaged_is_named_and_never_read_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good");
    for write in [parquet, ipc] {
        write(&good, &batch());
        let bytes = std::fs::read(&good).unwrap();
        let path = folder.path().join("cut.data");
        for end in [bytes.len() - 1, bytes.len() / 2, 12] {
            std::fs::write(&path, &bytes[..end]).unwrap();
            let text = refused(&path);
            assert!(text.contains("cut.data"), "{end}: {text}");
        }
    }
}

#[test]
fn files_of_another_schema_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.csv"), "x,y\n1,2\n").unwrap();
    std::fs::write(folder.path().join("b.csv"), "x,z\n1,2\n").unwrap();
    let error = Source::open(&folder.path().display().to_string()).unwrap_err();
    assert!(matches!(&error, LakeError::OtherColumns { column, .. } if column == "y"), "{error}");
}

#[test]
fn an_empty_folder_and_a_bad_pattern_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = Source::open(&folder.path().display().to_string()).unwrap_err();
    assert!(matches!(error, LakeError::NotFound { .. }), "{error}");
    let error = Source::open("data/***.csv").unwrap_err();
    assert!(matches!(error, LakeError::Pattern { .. }) && !error.remedy().is_empty(), "{error}");
}
