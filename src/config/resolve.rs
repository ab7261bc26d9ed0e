//! Defaults, and the rules that no type can say.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_saphyr::{Location, Spanned};

use super::error::Faults;
use super::model::{
    Backend, Config, Endpoint, FlexVolume, FlexVolumeDriver, KUBELET_ROOT, Kubelet, Log,
    PLUGIN_DIRECTORY, REGISTRY,
};
use super::names::{LONGEST_SOCKET, absolute, driver_name, flex_volume_driver};
use super::schema;
use crate::operations::Listen;

const STATE: &str = "/var/lib/flex2csi";
/// The socket for exec binaries, in the directory of records.
pub(crate) const EXEC_SOCKET: &str = "flexvolume.sock";
/// Kubelet gives a call up after two minutes and three seconds (kubernetes
/// `pkg/kubelet/volumemanager`, v1.36) and has to hear why before.
const TIMEOUT: u64 = 110;
const LONGEST_TIMEOUT: u64 = 120;
/// What an endpoint's name is made of, after the backend's.
const SUFFIX: &str = ".flex2csi.io";

/// Fills defaults in and reports whatever is wrong; what comes out is of use
/// only if nothing is.
pub(super) fn resolve(file: &schema::File, faults: &mut Faults) -> Config {
    let mut resolver = Resolver {
        faults,
        names: BTreeMap::new(),
        sockets: BTreeMap::new(),
    };
    resolver.config(file)
}

struct Resolver<'f> {
    faults: &'f mut Faults,
    /// The names of drivers and endpoints, and where they stand.
    names: BTreeMap<String, Location>,
    /// The sockets of drivers and endpoints, and where they, or the names that
    /// they are made of, stand.
    sockets: BTreeMap<PathBuf, Location>,
}

impl Resolver<'_> {
    fn config(&mut self, file: &schema::File) -> Config {
        let kubelet = self.kubelet(file.kubelet.as_ref());
        let listed = file.backends.as_deref().unwrap_or_default();
        if listed.is_empty() && file.flex_volume.is_none() {
            self.faults.at(
                Location::UNKNOWN,
                "expected at least one CSI driver in `backends`, or `flexVolume`",
            );
        }
        // All backends first: an endpoint has no backend's name, wherever that
        // stands.
        let mut backends: Vec<Backend> = listed
            .iter()
            .map(|backend| self.backend(backend, &kubelet))
            .collect();
        for (backend, listed) in backends.iter_mut().zip(listed) {
            let endpoint = listed.endpoint.as_ref();
            backend.endpoint = endpoint.map(|endpoint| self.endpoint(endpoint, listed, &kubelet));
        }
        let state = self.path_or("state", file.state.as_ref(), STATE);
        let flex_volume = file.flex_volume.as_ref();
        if let (Some(_), Some(values_file)) = (&file.values, &file.values_file) {
            let message = "expected either `values` or `valuesFile`, found both";
            self.faults.on(values_file, message);
        }
        Config {
            backends,
            flex_volume: flex_volume.map(|flex_volume| self.flex_volume(flex_volume, &state)),
            kubelet,
            values_file: file
                .values_file
                .as_ref()
                .map(|path| self.path("valuesFile", path)),
            mappings: self.paths("mappings", file.mappings.as_deref()),
            persistent_volumes: self.paths("persistentVolumes", file.persistent_volumes.as_deref()),
            state,
            operations: self.operations(file.operations.as_ref()),
            log: self.log(file.log.as_ref()),
        }
    }

    fn kubelet(&mut self, kubelet: Option<&schema::Kubelet>) -> Kubelet {
        let none = schema::Kubelet::default();
        let kubelet = kubelet.unwrap_or(&none);
        let root = self.path_or("root", kubelet.root.as_ref(), KUBELET_ROOT);
        let registry = match &kubelet.registry {
            Some(path) => self.path("registry", path),
            None => root.join(REGISTRY),
        };
        Kubelet {
            root,
            registry,
            plugin_directory: self.path_or(
                "pluginDirectory",
                kubelet.plugin_directory.as_ref(),
                PLUGIN_DIRECTORY,
            ),
        }
    }

    fn flex_volume(&mut self, flex_volume: &schema::FlexVolume, state: &Path) -> FlexVolume {
        let drivers = flex_volume.drivers.as_deref().unwrap_or_default();
        if drivers.is_empty() {
            let message = "expected at least one FlexVolume driver in `flexVolume.drivers`";
            self.faults.at(Location::UNKNOWN, message);
        }
        let mut seen = BTreeMap::new();
        for schema::FlexVolumeDriver { driver, .. } in drivers {
            let name = &driver.value;
            if let Err(wrong) = flex_volume_driver(name) {
                self.faults.on(driver, format!("`driver` {name:?} {wrong}"));
            }
            let line = driver.referenced.line();
            if let Some(first) = seen.insert(name, line) {
                let message = format!("`driver` {name:?} stands on line {first} already");
                self.faults.on(driver, message);
            }
        }
        let socket = match &flex_volume.socket {
            Some(given) => self.given_socket("flexVolume.socket", given),
            None => {
                let socket = state.join(EXEC_SOCKET);
                self.check_length(&socket, Location::UNKNOWN);
                socket
            }
        };
        let exec_binary = flex_volume.exec_binary.as_ref();
        let timeout = match &flex_volume.timeout_seconds {
            Some(given) if !(1..=LONGEST_TIMEOUT).contains(&given.value) => {
                let message = format!(
                    "`timeoutSeconds` {}: expected 1 to {LONGEST_TIMEOUT}; kubelet waits a little longer",
                    given.value
                );
                self.faults.on(given, message);
                TIMEOUT
            }
            Some(given) => given.value,
            None => TIMEOUT,
        };
        FlexVolume {
            drivers: drivers
                .iter()
                .map(|driver| FlexVolumeDriver {
                    driver: driver.driver.value.clone(),
                    selinux_relabel: driver.selinux_relabel.unwrap_or(true),
                    supports_metrics: driver.supports_metrics.unwrap_or(true),
                })
                .collect(),
            socket,
            exec_binary: exec_binary.map(|path| self.path("execBinary", path)),
            timeout: Duration::from_secs(timeout),
        }
    }

    fn backend(&mut self, backend: &schema::Backend, kubelet: &Kubelet) -> Backend {
        let driver = &backend.driver;
        self.name("`driver`", driver);
        let socket = match &backend.socket {
            Some(given) => self.given_socket("socket", given),
            None => self.usual_socket(driver, kubelet),
        };
        let controller_socket = match &backend.controller_socket {
            Some(given) if Path::new(&given.value) != socket => {
                self.given_socket("controllerSocket", given)
            }
            _ => socket.clone(),
        };
        let legacy_provisioner = backend.legacy_provisioner.as_ref();
        Backend {
            driver: driver.value.clone(),
            socket,
            controller_socket,
            legacy_provisioner: legacy_provisioner.map(|given| given.value.clone()),
            endpoint: None,
        }
    }

    fn endpoint(
        &mut self,
        endpoint: &schema::Endpoint,
        backend: &schema::Backend,
        kubelet: &Kubelet,
    ) -> Endpoint {
        let name = match &endpoint.name {
            Some(given) => {
                self.name("`endpoint.name`", given);
                given.clone()
            }
            None => self.usual_name(&backend.driver),
        };
        let socket = match &endpoint.socket {
            Some(given) => self.given_socket("endpoint.socket", given),
            None => self.usual_socket(&name, kubelet),
        };
        Endpoint {
            name: name.value,
            socket,
            register: endpoint.register.unwrap_or(true),
        }
    }

    /// The name that an endpoint has if none is given. What is wrong with it is
    /// told where the driver's name stands.
    fn usual_name(&mut self, driver: &Spanned<String>) -> Spanned<String> {
        let name = Spanned {
            value: format!("{}{SUFFIX}", driver.value),
            referenced: driver.referenced,
            defined: driver.defined,
        };
        if self.is_sound(driver) {
            self.name("the default `endpoint.name`", &name);
        }
        name
    }

    /// Checks the name of a driver or an endpoint.
    fn name(&mut self, key: &str, name: &Spanned<String>) {
        let text = &name.value;
        if let Err(wrong) = driver_name(text) {
            self.faults.on(name, format!("{key} {text:?} {wrong}"));
        }
        match self.names.entry(text.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(name.referenced);
            }
            Entry::Occupied(first) => {
                let message = format!(
                    "{key} {text:?} is the name of another driver or endpoint, on line {}; \
                     each has its own",
                    first.get().line()
                );
                self.faults.on(name, message);
            }
        }
    }

    /// Whether nothing was wrong with a name. What is made of one that is wrong
    /// is not checked: it would be told twice.
    fn is_sound(&self, name: &Spanned<String>) -> bool {
        let is_first = self.names.get(&name.value) == Some(&name.referenced);
        is_first && driver_name(&name.value).is_ok()
    }

    fn given_socket(&mut self, key: &str, given: &Spanned<String>) -> PathBuf {
        let path = self.path(key, given);
        self.check_length(&path, given.referenced);
        self.check_own(&path, given.referenced);
        path
    }

    /// The socket that a CSI driver of this name usually has.
    fn usual_socket(&mut self, name: &Spanned<String>, kubelet: &Kubelet) -> PathBuf {
        let directory = kubelet.root.join("plugins").join(&name.value);
        let path = directory.join("csi.sock");
        if self.is_sound(name) {
            self.check_length(&path, name.referenced);
            self.check_own(&path, name.referenced);
        }
        path
    }

    /// A socket is one driver's alone.
    fn check_own(&mut self, path: &Path, place: Location) {
        match self.sockets.entry(path.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(place);
            }
            Entry::Occupied(first) => {
                let message = format!(
                    "{} is the socket of another driver or endpoint, on line {}; each has its own",
                    path.display(),
                    first.get().line()
                );
                self.faults.at(place, message);
            }
        }
    }

    fn check_length(&mut self, path: &Path, place: Location) {
        let length = path.as_os_str().len();
        if length > LONGEST_SOCKET {
            let message = format!(
                "the socket {} is {length} bytes long; the system allows {LONGEST_SOCKET}: \
                 give a shorter `socket`",
                path.display()
            );
            self.faults.at(place, message);
        }
    }

    fn operations(&mut self, operations: Option<&schema::Operations>) -> Option<Listen> {
        let listen = operations?.listen.as_ref()?;
        let parsed = listen.value.parse::<Listen>();
        let parsed = parsed
            .map_err(|error| self.faults.on(listen, format!("`listen`: {error}")))
            .ok()?;
        if let Some(path) = parsed.socket() {
            self.path("listen", listen);
            self.check_length(path, listen.referenced);
            if let Some(first) = self.sockets.get(path) {
                let message = format!(
                    "`listen` is the socket of a driver or endpoint, on line {}",
                    first.line()
                );
                self.faults.on(listen, message);
            }
        }
        Some(parsed)
    }

    fn log(&mut self, log: Option<&schema::Log>) -> Log {
        let Some(log) = log else {
            return Log::default();
        };
        let level = log.level.as_ref().and_then(|level| {
            let parsed = level.value.parse();
            parsed
                .map_err(|error| self.faults.on(level, format!("`level`: {error}")))
                .ok()
        });
        Log {
            format: log.format.unwrap_or_default(),
            level: level.unwrap_or_default(),
        }
    }

    fn paths(&mut self, key: &str, paths: Option<&[Spanned<String>]>) -> Vec<PathBuf> {
        let paths = paths.unwrap_or_default();
        paths.iter().map(|path| self.path(key, path)).collect()
    }

    fn path_or(&mut self, key: &str, path: Option<&Spanned<String>>, default: &str) -> PathBuf {
        path.map_or_else(|| default.into(), |path| self.path(key, path))
    }

    fn path(&mut self, key: &str, path: &Spanned<String>) -> PathBuf {
        if let Err(wrong) = absolute(&path.value) {
            let message = format!("`{key}` {:?} {wrong}", path.value);
            self.faults.on(path, message);
        }
        PathBuf::from(&path.value)
    }
}
