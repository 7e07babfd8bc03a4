//! Policy bundles: the hard set and the review set under the shipped schema, divided by a line of dashes.
#![no_main]

use comptroller_policy::Bundle;
use libfuzzer_sys::fuzz_target;

const SCHEMA: &str = include_str!("../../policies/base/schema.cedarschema");

fuzz_target!(|text: &str| {
    let (hard, review) = text.split_once("\n----\n").unwrap_or((text, ""));
    if let Ok(bundle) = Bundle::parse(SCHEMA, hard, review) {
        assert!(bundle.rules().all(|rule| !rule.id.to_string().is_empty()));
    }
});
