//! What a StorageClass and a VolumeAttributesClass can say.

use std::collections::BTreeMap;

use super::capability::{Access, Capability};
use super::error::Error;
use super::kind::Kind;
use super::limits;

/// The kind of volume; without it, the capability's filesystem or the flag
/// `--kind` decides.
const KIND: &str = "kind";

/// What external-provisioner adds with `--extra-create-metadata`, and sidecars
/// for themselves.
const RESERVED: &str = "csi.storage.k8s.io/";

/// Whose parameters are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Ours: what is not known is a mistake.
    Own,
    /// Those of the driver that we pose as: what is not ours is recorded, and
    /// means nothing.
    Posing,
}

/// What a volume can be modified by. They are recorded, and change nothing.
const MUTABLE: [&str; 3] = ["iops", "throughput", "tier"];

/// The kind of a new volume with these parameters and capabilities.
pub(super) fn kind(
    parameters: &BTreeMap<String, String>,
    capabilities: &[Capability],
    default: Kind,
    dialect: Dialect,
) -> Result<Kind, Error> {
    let invalid = |why: String| Error::invalid("parameters", why);
    let mut named = None;
    for (key, value) in parameters {
        match key.as_str() {
            KIND => match Kind::of_name(value) {
                Some(kind) => named = Some(kind),
                // Others have kinds as well, as Azure's disks.
                None if dialect == Dialect::Posing => {}
                None => {
                    return Err(invalid(format!(
                        "have kind {value:?}, which is none of directory, ext4, xfs, btrfs and block"
                    )));
                }
            },
            key if key.starts_with(RESERVED) || dialect == Dialect::Posing => {}
            key => return Err(invalid(format!("have {key:?}, which is not known"))),
        }
    }
    let kind = match named {
        Some(kind) => kind,
        None => of_capabilities(capabilities, dialect)?.unwrap_or(default),
    };
    for capability in capabilities {
        capability.check(kind).map_err(|why| {
            Error::invalid("volume_capabilities", format!("cannot be met: {why}"))
        })?;
    }
    Ok(kind)
}

fn of_capabilities(capabilities: &[Capability], dialect: Dialect) -> Result<Option<Kind>, Error> {
    let mut kind = None;
    for capability in capabilities {
        kind = match &capability.access {
            Access::Block => Some(Kind::Block),
            Access::Mount { fs_type, .. } if fs_type.is_empty() => kind,
            Access::Mount { fs_type, .. } => match Kind::of_filesystem(fs_type) {
                Some(of_filesystem) => Some(of_filesystem),
                None if dialect == Dialect::Posing => kind,
                None => {
                    return Err(Error::invalid(
                        "fs_type",
                        format!("{fs_type:?} is none of ext4, xfs and btrfs"),
                    ));
                }
            },
        };
    }
    Ok(kind)
}

/// Checks what a volume is to be modified by.
pub(super) fn check_mutable(
    parameters: &BTreeMap<String, String>,
    dialect: Dialect,
) -> Result<(), Error> {
    limits::map("mutable_parameters", parameters)?;
    if dialect == Dialect::Posing {
        return Ok(());
    }
    match parameters
        .keys()
        .find(|key| !MUTABLE.contains(&key.as_str()))
    {
        None => Ok(()),
        Some(key) => Err(Error::invalid(
            "mutable_parameters",
            format!("have {key:?}, which is none of {}", MUTABLE.join(", ")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::capability::Mode;
    use super::*;

    fn mount(fs_type: &str) -> Capability {
        Capability {
            access: Access::Mount {
                fs_type: fs_type.to_owned(),
                flags: Vec::new(),
                group: String::new(),
            },
            mode: Mode::SingleNodeWriter,
        }
    }

    fn block() -> Capability {
        Capability {
            access: Access::Block,
            mode: Mode::SingleNodeWriter,
        }
    }

    #[test]
    fn a_kind_is_chosen() {
        let table = [
            (None, vec![mount("")], Some(Kind::Directory)),
            (None, vec![mount("xfs")], Some(Kind::Xfs)),
            (None, vec![mount("vfat")], None),
            (None, vec![block()], Some(Kind::Block)),
            (None, vec![block(), mount("")], None),
            (Some("Ext4"), vec![mount("")], Some(Kind::Ext4)),
            (Some("ext4"), vec![mount("xfs")], None),
            (
                Some("directory"),
                vec![mount("ext4")],
                Some(Kind::Directory),
            ),
            (Some("ext4"), vec![block()], None),
            (Some("zfs"), vec![mount("")], None),
        ];
        for (named, capabilities, expected) in table {
            let parameters = named.map(|name| (KIND.to_owned(), name.to_owned()));
            let chosen = kind(
                &parameters.into_iter().collect(),
                &capabilities,
                Kind::Directory,
                Dialect::Own,
            );
            assert_eq!(chosen.ok(), expected, "{named:?} {capabilities:?}");
        }
    }

    #[test]
    fn unknown_parameters_are_refused() {
        let one = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
        let own = |key: &str| kind(&one(key), &[], Kind::Ext4, Dialect::Own);
        assert!(own("csi.storage.k8s.io/pvc/name").is_ok());
        assert!(own("Kind").is_err());
        assert!(check_mutable(&one("iops"), Dialect::Own).is_ok());
        assert!(check_mutable(&one("iop"), Dialect::Own).is_err());
    }

    #[test]
    fn parameters_of_a_driver_that_it_poses_as_mean_nothing() {
        let azure = [("kind", "Managed"), ("skuName", "Premium_LRS")];
        let azure = azure.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let posing = |capability| {
            kind(
                &azure.clone().into(),
                &[capability],
                Kind::Directory,
                Dialect::Posing,
            )
        };
        assert_eq!(posing(mount("nfs")).ok(), Some(Kind::Directory));
        assert_eq!(posing(mount("xfs")).ok(), Some(Kind::Xfs));
        let named = [("kind", "ext4"), ("skuName", "Premium_LRS")];
        let named = named.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let chosen = kind(&named.into(), &[], Kind::Directory, Dialect::Posing);
        assert_eq!(chosen.ok(), Some(Kind::Ext4));
        assert!(check_mutable(&azure.into(), Dialect::Posing).is_ok());
    }
}
