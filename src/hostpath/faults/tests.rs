use tonic::Code;

use super::*;

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

#[test]
fn faults_are_read() {
    let table = [
        ("NodePublishVolume=hang", Action::Hang, When::Before, None),
        (
            "CreateVolume=UNAVAILABLE,after",
            Action::Fail(Code::Unavailable),
            When::After,
            None,
        ),
        (
            "CreateVolume=slow:500ms,recorded,times=2",
            Action::Slow(Duration::from_millis(500)),
            When::Recorded,
            Some(2),
        ),
        (
            "Probe=slow:3s",
            Action::Slow(Duration::from_secs(3)),
            When::Before,
            None,
        ),
    ];
    for (text, action, when, times) in table {
        let read = fault(text);
        assert_eq!(
            (read.action, read.when, read.times),
            (action, when, times),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_fault_is_refused() {
    for text in [
        "",
        "NodePublishVolume",
        "Publish=hang",
        "Probe=",
        "Probe=OK",
        "Probe=unavailable",
        "Probe=slow:1",
        "Probe=slow:-1s",
        "Probe=slow:99999999s",
        "Probe=hang,later",
        "Probe=hang,times=x",
        "Probe=hang,recorded",
    ] {
        assert!(text.parse::<Fault>().is_err(), "{text:?}");
    }
}

#[test]
fn a_fault_comes_as_often_as_asked_for() {
    let faults = Faults::new(
        vec![fault("Probe=INTERNAL,times=2"), fault("Probe=hang,after")],
        None,
    );
    let next = |when| faults.next(Rpc::Probe, when).unwrap();
    let failed = Some(Action::Fail(Code::Internal));
    assert_eq!(
        [next(When::Before), next(When::Before), next(When::Before)],
        [failed, failed, None]
    );
    assert_eq!(
        [next(When::After), next(When::After)],
        [Some(Action::Hang); 2]
    );
    assert_eq!(faults.next(Rpc::GetPluginInfo, When::Before).unwrap(), None);
}

#[test]
fn the_file_is_read_at_each_call() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("faults");
    let faults = Faults::new(Vec::new(), Some(path.clone()));
    let next = || faults.next(Rpc::Probe, When::Before);
    assert_eq!(next().unwrap(), None, "no file");
    std::fs::write(&path, "# once\nProbe=ABORTED,times=1\n\n").unwrap();
    assert_eq!(next().unwrap(), Some(Action::Fail(Code::Aborted)));
    assert_eq!(next().unwrap(), None);
    std::fs::write(&path, "").unwrap();
    assert_eq!(next().unwrap(), None);
    std::fs::write(&path, "Probe=ABORTED,times=1").unwrap();
    assert_eq!(
        next().unwrap(),
        Some(Action::Fail(Code::Aborted)),
        "counted anew"
    );
    std::fs::write(&path, "Probe=hang\nProbe=nonsense").unwrap();
    let wrong = next().unwrap_err().to_string();
    assert!(
        wrong.contains("line 2") && wrong.contains("nonsense"),
        "{wrong}"
    );
}
