//! The fleet is what it says: every kind, each translatable, no two alike.

use std::collections::BTreeSet;

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::in_tree::stored::{Reach, catalogue};
use serde_json::Value;

use super::create::Translation;
use super::kind::Site;
use super::{Size, kinds, pairs};

fn specs(number: usize) -> Vec<(Value, Value)> {
    let size = Size::pairs(number);
    let mut site = Site::default();
    let pairs = pairs(&size);
    for pair in &pairs {
        (pair.kind.site)(&pair.which, &mut site);
    }
    let translation = Translation::new(&site.text()).unwrap();
    let both = |pair: &super::pair::Pair| {
        let volume = pair.volume("5b1d8f0e-2f5e-4d0b-9b1a-e865b0fa7aa9");
        let translated = translation.of(&volume).unwrap();
        (volume, translated)
    };
    pairs.iter().map(both).collect()
}

#[test]
fn every_mapping_with_a_csi_form_has_a_kind() {
    let known: BTreeSet<&str> = kinds().iter().map(|kind| kind.name).collect();
    let mappings = Mappings::built_in();
    let missing: Vec<&str> = mappings
        .iter()
        .filter(|mapping| mapping.kept().is_none() && mapping.not_translatable().is_none())
        .map(|mapping| mapping.name())
        .filter(|name| !known.contains(name))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_in_tree_source_with_a_csi_form_has_a_kind() {
    let known: BTreeSet<&str> = kinds().iter().map(|kind| kind.name).collect();
    let missing: Vec<&str> = catalogue()
        .filter(|source| !matches!(source.reach, Reach::Kept | Reach::NotTranslatable))
        .map(|source| source.name)
        .filter(|name| !known.contains(name))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_volume_has_a_csi_form_of_its_own() {
    let specs = specs(4 * kinds().len());
    let handle = |spec: &Value| {
        format!(
            "{} {}",
            spec["spec"]["csi"]["driver"], spec["spec"]["csi"]["volumeHandle"]
        )
    };
    let handles: BTreeSet<String> = specs
        .iter()
        .map(|(_, translated)| handle(translated))
        .collect();
    assert_eq!(handles.len(), specs.len());
}

#[test]
fn policies_and_origins_are_mixed() {
    let specs = specs(4 * kinds().len());
    let count = |is: &dyn Fn(&Value) -> bool| specs.iter().filter(|(volume, _)| is(volume)).count();
    let deleted = count(&|volume| volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete");
    let by_hand = count(&|volume| volume["spec"]["storageClassName"] == "");
    for number in [deleted, by_hand] {
        assert!(
            number > specs.len() / 5 && number < specs.len() * 4 / 5,
            "{number}"
        );
    }
}
