//! The original driver attaches volumes, and the node still has some of them:
//! every call is the original's, as kubelet goes on to know it, but for the unmount
//! of what the daemon has mounted.

use std::ffi::OsString;

use crate::answer::Answer;
use crate::call::Call;
use crate::daemon::{Daemon, Said};
use crate::original::{Original, Status};

/// Answers one call.
pub fn answer(
    call: Call,
    args: &[OsString],
    daemon: &Daemon<'_>,
    original: &Original<'_>,
) -> Result<Answer, String> {
    if call == Call::Init {
        let capabilities = original.capabilities()?;
        return Ok(Answer::original_capabilities(capabilities.told()));
    }
    // A mount can be ours from before a legacy installer put such a driver here again.
    // Where there is no daemon, the original unmounts that too.
    if call == Call::Unmount
        && let Some(Said::Done) = daemon.ask_if_there(call, args)?
    {
        return Ok(Answer::success());
    }
    let said = original.call(args)?;
    match said.status {
        Status::NotSupported => instead(call, args, daemon, said.relayed()),
        _ => Ok(said.relayed()),
    }
}

/// What kubelet and kube-controller-manager do after "Not supported" (kubernetes
/// `pkg/volume/flexvolume/*-defaults.go`, v1.36). They keep that answer for all
/// volumes of the driver and until its next `init`, so it is not relayed where
/// anybody else can do the same.
fn instead(
    call: Call,
    args: &[OsString],
    daemon: &Daemon<'_>,
    relayed: Answer,
) -> Result<Answer, String> {
    match call {
        Call::Mount | Call::Unmount | Call::UnmountDevice => daemon.instead_of_original(call, args),
        Call::GetVolumeName | Call::Detach => Ok(Answer::success()),
        Call::Attach => Ok(Answer::device("")),
        Call::WaitForAttach => Ok(Answer::device(device(args, 1)?)),
        Call::IsAttached => Ok(Answer::attached()),
        Call::MountDevice if device(args, 2)?.is_empty() => Ok(Answer::success()),
        // Only kubelet can format the device, or grow what is on it. While every call
        // is the original's, no volume of ours loses anything by that.
        Call::MountDevice | Call::ExpandFs => Ok(relayed),
        // Not reached by `init`. The others nobody makes, or nobody knows.
        Call::Init | Call::ExpandVolume | Call::Unknown => Ok(relayed),
    }
}

fn device(args: &[OsString], position: usize) -> Result<&str, String> {
    args.get(position)
        .and_then(|device| device.to_str())
        .ok_or_else(|| format!("argument {position} is no device that can be named"))
}
