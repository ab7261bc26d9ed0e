//! What cannot change while a daemon runs.

use super::model::{Backend, Config};

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

        let new = std::mem::replace(&mut self.backends, running.backends.clone());
        for backend in &mut self.backends {
            if let Some(new) = new.iter().find(|new| new.driver == backend.driver) {
                backend
                    .legacy_provisioner
                    .clone_from(&new.legacy_provisioner);
            }
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
}
