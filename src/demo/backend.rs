//! A CSI driver of the demonstration: the embedded backend, posing as another.

use std::path::PathBuf;

use super::children::Role;
use super::place::Place;

/// A driver, and the volume that it always had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backend {
    /// What it is called.
    pub driver: &'static str,
    /// Its volume.
    pub handle: &'static str,
}

impl Backend {
    pub fn socket(self, place: &Place) -> PathBuf {
        place.below(&format!("{}.sock", self.driver))
    }

    /// Starts it.
    pub async fn start(self, place: &Place) -> anyhow::Result<Role> {
        let socket = self.socket(place);
        let state = place.below(self.driver);
        let volume = format!("{}=directory:1Gi", self.handle);
        let args = [
            "hostpath".as_ref(),
            "--endpoint".as_ref(),
            socket.as_os_str(),
            "--state-dir".as_ref(),
            state.as_os_str(),
            "--driver-name".as_ref(),
            self.driver.as_ref(),
            "--node-id".as_ref(),
            "demo".as_ref(),
            "--volume".as_ref(),
            volume.as_ref(),
        ];
        let log = place.below(&format!("{}.log", self.driver));
        Role::start("CSI driver", args, &socket, log).await
    }
}
