//! The mappings of this crate. What finds a driver's mapping stands here a
//! second time, so that no file is read that is not needed; a test compares.

use std::sync::OnceLock;

use super::driver_pattern::DriverPattern;
use super::error::Fault;
use super::mapping::Mapping;

/// A mapping file of this crate.
#[derive(Debug)]
pub(super) struct BuiltIn {
    pub name: &'static str,
    pub drivers: &'static [&'static str],
    pub provisioners: &'static [&'static str],
    /// Whether it has a `shape`.
    pub shape: bool,
    pub text: &'static str,
    patterns: OnceLock<Vec<DriverPattern>>,
    read: OnceLock<Result<Mapping, Fault>>,
}

impl BuiltIn {
    /// The mapping, read on first use.
    pub fn mapping(&self) -> Result<&Mapping, &Fault> {
        self.read.get_or_init(|| Mapping::read(self.text)).as_ref()
    }

    /// The drivers that are patterns and not one name, parsed on first use.
    pub fn patterns(&self) -> &[DriverPattern] {
        self.patterns.get_or_init(|| {
            let drivers = self.drivers.iter();
            let parsed = drivers.filter_map(|driver| DriverPattern::parse(driver).ok());
            parsed.filter(|pattern| !pattern.is_exact()).collect()
        })
    }
}

macro_rules! files {
    ($($name:literal, [$($driver:literal),*], [$($provisioner:literal),*], $shape:literal;)*) => {
        /// Every file of `mappings/`, by name.
        pub(super) static BUILT_IN: [BuiltIn; [$($name),*].len()] = [$(BuiltIn {
            name: $name,
            drivers: &[$($driver),*],
            provisioners: &[$($provisioner),*],
            shape: $shape,
            text: include_str!(concat!("../../mappings/", $name, ".yaml")),
            patterns: OnceLock::new(),
            read: OnceLock::new(),
        },)*];
    };
}

files! {
    "alicloud-cpfs", ["alicloud/cpfs"], [], false;
    "alicloud-disk", ["alicloud/disk"], ["alicloud/disk"], false;
    "alicloud-nas", ["alicloud/nas"], ["alicloud/nas"], false;
    "alicloud-oss", ["alicloud/oss"], [], false;
    "azure-blobfuse", ["azure/blobfuse"], [], false;
    "azure-dysk", ["azure/dysk"], [], false;
    "azure-kv", ["azure/kv"], [], false;
    "digitalocean", ["external-storage/digitalocean"], ["external/digitalocean"], false;
    "fstab-cifs", ["fstab/cifs"], [], false;
    "hpe-cv", ["hpe.com/cv"], ["hpe.com/cv"], false;
    "hpe-hpe", ["hpe.com/hpe"], ["hpe.com/hpe"], false;
    "hpe-nimble", ["hpe.com/nimble", "dev.hpe.com/nimble"], ["hpe.com/nimble", "dev.hpe.com/nimble"], false;
    "huawei-fuxiefs", ["huawei.com/fuxiefs"], ["flexvolume-huawei.com/fuxiefs", "huawei.com/fuxiefs"], false;
    "huawei-fuxinfs", ["huawei.com/fuxinfs"], ["flexvolume-huawei.com/fuxinfs", "huawei.com/fuxinfs"], false;
    "huawei-fuxiobs", ["huawei.com/fuxiobs"], ["flexvolume-huawei.com/fuxiobs", "huawei.com/fuxiobs"], false;
    "huawei-fuxivol", ["huawei.com/fuxivol"], ["flexvolume-huawei.com/fuxivol", "huawei.com/fuxivol"], false;
    "ibm-block", ["ibm/ibmc-block"], [], false;
    "ibm-s3fs", ["ibm/ibmc-s3fs"], ["ibm.io/ibmc-s3fs"], false;
    "juliohm-cifs", ["juliohm/cifs"], [], true;
    "k8s-nfs", ["k8s/nfs"], [], false;
    "linstor", ["linbit/linstor-flexvolume"], ["external/linstor"], false;
    "longhorn", ["rancher.io/longhorn"], ["rancher.io/longhorn"], false;
    "lvm", ["kubernetes.io/lvm"], [], false;
    "mapr-fs", ["mapr.com/maprfs"], [], false;
    "microsoft-smb", ["microsoft.com/smb", "azure/cifs"], [], false;
    "nodeagent-uds", ["nodeagent/uds"], [], false;
    "oracle-oci", ["oracle/oci"], ["oracle.com/oci"], false;
    "ovirt", ["ovirt/ovirt-flexvolume-driver"], ["external/ovirt", "ovirt-volume-provisioner"], false;
    "qingcloud", ["qingcloud/flex-volume"], ["qingcloud/volume-provisioner", "kubernetes.io/qingcloud-volume"], false;
    "rook-cephfs", ["ceph.rook.io/{namespace}", "rook.io/{namespace}"], [], false;
    "rook-rbd", ["ceph.rook.io/{namespace}", "rook.io/{namespace}"], ["ceph.rook.io/block", "rook.io/block"], false;
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// The lines of `files!` as the directory has them.
    fn expected() -> String {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings");
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "yaml")
            })
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        let mut lines = String::new();
        for name in names {
            let text = std::fs::read_to_string(format!("{directory}/{name}.yaml")).unwrap();
            let mapping = Mapping::read(&text)
                .map_err(|fault| format!("{name}: {fault:?}"))
                .unwrap();
            assert_eq!(mapping.name(), name, "the file's name is the mapping's");
            let drivers: Vec<&str> = mapping.drivers().collect();
            let (provisioners, shape) = (mapping.provisioners(), mapping.matches_by_shape());
            writeln!(
                lines,
                "    {name:?}, {drivers:?}, {provisioners:?}, {shape};"
            )
            .unwrap();
        }
        lines
    }

    #[test]
    fn the_list_is_what_the_directory_holds() {
        let mut listed = String::new();
        for file in &BUILT_IN {
            let BuiltIn {
                name,
                drivers,
                provisioners,
                shape,
                ..
            } = file;
            writeln!(
                listed,
                "    {name:?}, {drivers:?}, {provisioners:?}, {shape};"
            )
            .unwrap();
        }
        let expected = expected();
        assert!(listed == expected, "`files!` has to be:\n{expected}");
    }

    #[test]
    fn every_mapping_loads_and_its_examples_hold() {
        let wrong: Vec<String> = BUILT_IN
            .iter()
            .filter_map(|file| {
                Mapping::load(file.text)
                    .err()
                    .map(|fault| fault.in_file(file.name))
            })
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
