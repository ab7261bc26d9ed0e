//! The in-tree translation gives what the Go library gives: all recorded
//! answers of k8s.io/csi-translation-lib (`testdata/conformance`).

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/difference.rs"]
mod difference;
#[path = "conformance/normalise.rs"]
mod normalise;
#[path = "conformance/quantity.rs"]
mod quantity;
#[path = "conformance/types.rs"]
mod types;

use case::Case;
use normalise::{Version, normalise};

/// How many differences are shown.
const SHOWN: usize = 5;

/// What the library answered.
#[derive(Deserialize)]
struct Recorded {
    id: String,
    #[serde(flatten)]
    answer: Answer,
    /// All answers that it can give, where there are several.
    #[serde(default)]
    variants: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    output: Value,
    #[serde(default)]
    error: String,
}

fn recorded(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/conformance");
    let file = File::open(folder.join(name)).expect("the recorded answers are there");
    let mut text = String::new();
    let read = GzDecoder::new(file).read_to_string(&mut text);
    read.expect("they are compressed text");
    text
}

fn answers(name: &str) -> HashMap<String, Recorded> {
    let parse = |line| serde_json::from_str(line).expect("an answer a line");
    let answers = recorded(name);
    let answers = answers.lines().map(parse);
    answers.map(|it: Recorded| (it.id.clone(), it)).collect()
}

/// Nothing, or what is wrong with our answer.
fn difference(case: &Case<'_>, recorded: &Recorded, version: Version) -> Option<String> {
    let ours = case.answer().map(|text| {
        let value: Value = serde_json::from_str(&text).expect("we write JSON");
        match case.op.as_str() {
            "sc-to-csi" => normalise(&value, &types::STORAGE_CLASS, version),
            "repair-handle" | "ebs-volume-id" => value,
            _ => normalise(&value, &types::PERSISTENT_VOLUME, version),
        }
    });
    let agrees = |answer: &Answer| match &ours {
        Ok(output) => answer.ok && answer.output == *output,
        Err(_) => !answer.ok,
    };
    if agrees(&recorded.answer) || recorded.variants.iter().any(agrees) {
        return None;
    }
    let expected = &recorded.answer;
    Some(match &ours {
        Ok(output) if expected.ok => difference::lines(&expected.output, output).join("\n"),
        Ok(output) => format!("    expected error {:?}, found {output}", expected.error),
        Err(error) => format!("    expected {}, found error {error:?}", expected.output),
    })
}

#[test]
fn every_recorded_answer_is_ours() {
    let newest = answers("expected-0.36.3.jsonl.gz");
    let with_rbd = answers("expected-0.30.14.jsonl.gz");
    let cases = recorded("cases.jsonl.gz");
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut shown = Vec::new();
    for line in cases.lines() {
        let case: Case<'_> = serde_json::from_str(line).expect("a case a line");
        let (recorded, version) = match with_rbd.get(&case.id) {
            Some(recorded) => (recorded, Version::V0_30),
            None => (&newest[&case.id], Version::V0_36),
        };
        let difference = difference(&case, recorded, version);
        let (agree, differ) = counts.entry(case.op.clone()).or_default();
        match difference {
            None => *agree += 1,
            Some(difference) => {
                *differ += 1;
                if shown.len() < SHOWN {
                    shown.push(format!("{}: {}\n{difference}", case.id, case.op));
                }
            }
        }
    }
    for (op, (agree, differ)) in &counts {
        println!("{op}: {agree} agree, {differ} differ");
    }
    let all: usize = counts.values().map(|(agree, differ)| agree + differ).sum();
    assert_eq!(all, newest.len(), "every answer has its case");
    assert!(shown.is_empty(), "\n{}", shown.join("\n"));
}

#[test]
fn a_wrong_answer_would_be_seen() {
    let line = r#"{"id":"x","op":"pv-to-csi","input":{"spec":{"cinder":{"volumeID":"v"}}}}"#;
    let case: Case<'_> = serde_json::from_str(line).unwrap();
    let recorded = |output: &str| -> Recorded {
        serde_json::from_str(&format!(r#"{{"id":"x","ok":true,"output":{output}}}"#)).unwrap()
    };
    let csi = r#"{"metadata":{},"spec":{"csi":{"driver":"cinder.csi.openstack.org","volumeHandle":"v"}},"status":{}}"#;
    let differs = |output: &str| difference(&case, &recorded(output), Version::V0_36);
    assert_eq!(differs(csi), None);
    let attribute = csi.replace(r#""v"}"#, r#""v","volumeAttributes":{"a":""}}"#);
    let handle = csi.replace(r#""v""#, r#""w""#);
    let fs_type = csi.replace(r#""v"}"#, r#""v","fsType":"ext4"}"#);
    for wrong in [attribute, handle, fs_type] {
        assert!(differs(&wrong).is_some(), "{wrong}");
    }
    let error = Recorded {
        answer: Answer {
            ok: false,
            output: Value::Null,
            error: String::new(),
        },
        ..recorded("null")
    };
    assert!(difference(&case, &error, Version::V0_36).is_some());
}
