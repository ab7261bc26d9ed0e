//! Configurations, and what is said of those that are wrong:
//! `testdata/config/*/in.yaml` and `error.txt`. `UPDATE_GOLDEN=1` writes what
//! is said; read the diff.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// What stands in the cases for the directory of the case, since paths in a
/// configuration are absolute.
const CASE: &str = "/CASE";
/// What the cases have as secrets. No message may show it.
const SECRET: &str = "s3cr3t";

/// A configuration in a directory of its own.
struct Written {
    directory: tempfile::TempDir,
}

impl Written {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let text = text.replace(CASE, directory.path().to_str().unwrap());
        fs::write(directory.path().join("in.yaml"), text).unwrap();
        Self { directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("in.yaml")
    }

    /// What is said of it, with [`CASE`] for its directory.
    fn error(&self) -> String {
        let directory = self.directory.path().to_str().unwrap();
        let error = Loaded::read(&self.file()).map(drop).unwrap_err();
        error.to_string().replace(directory, CASE) + "\n"
    }
}

/// A configuration of only this text that is right.
pub(super) fn read(text: &str) -> Loaded {
    Loaded::read(&Written::new(text).file()).unwrap()
}

fn case(directory: &Path) -> Option<String> {
    let written = Written::new(&fs::read_to_string(directory.join("in.yaml")).unwrap());
    copy(directory, written.directory.path());
    let said = written.error();
    assert!(!said.contains(SECRET), "{}: {said}", directory.display());
    let file = directory.join("error.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &said).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&expected, &said);
    let diff = diff.unified_diff().to_string();
    (expected != said).then(|| format!("{}:\n{diff}", file.display()))
}

/// What a case has beside its configuration.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else if !target.exists() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mut cases: Vec<PathBuf> = fs::read_dir("testdata/config")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let failed: Vec<String> = cases.iter().filter_map(|path| case(path)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = read("backends: [{driver: a.b, endpoint: {}}]\nlog:\n").config;
    let expected = Config {
        backends: vec![Backend {
            driver: "a.b".into(),
            socket: "/var/lib/kubelet/plugins/a.b/csi.sock".into(),
            controller_socket: "/var/lib/kubelet/plugins/a.b/csi.sock".into(),
            legacy_provisioner: None,
            endpoint: Some(Endpoint {
                name: "a.b.flex2csi.io".into(),
                socket: "/var/lib/kubelet/plugins/a.b.flex2csi.io/csi.sock".into(),
                register: true,
            }),
        }],
        flex_volume: None,
        kubelet: Kubelet {
            root: "/var/lib/kubelet".into(),
            registry: "/var/lib/kubelet/plugins_registry".into(),
            plugin_directory: "/usr/libexec/kubernetes/kubelet-plugins/volume/exec".into(),
        },
        values_file: None,
        mappings: Vec::new(),
        persistent_volumes: Vec::new(),
        state: "/var/lib/flex2csi".into(),
        operations: None,
        log: Log::default(),
    };
    assert_eq!(config, expected);
}

#[test]
fn defaults_follow_kubelets_root() {
    let text = "kubelet: {root: /k}\nbackends: [{driver: a.b, controllerSocket: /c.sock}]\n";
    let config = read(text).config;
    assert_eq!(config.kubelet.registry, Path::new("/k/plugins_registry"));
    let backend = &config.backends[0];
    assert_eq!(backend.socket, Path::new("/k/plugins/a.b/csi.sock"));
    assert_eq!(backend.controller_socket, Path::new("/c.sock"));
    assert_eq!(backend.endpoint, None);
}

#[test]
fn one_socket_may_be_for_the_node_and_for_the_controller() {
    let config = read("backends: [{driver: a.b, socket: /s, controllerSocket: /s}]").config;
    assert_eq!(config.backends[0].controller_socket, Path::new("/s"));
}

#[test]
fn plain_words_mean_what_they_mean_to_kubectl() {
    for (word, register) in [("true", true), ("yes", true), ("off", false), ("No", false)] {
        let text = format!("backends: [{{driver: a.b, endpoint: {{register: {word}}}}}]");
        let endpoint = read(&text).config.backends.remove(0).endpoint;
        assert_eq!(endpoint.unwrap().register, register, "{word}");
    }
}

#[test]
fn values_stand_in_the_configuration_or_in_their_own_file() {
    let backends = "backends: [{driver: a.b}]\n";
    let inline = read(&format!(
        "{backends}values: {{rbd: {{clusterID: {SECRET}}}}}\n"
    ));
    assert_eq!(inline.values.text("rbd", "clusterID"), Some(SECRET));
    assert!(!format!("{inline:?}").contains(SECRET));

    let written = Written::new(&format!("{backends}valuesFile: {CASE}/values.yaml\n"));
    let file = written.directory.path().join("values.yaml");
    fs::write(file, format!("rbd:\n  clusterID: {SECRET}\n")).unwrap();
    let of_file = Loaded::read(&written.file()).unwrap();
    assert_eq!(of_file.values, inline.values);
}

#[test]
fn the_example_says_what_the_documentation_says() {
    let example = include_str!("../../deploy/config.yaml");
    let documentation = include_str!("../../docs/configuration.md");
    assert!(documentation.contains(&format!("```yaml\n{example}```\n")));
}

#[test]
fn the_example_can_be_used_as_it_is_and_with_every_key() {
    let example = include_str!("../../deploy/config.yaml");
    let config = read(example).config;
    assert_eq!(config.backends.len(), 1);
    // What is commented out is `#key: value`; words have a space.
    let whole: String = example
        .lines()
        .map(|line| {
            let indent = line.len() - line.trim_start().len();
            let (indent, rest) = line.split_at(indent);
            match rest.strip_prefix('#') {
                Some(key) if !key.starts_with(' ') => format!("{indent}{key}\n"),
                _ => format!("{line}\n"),
            }
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let mappings = directory.path().join("mappings");
    fs::create_dir(&mappings).unwrap();
    fs::copy(
        "translators/mappings/digitalocean.yaml",
        mappings.join("own.yaml"),
    )
    .unwrap();
    let whole = whole.replace("/etc/flex2csi/mappings", mappings.to_str().unwrap());
    let config = read(&whole).config;
    assert_eq!(config.persistent_volumes, [Path::new("/etc/flex2csi/pvs")]);
    assert!(config.operations.is_some());
    let every_key: &[&str] = &[
        "driver:",
        "socket:",
        "controllerSocket:",
        "legacyProvisioner:",
        "endpoint:",
        "name:",
        "register:",
        "flexVolume:",
        "drivers:",
        "selinuxRelabel:",
        "supportsMetrics:",
        "execBinary:",
        "timeoutSeconds:",
        "pluginDirectory:",
        "root:",
        "registry:",
        "values:",
        "valuesFile:",
        "mappings:",
        "persistentVolumes:",
        "state:",
        "listen:",
        "format:",
        "level:",
    ];
    for key in every_key {
        assert!(example.contains(key), "{key}");
    }
}
