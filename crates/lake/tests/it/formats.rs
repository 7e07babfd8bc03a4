//! Types and files.

use crate::support::{batch, column, ipc, ipc_stream, parquet};
use comptroller_lake::{Declared, Raw, Source};

fn open(path: &std::path::Path) -> Source {
    Source::open(&path.display().to_string()).unwrap()
}

#[test]
fn every_arrow_type_becomes_the_same_cells_from_parquet_and_ipc() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("t.parquet"), folder.path().join("t.arrow"));
    parquet(&first, &batch());
    ipc(&second, &batch());
    for path in [first, second] {
        let source = open(&path);
        let cells = |name: &str| column(&source, name).join(" ");
        assert_eq!(cells("whole"), "1 -2 - 3");
        assert_eq!(cells("double").split(' ').take(3).collect::<Vec<_>>(), ["0.5", "NaN", "inf"]);
        assert_eq!(cells("single"), "0.25 - 2 4");
        assert_eq!(cells("truth"), "\"true\" \"false\" - \"true\"");
        assert_eq!(cells("word"), "\"a\" - \"b\" \"a\"");
        assert_eq!(cells("coded"), "\"a\" - \"b\" \"a\"");
        assert_eq!(cells("price"), "12.5 - -0.75 0");
        assert_eq!(cells("at"), "1000 - 2000 3000");
        assert_eq!(cells("list"), "- - - -");
        let declared =
            |name: &str| source.columns().iter().find(|column| column.name == name).unwrap().declared;
        assert_eq!(
            [declared("at"), declared("list"), declared("price")],
            [Declared::Time, Declared::Vector, Declared::Plain]
        );
    }
}

#[test]
fn text_formats_give_the_cells_that_binary_ones_give() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let files = [
        write("t.csv", "\u{feff}whole,truth,word\n1,true,a\n-2,false,\n,,b\n3,true,a\n"),
        write("t2.csv", "whole;truth;word\n1;true;a\n-2;false;NA\n;;\"b\"\n3;true;a\n"),
        write("t.tsv", "whole\ttruth\tword\n1\ttrue\ta\n-2\tfalse\t\n\t\tb\n3\ttrue\ta\n"),
        write(
            "t.ndjson",
            "{\"whole\":1,\"truth\":true,\"word\":\"a\"}\n\n{\"whole\":-2,\"truth\":false,\"word\":null}\n\
             {\"word\":\"b\"}\n{\"whole\":3.0,\"truth\":true,\"word\":\"a\"}\n",
        ),
    ];
    let binary = folder.path().join("t.parquet");
    parquet(&binary, &batch());
    for path in files {
        for name in ["whole", "truth", "word"] {
            assert_eq!(column(&open(&path), name), column(&open(&binary), name), "{} {name}", path.display());
        }
    }
}

/// Every cell of a column as a visit gives it.
fn visited(source: &Source, name: &str) -> Vec<String> {
    let place = source.columns().iter().position(|column| column.name == name).unwrap();
    let mut cells = Vec::new();
    let mut note = |_: usize, cell: Raw<'_>| {
        cells.push(match cell {
            Raw::Nothing => "-".to_owned(),
            Raw::Number(number) => number.to_string(),
            Raw::Text(text) => text.to_owned(),
            Raw::Vector(vector) => format!("{vector:?}"),
        });
    };
    source.visit(&[place], &mut note).unwrap();
    cells
}

#[test]
fn vectors_and_long_texts_are_visited_whole_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    parquet(&path("t.parquet"), &batch());
    ipc(&path("t.arrow"), &batch());
    ipc_stream(&path("t.arrows"), &batch());
    // Known by its first bytes, whatever it is called.
    ipc_stream(&path("u.arrow"), &batch());
    for name in ["t.parquet", "t.arrow", "t.arrows", "u.arrow"] {
        let source = open(&path(name));
        assert_eq!(visited(&source, "list"), ["[1.0]", "-", "[]", "[2.0]"], "{name}");
        assert_eq!(visited(&source, "word"), ["a", "-", "b", "a"], "{name}");
        assert_eq!(visited(&source, "at"), ["1000", "-", "2000", "3000"], "{name}");
    }
    let long = "word ".repeat(1000);
    let lines = format!("{{\"v\":[1,-2.5],\"t\":{long:?}}}\n{{\"v\":[1,null]}}\n{{\"v\":[\"a\"],\"t\":7}}\n");
    std::fs::write(path("t.ndjson"), lines).unwrap();
    std::fs::write(path("t.csv"), format!("v,t\n\"[1, -2.5]\",{long}\n\"[1, NaN]\",\n\"[a]\",7\n")).unwrap();
    for (name, last) in [("t.ndjson", "-"), ("t.csv", "[a]")] {
        let source = open(&path(name));
        assert_eq!(visited(&source, "v"), ["[1.0, -2.5]", "[1.0, NaN]", last], "{name}");
        let texts = visited(&source, "t");
        assert_eq!(
            (texts[0].trim(), &texts[1..]),
            (long.trim(), &["-".to_owned(), "7".to_owned()][..]),
            "{name}"
        );
    }
    let source = open(&path("t.ndjson"));
    let vector = source.columns().iter().find(|column| column.name == "v").unwrap();
    assert_eq!(vector.declared, Declared::Nested, "a list of texts is no vector");
}

#[test]
fn several_files_are_one_table_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.csv"), "x,y\n3,q\n").unwrap();
    std::fs::write(folder.path().join("a.csv"), "y,x\np,1\np,2\n").unwrap();
    std::fs::write(folder.path().join(".hidden"), "no data").unwrap();
    std::fs::write(folder.path().join("_SUCCESS"), "").unwrap();
    let source = open(folder.path());
    assert_eq!(column(&source, "x"), ["1", "2", "3"]);
    assert_eq!(column(&source, "y"), ["\"p\"", "\"p\"", "\"q\""]);
    let pattern = folder.path().join("?.csv").display().to_string();
    assert_eq!(column(&Source::open(&pattern).unwrap(), "x"), ["1", "2", "3"]);
}

#[test]
fn more_rows_than_a_batch_are_all_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.csv");
    let text: String =
        std::iter::once("x\n".to_owned()).chain((0..200_000).map(|i| format!("{i}\n"))).collect();
    std::fs::write(&path, text).unwrap();
    let cells = column(&open(&path), "x");
    assert_eq!((cells.len(), cells[199_999].as_str()), (200_000, "199999"));
}
