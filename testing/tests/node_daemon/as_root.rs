//! These need root as well: they mount. `testing/run` goes by the module's name.

mod attached;
mod mismatched;
mod overwritten;
mod released;
mod rewritten;
mod stopped;
