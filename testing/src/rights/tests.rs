use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::table::{Row, UNTRIED, USED};
use super::{Right, given, objects, rights_of, text};

#[test]
fn each_right_is_used_by_one_test_and_none_is_that_is_not_given() {
    let mut listed: BTreeSet<Right> = BTreeSet::new();
    for right in USED.iter().flat_map(Row::rights) {
        assert!(
            listed.insert(right.clone()),
            "twice in the table: {right:?}"
        );
    }
    let given = given();
    let idle: Vec<_> = given
        .iter()
        .filter(|((role, what), _)| {
            let mut untried = UNTRIED.iter();
            !untried.any(|(of, rights, _)| role == of && rights.contains(&what.as_str()))
        })
        .filter(|(right, _)| !listed.contains(right))
        .collect();
    assert!(idle.is_empty(), "no test is to use them: {idle:#?}");
    let untried = UNTRIED.iter().flat_map(|(role, rights, _)| {
        let rights = rights.iter();
        rights.map(|what| ((*role).to_owned(), (*what).to_owned()))
    });
    for right in untried {
        assert!(
            listed.insert(right.clone()),
            "tried, or twice in the table: {right:?}"
        );
    }
    let unknown: Vec<_> = listed
        .iter()
        .filter(|right| !given.contains_key(right))
        .collect();
    assert!(
        unknown.is_empty(),
        "deploy/ does not give them: {unknown:#?}"
    );
}

#[test]
fn the_tests_of_the_table_prove_their_part() {
    let mut files = Vec::new();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    collect_sources(&tests, &mut files);
    let sources: String = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    for row in USED {
        assert!(
            sources.contains(&format!("\"{}\"", row.test)),
            "nothing calls rights::prove for {}",
            row.test
        );
    }
}

fn collect_sources(directory: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Or one of the two could go, and no test would see it.
#[test]
fn no_account_is_given_a_right_twice() {
    let objects = objects();
    let mut roles: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
    for (_, object) in &objects {
        let place = text(&object["metadata"]["namespace"]).to_owned();
        let name = text(&object["metadata"]["name"]).to_owned();
        let kind = text(&object["kind"]).to_owned();
        if kind == "Role" || kind == "ClusterRole" {
            roles.insert((kind, place, name), rights_of(object));
        }
    }
    // By account: where, by which role, what.
    let mut has: BTreeMap<String, BTreeMap<(String, String), String>> = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (_, object) in &objects {
        let place = text(&object["metadata"]["namespace"]).to_owned();
        let role = &object["roleRef"];
        let (kind, name) = (text(&role["kind"]), text(&role["name"]));
        // It serves the sidecars' programs, which are proved with this role alone.
        if name.is_empty() || name == "flex2csi-sidecars" {
            continue;
        }
        let of = if kind == "Role" {
            place.clone()
        } else {
            String::new()
        };
        let Some(rights) = roles.get(&(kind.to_owned(), of, name.to_owned())) else {
            panic!("{kind} {name} is bound and not there");
        };
        for subject in object["subjects"].as_array().unwrap() {
            let account = format!("{}:{}", text(&subject["namespace"]), text(&subject["name"]));
            let has = has.entry(account.clone()).or_default();
            for right in rights {
                let key = (place.clone(), right.clone());
                for ((where_, what), by) in has.iter() {
                    let overlaps = where_.is_empty() || place.is_empty() || *where_ == place;
                    if what == right && overlaps && by != name {
                        twice.insert(format!("{account} may {right} by {by} and by {name}"));
                    }
                }
                has.insert(key, name.to_owned());
            }
        }
    }
    assert!(twice.is_empty(), "{twice:#?}");
}
