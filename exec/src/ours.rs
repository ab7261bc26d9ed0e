//! New mounts are ours: the daemon serves them, and knows which are still the
//! original driver's.

use std::ffi::OsString;

use flex2csi_exec::installed::Installed;

use crate::answer::Answer;
use crate::call::Call;
use crate::daemon::{Daemon, Said};
use crate::original::{Original, Status};

/// Answers one call.
pub fn answer(
    call: Call,
    args: &[OsString],
    installed: &Installed,
    daemon: &Daemon<'_>,
    original: Option<&Original<'_>>,
) -> Result<Answer, String> {
    let driver = &installed.driver;
    match call {
        Call::Init => Ok(Answer::capabilities(installed.capabilities)),
        // Kubelet asks when it finds volumes again after a restart, and then the daemon
        // may not be there yet. It uses the volume's own name whatever is answered.
        Call::GetVolumeName => Ok(Answer::success()),
        Call::Mount | Call::Unmount | Call::ExpandFs => match daemon.ask(call, args)? {
            Said::Done => Ok(Answer::success()),
            Said::Originals => by_original(call, args, daemon, original),
        },
        Call::Attach
        | Call::WaitForAttach
        | Call::IsAttached
        | Call::Detach
        | Call::MountDevice
        | Call::UnmountDevice => Err(format!(
            "volumes of {driver} are no longer attached through FlexVolume, and its init says so: who makes \
             this call has not asked since; restart it (kubelet, or kube-controller-manager)"
        )),
        // Kubelet's default would be to raise the capacity of the volume without
        // growing it, so this is never "Not supported".
        Call::ExpandVolume => Err(format!(
            "volumes of {driver} do not grow through this call: expandfs grows them"
        )),
        // Who calls falls back to its default, if it has one.
        Call::Unknown => Ok(Answer::not_supported("flex2csi does not know this call")),
    }
}

fn by_original(
    call: Call,
    args: &[OsString],
    daemon: &Daemon<'_>,
    original: Option<&Original<'_>>,
) -> Result<Answer, String> {
    let original = original.ok_or_else(|| {
        format!(
            "flex2csi node takes this volume for one of the original driver, and none is kept here: \
             see the log of flex2csi node for {}",
            daemon.request_id()
        )
    })?;
    let said = original.call(args)?;
    match (said.status, call) {
        // Never relayed: kubelet would no longer make the call for our volumes either.
        (Status::NotSupported, Call::Mount | Call::Unmount) => {
            daemon.instead_of_original(call, args)
        }
        (Status::NotSupported, _) => Err(format!(
            "{original} does not grow filesystems, and this volume is mounted through it: \
             it grows when its pod has been started again and CSI mounts it"
        )),
        _ => Ok(said.relayed()),
    }
}
