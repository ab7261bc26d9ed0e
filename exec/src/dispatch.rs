//! Whose a call is.

use std::ffi::OsString;

use flex2csi_exec::installed::Attaches;

use crate::answer::Answer;
use crate::beside;
use crate::call::Call;
use crate::daemon::Daemon;
use crate::original::Original;
use crate::ours;
use crate::place::Place;
use crate::theirs;

/// Answers one call.
pub fn answer(called_as: Option<OsString>, args: &[OsString]) -> Answer {
    decide(called_as, args).into()
}

fn decide(called_as: Option<OsString>, args: &[OsString]) -> Result<Answer, String> {
    let name = args.first().filter(|name| !name.is_empty()).ok_or(
        "no call was given: this is a FlexVolume driver, which kubelet calls with init, mount, unmount …",
    )?;
    let call = Call::named(name);
    let place = Place::of(called_as)?;
    let installed = beside::installed(&place)?;
    let daemon = Daemon::new(&installed);
    let Some(original) = Original::new(&place, &installed) else {
        return ours::answer(call, args, &installed, &daemon, None);
    };
    if original_attaches(&original, call)? {
        theirs::answer(call, args, &daemon, &original)
    } else {
        ours::answer(call, args, &installed, &daemon, Some(&original))
    }
}

fn original_attaches(original: &Original<'_>, call: Call) -> Result<bool, String> {
    match original.attaches() {
        Attaches::Yes => Ok(true),
        Attaches::No => Ok(false),
        Attaches::Unknown => match original.capabilities() {
            Ok(capabilities) => Ok(capabilities.attach()),
            // A pod is ending; the daemon knows what it has mounted, and sends the rest back.
            Err(_) if call == Call::Unmount => Ok(false),
            Err(why) => Err(why.to_owned()),
        },
    }
}
