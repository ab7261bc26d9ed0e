//! A plan that was written is read back, and nothing else is.

use std::path::PathBuf;

use flex2csi_translators::plan::{Finding, FindingCode, VerdictKind};
use flex2csi_translators::rewrite::{ClaimId, InUse};

use super::*;
use crate::plan::row::{ObjectId, Options, Row, To};

fn head() -> Head {
    Head {
        cluster: "11111111-2222-3333-4444-555555555555".into(),
        tool: "0.1.0".into(),
        created: "2026-01-01T00:00:00Z".into(),
        node_evidence: true,
        server_dry_run: true,
        via_endpoint: Some(true),
    }
}

fn row(name: &str) -> Row {
    Row {
        object: ObjectId {
            kind: "PersistentVolume".into(),
            namespace: String::new(),
            name: name.into(),
            uid: "0d3c5e0a-4a8e-4a53-9c0b-4a2b6d8e7f10".into(),
            // Whatever looks like a number to YAML stays text.
            resource_version: "4711".into(),
        },
        claim: Some(ClaimId {
            namespace: "n".into(),
            name: "on".into(),
            uid: "1e3".into(),
        }),
        from: "awsElasticBlockStore".into(),
        to: Some(To {
            driver: "ebs.csi.aws.com".into(),
            handle: "vol-1".into(),
            digest: "00".into(),
        }),
        verdict: VerdictKind::ReadyInUse,
        in_use: InUse::RuntimeEqual,
        workloads: Vec::new(),
        findings: vec![Finding::new(FindingCode::RuntimeEqual, "it is: \"equal\"")],
        options: Options {
            skip: false,
            keep_delete: Some(false),
        },
    }
}

struct Case {
    directory: tempfile::TempDir,
}

impl Case {
    fn new(rows: &[Row]) -> Self {
        let case = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let mut writer = Writer::file(&case.path(), &head()).unwrap();
        for row in rows {
            writer.object(row).unwrap();
        }
        writer.close().unwrap();
        case
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("plan.yaml")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn edit(&self, edit: impl FnOnce(String) -> String) {
        std::fs::write(self.path(), edit(self.text())).unwrap();
    }

    fn rows(&self) -> Result<Vec<Row>, PlanFileError> {
        let mut file = PlanFile::open(&self.path())?;
        let mut rows = Vec::new();
        while let Some(row) = file.next()? {
            rows.push(row);
        }
        Ok(rows)
    }
}

#[track_caller]
fn refused(edit: impl FnOnce(String) -> String) -> PlanFileError {
    let case = Case::new(&[row("a"), row("b")]);
    case.edit(edit);
    let error = case.rows().unwrap_err();
    let same = PlanFile::check(&case.path()).unwrap_err();
    assert_eq!(same.to_string(), error.to_string());
    error
}

#[test]
fn what_was_written_is_read_back() {
    let rows = [row("a"), row("b")];
    let read = Case::new(&rows).rows().unwrap();
    let mut expected = rows.to_vec();
    for finding in expected.iter_mut().flat_map(|row| &mut row.findings) {
        // The verdict stands; what led to it is told, not kept.
        finding.effect = flex2csi_translators::plan::Effect::Warn;
    }
    assert_eq!(read, expected);
    assert!(Case::new(&[]).rows().unwrap().is_empty());
}

#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let case = Case::new(&[]);
    let mode = std::fs::metadata(case.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn options_may_be_edited() {
    let case = Case::new(&[row("a"), row("b")]);
    case.edit(|text| {
        text.replacen("skip: false", "skip: true", 1).replacen(
            "keepDelete: false",
            "keepDelete: true",
            1,
        )
    });
    let rows = case.rows().unwrap();
    assert!(rows[0].options.skip && rows[0].options.keep_delete == Some(true));
    assert!(!rows[1].options.skip);
}

#[test]
fn comments_and_the_order_of_members_are_a_persons_own() {
    let case = Case::new(&[row("a")]);
    case.edit(|text| {
        let text = text.replacen("  from: awsElasticBlockStore\n", "", 1);
        text.replacen(
            "  options:\n",
            "  # seen\n  from: \"awsElasticBlockStore\"\n  options:\n",
            1,
        )
    });
    case.rows().unwrap();
}

#[test]
fn what_else_is_edited_is_named() {
    for (from, to) in [
        ("handle: vol-1", "handle: vol-2"),
        ("verdict: ready-in-use", "verdict: ready"),
        ("name: a\n", "name: c\n"),
        ("\"4711\"", "\"4712\""),
        ("nodeEvidence: true", "nodeEvidence: false"),
        ("viaEndpoint: true", "viaEndpoint: false"),
    ] {
        let error = refused(|text| {
            assert!(text.contains(from), "{from} in {text}");
            text.replacen(from, to, 1)
        });
        assert!(matches!(error, PlanFileError::Edited { .. }), "{error}");
    }
    let error = refused(|text| text.replacen("handle: vol-1", "handle: vol-2", 1));
    assert!(
        error
            .to_string()
            .contains("PersistentVolume a is not as it was planned"),
        "{error}"
    );
}

#[test]
fn what_does_not_belong_there_is_named() {
    for (from, to) in [
        ("skip: false", "skip: maybe"),
        ("skip: false", "skipp: true"),
        ("verdict: ready-in-use", "verdict: fine"),
        ("kind: MigrationPlanObject", "kind: Pod"),
    ] {
        let error = refused(|text| text.replacen(from, to, 1));
        assert!(matches!(error, PlanFileError::Unreadable { .. }), "{error}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_noticed_wherever() {
    let whole = Case::new(&[row("a"), row("b")]).text();
    for cut in (0..whole.len()).step_by(7) {
        let error = refused(|text| text[..cut].to_owned());
        assert!(!error.to_string().is_empty());
    }
    let at = whole
        .find("---\napiVersion: flex2csi.io/v1alpha1\nkind: MigrationPlanEnd")
        .unwrap();
    let error = refused(|text| text[..at].to_owned());
    assert!(
        matches!(error, PlanFileError::Truncated { objects: 2, .. }),
        "{error}"
    );
}

#[test]
fn objects_that_are_missing_doubled_or_moved_are_noticed() {
    let documents = |text: &str| -> Vec<String> {
        text.split("---\n")
            .map(|document| format!("---\n{document}"))
            .collect()
    };
    for change in [
        (|d: &mut Vec<String>| drop(d.remove(2))) as fn(&mut Vec<String>),
        |d| d.insert(2, d[2].clone()),
        |d| d.swap(2, 3),
    ] {
        let error = refused(|text| {
            let mut documents = documents(&text);
            change(&mut documents);
            documents.concat()
        });
        assert!(
            matches!(error, PlanFileError::OtherObjects { .. }),
            "{error}"
        );
    }
}

#[test]
fn what_is_no_plan_is_said_to_be_none() {
    for text in ["", "# nothing\n", "kind: Pod\n", "just text", "{}"] {
        let error = refused(|_| text.to_owned());
        assert!(
            matches!(error, PlanFileError::NotAPlan { .. }),
            "{text}: {error}"
        );
    }
    let error = refused(|text| text.replace("flex2csi.io/v1alpha1", "flex2csi.io/v9"));
    assert!(matches!(error, PlanFileError::Version { .. }), "{error}");
}

#[test]
fn a_plan_is_for_its_cluster() {
    let case = Case::new(&[]);
    let file = PlanFile::open(&case.path()).unwrap();
    file.for_cluster(&head().cluster).unwrap();
    let error = file.for_cluster("other").unwrap_err().to_string();
    assert!(error.contains("another cluster"), "{error}");
}

#[test]
fn a_plan_is_for_the_form_that_it_was_made_for() {
    let case = Case::new(&[]);
    let file = PlanFile::open(&case.path()).unwrap();
    file.for_form(true).unwrap();
    let error = file.for_form(false).unwrap_err().to_string();
    assert!(error.contains("made with --via-endpoint"), "{error}");
}

/// As one was written before plans noted it.
#[test]
fn a_plan_that_does_not_say_its_form_is_read_all_the_same() {
    let head = Head {
        via_endpoint: None,
        ..head()
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plan.yaml");
    let mut writer = Writer::file(&path, &head).unwrap();
    writer.object(&row("a")).unwrap();
    writer.close().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("viaEndpoint"), "{text}");
    PlanFile::check(&path).unwrap();
    let file = PlanFile::open(&path).unwrap();
    for via_endpoint in [true, false] {
        file.for_form(via_endpoint).unwrap();
    }
}

#[test]
fn a_plan_that_is_not_closed_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plan.yaml");
    let mut writer = Writer::file(&path, &head()).unwrap();
    writer.object(&row("a")).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
