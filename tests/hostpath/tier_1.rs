//! These need root, loop devices and the programs of the filesystems.

mod attach;
mod elsewhere;
mod killed;
mod life;
mod namespace;
mod operations;
mod readonly;
mod together;
