//! What `h2` makes of a client.

use tokio::io::AsyncWriteExt;

/// A last request, on the highest stream, that leaves the dynamic table alone:
/// POST, http, path `/`, authority `end`.
const END: &[u8] = b"\0\0\x08\x01\x05\x7f\xff\xff\xff\x83\x86\x84\x01\x03end";

/// The authorities of the requests that an `h2` server takes. One that it
/// refuses is missing; if it gives the connection up, it says why.
pub(super) fn authorities(client: &[u8]) -> Result<Vec<String>, h2::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut near, far) = tokio::io::duplex(1 << 20);
        near.write_all(client).await.unwrap();
        near.write_all(END).await.unwrap();
        let mut connection = h2::server::handshake(far).await?;
        let mut authorities = Vec::new();
        while let Some(request) = connection.accept().await {
            let (request, mut respond) = request?;
            let authority = request.uri().authority().unwrap().to_string();
            if authority == "end" {
                break;
            }
            authorities.push(authority);
            respond.send_response(http::Response::new(()), true)?;
        }
        Ok(authorities)
    })
}
