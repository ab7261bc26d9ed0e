//! What Prometheus reads.

use std::collections::BTreeSet;

use tonic::Code;

use super::*;

/// Everything counted once, for one driver.
fn counted() -> Metrics {
    let metrics = Metrics::new();
    let calls = metrics.calls(Door::Csi, "ebs.csi.aws.com");
    let publish = calls.rpc("NodePublishVolume");
    publish.start().finish(Code::Ok);
    publish.start().finish(Code::Ok);
    publish.start().finish(Code::InvalidArgument);
    drop(calls.rpc("Probe").start());
    calls
        .rpc("FromTheFuture")
        .start()
        .finish(Code::Unimplemented);
    let backend = metrics.backend("ebs.csi.aws.com", "/csi/csi.sock");
    backend.connected();
    backend.down();
    backend.connected();
    backend.up();
    metrics.registered("ebs.csi.aws.com.flex2csi.io").set(true);
    metrics.reloads().succeeded();
    metrics.reloads().failed();
    let node = metrics.node();
    node.mounts(&[("ebs.csi.aws.com".to_owned(), 3)].into());
    node.attachments(&[("ebs.csi.aws.com".to_owned(), 1)].into());
    node.originals(&[("k8s/nfs".to_owned(), 1)].into());
    metrics
}

/// The samples whose name starts so, sorted.
fn samples(metrics: &Metrics, prefix: &str) -> Vec<String> {
    let text = metrics.text().unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with(prefix))
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

#[test]
fn calls_are_counted_by_rpc_and_code() {
    let metrics = counted();
    let of = |rpc: &str, code: &str, count: u32| {
        format!(
            "flex2csi_calls_total{{door=\"csi\",driver=\"ebs.csi.aws.com\",rpc=\"{rpc}\",code=\"{code}\"}} {count}"
        )
    };
    assert_eq!(
        samples(&metrics, "flex2csi_calls_total"),
        [
            of("NodePublishVolume", "InvalidArgument", 1),
            of("NodePublishVolume", "OK", 2),
            of("Probe", "Canceled", 1),
            of("other", "Unimplemented", 1),
        ]
    );
    let count = "flex2csi_call_duration_seconds_count{door=\"csi\",driver=\"ebs.csi.aws.com\",rpc=\"NodePublishVolume\"} 3";
    assert_eq!(
        samples(&metrics, "flex2csi_call_duration_seconds_count")[0],
        count
    );
}

#[test]
fn buckets_reach_from_50_microseconds_to_two_minutes() {
    let metrics = counted();
    let text = metrics.text().unwrap();
    let bounds: Vec<f64> = text
        .lines()
        .filter(|line| line.starts_with("flex2csi_call_duration_seconds_bucket"))
        .filter(|line| line.contains("rpc=\"Probe\""))
        .filter_map(|line| line.split("le=\"").nth(1)?.split('"').next()?.parse().ok())
        .filter(|bound: &f64| bound.is_finite())
        .collect();
    assert_eq!((bounds[0], bounds[bounds.len() - 1]), (50e-6, 120.0));
    assert!(bounds.is_sorted());
}

#[test]
fn calls_in_flight_come_and_go() {
    let metrics = Metrics::new();
    let probe = metrics.calls(Door::Hostpath, "a.b").rpc("Probe");
    let in_flight = |count: u32| {
        vec![format!(
            "flex2csi_calls_in_flight{{door=\"hostpath\",driver=\"a.b\"}} {count}"
        )]
    };
    let (one, two) = (probe.start(), probe.start());
    assert_eq!(samples(&metrics, "flex2csi_calls_in_flight"), in_flight(2));
    one.finish(Code::Ok);
    drop(two);
    assert_eq!(samples(&metrics, "flex2csi_calls_in_flight"), in_flight(0));
}

#[test]
fn rpcs_that_are_never_called_take_no_room() {
    let metrics = Metrics::new();
    let calls = metrics.calls(Door::Csi, "a.b");
    let _kept = calls.rpc("NodeStageVolume");
    assert_eq!(
        samples(&metrics, "flex2csi_call"),
        samples(&metrics, "flex2csi_calls_in_flight")
    );
}

#[test]
fn a_handle_taken_twice_counts_into_one_series() {
    let metrics = Metrics::new();
    for _ in 0..2 {
        let calls = metrics.calls(Door::Csi, "a.b");
        calls.rpc("Probe").start().finish(Code::Ok);
    }
    let counted = samples(&metrics, "flex2csi_calls_total");
    assert_eq!(counted.len(), 1);
    assert!(counted[0].ends_with(" 2"), "{counted:?}");
}

#[test]
fn backends_registration_and_reloads() {
    let metrics = counted();
    let socket = "{driver=\"ebs.csi.aws.com\",socket=\"/csi/csi.sock\"}";
    assert_eq!(
        samples(&metrics, "flex2csi_backend"),
        [
            format!("flex2csi_backend_connections_total{socket} 2"),
            format!("flex2csi_backend_up{socket} 1"),
        ]
    );
    assert_eq!(
        samples(&metrics, "flex2csi_registered"),
        ["flex2csi_registered{driver=\"ebs.csi.aws.com.flex2csi.io\"} 1"]
    );
    assert_eq!(
        samples(&metrics, "flex2csi_config_reloads_total"),
        [
            "flex2csi_config_reloads_total{result=\"failure\"} 1",
            "flex2csi_config_reloads_total{result=\"success\"} 1",
        ]
    );
    assert_eq!(
        samples(&metrics, "flex2csi_config_last_reload_successful"),
        ["flex2csi_config_last_reload_successful 0"]
    );
}

#[test]
fn drivers_that_have_nothing_left_are_not_shown() {
    let metrics = counted();
    let mounts = || samples(&metrics, "flex2csi_mounts");
    assert_eq!(mounts(), ["flex2csi_mounts{driver=\"ebs.csi.aws.com\"} 3"]);
    metrics.node().mounts(&[("a.b".to_owned(), 1)].into());
    assert_eq!(mounts(), ["flex2csi_mounts{driver=\"a.b\"} 1"]);
}

/// The names that samples have, from the `# TYPE` lines.
fn names(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            match kind {
                "counter" => format!("{name}_total"),
                "info" => format!("{name}_info"),
                _ => name.to_owned(),
            }
        })
        .collect()
}

#[test]
fn the_documentation_lists_these_metrics_and_no_others() {
    let listed: BTreeSet<String> = include_str!("../../../docs/operations.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.starts_with("flex2csi_") || name.starts_with("process_"))
        .collect();
    assert_eq!(names(&counted().text().unwrap()), listed);
}
