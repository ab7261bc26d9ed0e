//! Where an original driver that attaches mounts a device for all pods of a node
//! (kubernetes `pkg/volume/flexvolume/util.go`, v1.36).

use std::path::{Component, Path, PathBuf};

use flex2csi_exec::wire::Request;

use super::call::InvalidCall;

/// The directory of a volume's device.
pub(super) fn of(root: &Path, driver: &str, volume: &str) -> PathBuf {
    root.join("plugins/kubernetes.io/flexvolume")
        .join(driver)
        .join("mounts")
        .join(volume)
}

/// The directory of a call `unmountdevice <directory>`. It is nothing but a
/// device's of that driver.
///
/// # Errors
/// It is another, or missing.
pub(super) fn check(request: &Request, root: &Path) -> Result<PathBuf, InvalidCall> {
    let [given] = request.args.as_slice() else {
        return Err(InvalidCall::Arguments {
            call: request.call.clone(),
            expected: 1,
            found: request.args.len(),
        });
    };
    let path = Path::new(given);
    let last = match path.components().next_back() {
        Some(Component::Normal(name)) => name.to_str(),
        _ => None,
    };
    let expected = last.map(|volume| of(root, &request.driver, volume));
    let is_same = |expected: &PathBuf| {
        // Kubelet may know its root by another name.
        let parent = |path: &Path| path.parent().and_then(|parent| parent.canonicalize().ok());
        !given.contains('\0')
            && (expected == path || parent(expected).is_some_and(|one| Some(one) == parent(path)))
    };
    expected
        .filter(is_same)
        .ok_or_else(|| InvalidCall::NoDevice {
            path: path.to_owned(),
            driver: request.driver.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_path(path: &str) -> Result<PathBuf, InvalidCall> {
        let request = Request {
            version: 1,
            request_id: "r".into(),
            driver: "huawei.com/fuxivol".into(),
            call: "unmountdevice".into(),
            args: vec![path.into()],
            timeout_ms: 1,
            original_does_not: true,
        };
        check(&request, Path::new("/k"))
    }

    #[test]
    fn the_directory_keeps_the_vendors_slash() {
        let path = "/k/plugins/kubernetes.io/flexvolume/huawei.com/fuxivol/mounts/pv-1";
        assert_eq!(check_path(path).unwrap(), Path::new(path));
    }

    #[test]
    fn nothing_else_is_a_device() {
        for path in [
            "/",
            "/etc",
            "/k/plugins/kubernetes.io/flexvolume/huawei.com/fuxivol/mounts/..",
            "/k/plugins/kubernetes.io/flexvolume/huawei.com/other/mounts/pv-1",
            "/k/plugins/kubernetes.io/flexvolume/huawei.com/fuxivol/mounts/pv\0",
            "k/plugins/kubernetes.io/flexvolume/huawei.com/fuxivol/mounts/pv-1",
        ] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
    }
}
