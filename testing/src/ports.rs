//! Free TCP ports of the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use crate::StartError;

/// `N` different ports that nothing listens on at the moment. Another process
/// may take one before it is used; see [`StartError::is_port_taken`].
///
/// # Errors
/// The system has no port left.
pub fn free<const N: usize>() -> Result<[u16; N], StartError> {
    let failed = |source| StartError::System {
        what: "no free port",
        source,
    };
    // All are held until all are chosen, or the same could be chosen twice.
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        *port = listener.local_addr().map_err(failed)?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn ports_differ() {
        let ports = super::free::<32>().unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 32);
        assert!(!ports.contains(&0));
    }
}
