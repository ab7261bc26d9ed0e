//! What cannot change while a daemon runs.

use super::model::{Backend, Config, FlexVolume};

impl Config {
    /// The keys that differ from the running configuration's and take a restart
    /// to change. Afterwards they are the running one's: whoever reads the
    /// configuration reads what is so.
    pub(super) fn keep_fixed(&mut self, running: &Self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut keep = |key: &str, differs: bool| {
            if differs {
                keys.push(key.to_owned());
            }
        };
        keep("kubelet", self.kubelet != running.kubelet);
        keep("state", self.state != running.state);
        keep("operations.listen", self.operations != running.operations);
        keep("log.format", self.log.format != running.log.format);
        keys.extend(backends(&self.backends, &running.backends));
        keys.extend(flex_volume(&self.flex_volume, &running.flex_volume));

        let new = std::mem::replace(&mut self.backends, running.backends.clone());
        for backend in &mut self.backends {
            if let Some(new) = new.iter().find(|new| new.driver == backend.driver) {
                backend
                    .legacy_provisioner
                    .clone_from(&new.legacy_provisioner);
            }
        }
        let drivers = self.flex_volume.take().map(|new| new.drivers);
        self.flex_volume.clone_from(&running.flex_volume);
        if let (Some(all), Some(drivers)) = (&mut self.flex_volume, drivers) {
            all.drivers = drivers;
        }
        self.kubelet.clone_from(&running.kubelet);
        self.state.clone_from(&running.state);
        self.operations.clone_from(&running.operations);
        self.log.format = running.log.format;
        keys
    }
}

fn backends(new: &[Backend], running: &[Backend]) -> Vec<String> {
    let mut keys = Vec::new();
    for backend in new {
        let driver = &backend.driver;
        let Some(old) = running.iter().find(|old| old.driver == *driver) else {
            keys.push(format!("backends[{driver}]"));
            continue;
        };
        for (key, differs) in [
            ("socket", backend.socket != old.socket),
            (
                "controllerSocket",
                backend.controller_socket != old.controller_socket,
            ),
            ("endpoint", backend.endpoint != old.endpoint),
        ] {
            if differs {
                keys.push(format!("backends[{driver}].{key}"));
            }
        }
    }
    let gone = running
        .iter()
        .filter(|old| new.iter().all(|backend| backend.driver != old.driver));
    keys.extend(gone.map(|old| format!("backends[{}]", old.driver)));
    keys
}

/// Drivers come and go; how they are served stays.
fn flex_volume(new: &Option<FlexVolume>, running: &Option<FlexVolume>) -> Vec<String> {
    let (new, old) = match (new, running) {
        (None, None) => return Vec::new(),
        (Some(new), Some(old)) => (new, old),
        _ => return vec!["flexVolume".to_owned()],
    };
    let differs = [
        ("socket", new.socket != old.socket),
        ("execBinary", new.exec_binary != old.exec_binary),
        ("timeoutSeconds", new.timeout != old.timeout),
    ];
    let differs = differs.into_iter().filter(|(_, differs)| *differs);
    differs
        .map(|(key, _)| format!("flexVolume.{key}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    #[test]
    fn each_key_that_takes_a_restart_is_named() {
        let running = read("backends: [{driver: a.b}, {driver: c.d}, {driver: e.f}]").config;
        let mut new = read(
            "backends:\n\
             - {driver: a.b, socket: /s, controllerSocket: /c, endpoint: {}}\n\
             - {driver: e.f, legacyProvisioner: kubernetes.io/aws-ebs}\n\
             - {driver: g.h}\n\
             kubelet: {root: /k}\n\
             state: /s\n\
             operations: {listen: '[::1]:1'}\n\
             log: {format: json, level: debug}\n\
             persistentVolumes: [/pvs]\n",
        )
        .config;
        let keys = new.keep_fixed(&running);
        assert_eq!(
            keys,
            [
                "kubelet",
                "state",
                "operations.listen",
                "log.format",
                "backends[a.b].socket",
                "backends[a.b].controllerSocket",
                "backends[a.b].endpoint",
                "backends[e.f].socket",
                "backends[e.f].controllerSocket",
                "backends[g.h]",
                "backends[c.d]",
            ]
        );
        let provisioner = new.backends[2].legacy_provisioner.take();
        assert_eq!(provisioner.as_deref(), Some("kubernetes.io/aws-ebs"));
        assert_eq!(new.backends, running.backends);
        assert_eq!(new.kubelet, running.kubelet);
        assert_eq!(new.log.level.as_str(), "debug");
        assert_eq!(new.persistent_volumes.len(), 1);
        assert!(new.keep_fixed(&running).is_empty());
    }

    #[test]
    fn flex_volume_drivers_come_and_go_and_the_rest_stays() {
        let running = read("flexVolume: {drivers: [{driver: a/b}]}").config;
        let mut new = read(
            "flexVolume:\n\
             \x20 drivers: [{driver: a/c}]\n\
             \x20 socket: /s\n\
             \x20 execBinary: /e\n\
             \x20 timeoutSeconds: 5\n",
        )
        .config;
        assert_eq!(
            new.keep_fixed(&running),
            [
                "flexVolume.socket",
                "flexVolume.execBinary",
                "flexVolume.timeoutSeconds"
            ]
        );
        let (new, running) = (new.flex_volume.unwrap(), running.flex_volume.unwrap());
        assert_eq!(new.drivers[0].driver, "a/c");
        assert_eq!((new.socket, new.timeout), (running.socket, running.timeout));
        let mut without = read("backends: [{driver: a.b}]").config;
        let with = read("flexVolume: {drivers: [{driver: a/b}]}").config;
        assert!(without.keep_fixed(&with).contains(&"flexVolume".to_owned()));
    }
}
