//! What kube-apiserver's audit log has against us.

use flex2csi_testing::Lab;
use flex2csi_testing::audit::Audit;

/// As whom the programs of `deploy/` call the API server.
const USERS: [&str; 3] = [
    "system:serviceaccount:flex2csi-system:flex2csi-node",
    "system:serviceaccount:flex2csi-system:flex2csi-controller",
    "system:serviceaccount:flex2csi-rewrite:flex2csi-rewrite",
];

/// Checks that these have called, and that none of ours was ever denied a call.
pub fn nothing_was_denied(lab: &Lab, called: &[&str]) {
    let audit = Audit::read(lab.cluster.directory()).unwrap();
    for user in USERS {
        let has_called = audit.of(user).count() > 0;
        let is_said = called.iter().any(|name| user.ends_with(name));
        assert!(has_called || !is_said, "{user} has called nothing");
        let denied: Vec<String> = audit.denied(user).iter().map(ToString::to_string).collect();
        assert!(denied.is_empty(), "{denied:#?}");
    }
}
