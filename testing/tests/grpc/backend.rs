//! CSI drivers that are grpc-go servers, old and new, behind the endpoint: callers
//! get what they get from the driver itself.

mod answers;
mod compressed;
mod connections;
mod ended;
mod large;
mod rig;
mod streams;
mod tonic_client;
