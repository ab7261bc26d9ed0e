use std::fs;

use super::*;
use crate::mountinfo::MountTable;

/// Kubelet's directories, and what is mounted there.
struct World {
    root: tempfile::TempDir,
    table: String,
    recorded: BTreeSet<PathBuf>,
}

impl World {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            table: String::new(),
            recorded: BTreeSet::new(),
        }
    }

    fn directory(&self, path: &str) -> PathBuf {
        let directory = self.root.path().join(path);
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    fn pod(&self, uid: &str, volume: &str) -> PathBuf {
        self.directory(&format!("pods/{uid}/volumes/a.io~b/{volume}"))
    }

    fn mount(&mut self, target: &Path) {
        let target = target.canonicalize().unwrap();
        let line = format!("1 2 3:4 / {} rw - ext4 /dev/sda rw\n", target.display());
        self.table += &line;
    }

    fn find_below(&self, root: &Path) -> OriginalMounts {
        let table = MountTable::parse(self.table.as_bytes()).unwrap();
        let driver = "a.io/b".parse().unwrap();
        let are_mounted =
            |paths: &[PathBuf]| Ok(paths.iter().map(|path| table.at(path).is_some()).collect());
        OriginalMounts::find(root, &driver, are_mounted, || self.recorded.clone()).unwrap()
    }

    fn find(&self) -> OriginalMounts {
        self.find_below(self.root.path())
    }
}

#[test]
fn what_is_mounted_and_not_recorded_is_the_originals() {
    let mut world = World::new();
    let ours = world.pod("uid-1", "pv-ours");
    let theirs = world.pod("uid-2", "pv-theirs");
    world.mount(&ours);
    world.mount(&theirs);
    world.recorded.insert(ours.clone());
    let found = world.find();
    let expected = OriginalMount {
        driver: "a.io/b".into(),
        volume: "pv-theirs".into(),
        pod_uid: "uid-2".into(),
        target: theirs.clone(),
    };
    assert_eq!(found.pods, [expected]);
    assert!(found.has_target(&theirs) && !found.has_target(&ours));
    assert!(found.has_volume("pv-theirs") && !found.has_volume("pv-ours"));
}

#[test]
fn a_directory_that_kubelet_has_just_made_is_nobodys() {
    let world = World::new();
    let target = world.pod("uid-1", "pv-1");
    let found = world.find();
    assert!(found.is_empty() && !found.has_target(&target) && !found.has_volume("pv-1"));
    // For another pod it may be that the original is about to mount there.
    let other = world.root.path().join("pods/uid-2/volumes/a.io~b/pv-1");
    let maybe = |volume, target| -> Vec<PathBuf> {
        let found = found.maybe_mounting(volume, target);
        found.map(Path::to_path_buf).collect()
    };
    assert_eq!(maybe("pv-1", &other), std::slice::from_ref(&target));
    assert_eq!(maybe("pv-1", &target), [""; 0].map(PathBuf::from));
    assert_eq!(maybe("pv-2", &other), [""; 0].map(PathBuf::from));
}

#[test]
fn a_driver_that_does_not_mount_has_it_too() {
    let world = World::new();
    let copied = world.pod("uid-1", "copied");
    fs::write(copied.join("token"), "").unwrap();
    let volumes = copied.parent().unwrap();
    std::os::unix::fs::symlink("/mnt/shared", volumes.join("linked")).unwrap();
    let found = world.find();
    let names: Vec<&str> = found.pods.iter().map(|mount| &*mount.volume).collect();
    assert_eq!(names, ["copied", "linked"]);
}

#[test]
fn a_device_is_a_volume_that_is_mounted() {
    let mut world = World::new();
    let mounts = "plugins/kubernetes.io/flexvolume/a.io/b/mounts";
    let device = world.directory(&format!("{mounts}/pv-1"));
    world.directory(&format!("{mounts}/pv-2"));
    world.mount(&device);
    let found = world.find();
    assert_eq!(found.devices, [device.canonicalize().unwrap()]);
    assert!(found.has_volume("pv-1") && !found.has_volume("pv-2"));
}

#[test]
fn kubelets_root_may_be_a_link() {
    let mut world = World::new();
    let real = world.pod("uid-1", "pv-1");
    let ours = world.pod("uid-1", "pv-2");
    world.mount(&real);
    world.mount(&ours);
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("kubelet");
    std::os::unix::fs::symlink(world.root.path(), &link).unwrap();
    let of_link = |volume: &str| link.join("pods/uid-1/volumes/a.io~b").join(volume);
    world.recorded.insert(of_link("pv-2"));
    let found = world.find_below(&link);
    assert_eq!(found.pods.len(), 1);
    assert!(
        found.has_target(&of_link("pv-1")),
        "by the path that kubelet says"
    );
}

#[test]
fn other_drivers_and_other_things_do_not_count() {
    let mut world = World::new();
    for path in [
        "pods/uid-1/volumes/a.io~c/pv-1",
        "pods/uid-1/volumes/kubernetes.io~csi/pv-1",
        "pods/uid-2",
    ] {
        let directory = world.directory(path);
        world.mount(&directory);
    }
    fs::write(world.root.path().join("pods/file"), "").unwrap();
    assert!(world.find().is_empty());
    assert!(world.find_below(Path::new("/nonexistent")).is_empty());
}

#[test]
fn pods_are_found_by_their_directories() {
    let world = World::new();
    let driver = "a.io/b".parse().unwrap();
    assert!(pods_of(world.root.path(), &driver).unwrap().is_empty());
    world.pod("uid-2", "pv-1");
    world.directory("pods/uid-1/volumes/a.io~b/pv-2");
    world.directory("pods/uid-3/volumes/a.io~c/pv-3");
    // Kubelet has let go of its volume, and the pod is still there.
    world.directory("pods/uid-4/volumes/a.io~b");
    assert_eq!(
        pods_of(world.root.path(), &driver).unwrap(),
        ["uid-1", "uid-2"]
    );
}

#[test]
fn a_mount_is_listed_as_it_is_published() {
    let mut world = World::new();
    let target = world.pod("uid-1", "pv-1");
    world.mount(&target);
    let json = serde_json::to_value(&world.find().pods).unwrap();
    let expected = serde_json::json!([{
        "driver": "a.io/b", "volume": "pv-1", "podUID": "uid-1", "target": target,
    }]);
    assert_eq!(json, expected);
}

#[test]
fn what_any_driver_has_is_found_whoever_knows_of_it() {
    let mut world = World::new();
    let ours = world.pod("uid-1", "pv-ours");
    world.recorded.insert(ours.clone());
    let strange = world.directory("pods/uid-1/volumes/strange.io~disk/pv-1");
    let bare = world.directory("pods/uid-2/volumes/bare/pv-2");
    let kubernetes = world.directory("pods/uid-2/volumes/kubernetes.io~lvm/pv-3");
    let idle = world.directory("pods/uid-2/volumes/strange.io~disk/pv-4");
    let secret = world.directory("pods/uid-2/volumes/kubernetes.io~projected/kube-api-access");
    for place in [&ours, &strange, &bare, &kubernetes, &secret] {
        world.mount(place);
    }
    let devices = ["strange.io/disk", "bare"].map(|driver| {
        let device = format!("plugins/kubernetes.io/flexvolume/{driver}/mounts/pv-1");
        world.directory(&device)
    });
    for device in &devices {
        world.mount(device);
    }
    let table = MountTable::parse(world.table.as_bytes()).unwrap();
    let are_mounted =
        |paths: &[PathBuf]| Ok(paths.iter().map(|path| table.at(path).is_some()).collect());
    let root = world.root.path();
    let found = OriginalMounts::find_all(root, are_mounted, || world.recorded.clone()).unwrap();
    let pods: Vec<(&str, &str, &Path)> = found
        .pods
        .iter()
        .map(|mount| (&*mount.driver, &*mount.volume, &*mount.target))
        .collect();
    let expected: [(&str, &str, &Path); 3] = [
        ("bare", "pv-2", &bare),
        ("kubernetes.io/lvm", "pv-3", &kubernetes),
        ("strange.io/disk", "pv-1", &strange),
    ];
    assert_eq!(pods, expected);
    assert!(!found.has_target(&idle));
    let drivers: Vec<String> = found
        .devices
        .iter()
        .map(|device| driver_of_device(device))
        .collect();
    assert_eq!(drivers, ["bare", "strange.io/disk"]);
}
