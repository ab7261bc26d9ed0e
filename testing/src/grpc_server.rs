//! A grpc-go server as a CSI driver, which does what each call's script asks for
//! (`testing/go/grpc-client/client/script.go`).

use std::path::Path;
use std::time::Duration;

use tokio::net::UnixStream;

use crate::grpc_client::Age;
use crate::process::Process;
use crate::{StartError, programs};

/// How long a server may take to listen.
const READY: Duration = Duration::from_secs(60);

/// Serves a socket as a driver of this name, with the program's own flags
/// (`-streams N`, `-age D`, `-grace D`); its log is in `directory`. It ends
/// gracefully on SIGTERM.
///
/// # Errors
/// Its program is not built, or does not start.
pub async fn start(
    age: Age,
    name: &str,
    socket: &Path,
    directory: &Path,
    flags: &[&str],
) -> Result<Process, StartError> {
    let program = programs::built(age.program())?;
    let socket_flag = socket.display().to_string();
    let fixed = ["serve", "-name", name, "-socket", &socket_flag];
    let arguments = fixed.iter().chain(flags);
    let mut server = Process::start("grpc-server", &program, arguments, directory)?;
    let listens = async || UnixStream::connect(socket).await.map(drop);
    server.wait_ready(READY, listens).await?;
    Ok(server)
}
