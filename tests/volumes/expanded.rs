//! Expansions.

use flex2csi::cluster::SecretValues;
use flex2csi::flexvolume::volumes::VolumeError;
use tonic::Code;

use crate::driver::Fault;
use crate::rig::{PATIENCE, Rig, Setup};

const BYTES: u64 = 5 << 30;

async fn expand(rig: &Rig) -> Result<(), VolumeError> {
    let target = rig.target(1, "pv-0");
    rig.volumes
        .expand(&target, BYTES, rig.context(PATIENCE))
        .await
}

fn with_secret(rig: &Rig) {
    let values = SecretValues([("token".to_owned(), b"t".to_vec())].into());
    let place = ("admin".to_owned(), "expander".to_owned());
    rig.cluster.known().secrets.insert(place, values);
}

#[tokio::test]
async fn the_volume_grows_and_then_what_is_on_it() {
    let mut rig = Rig::new();
    with_secret(&rig);
    rig.mount(1, "pv-0").await.unwrap();
    rig.restart();
    expand(&rig).await.unwrap();
    let state = rig.driver.state();
    let (controller, bytes) = state.last_expansion.as_ref().unwrap();
    assert_eq!(
        (controller.volume_id.as_str(), *bytes),
        ("vol-0", BYTES as i64)
    );
    assert_eq!(controller.secrets["token"], "t");
    let node = &state.node_expansions[0];
    assert_eq!(node.volume_path, rig.path(1, "pv-0").to_str().unwrap());
    assert!(
        state
            .staged
            .contains_key(std::path::Path::new(&node.staging_target_path))
    );
    let published = state.published.values().next().unwrap();
    assert_eq!(node.volume_capability, published.volume_capability);
    assert!(node.secrets.is_empty());
}

#[tokio::test]
async fn without_a_controller_the_volume_is_to_be_rewritten_first() {
    let rig = Rig::with(Setup {
        controller: false,
        ..Setup::default()
    });
    rig.mount(1, "pv-0").await.unwrap();
    let error = expand(&rig).await.unwrap_err().to_string();
    assert!(
        error.contains("flex2csi rewrite") && error.contains("pv-0"),
        "{error}"
    );

    // A socket on the node mostly has no controller behind it.
    let rig = Rig::new();
    rig.driver.state().controller = None;
    rig.mount(1, "pv-0").await.unwrap();
    let error = expand(&rig).await.unwrap_err();
    assert!(matches!(error, VolumeError::RewriteFirst { .. }), "{error}");
    assert!(rig.driver.state().node_expansions.is_empty());
}

#[tokio::test]
async fn a_driver_that_grows_all_on_the_node_is_asked_there() {
    let rig = Rig::new();
    rig.driver.state().controller = Some(false);
    rig.mount(1, "pv-0").await.unwrap();
    expand(&rig).await.unwrap();
    assert_eq!(rig.driver.state().node_expansions.len(), 1);

    let rig = Rig::new();
    rig.driver.state().controller = Some(false);
    rig.driver.state().capabilities.clear();
    rig.mount(1, "pv-0").await.unwrap();
    let error = expand(&rig).await.unwrap_err().to_string();
    assert!(error.contains("does not expand volumes"), "{error}");
}

#[tokio::test]
async fn an_expansion_that_failed_is_called_again() {
    let rig = Rig::new();
    with_secret(&rig);
    rig.mount(1, "pv-0").await.unwrap();
    for rpc in ["ControllerExpandVolume", "NodeExpandVolume"] {
        rig.driver.fails(rpc, Fault::Before(Code::Internal));
        let error = expand(&rig).await.unwrap_err().to_string();
        assert!(error.contains(rpc), "{error}");
    }
    expand(&rig).await.unwrap();
    assert!(rig.is_published(&rig.path(1, "pv-0")));
}

#[tokio::test]
async fn a_secret_that_is_missing_is_named() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    let error = expand(&rig).await.unwrap_err().to_string();
    assert_eq!(error, "there is no Secret admin/expander");
}

#[tokio::test]
async fn what_is_not_ours_is_not_expanded() {
    let rig = Rig::new();
    let error = expand(&rig).await.unwrap_err();
    assert!(matches!(error, VolumeError::NotOurs { .. }), "{error}");
}
