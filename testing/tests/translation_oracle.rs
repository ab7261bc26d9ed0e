//! Tier 2: the reference answers as Kubernetes does.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use std::collections::{HashMap, HashSet};
    use std::io::{BufRead, BufReader};

    use flate2::read::GzDecoder;
    use flex2csi_testing::oracle::{Version, answers};
    use serde_json::{Value, json};

    fn volume(source: Value) -> Value {
        json!({
            "id": "volume", "op": "pv-to-csi",
            "input": { "metadata": { "name": "data" }, "spec": source },
        })
    }

    #[test]
    #[ignore = "tier 2: needs the translation oracle; testing/run builds it"]
    fn a_volume_is_translated() {
        let ebs = volume(
            json!({ "awsElasticBlockStore": { "volumeID": "aws://z/vol-1", "fsType": "ext4" } }),
        );
        for version in [Version::Current, Version::WithRbd] {
            let answer = &answers(version, std::slice::from_ref(&ebs)).unwrap()[0];
            assert_eq!(answer["ok"], true, "{answer}");
            assert_eq!(
                answer["output"]["spec"]["csi"],
                json!({
                    "driver": "ebs.csi.aws.com", "volumeHandle": "vol-1", "fsType": "ext4",
                    "volumeAttributes": { "partition": "0" },
                })
            );
        }
    }

    #[test]
    #[ignore = "tier 2: needs the translation oracle; testing/run builds it"]
    fn rbd_is_known_to_the_older_library_alone() {
        let rbd = [volume(
            json!({ "rbd": { "monitors": ["10.0.0.1:6789"], "image": "data" } }),
        )];
        assert_eq!(answers(Version::Current, &rbd).unwrap()[0]["ok"], false);
        assert_eq!(answers(Version::WithRbd, &rbd).unwrap()[0]["ok"], true);
    }

    /// As the API server reads them, which Go's own decoder does not.
    #[test]
    #[ignore = "tier 2: needs the translation oracle; testing/run builds it"]
    fn field_names_are_case_sensitive() {
        let question = [volume(
            json!({ "awsElasticBlockStore": { "volumeID": "vol-1", "FSType": "ext4" } }),
        )];
        let answer = &answers(Version::Current, &question).unwrap()[0];
        assert_eq!(answer["output"]["spec"]["csi"].get("fsType"), None);
    }

    #[test]
    #[ignore = "tier 2: needs the translation oracle; testing/run builds it"]
    fn a_panic_of_the_library_is_an_answer() {
        let null_class = json!({
            "id": "null", "op": "sc-to-csi", "input": null, "args": { "plugin": "kubernetes.io/aws-ebs" },
        });
        let answer = &answers(Version::Current, &[null_class]).unwrap()[0];
        assert_eq!(
            (&answer["ok"], &answer["panic"]),
            (&json!(false), &json!(true))
        );
    }

    /// Many more than a pipe holds.
    #[test]
    #[ignore = "tier 2: needs the translation oracle; testing/run builds it"]
    fn answers_come_in_the_order_of_the_questions() {
        let questions: Vec<Value> = (0..5_000)
            .map(|n| {
                json!({ "id": n.to_string(), "op": "ebs-volume-id", "args": { "id": format!("aws://z/vol-{n}") } })
            })
            .collect();
        let answers = answers(Version::Current, &questions).unwrap();
        assert_eq!(answers.len(), questions.len());
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(answer["output"], format!("vol-{n}"));
        }
    }

    /// The recorded answers, with which tier 0 compares ours, are the library's
    /// own: a case that is wrong in the recording fails here.
    #[test]
    #[ignore = "tier 2: needs the translation oracles; testing/run builds them"]
    fn recorded_answers_are_those_of_the_library() {
        let cases = recorded("cases.jsonl.gz");
        for (version, file) in [
            (Version::Current, "expected-0.36.3.jsonl.gz"),
            (Version::WithRbd, "expected-0.30.14.jsonl.gz"),
        ] {
            let expected = recorded(file);
            let asked: HashSet<&str> = expected
                .iter()
                .filter_map(|line| line["id"].as_str())
                .collect();
            let questions: Vec<Value> = cases
                .iter()
                .filter(|case| case["id"].as_str().is_some_and(|id| asked.contains(id)))
                .cloned()
                .collect();
            assert_eq!(questions.len(), expected.len(), "{file}");
            let answers = answers(version, &questions).unwrap();
            let by_id: HashMap<&str, &Value> = expected
                .iter()
                .map(|line| (line["id"].as_str().unwrap(), line))
                .collect();
            let wrong: Vec<_> = answers
                .iter()
                .filter(|answer| !is_recorded(answer, by_id[answer["id"].as_str().unwrap()]))
                .collect();
            assert!(
                wrong.is_empty(),
                "{file}: {} differ, as {}",
                wrong.len(),
                wrong[0]
            );
        }
    }

    /// Whether an answer is the recorded one, or one of them where the library
    /// follows the order of a map.
    fn is_recorded(answer: &Value, recorded: &Value) -> bool {
        let same = |recorded: &Value| {
            answer["ok"] == recorded["ok"] && answer["output"] == recorded["output"]
        };
        let variants = recorded["variants"].as_array();
        same(recorded) || variants.is_some_and(|variants| variants.iter().any(same))
    }

    fn recorded(file: &str) -> Vec<Value> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/conformance/");
        let file = std::fs::File::open(format!("{folder}{file}")).unwrap();
        let lines = BufReader::new(GzDecoder::new(file)).lines();
        lines
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect()
    }
}
