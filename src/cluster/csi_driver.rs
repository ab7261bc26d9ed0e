//! How a CSI driver is served, from its CSIDriver object.

use serde_json::Value;

use super::object::Object;
use super::{ClusterError, CsiDriver, FsGroupPolicy};

/// What a CSIDriver says; what it leaves out has the API server's default.
pub(super) fn read(object: &Object, json: &str) -> Result<CsiDriver, ClusterError> {
    let driver = object.parse(json)?;
    let spec = &driver["spec"];
    let flag = |name: &str, default: bool| match &spec[name] {
        Value::Null => Ok(default),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(object.unreadable(format!("spec.{name} is neither true nor false"))),
    };
    let default = CsiDriver::default();
    let fs_group_policy = match &spec["fsGroupPolicy"] {
        Value::Null => default.fs_group_policy,
        Value::String(policy) if policy == "ReadWriteOnceWithFSType" => {
            FsGroupPolicy::ReadWriteOnceWithFsType
        }
        Value::String(policy) if policy == "File" => FsGroupPolicy::File,
        Value::String(policy) if policy == "None" => FsGroupPolicy::None,
        other => {
            return Err(object.unreadable(format!(
                "spec.fsGroupPolicy is {other}, which this version does not know"
            )));
        }
    };
    Ok(CsiDriver {
        attach_required: flag("attachRequired", default.attach_required)?,
        pod_info_on_mount: flag("podInfoOnMount", default.pod_info_on_mount)?,
        fs_group_policy,
        se_linux_mount: flag("seLinuxMount", default.se_linux_mount)?,
        requires_republish: flag("requiresRepublish", default.requires_republish)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::object::Kind;
    use super::*;

    fn spec(spec: &str) -> Result<CsiDriver, String> {
        let driver = Object::of_cluster(Kind::CsiDriver, "d");
        let json = format!("{{\"spec\": {spec}}}");
        read(&driver, &json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_as_without_an_object() {
        assert_eq!(spec("{}").unwrap(), CsiDriver::default());
        assert_eq!(spec("null").unwrap(), CsiDriver::default());
    }

    #[test]
    fn what_is_said_counts() {
        let said = spec(
            r#"{"attachRequired": false, "podInfoOnMount": true, "fsGroupPolicy": "File",
                "seLinuxMount": true, "requiresRepublish": true}"#,
        );
        let expected = CsiDriver {
            attach_required: false,
            pod_info_on_mount: true,
            fs_group_policy: FsGroupPolicy::File,
            se_linux_mount: true,
            requires_republish: true,
        };
        assert_eq!(said.unwrap(), expected);
        let none = spec(r#"{"fsGroupPolicy": "None"}"#).unwrap();
        assert_eq!(none.fs_group_policy, FsGroupPolicy::None);
        let default = spec(r#"{"fsGroupPolicy": "ReadWriteOnceWithFSType"}"#);
        assert_eq!(default.unwrap(), CsiDriver::default());
    }

    #[test]
    fn what_nobody_knows_is_not_guessed() {
        assert_eq!(
            spec(r#"{"fsGroupPolicy": "Sometimes"}"#).unwrap_err(),
            "CSIDriver d cannot be read: spec.fsGroupPolicy is \"Sometimes\", \
             which this version does not know"
        );
        assert_eq!(
            spec(r#"{"attachRequired": "no"}"#).unwrap_err(),
            "CSIDriver d cannot be read: spec.attachRequired is neither true nor false"
        );
    }
}
