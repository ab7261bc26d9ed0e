//! Mounts as columns.

use super::mount_row::MountRow;
use crate::listing;

/// The longest handle that is shown whole.
const LONGEST_HANDLE: usize = 40;

/// One line for each mount. Where it is mounted stands in the other forms.
pub(super) fn mounts(rows: &[MountRow]) -> String {
    if rows.is_empty() {
        return "No legacy volume is mounted on this node.\n".to_owned();
    }
    let header = [
        "POD",
        "VOLUME",
        "FLEXVOLUME DRIVER",
        "CSI DRIVER",
        "HANDLE",
        "STATE",
    ];
    let mut table = listing::table(&header);
    for row in rows {
        let pod = match (&row.namespace, &row.pod, &row.pod_uid) {
            (Some(namespace), Some(pod), _) => format!("{namespace}/{pod}"),
            (_, _, Some(uid)) => format!("uid {uid}"),
            _ => "-".to_owned(),
        };
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.add_row([
            pod,
            or_dash(&row.volume),
            row.flex_driver.clone(),
            or_dash(&row.csi_driver),
            shortened(&or_dash(&row.handle)),
            row.state.as_str().to_owned(),
        ]);
    }
    listing::text(&table)
}

/// Handles can have 190 characters.
fn shortened(handle: &str) -> String {
    if handle.chars().count() <= LONGEST_HANDLE {
        return handle.to_owned();
    }
    let start: String = handle.chars().take(LONGEST_HANDLE - 1).collect();
    format!("{start}\u{2026}")
}

#[cfg(test)]
mod tests {
    use super::super::mount_row::RowState;
    use super::*;

    fn row() -> MountRow {
        MountRow {
            namespace: Some("shop".into()),
            pod: Some("db-0".into()),
            pod_uid: Some("u1".into()),
            volume: Some("pv-1".into()),
            flex_driver: "ceph.rook.io/rook".into(),
            csi_driver: Some("rbd.csi.ceph.com".into()),
            handle: Some("0001-pool-img".into()),
            target: Some("/k/pods/u1/volumes/ceph.rook.io~rook/pv-1".into()),
            state: RowState::Mounted,
        }
    }

    #[test]
    fn a_mount_is_a_line() {
        let original = MountRow {
            namespace: None,
            pod: None,
            csi_driver: None,
            handle: None,
            state: RowState::Original,
            ..row()
        };
        let text = mounts(&[row(), original]);
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines[1],
            [
                "shop/db-0",
                "pv-1",
                "ceph.rook.io/rook",
                "rbd.csi.ceph.com",
                "0001-pool-img",
                "mounted"
            ]
        );
        assert_eq!(
            lines[2],
            [
                "uid",
                "u1",
                "pv-1",
                "ceph.rook.io/rook",
                "-",
                "-",
                "original"
            ]
        );
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert!(mounts(&[]).contains("No legacy volume"));
    }

    #[test]
    fn a_long_handle_is_cut_between_characters() {
        let text = shortened(&"\u{e9}".repeat(200));
        assert_eq!(text.chars().count(), LONGEST_HANDLE);
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn programs_read_every_member() {
        let json = serde_json::to_value([row()]).unwrap();
        let expected = serde_json::json!([{
            "namespace": "shop", "pod": "db-0", "podUID": "u1", "volume": "pv-1",
            "flexDriver": "ceph.rook.io/rook", "csiDriver": "rbd.csi.ceph.com",
            "handle": "0001-pool-img", "target": "/k/pods/u1/volumes/ceph.rook.io~rook/pv-1",
            "state": "mounted",
        }]);
        assert_eq!(json, expected);
    }
}
