//! Paths of tiles and bundles, and names and ids: each accepted text is the one form of its value.
#![no_main]

use comptroller_core::ids::SystemId;
use comptroller_core::{Slug, Timestamp};
use comptroller_ledger::{EntryBundle, Hash, Tile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(tile) = Tile::parse(text) {
        assert_eq!(tile.path(), text);
    }
    if let Ok(bundle) = EntryBundle::parse(text) {
        assert_eq!(bundle.path(), text);
    }
    if let Ok(slug) = text.parse::<Slug>() {
        assert_eq!(slug.to_string(), text);
    }
    if let Ok(id) = text.parse::<SystemId>() {
        assert_eq!(id.to_string().parse::<SystemId>().expect("an id that was written"), id);
    }
    if let Ok(hash) = text.parse::<Hash>() {
        assert_eq!(hash.to_string().parse::<Hash>().expect("a hash that was written"), hash);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse::<Timestamp>().expect("a time that was written"), time);
    }
});
