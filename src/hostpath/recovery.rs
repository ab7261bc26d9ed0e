//! What is done at the start: finishing or taking back what was cut off, and
//! forgetting what is not mounted any more, as after a reboot.

use super::driver::Driver;
use super::error::Error;
use super::kind::Kind;
use super::lock::{Guard, Share};
use super::loop_device::LoopDevice;
use super::mounts;
use super::volume::{Phase, Use, Volume};

impl Driver {
    /// Puts everything right that an end at any point can have left. What
    /// another process is at work on is left to it.
    pub(super) fn recover(&self) -> Result<(), Error> {
        self.recover_groups()?;
        self.recover_snapshots()?;
        self.recover_volumes()
    }

    fn recover_groups(&self) -> Result<(), Error> {
        for group in self.groups.all()? {
            if group.phase != Phase::Ready
                && let Some((guard, group)) =
                    free(self.groups.lock_known(&group.id, Share::Exclusive))?
                && group.phase != Phase::Ready
            {
                tracing::info!(group = %group.id, phase = ?group.phase, "taken away: it was cut off");
                // A snapshot of it that is being copied is left to the next start.
                free(self.remove_group(guard, &group))?;
            }
        }
        Ok(())
    }

    fn recover_snapshots(&self) -> Result<(), Error> {
        for snapshot in self.snapshots.all()? {
            if snapshot.phase != Phase::Ready
                && let Some((guard, snapshot)) =
                    free(self.snapshots.lock_known(&snapshot.id, Share::Exclusive))?
                && snapshot.phase != Phase::Ready
            {
                tracing::info!(snapshot = %snapshot.id, phase = ?snapshot.phase, "taken away: it was cut off");
                self.remove_snapshot(guard, &snapshot)?;
            }
        }
        Ok(())
    }

    fn recover_volumes(&self) -> Result<(), Error> {
        for volume in self.volumes.all()? {
            let is_used_here = self.has_node && volume.used.contains_key(&self.node.id);
            if volume.phase == Phase::Ready && !is_used_here {
                continue;
            }
            let Some((guard, volume)) =
                free(self.volumes.lock_known(&volume.id, Share::Exclusive))?
            else {
                continue;
            };
            if volume.phase == Phase::Ready {
                self.forget_unmounted(&guard, volume)?;
            } else {
                tracing::info!(volume = %volume.id, phase = ?volume.phase, "taken away: it was cut off");
                self.remove_volume(guard, &volume)?;
            }
        }
        Ok(())
    }

    /// Forgets paths of this node at which a volume is not.
    fn forget_unmounted(&self, guard: &Guard, mut volume: Volume) -> Result<(), Error> {
        let Some(used) = volume.used.get(&self.node.id).cloned() else {
            return Ok(());
        };
        if self.is_mounted_out_of_sight(&volume)? {
            tracing::warn!(
                volume = %volume.id,
                "mounted where this process does not see it: does it lack mount propagation?"
            );
            return Ok(());
        }
        let mut left = Use::default();
        for (path, publication) in used.published {
            if self.is_mounted(&volume, &path) {
                left.published.insert(path, publication);
            }
        }
        for (path, capability) in used.staged {
            let is_staged = match volume.kind {
                // Of a staged block device nothing is to be seen but the loop
                // device, which a workload may have open.
                Kind::Block => self.is_staged(&volume, &path)?,
                _ => self.is_mounted(&volume, &path),
            };
            if is_staged {
                left.staged.insert(path, capability);
            }
        }
        if volume.used.get(&self.node.id) == Some(&left) {
            return Ok(());
        }
        volume.used.insert(self.node.id.clone(), left);
        volume.drop_unused();
        tracing::info!(volume = %volume.id, "forgot where it is mounted no more");
        self.release(guard, &volume)?;
        self.volumes.put(guard, &volume)
    }

    fn is_mounted(&self, volume: &Volume, path: &str) -> bool {
        match self.mount_of(volume, path) {
            Ok(mount) => mount.is_some(),
            Err(error) => {
                // Something else is there by now, or it cannot be told: kept, and
                // said again by the call that is about it.
                let is_foreign = matches!(error, Error::Foreign { .. });
                tracing::warn!(volume = %volume.id, path, %error, "not as recorded");
                !is_foreign
            }
        }
    }

    /// Whether a filesystem is mounted, and not in our mount namespace.
    fn is_mounted_out_of_sight(&self, volume: &Volume) -> Result<bool, Error> {
        if volume.kind.filesystem().is_none() {
            return Ok(false);
        }
        for device in LoopDevice::of(&self.volume_data(&volume.id))? {
            if mounts::table()?.of_source(device.path()).next().is_none() && device.is_mounted()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What nobody is at work on, and is still there.
fn free<T>(locked: Result<T, Error>) -> Result<Option<T>, Error> {
    match locked {
        Ok(locked) => Ok(Some(locked)),
        Err(Error::Busy { .. } | Error::Unknown { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
