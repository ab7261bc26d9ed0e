//! Asking one socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use prost::Message as _;

use crate::backend::Connection;
use crate::csi::registration::PluginInfo;
use crate::grpc::{self, Body};
use crate::registration::DriverName;
use crate::socket::path::LONGEST;

/// As long as kubelet waits (kubernetes
/// `pkg/kubelet/pluginmanager/operationexecutor/operation_generator.go`, v1.36).
const PATIENCE: Duration = Duration::from_secs(1);
/// An answer is short (bytes).
const ANSWER_BYTES: usize = 64 << 10;

const GET_INFO: &str = "/pluginregistration.Registration/GetInfo";
/// Others are device plugins and such.
const CSI_PLUGIN: &str = "CSIPlugin";

/// A CSI driver that is registered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plugin {
    pub driver: String,
    pub endpoint: PathBuf,
}

/// What a socket says of itself.
pub(super) async fn info(socket: &Path) -> Result<Plugin, String> {
    match tokio::time::timeout(PATIENCE, ask(socket)).await {
        Ok(answer) => checked(PluginInfo::decode(answer?).map_err(|error| error.to_string())?),
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

async fn ask(socket: &Path) -> Result<Bytes, String> {
    let mut connection = Connection::open(socket)
        .await
        .map_err(|error| error.to_string())?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(grpc::uri(&Uri::from_static(GET_INFO)))
        .header(header::TE, "trailers")
        .header(header::CONTENT_TYPE, grpc::CONTENT_TYPE)
        .body(Body::message(grpc::frame(&[])))
        .map_err(|error| error.to_string())?;
    let answered = connection.send(request).await;
    let (head, body) = answered
        .map_err(|(error, _)| error.to_string())?
        .into_parts();
    let collected = Limited::new(body, ANSWER_BYTES)
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    let trailers = collected.trailers().unwrap_or(&head.headers);
    match grpc::status_of(trailers).or_else(|| grpc::status_of(&head.headers)) {
        Some((0, _)) => {}
        Some((code, message)) => return Err(format!("code {code}: {message}")),
        None => return Err("an answer without a gRPC status".to_owned()),
    }
    let message = grpc::Message::of(&collected.to_bytes()).map_err(|error| error.to_string())?;
    Ok(message.bytes)
}

fn checked(info: PluginInfo) -> Result<Plugin, String> {
    if info.r#type != CSI_PLUGIN {
        return Err("it is no CSI driver".to_owned());
    }
    let driver: DriverName = info
        .name
        .parse()
        .map_err(|error: crate::registration::InvalidDriverName| error.to_string())?;
    let endpoint = info.endpoint;
    let is_usable = endpoint.starts_with('/')
        && endpoint.len() <= LONGEST
        && !endpoint.contains('\0')
        && !endpoint.split('/').any(|part| part == "..");
    if !is_usable {
        return Err(format!(
            "the CSI socket of {driver} is no absolute path of at most {LONGEST} bytes"
        ));
    }
    Ok(Plugin {
        driver: driver.to_string(),
        endpoint: endpoint.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, name: &str, endpoint: &str) -> Result<Plugin, String> {
        checked(PluginInfo {
            r#type: kind.to_owned(),
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            supported_versions: vec!["1.0.0".to_owned()],
        })
    }

    #[test]
    fn only_what_kubelet_could_use_is_taken() {
        let plugin = said(CSI_PLUGIN, "a.csi.io", "/plugins/a/csi.sock").unwrap();
        assert_eq!(plugin.driver, "a.csi.io");
        let long = format!("/{}", "x".repeat(LONGEST));
        for (kind, name, endpoint) in [
            ("DevicePlugin", "a.csi.io", "/a"),
            (CSI_PLUGIN, "", "/a"),
            (CSI_PLUGIN, "../a", "/a"),
            (CSI_PLUGIN, "a", ""),
            (CSI_PLUGIN, "a", "csi.sock"),
            (CSI_PLUGIN, "a", "/plugins/../../etc/x"),
            (CSI_PLUGIN, "a", "/a\0b"),
            (CSI_PLUGIN, "a", &long),
        ] {
            assert!(
                said(kind, name, endpoint).is_err(),
                "{kind} {name} {endpoint}"
            );
        }
    }
}
