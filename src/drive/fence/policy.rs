//! The policy that turns pods away, and deletions of claims.
//!
//! CEL of a policy sees the pod and nothing else, so what is being rewritten stands in a
//! ClaimFence of the claims' namespace, which the API server hands to it as parameters
//! (kubernetes 1.30, `admissionregistration.k8s.io/v1`: a namespaced parameter is the one
//! of the namespace of the object that is looked at).

use serde_json::{Value, json};

/// The name of policy, binding and ClaimFences.
pub const NAME: &str = "flex2csi-fence";
/// A claim that is changed (dry run) to have this is refused if the fence is in force.
pub const PROBE: &str = "flex2csi.io/fence-probe";

/// The claims that are asked for.
const NAMED: &str = "\
request.resource.resource == 'pods'
  ? (has(object.spec.volumes)
      ? object.spec.volumes.map(v, has(v.persistentVolumeClaim) ? v.persistentVolumeClaim.claimName
          : has(v.ephemeral) ? object.metadata.name + '-' + v.name : '')
      : [])
  : request.operation == 'DELETE'
      ? [oldObject.metadata.name]
      : (has(object.metadata.annotations) && 'flex2csi.io/fence-probe' in object.metadata.annotations
          ? [object.metadata.name] : [])";

const FENCED: &str = "\
has(params.claims) ? variables.named.filter(name, name in params.claims) : []";

const MESSAGE: &str = "\
'the volume of claim ' + variables.fenced[0] + ' is being rewritten by flex2csi, since ' \
+ params.claims[variables.fenced[0]].split(' ')[0] + '; try again in a moment. If no flex2csi runs any \
more: flex2csi rewrite --remove-fence'";

/// The policy.
pub fn policy() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {
            "name": NAME,
            "labels": {"app.kubernetes.io/managed-by": "flex2csi"},
        },
        "spec": {
            // It is a courtesy to pods: what is in use is seen without it.
            "failurePolicy": "Ignore",
            "paramKind": {"apiVersion": "flex2csi.io/v1alpha1", "kind": "ClaimFence"},
            "matchConstraints": {"resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
                {
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE", "DELETE"],
                    "resources": ["persistentvolumeclaims"],
                },
            ]},
            "variables": [
                {"name": "named", "expression": NAMED},
                {"name": "fenced", "expression": FENCED},
            ],
            "validations": [{
                "expression": "size(variables.fenced) == 0",
                "messageExpression": MESSAGE,
                "message": "the volume of one of its claims is being rewritten by flex2csi; try again in a moment",
            }],
        },
    })
}

/// Its binding.
pub fn binding() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {
            "name": NAME,
            "labels": {"app.kubernetes.io/managed-by": "flex2csi"},
        },
        "spec": {
            "policyName": NAME,
            "validationActions": ["Deny"],
            "paramRef": {"name": NAME, "parameterNotFoundAction": "Allow"},
        },
    })
}

/// The claims of a namespace, none yet.
pub fn claims(namespace: &str) -> Value {
    json!({
        "apiVersion": "flex2csi.io/v1alpha1",
        "kind": "ClaimFence",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "flex2csi"},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_is_the_one_that_the_policy_looks_for() {
        assert!(NAMED.contains(&format!("'{PROBE}'")));
    }
}
