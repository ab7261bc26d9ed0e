//! What kube-apiserver's audit log says of a rewrite and of the way back, under the rights
//! that `deploy/rewrite` binds.

use std::collections::BTreeSet;

use flex2csi_testing::audit::{Audit, Call};
use flex2csi_testing::fleet::Expect;

use super::{check, ended, run, site};

/// All that `docs/rewrite-protocol.md` has written, on any way. A review is created, and
/// not kept.
const WRITES: [&str; 12] = [
    "create volumemigrations",
    "patch volumemigrations",
    "patch volumemigrations/status",
    "patch persistentvolumes",
    "delete persistentvolumes",
    "create persistentvolumes",
    "patch persistentvolumeclaims",
    "patch storageclasses",
    "delete storageclasses",
    "create storageclasses",
    "create events",
    "create selfsubjectaccessreviews",
];

#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
async fn every_write_shows_as_ours_and_as_what_it_is_and_none_is_denied() {
    let site = site(24).await;
    site.cluster.install_definitions().await.unwrap();
    let plan = site.tool("plan", None).unwrap();
    let plan = plan.arguments(["--without-node-evidence"]);
    ended(&plan.run().await.unwrap(), 0, &["ready"]);
    ended(&run(&site, "rewrite").await, 0, &["done"]);
    check(&site, Expect::Translated).await;
    ended(&run(&site, "rollback").await, 0, &["done"]);
    check(&site, Expect::Originals).await;
    let status = site.tool("status", None).unwrap();
    ended(&status.run().await.unwrap(), 0, &[]);

    let audit = Audit::read(site.cluster.directory()).unwrap();
    let user = &site.user.name;
    assert_eq!(audit.denied(user), Vec::<&Call>::new());
    // A deletion has no parameter for it: who deletes is told by the user agent alone.
    assert_eq!(audit.writes_not_of(user, "flex2csi"), Vec::<&Call>::new());
    for call in audit.of(user) {
        assert!(call.user_agent.starts_with("flex2csi/"), "{call:?}");
    }

    let writes: Vec<&Call> = audit.of(user).filter(|call| call.is_write()).collect();
    let ours = |name: &str| site.fleet.members.contains_key(name);
    let members = site.fleet.members.values();
    let claims: BTreeSet<_> = members
        .map(|one| (one.namespace(), one.claim_name()))
        .collect();
    for call in &writes {
        let what = format!("{} {}", call.verb, call.resource);
        assert!(WRITES.contains(&&*what), "{call}");
        match call.resource.as_str() {
            "persistentvolumes" => assert!(ours(&call.name), "{call}"),
            "persistentvolumeclaims" => {
                assert!(claims.contains(&(&*call.namespace, &*call.name)), "{call}");
            }
            _ => {}
        }
    }
    // Each was replaced there and back, once.
    for name in site.fleet.members.keys() {
        for what in ["delete", "create"] {
            let is_it = |call: &&&Call| {
                let is_volume = call.resource == "persistentvolumes";
                is_volume && call.verb == what && call.name == *name && call.code < 300
            };
            assert_eq!(writes.iter().filter(is_it).count(), 2, "{what} {name}");
        }
    }
}
