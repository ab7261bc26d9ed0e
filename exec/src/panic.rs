//! A bug of ours is a failure like any other to kubelet.

use std::panic::{PanicHookInfo, set_hook};

use crate::answer::Answer;

/// Makes a panic answer, and end the process as every answer does.
pub fn answer_failure() {
    set_hook(Box::new(end));
    #[cfg(debug_assertions)]
    if std::env::var_os("FLEX2CSI_EXEC_PANIC").is_some() {
        panic!("a test wants to see this");
    }
}

/// Says where, and not what: a panic's message may quote an argument.
#[expect(clippy::exit, reason = "the profile aborts after this hook")]
fn end(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    Answer::failure(format!(
        "flex2csi-exec stopped at {place}, which is a bug: please report it; the call was not made \
         or its outcome is unknown, and kubelet makes it again"
    ))
    .say();
    std::process::exit(0);
}
