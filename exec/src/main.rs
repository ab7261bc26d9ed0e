//! The FlexVolume exec binary: kubelet starts it for each call to a driver. It
//! says one JSON object on stdout, nothing on stderr, and ends with 0, also for a
//! failure: else kubelet would log its arguments, and with them secrets
//! (kubernetes `pkg/volume/flexvolume/driver-call.go`, v1.36).

mod answer;
mod beside;
mod call;
mod daemon;
mod deadline;
mod dispatch;
mod original;
mod ours;
mod panic;
mod place;
mod theirs;
mod trusted;

fn main() {
    panic::answer_failure();
    let mut args = std::env::args_os();
    let called_as = args.next();
    let args: Vec<_> = args.collect();
    dispatch::answer(called_as, &args).say();
}
